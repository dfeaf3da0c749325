//! Files, streams and folders: what arrives is what was there, and nothing else is left.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::transfer::{Filter, PullOptions, PushOptions, TreeEvent};
use holdall_store::{DigestScope, ErrorKind, GetOptions, PutOptions, Settings, Store, WriteCondition};
use holdall_testing::fault::{FaultServer, Script};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

const MIB: usize = 1 << 20;

/// A memory store and one over the wire, both with small parts.
fn stores() -> (FaultServer, Vec<Store>) {
    let server = FaultServer::start(Script::new().bucket("b"), 1).unwrap();
    let settings = Settings {
        endpoint: Some(holdall_s3::Endpoint::parse(&server.endpoint()).unwrap()),
        no_sign_request: true,
        multipart_threshold: 5 * MIB as u64,
        part_size: 5 * MIB as u64,
        memory: 32 * MIB as u64,
        ..Settings::default()
    };
    let stores = ["memory://", "s3://b/root"].map(|url| Store::open(url, &settings).unwrap());
    (server, stores.into())
}

/// Bytes that are nowhere alike.
fn bytes(n: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..n).map(|_| next()).collect()
}

fn names(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    let mut names: Vec<_> = std::fs::read_dir(dir).unwrap().map(name).collect();
    names.sort();
    names
}

/// OBS-3, EVI-2: what is fetched to a path is all of the object, and nothing else is there.
#[tokio::test(flavor = "multi_thread")]
async fn evi_1_files_of_all_sizes_come_back() {
    let (_server, stores) = stores();
    let dir = tempfile::tempdir().unwrap();
    for store in stores {
        for size in [0, 1, 4096, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 23 * MIB] {
            let data = bytes(size);
            let (from, to) = (dir.path().join("from"), dir.path().join("to"));
            std::fs::write(&from, &data).unwrap();
            let receipt = store.put_file("k", &from, &PutOptions::default()).await.unwrap();
            assert_eq!(receipt.size, size as u64);
            assert_eq!(receipt.composite.is_some(), size >= 5 * MIB, "{size}");
            assert_eq!(receipt.sha256.is_some(), size < 5 * MIB, "{size}");
            let fetched = store.get_to_file("k", &to, &GetOptions::default()).await.unwrap();
            assert_eq!((fetched.metadata.etag, fetched.size), (receipt.etag, size as u64));
            assert!(std::fs::read(&to).unwrap() == data, "{size}");
            assert_eq!(names(dir.path()), ["from", "to"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_digest_is_in_the_receipt_where_it_is_asked_for() {
    let (_server, stores) = stores();
    let file = tempfile::NamedTempFile::new().unwrap();
    for store in stores {
        let settings = Settings { digest: DigestScope::Whole, ..store.settings().clone() };
        let store = Store::open(&store.location(), &settings).unwrap();
        for size in [0, 4096, 12 * MIB] {
            let data = bytes(size);
            std::fs::write(file.path(), &data).unwrap();
            let options = PutOptions::default();
            let of_file = store.put_file("k", file.path(), &options).await.unwrap();
            let of_bytes = store.put("k", data.clone()).await.unwrap();
            let of_reader = store.put_reader("k", &data[..], None, &options).await.unwrap();
            for receipt in [of_file, of_bytes, of_reader] {
                assert_eq!(receipt.sha256, Some(holdall_s3::sha256(&data)), "{size}");
                assert_eq!(receipt.composite.is_some(), size >= 5 * MIB, "{size}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_of_unknown_length_come_back() {
    let (_server, stores) = stores();
    for store in stores {
        for size in [0, 10, 5 * MIB - 1, 5 * MIB, 10 * MIB, 17 * MIB + 3] {
            let data = bytes(size);
            let receipt = store.put_reader("k", &data[..], None, &PutOptions::default()).await.unwrap();
            assert_eq!(receipt.size, size as u64);
            assert!(store.get("k").await.unwrap().bytes().await.unwrap() == data, "{size}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_fails_leaves_nothing() {
    let (server, stores) = stores();
    for store in stores {
        let good = bytes(12 * MIB);
        let broken = tokio::io::AsyncReadExt::chain(&good[..], Broken);
        let error = store.put_reader("k", broken, None, &PutOptions::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        assert!(!store.exists("k").await.unwrap());
    }
    assert!(server.uploads().is_empty());
}

struct Broken;

impl tokio::io::AsyncRead for Broken {
    fn poll_read(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        _: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Err(std::io::Error::other("the pipe broke")))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_holds_above_the_multipart_threshold() {
    let (_server, stores) = stores();
    let dir = tempfile::tempdir().unwrap();
    let from = dir.path().join("from");
    std::fs::write(&from, bytes(12 * MIB)).unwrap();
    let absent = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
    for store in stores {
        let receipt = store.put_file("k", &from, &absent).await.unwrap();
        assert!(receipt.sha256.is_some() && receipt.composite.is_none(), "it went whole");
        let again = store.put_file("k", &from, &absent).await.unwrap_err();
        assert_eq!(again.kind(), ErrorKind::Precondition);
        let stream = store.put_reader("s", &bytes(12 * MIB)[..], None, &absent).await.unwrap_err();
        assert_eq!(stream.kind(), ErrorKind::Unsupported);
    }
}

#[tokio::test]
async fn what_is_no_file_is_refused_by_kind() {
    let store = Store::memory();
    let dir = tempfile::tempdir().unwrap();
    let missing = store.put_file("k", &dir.path().join("nope"), &PutOptions::default()).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let folder = store.put_file("k", dir.path(), &PutOptions::default()).await.unwrap_err();
    assert_eq!(folder.kind(), ErrorKind::InvalidInput);
    let fifo = dir.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let pipe = store.put_file("k", &fifo, &PutOptions::default()).await.unwrap_err();
    assert_eq!(pipe.kind(), ErrorKind::InvalidInput);
}

/// Relative path and content of every regular file.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(folder) = todo.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => todo.push(entry.path()),
                kind if kind.is_file() => {
                    let name = entry.path().strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                    found.insert(name, std::fs::read(entry.path()).unwrap());
                }
                _ => {}
            }
        }
    }
    found
}

fn sample(dir: &Path) {
    let files =
        [("a.txt", 3), ("empty", 0), ("sub/b c+d.bin", 70_000), ("sub/deep/é%2F\n#?", 5), ("big", 11 * MIB)];
    for (name, size) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(&bytes(size)).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn top_3_a_folder_comes_back_and_every_entry_is_accounted_for() {
    let (_server, stores) = stores();
    let from = tempfile::tempdir().unwrap();
    sample(from.path());
    for store in stores {
        let mut events = Vec::new();
        let pushed =
            store.push(from.path(), "p", &PushOptions::default(), &mut |e| events.push(e)).await.unwrap();
        assert_eq!((pushed.done, pushed.skipped, pushed.failed), (5, 1, 0), "{events:?}");
        let skipped =
            events.iter().any(|e| matches!(e, TreeEvent::Skipped { name, .. } if name.ends_with("link")));
        assert!(skipped, "{events:?}");
        let to = tempfile::tempdir().unwrap();
        let pulled = store.pull("p", to.path(), &PullOptions::default(), &mut |_| {}).await.unwrap();
        assert_eq!((pulled.done, pulled.failed, pulled.bytes), (5, 0, pushed.bytes));
        assert!(tree(to.path()) == tree(from.path()));
    }
}

#[tokio::test]
async fn a_dry_run_changes_nothing_and_filters_choose() {
    let store = Store::memory();
    let from = tempfile::tempdir().unwrap();
    sample(from.path());
    let filter = Filter::new(&["*.txt", "sub/**"], &["*.bin"]).unwrap();
    let options = PushOptions { filter, dry_run: true, ..PushOptions::default() };
    let mut keys = Vec::new();
    let mut note = |event| {
        if let TreeEvent::Planned { key, .. } = event {
            keys.push(key);
        }
    };
    store.push(from.path(), "", &options, &mut note).await.unwrap();
    keys.sort();
    assert_eq!(keys, ["a.txt", "sub/deep/é%2F\n#?"]);
    assert_eq!(store.stats("").await.unwrap().objects, 0);
}

#[tokio::test]
async fn keys_that_cannot_be_files_fail_alone() {
    let store = Store::memory();
    for key in ["ok", "../escape.txt", "/lead", "a//b", "x/./y", "clash", "clash/inside", "folder/"] {
        store.put(key, if key == "folder/" { "" } else { "data" }).await.unwrap();
    }
    let parent = tempfile::tempdir().unwrap();
    let to = parent.path().join("to");
    let mut failed = Vec::new();
    let mut note = |event| match event {
        TreeEvent::Failed { name, error, .. } => failed.push((name, error.kind())),
        TreeEvent::Skipped { name, .. } => assert_eq!(name, "folder/"),
        _ => {}
    };
    let summary = store.pull("", &to, &PullOptions::default(), &mut note).await.unwrap();
    assert_eq!((summary.done, summary.failed, summary.skipped), (2, 5, 1), "{failed:?}");
    assert_eq!(names(parent.path()), ["to"]);
    assert!(to.join("ok").is_file() && to.join("folder").is_dir());
    let kinds: BTreeMap<_, _> = failed.into_iter().collect();
    assert_eq!(kinds["../escape.txt"], ErrorKind::InvalidInput);
    let clash = kinds.get("clash").or(kinds.get("clash/inside"));
    assert_eq!(clash, Some(&ErrorKind::Conflict), "one of the two found its place taken");
}

#[tokio::test]
async fn a_file_that_grows_while_it_is_read_is_not_stored_as_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    std::fs::write(&path, bytes(MIB)).unwrap();
    let store = Store::memory();
    let writer = std::thread::spawn({
        let path = path.clone();
        move || {
            let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
            for _ in 0..20_000 {
                file.write_all(b"more").unwrap();
            }
        }
    });
    while !writer.is_finished() {
        match store.put_file("log", &path, &PutOptions::default()).await {
            Ok(receipt) => assert!(receipt.size >= MIB as u64),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Changed),
        }
    }
    let stored = store.put_file("log", &path, &PutOptions::default()).await.unwrap();
    assert_eq!(stored.size, MIB as u64 + 80_000);
}

#[tokio::test]
async fn a_folder_that_is_a_store_is_pushed_without_what_it_keeps_for_itself() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("file://{}", dir.path().display());
    let folder = Store::open(&url, &Settings::default()).unwrap();
    folder.put("a/b", "plain").await.unwrap();
    for (odd, end) in [(false, ".holdall skipped"), (true, ".holdall InvalidInput")] {
        if odd {
            folder.put("a//b", "odd").await.unwrap();
        }
        let target = Store::memory();
        let mut own = Vec::new();
        let mut event = |event| match event {
            TreeEvent::Skipped { name, .. } => own.push(format!("{name} skipped")),
            TreeEvent::Failed { name, error, .. } => own.push(format!("{name} {:?}", error.kind())),
            _ => {}
        };
        target.push(dir.path(), "p", &PushOptions::default(), &mut event).await.unwrap();
        let mut keys = Vec::new();
        let mut list = target.list("").unwrap();
        while let Some(object) = list.next().await {
            keys.push(object.unwrap().key.to_string());
        }
        assert_eq!(keys, ["p/a/b"]);
        assert!(own.len() == 1 && own[0].ends_with(end), "{own:?}");
    }
    // Whether objects lie there cannot be told where something else stands in their place.
    std::fs::rename(dir.path().join(".holdall/odd"), dir.path().join(".holdall/other")).unwrap();
    std::fs::write(dir.path().join(".holdall/odd"), "").unwrap();
    let target = Store::memory();
    let summary = target.push(dir.path(), "p", &PushOptions::default(), &mut |_| {}).await.unwrap();
    assert_eq!((summary.done, summary.skipped, summary.failed), (1, 0, 1));
}
