//! Bytes that change while they are read, or rot, and records that cannot be read.

use crate::Case;
use crate::ground::{Ground, Ran, heavy, keys, kind, noted, read, run};
use futures_util::StreamExt;
use holdall_store::{CopyOptions, ErrorKind, GetOptions, Object, Range, Store};
use rustix::fs::XattrFlags;
use std::os::unix::fs::FileExt;
use std::path::Path;

pub(crate) const CASES: &[Case] = &[
    ("changing::a_file_that_changes_while_it_is_read", while_read),
    ("changing::an_object_that_is_replaced_while_it_is_read", replaced_while_read),
    ("changing::bytes_that_rot_under_their_time", rot),
    ("changing::a_record_that_is_garbage_or_of_another_version", garbage),
    ("changing::a_record_in_a_file_of_its_own_that_is_garbage", garbage_aside),
];

/// Larger than what is read at once.
const LARGE: usize = 3 << 20;

/// Reads on to the end.
async fn rest(mut object: Object) -> (usize, Option<ErrorKind>) {
    let mut bytes = 0;
    while let Some(piece) = object.stream.next().await {
        match piece {
            Ok(piece) => bytes += piece.len(),
            Err(error) => return (bytes, Some(error.kind())),
        }
    }
    (bytes, None)
}

/// What others do to a file, and its name.
type Edit = (&'static str, fn(&std::fs::File));

fn while_read() -> Ran {
    let edits: [Edit; 4] = [
        ("overwritten in place", |file| file.write_all_at(b"edited", LARGE as u64 / 2).unwrap()),
        ("appended", |file| file.write_all_at(b"more", LARGE as u64).unwrap()),
        ("truncated", |file| file.set_len(LARGE as u64 / 2).unwrap()),
        ("emptied", |file| file.set_len(0).unwrap()),
    ];
    for ours in [false, true] {
        for (what, edit) in edits {
            let ground = Ground::new();
            ground.write("f", vec![b'x'; LARGE]);
            run(async {
                let store = ground.store();
                if ours {
                    store.put_with("f", vec![b'x'; LARGE], &noted("n")).await.unwrap();
                }
                let mut object = store.get("f").await.unwrap();
                object.stream.next().await.unwrap().unwrap();
                edit(&std::fs::File::options().write(true).open(ground.path("f")).unwrap());
                let (bytes, failed) = rest(object).await;
                assert_eq!(failed, Some(ErrorKind::Changed), "{what}, ours: {ours}");
                assert!(bytes < LARGE, "{what}: the last piece is held back");
                assert!(read(&store, "f").await.is_ok(), "{what}: as it is now it can be read");
            });
        }
    }
    Ok(())
}

fn replaced_while_read() -> Ran {
    let ground = Ground::new();
    run(async {
        let store = ground.store();
        store.put_with("f", vec![b'o'; LARGE], &heavy("old")).await.unwrap();
        let replaced = store.get("f").await.unwrap();
        store.put_with("f", vec![b'n'; LARGE], &heavy("new")).await.unwrap();
        let deleted = store.get("f").await.unwrap();
        store.delete("f").await.unwrap();
        for (object, letter) in [(replaced, b'o'), (deleted, b'n')] {
            let bytes = object.bytes().await.unwrap();
            assert!(bytes.len() == LARGE && bytes.iter().all(|byte| *byte == letter));
        }
    });
    Ok(())
}

/// Changes bytes and sets the time back, as a disk would that forgets.
fn rot_at(path: &Path, at: u64) {
    let file = std::fs::File::options().write(true).open(path).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    file.write_all_at(b"R", at).unwrap();
    file.set_modified(modified).unwrap();
}

fn rot() -> Ran {
    for (size, options) in [(10, noted("n")), (LARGE, noted("n")), (10, heavy("n")), (LARGE, heavy("n"))] {
        let ground = Ground::new();
        run(async {
            let store = ground.store();
            store.put_with("f", vec![b'x'; size], &options).await.unwrap();
            rot_at(&ground.path("f"), size as u64 / 2);
            assert_eq!(kind(&read(&store, "f").await), Some(ErrorKind::Integrity), "{size}");
            let to = ground.outside().join("pulled");
            let pulled = store.get_to_file("f", &to, &GetOptions::default()).await;
            assert_eq!(kind(&pulled), Some(ErrorKind::Integrity), "{size}");
            assert!(!to.exists(), "damaged bytes are no file");
            demand_copies_no_good(&store).await;
            let range = GetOptions { range: Some(Range::Last(2)), ..GetOptions::default() };
            assert_eq!(store.get_with("f", &range).await.unwrap().bytes().await.unwrap(), "xx");
            store.put_with("f", "good", &options).await.unwrap();
            assert_eq!(read(&store, "f").await.unwrap(), b"good");
        });
    }
    Ok(())
}

/// A copy of damaged bytes must not look whole.
async fn demand_copies_no_good(store: &Store) {
    let copied = store.copy("f", "copy", &CopyOptions::default()).await;
    let read = match copied {
        Ok(_) => read(store, "copy").await,
        Err(error) => Err(error),
    };
    assert_eq!(kind(&read), Some(ErrorKind::Integrity));
}

fn set_record(path: &Path, record: &[u8]) {
    rustix::fs::setxattr(path, "user.holdall", record, XattrFlags::empty()).unwrap();
}

/// Records that are none, and what is said of them.
fn records() -> Vec<(Vec<u8>, ErrorKind)> {
    let deep = format!("{{\"schema\":\"holdall.object/1\",\"x\":{}1{}", "[".repeat(500), "]".repeat(500));
    vec![
        (b"".to_vec(), ErrorKind::Integrity),
        (b"garbage".to_vec(), ErrorKind::Integrity),
        (b"\xff\xfe\0".to_vec(), ErrorKind::Integrity),
        (b"null".to_vec(), ErrorKind::Integrity),
        (b"{}".to_vec(), ErrorKind::Integrity),
        (b"{\"schema\":\"holdall.object/1\"}".to_vec(), ErrorKind::Integrity),
        (b"{\"schema\":7}".to_vec(), ErrorKind::Integrity),
        (vec![b' '; 3000], ErrorKind::Integrity),
        (deep.into_bytes(), ErrorKind::Integrity),
        (b"{\"schema\":\"holdall.object/2\"}".to_vec(), ErrorKind::Unsupported),
        (b"{\"schema\":\"holdall.object/2\",\"size\":[]}".to_vec(), ErrorKind::Unsupported),
        (b"{\"schema\":\"\"}".to_vec(), ErrorKind::Unsupported),
    ]
}

fn garbage() -> Ran {
    for (record, wanted) in records() {
        let shown = String::from_utf8_lossy(&record[..record.len().min(60)]).into_owned();
        let ground = Ground::new();
        run(async {
            let store = ground.store();
            store.put_with("f", "bytes", &noted("n")).await.unwrap();
            store.put("other", "fine").await.unwrap();
            set_record(&ground.path("f"), &record);
            assert_eq!(kind(&store.head("f").await), Some(wanted), "{shown}");
            assert_eq!(kind(&store.get("f").await), Some(wanted), "{shown}");
            assert_eq!(kind(&store.copy("f", "to", &CopyOptions::default()).await), Some(wanted), "{shown}");
            assert_eq!(keys(&store, "").await, ["f", "other"], "{shown}");
            assert_eq!(read(&store, "other").await.unwrap(), b"fine");
            store.put_with("f", "again", &noted("n")).await.unwrap();
            assert_eq!(read(&store, "f").await.unwrap(), b"again", "{shown}");
            set_record(&ground.path("f"), &record);
            store.delete("f").await.unwrap();
            assert_eq!(kind(&store.head("f").await), Some(ErrorKind::NotFound));
        });
    }
    Ok(())
}

/// The one file of records that a store has.
fn sidecar(ground: &Ground) -> std::path::PathBuf {
    let below = |path: &Path| -> Vec<_> {
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect()
    };
    let found: Vec<_> =
        below(&ground.path(".holdall/meta")).iter().flat_map(|folder| below(folder)).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

fn garbage_aside() -> Ran {
    for (record, wanted) in records() {
        let shown = String::from_utf8_lossy(&record[..record.len().min(60)]).into_owned();
        let ground = Ground::new();
        run(async {
            let store = ground.store();
            store.put_with("f", "bytes", &heavy("n")).await.unwrap();
            std::fs::write(sidecar(&ground), &record).unwrap();
            assert_eq!(kind(&store.head("f").await), Some(wanted), "{shown}");
            assert_eq!(kind(&store.get("f").await), Some(wanted), "{shown}");
            store.put_with("f", "again", &heavy("n")).await.unwrap();
            assert_eq!(read(&store, "f").await.unwrap(), b"again", "{shown}");
            std::fs::write(sidecar(&ground), &record).unwrap();
            store.delete("f").await.unwrap();
            assert_eq!(keys(&store, "").await, Vec::<String>::new());
        });
    }
    Ok(())
}
