//! Files of others: they are objects as they are, and what is done to them behind the store's back is told from what
//! the store did.

use crate::Case;
use crate::ground::{Ground, Ran, etag, head_note, heavy, keys, kind, listed, note, noted, open, read, run};
use crate::snapshot::Snapshot;
use holdall_store::{
    CopyOptions, ErrorKind, Fsync, GetOptions, ListOptions, PutOptions, Range, Store, WriteCondition, sha256,
};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

pub(crate) const CASES: &[Case] = &[
    ("foreign::reading_changes_nothing", reading_changes_nothing),
    ("foreign::a_missing_folder_is_not_made_by_reading", missing_folder),
    ("foreign::a_file_put_over_is_an_object_like_others", put_over),
    ("foreign::every_change_of_a_file_is_another_etag", every_change_shows),
    ("foreign::a_change_of_an_object_makes_it_foreign", change_makes_foreign),
    ("foreign::a_file_is_tagged_until_it_is_changed", tagged),
    ("foreign::hidden_files_are_objects", hidden),
    ("foreign::times_at_the_ends_of_time", odd_times),
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

/// A change that others make, and its name.
type Change = (&'static str, fn(&Path));

fn changes() -> Vec<Change> {
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

fn tagged() -> Ran {
    run(async {
        let ground = Ground::new();
        ground.write("page.html", "<p>");
        let store = ground.store();
        let before = store.head("page.html").await.unwrap();
        store.set_tags("page.html", &[]).await.unwrap();
        let tags = [("kind".to_owned(), "page".to_owned())];
        store.set_tags("page.html", &tags).await.unwrap();
        assert_eq!(store.tags("page.html").await.unwrap(), tags);
        assert_eq!(store.head("page.html").await.unwrap(), before);
        assert_eq!(std::fs::read(ground.path("page.html")).unwrap(), b"<p>");
        ground.write("page.html", "another");
        assert_eq!(store.tags("page.html").await.unwrap(), []);
        assert_eq!(store.set_tags("none", &tags).await.unwrap_err().kind(), ErrorKind::NotFound);
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
