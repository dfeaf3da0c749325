//! Files of others: they are objects as they are, and what is done to them behind the store's back is told from what
//! the store did.

use crate::Case;
use crate::ground::{Ground, Ran, head_note, heavy, keys, kind, listed, note, noted, open, read, run};
use crate::snapshot::Snapshot;
use holdall_store::{
    CopyOptions, ErrorKind, Fsync, GetOptions, ListOptions, Metadata, PutOptions, Range, Store,
    WriteCondition, sha256,
};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

pub(crate) const CASES: &[Case] = &[
    ("foreign::reading_changes_nothing", reading_changes_nothing),
    ("foreign::a_missing_folder_is_not_made_by_reading", missing_folder),
    ("foreign::a_file_put_over_is_an_object_like_others", put_over),
    ("foreign::every_change_of_a_file_is_another_etag", every_change_shows),
    ("foreign::a_change_of_an_object_makes_it_foreign", change_makes_foreign),
    ("foreign::hidden_files_are_objects", hidden),
    ("foreign::times_at_the_ends_of_time", odd_times),
    ("foreign::what_is_kept_travels_with_the_file", travels),
    ("foreign::a_store_within_a_store", nested),
    ("foreign::a_store_around_a_store", around),
    ("foreign::a_store_that_is_moved_and_made_anew", moved),
];

fn made_by_others(ground: &Ground) {
    ground.write("readme.txt", "text");
    ground.write("deep/er/and/deeper.json", "{}");
    ground.write(".hidden", "h");
    ground.write("empty", "");
    ground.write("big.bin", vec![7; 700_000]);
    std::fs::create_dir(ground.path("nothing in it")).unwrap();
    symlink("readme.txt", ground.path("link")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        ground.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o666),
        0,
    )
    .unwrap();
}

async fn read_everything(store: &Store) {
    assert_eq!(
        keys(store, "").await,
        [".hidden", "big.bin", "deep/er/and/deeper.json", "empty", "readme.txt"]
    );
    for key in keys(store, "").await {
        let head = store.head(&key).await.unwrap();
        let object = store.get(&key).await.unwrap();
        assert_eq!(object.metadata, head);
        assert_eq!(object.bytes().await.unwrap().len() as u64, head.size);
        assert!(store.exists(&key).await.unwrap());
        if head.size > 2 {
            let range = GetOptions { range: Some(Range::Last(2)), ..GetOptions::default() };
            store.get_with(&key, &range).await.unwrap().bytes().await.unwrap();
        }
    }
    let folded = ListOptions { delimiter: Some("/".into()), ..ListOptions::default() };
    assert_eq!(store.list_with(folded).unwrap().collect().await.unwrap().prefixes, ["deep/"]);
    assert_eq!(store.stats("").await.unwrap().objects, 5);
    store.health().await.unwrap();
    for key in ["none", "deep", "link", "pipe", "a//b", "deep/none"] {
        assert_eq!(kind(&store.get(key).await), Some(ErrorKind::NotFound));
        store.delete(key).await.unwrap();
        assert_eq!(kind(&store.copy(key, "to", &CopyOptions::default()).await), Some(ErrorKind::NotFound));
    }
}

fn reading_changes_nothing() -> Ran {
    let ground = Ground::new();
    made_by_others(&ground);
    let before = Snapshot::of(&ground.root());
    run(read_everything(&ground.store()));
    run(read_everything(&open(&ground.root(), Fsync::Data)));
    before.demand_same(&Snapshot::of(&ground.root()), "reading");
    Ok(())
}

fn missing_folder() -> Ran {
    let ground = Ground::new();
    let root = ground.root().join("not/there");
    let store = open(&root, Fsync::Data);
    run(async {
        let missing = Some(ErrorKind::BucketNotFound);
        assert_eq!(kind(&store.get("a").await), missing);
        assert_eq!(kind(&store.head("a").await), missing);
        assert_eq!(kind(&store.delete("a").await), missing);
        assert_eq!(kind(&store.list("").unwrap().collect().await), missing);
        assert_eq!(kind(&store.health().await), missing);
        assert_eq!(kind(&store.copy("a", "b", &CopyOptions::default()).await), missing);
        assert!(!ground.path("not").exists());
        store.put("a", "x").await.unwrap();
        assert_eq!(read(&store, "a").await.unwrap(), b"x");
    });
    let file = ground.path("file");
    std::fs::write(&file, "no folder").unwrap();
    let refused = run(open(&file, Fsync::Data).get("a"));
    assert_eq!(kind(&refused), Some(ErrorKind::InvalidInput));
    Ok(())
}

fn put_over() -> Ran {
    for options in [noted("mine"), heavy("mine")] {
        let ground = Ground::new();
        ground.write("d/f.html", "theirs");
        std::fs::hard_link(ground.path("d/f.html"), ground.path("linked")).unwrap();
        run(async {
            let store = ground.store();
            let theirs = store.head("d/f.html").await.unwrap();
            assert_eq!(theirs.attributes.content_type.as_deref(), Some("text/html; charset=utf-8"));
            assert_eq!((note(&theirs), theirs.sha256), (None, None));
            let absent = PutOptions { condition: WriteCondition::Absent, ..options.clone() };
            let refused = store.put_with("d/f.html", "x", &absent).await;
            assert_eq!(kind(&refused), Some(ErrorKind::Precondition));
            let etag = theirs.etag.clone().unwrap();
            let matches = PutOptions { condition: WriteCondition::Matches(etag), ..options.clone() };
            let receipt = store.put_with("d/f.html", "mine", &matches).await.unwrap();
            assert_ne!(receipt.etag, theirs.etag);
            let mine = store.head("d/f.html").await.unwrap();
            assert_eq!(
                (note(&mine), mine.sha256, mine.etag.clone()),
                (Some("mine"), Some(sha256(b"mine")), receipt.etag)
            );
            let refused = store.put_with("d/f.html", "late", &matches).await;
            assert_eq!(kind(&refused), Some(ErrorKind::Precondition));
            assert_eq!(read(&store, "linked").await.unwrap(), b"theirs", "the other name keeps its bytes");
            assert_eq!(std::fs::metadata(ground.path("linked")).unwrap().nlink(), 1);
        });
    }
    Ok(())
}

fn set_modified(path: &Path, time: SystemTime) {
    std::fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write;
    std::fs::File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

fn replace_by_rename(path: &Path, bytes: &[u8]) {
    let other = path.with_extension("other");
    std::fs::write(&other, bytes).unwrap();
    std::fs::rename(other, path).unwrap();
}

/// Changes that others make, each with a name.
fn changes() -> Vec<(&'static str, fn(&Path))> {
    vec![
        ("appended", |path| append(path, b"more")),
        ("truncated", |path| std::fs::File::options().write(true).open(path).unwrap().set_len(1).unwrap()),
        ("written anew", |path| std::fs::write(path, "other").unwrap()),
        ("replaced by one of its size", |path| {
            let size = std::fs::metadata(path).unwrap().len() as usize;
            replace_by_rename(path, &vec![b'r'; size]);
        }),
        ("touched", |path| set_modified(path, SystemTime::now())),
        ("set back", |path| set_modified(path, SystemTime::UNIX_EPOCH + Duration::from_secs(1))),
        ("set a nanosecond on", |path| {
            let now = std::fs::metadata(path).unwrap().modified().unwrap();
            set_modified(path, now + Duration::from_nanos(1));
        }),
        ("set before all time", |path| set_modified(path, SystemTime::UNIX_EPOCH - Duration::from_secs(7))),
        ("emptied", |path| std::fs::write(path, "").unwrap()),
        ("filled", |path| std::fs::write(path, vec![1; 300_000]).unwrap()),
    ]
}

fn etag(metadata: &Metadata) -> String {
    metadata.etag.clone().unwrap()
}

fn every_change_shows() -> Ran {
    let ground = Ground::new();
    ground.write("f", "start");
    run(async {
        let store = ground.store();
        let mut seen = vec![etag(&store.head("f").await.unwrap())];
        for (what, change) in changes() {
            change(&ground.path("f"));
            let head = store.head("f").await.unwrap();
            assert!(!seen.contains(&etag(&head)), "{what}");
            let (objects, _) = listed(&store, "f").await;
            assert_eq!(objects[0].etag, head.etag, "{what}");
            assert_eq!(objects[0].size, std::fs::metadata(ground.path("f")).unwrap().len(), "{what}");
            let stale = WriteCondition::Matches(seen.last().unwrap().clone());
            let put = store.put_with("f", "x", &PutOptions { condition: stale, ..noted("n") }).await;
            assert_eq!(kind(&put), Some(ErrorKind::Precondition), "{what}");
            assert_eq!(read(&store, "f").await.unwrap(), std::fs::read(ground.path("f")).unwrap(), "{what}");
            seen.push(etag(&head));
        }
        for n in 0..50 {
            let receipt = store.put("f", format!("{n:02}")).await.unwrap();
            assert!(!seen.contains(receipt.etag.as_ref().unwrap()), "put {n}");
            seen.push(receipt.etag.unwrap());
        }
    });
    Ok(())
}

fn change_makes_foreign() -> Ran {
    for options in [noted("mine"), heavy("mine")] {
        for (what, change) in changes() {
            let ground = Ground::new();
            run(async {
                let store = ground.store();
                let receipt = store.put_with("f.html", "start", &options).await.unwrap();
                assert_eq!(head_note(&store, "f.html").await.as_deref(), Some("mine"));
                change(&ground.path("f.html"));
                let head = store.head("f.html").await.unwrap();
                assert_eq!((note(&head), head.sha256), (None, None), "{what}");
                assert_eq!(
                    head.attributes.content_type.as_deref(),
                    Some("text/html; charset=utf-8"),
                    "{what}"
                );
                assert_ne!(head.etag, receipt.etag, "{what}");
                let bytes = std::fs::read(ground.path("f.html")).unwrap();
                assert_eq!(read(&store, "f.html").await.unwrap(), bytes, "{what}");
                store.copy("f.html", "copy", &CopyOptions::default()).await.unwrap();
                assert_eq!(read(&store, "copy").await.unwrap(), bytes, "{what}");
                store.put_with("f.html", "again", &options).await.unwrap();
                assert_eq!(head_note(&store, "f.html").await.as_deref(), Some("mine"), "{what}");
            });
        }
    }
    Ok(())
}

fn hidden() -> Ran {
    let ground = Ground::new();
    for name in [".hidden", ".git/config", "a/.b/.c", ".holdallx", "..data"] {
        ground.write(name, name);
    }
    run(async {
        let store = ground.store();
        assert_eq!(keys(&store, "").await, ["..data", ".git/config", ".hidden", ".holdallx", "a/.b/.c"]);
        assert_eq!(keys(&store, ".").await.len(), 4);
        for key in keys(&store, "").await {
            assert_eq!(read(&store, &key).await.unwrap(), key.as_bytes());
            store.delete(&key).await.unwrap();
        }
        assert_eq!(keys(&store, "").await, Vec::<String>::new());
    });
    Ok(())
}

fn odd_times() -> Ran {
    let ground = Ground::new();
    let far = Duration::from_secs(14_000_000_000);
    let times = [
        SystemTime::UNIX_EPOCH - Duration::from_nanos(1),
        SystemTime::UNIX_EPOCH - Duration::from_secs(2_147_483_648),
        SystemTime::UNIX_EPOCH,
        SystemTime::UNIX_EPOCH + Duration::from_secs(2_147_483_648),
        SystemTime::UNIX_EPOCH + far,
    ];
    run(async {
        let store = ground.store();
        let mut seen = Vec::new();
        for (n, time) in times.into_iter().enumerate() {
            ground.write("f", "x");
            set_modified(&ground.path("f"), time);
            let head = store.head("f").await.unwrap();
            assert!(!seen.contains(&head.etag), "time {n}");
            seen.push(head.etag);
            assert_eq!(read(&store, "f").await.unwrap(), b"x");
            assert_eq!(listed(&store, "").await.0[0].last_modified, head.last_modified, "time {n}");
            for options in [noted("n"), heavy("n")] {
                store.put_with("f", "y", &options).await.unwrap();
                assert_eq!(head_note(&store, "f").await.as_deref(), Some("n"), "time {n}");
            }
        }
    });
    Ok(())
}

fn cp(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

fn travels() -> Ran {
    let (ground, other) = (Ground::new(), Ground::new());
    run(async {
        let (store, copied) = (ground.store(), other.store());
        store.put_with("a/f", "bytes", &noted("mine")).await.unwrap();
        let before = store.head("a/f").await.unwrap();
        cp(&ground.path("a/f"), &other.path("g"));
        let there = copied.head("g").await.unwrap();
        assert_eq!((there.attributes, there.sha256), (before.attributes.clone(), before.sha256));
        cp(&ground.path("a"), &other.path("whole"));
        assert_eq!(head_note(&copied, "whole/f").await.as_deref(), Some("mine"));
        std::fs::create_dir(ground.path("b")).unwrap();
        std::fs::rename(ground.path("a/f"), ground.path("b/moved")).unwrap();
        let moved = store.head("b/moved").await.unwrap();
        assert_eq!((moved.attributes, moved.etag), (before.attributes, before.etag));
        assert_eq!(kind(&store.head("a/f").await), Some(ErrorKind::NotFound));
        std::fs::hard_link(ground.path("b/moved"), ground.path("b/linked")).unwrap();
        assert_eq!(head_note(&store, "b/linked").await.as_deref(), Some("mine"));
        store.put_with("b/linked", "other", &noted("other")).await.unwrap();
        assert_eq!(head_note(&store, "b/moved").await.as_deref(), Some("mine"));
        store.delete("b/linked").await.unwrap();
        assert_eq!(read(&store, "b/moved").await.unwrap(), b"bytes");
        // A whole store, with what is under `.holdall/`.
        store.put_with("heavy", "h", &heavy("kept")).await.unwrap();
        store.put_with("a//b", "odd", &noted("odd")).await.unwrap();
        cp(&ground.root(), &other.path("all"));
        let all = open(&other.path("all"), Fsync::Data);
        assert_eq!(keys(&all, "").await, keys(&store, "").await);
        for (key, wanted) in [("heavy", "kept"), ("a//b", "odd"), ("b/moved", "mine")] {
            assert_eq!(head_note(&all, key).await.as_deref(), Some(wanted), "{key}");
        }
    });
    Ok(())
}

fn nested() -> Ran {
    let ground = Ground::new();
    run(async {
        let (outer, inner) = (ground.store(), open(&ground.path("sub/inner"), Fsync::None));
        for key in ["f", "d/g", "a//b", "../climb"] {
            inner.put_with(key, key, &noted("inner")).await.unwrap();
        }
        inner.put_with("heavy", "heavy", &heavy("inner")).await.unwrap();
        outer.put_with("sub/inner/from-outside", "x", &noted("outer")).await.unwrap();
        let below = ["sub/inner/d/g", "sub/inner/f", "sub/inner/from-outside", "sub/inner/heavy"];
        assert_eq!(keys(&outer, "").await, below, "odd keys of the inner store are its own");
        assert_eq!(keys(&inner, "").await, ["../climb", "a//b", "d/g", "f", "from-outside", "heavy"]);
        assert_eq!(head_note(&outer, "sub/inner/f").await.as_deref(), Some("inner"));
        assert_eq!(head_note(&inner, "from-outside").await.as_deref(), Some("outer"));
        outer.put_with("sub/inner/f", "replaced", &noted("outer")).await.unwrap();
        assert_eq!(head_note(&inner, "f").await.as_deref(), Some("outer"));
        for key in below {
            outer.delete(key).await.unwrap();
        }
        assert!(ground.path("sub/inner/.holdall").is_dir() && !ground.path("sub/inner/d").exists());
        assert_eq!(keys(&inner, "").await, ["../climb", "a//b"]);
        assert_eq!(read(&inner, "a//b").await.unwrap(), b"a//b");
        inner.put_with("heavy", "heavy", &noted("light")).await.unwrap();
        assert_eq!(head_note(&inner, "heavy").await.as_deref(), Some("light"));
        for key in ["sub/inner/.holdall/format", "sub/inner/.holdall/odd/da/d/fb"] {
            assert_eq!(kind(&outer.get(key).await), Some(ErrorKind::NotFound));
            outer.delete(key).await.unwrap();
        }
        assert_eq!(read(&inner, "a//b").await.unwrap(), b"a//b");
    });
    Ok(())
}

fn around() -> Ran {
    let ground = Ground::new();
    run(async {
        let inner = ground.store();
        inner.put_with("a//b", "odd", &noted("n")).await.unwrap();
        inner.put_with("f", "plain", &heavy("n")).await.unwrap();
        let before = Snapshot::of(&ground.root());
        let outer = open(ground.root().parent().unwrap(), Fsync::None);
        let below: Vec<_> = keys(&outer, "").await.into_iter().filter(|k| k.starts_with("store")).collect();
        assert_eq!(below, ["store/f"]);
        outer.put("store//f", "odd outside").await.unwrap();
        outer.put("store/a//b", "odd outside").await.unwrap();
        outer.delete("store/a//b").await.unwrap();
        before.demand_same(&Snapshot::of(&ground.root()), "odd keys of the outer store");
        assert_eq!(keys(&outer, "store/").await, ["store//f", "store/f"]);
        assert_eq!(keys(&inner, "").await, ["a//b", "f"]);
    });
    Ok(())
}

/// Two processes must come to one lock after the folder was replaced by a copy; here they are two stores.
fn moved() -> Ran {
    let ground = Ground::new();
    run(async {
        let early = ground.store();
        early.put("counter", "0").await.unwrap();
        std::fs::rename(ground.root(), ground.outside().join("old")).unwrap();
        cp(&ground.outside().join("old"), &ground.root());
        let late = ground.store();
        let add = |store: Store| async move {
            for _ in 0..100 {
                loop {
                    let object = store.get("counter").await.unwrap();
                    let condition = WriteCondition::Matches(etag(&object.metadata));
                    let Ok(bytes) = object.bytes().await else { continue };
                    let next: u64 = std::str::from_utf8(&bytes).unwrap().parse::<u64>().unwrap() + 1;
                    let options = PutOptions { condition, ..PutOptions::default() };
                    match store.put_with("counter", next.to_string(), &options).await {
                        Ok(_) => break,
                        Err(error) => assert_eq!(error.kind(), ErrorKind::Precondition),
                    }
                }
            }
        };
        let (one, other) = (tokio::spawn(add(early)), tokio::spawn(add(late.clone())));
        one.await.unwrap();
        other.await.unwrap();
        assert_eq!(read(&late, "counter").await.unwrap(), b"200", "an update was lost");
    });
    assert_eq!(std::fs::read(ground.outside().join("old/counter")).unwrap(), b"0");
    Ok(())
}
