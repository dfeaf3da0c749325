//! `gc` of a folder: what is left behind goes, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::{Attributes, Fsync, GcOptions, Leftover, Location, PutOptions, Settings, Store};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const NOW: GcOptions = GcOptions { older_than: Duration::ZERO, dry_run: false };

fn open(folder: &Path) -> Store {
    let settings = Settings { fsync: Fsync::None, ..Settings::default() };
    Store::open_location(&Location::Folder(folder.to_owned()), &settings).unwrap()
}

async fn gc(store: &Store, options: GcOptions) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    let found = |leftover: Leftover| {
        assert!(leftover.error.is_none(), "{leftover:?}");
        all.push((leftover.kind, leftover.name));
    };
    store.gc(&options, found).await.unwrap();
    all
}

/// More than an attribute of a file holds.
fn large() -> PutOptions {
    let tag = |n: u32| (format!("{n}-{}", "n".repeat(100)), "v".repeat(256));
    let metadata = [("note".to_owned(), "x".repeat(1900))].into();
    PutOptions {
        attributes: Attributes { metadata, ..Attributes::default() },
        tags: (0..10).map(tag).collect(),
        ..PutOptions::default()
    }
}

fn records(folder: &Path) -> Vec<PathBuf> {
    let files = |folder: PathBuf| {
        let entries = std::fs::read_dir(folder).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()
    };
    files(folder.join(".holdall/meta")).into_iter().flat_map(files).collect()
}

#[tokio::test]
async fn temporaries_go_by_their_age() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.put("kept", "1").await.unwrap();
    store.put("kept", "2").await.unwrap();
    let temporary = folder.path().join(".holdall/tmp/0123456789abcdef");
    std::fs::write(&temporary, "half").unwrap();
    assert_eq!(gc(&store, GcOptions::default()).await, []);
    let old = SystemTime::now() - Duration::from_secs(8 * 86_400);
    std::fs::File::options().write(true).open(&temporary).unwrap().set_modified(old).unwrap();
    let wanted = [("temporary", ".holdall/tmp/0123456789abcdef".to_owned())];
    assert_eq!(gc(&store, GcOptions { dry_run: true, ..GcOptions::default() }).await, wanted);
    assert!(temporary.exists());
    assert_eq!(gc(&store, GcOptions::default()).await, wanted);
    assert!(!temporary.exists());
    assert_eq!(store.get("kept").await.unwrap().bytes().await.unwrap(), "2");
}

#[tokio::test]
async fn a_process_that_begins_to_write_sweeps_old_temporaries() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).put("a", "1").await.unwrap();
    let temporaries = folder.path().join(".holdall/tmp");
    std::fs::create_dir_all(&temporaries).unwrap();
    let old = SystemTime::now() - Duration::from_secs(8 * 86_400);
    std::fs::File::create(temporaries.join("old")).unwrap().set_modified(old).unwrap();
    std::fs::File::create(temporaries.join("young")).unwrap();
    open(folder.path()).put("b", "1").await.unwrap();
    assert!(!temporaries.join("old").exists() && temporaries.join("young").exists());
}

#[tokio::test]
async fn records_of_objects_that_are_there_stay() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for key in ["here", "gone", "a//odd"] {
        store.put_with(key, "bytes", &large()).await.unwrap();
    }
    assert_eq!(records(folder.path()).len(), 3, "the records are files of their own");
    std::fs::remove_file(folder.path().join("gone")).unwrap();
    let gone = gc(&store, NOW).await;
    assert!(matches!(&gone[..], [("record", name)] if name.starts_with(".holdall/meta/")), "{gone:?}");
    assert_eq!(records(folder.path()).len(), 2);
    for key in ["here", "a//odd"] {
        let head = store.head(key).await.unwrap();
        assert_eq!(head.attributes.metadata["note"].len(), 1900, "{key}");
    }
    store.put("here", "small").await.unwrap();
    store.delete("a//odd").await.unwrap();
    assert_eq!(
        records(folder.path()),
        Vec::<PathBuf>::new(),
        "a write and a delete take the old record along"
    );
}
