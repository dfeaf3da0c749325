//! Copies on this machine: what was put here last, read when the store is away, and never anything older.

use crate::world::{World, in_time};
use holdall_store::outbox::Pauses;
use holdall_store::{
    Attributes, CopyOptions, Encryption, ErrorKind, GetOptions, Key, LocalCopy, OnRemoteError, PutOptions,
    Range, ReadConditions, ReadFrom, Result, Settings, State, WriteMode,
};
use holdall_testing::fault::{Fault, Kind, Rule};

const MIB: usize = 1 << 20;

fn keeping(settings: &mut Settings) {
    settings.local_copy = LocalCopy::Keep;
}

fn keeping_alone(settings: &mut Settings) {
    keeping(settings);
    settings.on_remote_error = OnRemoteError::Raise;
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len as u64 / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
}

/// The first bytes, and where they come from.
async fn read(world: &World, key: &str) -> std::result::Result<(ReadFrom, String), ErrorKind> {
    let read = async {
        let object = world.store.get(key).await?;
        let from = object.metadata.read_from;
        let mut text = String::from_utf8_lossy(&object.bytes().await?).into_owned();
        text.truncate(text.floor_char_boundary(100));
        Result::Ok((from, text))
    };
    in_time(read).await.map_err(|error: holdall_store::Error| error.kind())
}

fn copy(text: &str) -> std::result::Result<(ReadFrom, String), ErrorKind> {
    Ok((ReadFrom::LocalCopy, text.to_owned()))
}

#[tokio::test]
async fn what_was_put_is_read_while_the_store_is_away_and_says_so() {
    let world = World::with(keeping_alone);
    let attributes = Attributes { content_type: Some("text/x-own".into()), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    assert_eq!(world.store.put_with("a/b", "bytes", &options).await.unwrap().state, State::Stored);
    assert_eq!(read(&world, "a/b").await, Ok((ReadFrom::Store, "bytes".to_owned())));
    world.down();
    assert_eq!(read(&world, "a/b").await, copy("bytes"));
    let head = in_time(world.store.head("a/b")).await.unwrap();
    assert_eq!((head.read_from, head.size, head.etag), (ReadFrom::LocalCopy, 5, None));
    assert_eq!(head.attributes.content_type.as_deref(), Some("text/x-own"));
    let range = GetOptions { range: Some(Range::Bounded { start: 1, end: 3 }), ..GetOptions::default() };
    let part = in_time(world.store.get_with("a/b", &range)).await.unwrap();
    assert_eq!(part.bytes().await.unwrap(), "yt");
    // Only the store knows whether it has what is asked for.
    let conditions = ReadConditions { if_match: Some("\"e\"".into()), ..ReadConditions::default() };
    let conditional = GetOptions { conditions, ..GetOptions::default() };
    let error = in_time(world.store.get_with("a/b", &conditional)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(
        read(&world, "never/put").await,
        Err(ErrorKind::Unreachable),
        "nobody knows that it is not there"
    );
    world.up();
    assert_eq!(read(&world, "a/b").await, Ok((ReadFrom::Store, "bytes".to_owned())));
}

#[tokio::test]
async fn a_copy_follows_what_is_written_and_deleted() {
    let world = World::with(keeping);
    world.store.put("k", "one").await.unwrap();
    world.store.put("k", "two").await.unwrap();
    world.store.put("gone", "x").await.unwrap();
    world.store.delete("gone").await.unwrap();
    for key in ["batch/1", "batch/2"] {
        world.store.put(key, "x").await.unwrap();
    }
    let batch = ["batch/1", "batch/2"].map(|key| Key::parse(key).unwrap());
    assert!(world.store.delete_many(batch).await.is_empty());
    for key in ["from", "copied"] {
        world.store.put(key, "x").await.unwrap();
    }
    world.store.copy("from", "copied", &CopyOptions::default()).await.unwrap();
    world.store.put("moved", "x").await.unwrap();
    world.store.rename("moved", "to", &Default::default()).await.unwrap();
    world.down();
    assert_eq!(read(&world, "k").await, copy("two"));
    assert_eq!(read(&world, "from").await, copy("x"));
    for key in ["gone", "batch/1", "batch/2", "copied", "moved", "to"] {
        assert_eq!(read(&world, key).await, Err(ErrorKind::Unreachable), "{key}");
    }
}

#[tokio::test]
async fn what_waited_is_read_from_the_copy_once_it_was_sent() {
    let world = World::with(keeping);
    world.store.put("k", "old").await.unwrap();
    world.down();
    assert_eq!(in_time(world.store.put("k", "new")).await.unwrap().state, State::Queued);
    assert_eq!(read(&world, "k").await, Ok((ReadFrom::Outbox, "new".to_owned())));
    world.up();
    assert_eq!(world.drain().await.unwrap().0.sent, 1);
    world.down();
    assert_eq!(read(&world, "k").await, copy("new"));
    assert_eq!(in_time(world.store.delete("k")).await.unwrap().state, State::Queued);
    assert_eq!(read(&world, "k").await, Err(ErrorKind::NotFound));
    world.up();
    world.drain().await.unwrap();
    world.down();
    assert_eq!(read(&world, "k").await, Err(ErrorKind::Unreachable));
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_older() {
    let world = World::with(keeping_alone);
    world.store.put("k", "one").await.unwrap();
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject));
    assert_eq!(world.store.put("k", "two").await.unwrap_err().kind(), ErrorKind::PermissionDenied);
    world.up();
    world.down();
    // It may have been written all the same: nobody here knows.
    assert_eq!(read(&world, "k").await, Err(ErrorKind::Unreachable));
}

#[tokio::test]
async fn a_stream_that_the_store_refuses_has_no_copy() {
    let world = World::with(keeping);
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")));
    let put = world.store.put_reader("s", &*bytes(12 * MIB), None, &PutOptions::default()).await;
    assert_eq!(put.unwrap_err().kind(), ErrorKind::PermissionDenied);
    world.up();
    world.down();
    assert_eq!(read(&world, "s").await, Err(ErrorKind::Unreachable));
}

#[tokio::test]
async fn files_and_streams_of_any_size_have_copies() {
    for change in [keeping, keeping_alone] {
        let world = World::with(change);
        let (small, large) = (bytes(1000), bytes(12 * MIB));
        let path = world.dir.path().join("file");
        std::fs::write(&path, &large).unwrap();
        let options = PutOptions::default();
        in_time(world.store.put_file("file", &path, &options)).await.unwrap();
        in_time(world.store.put_reader("stream", &*large, None, &options)).await.unwrap();
        in_time(world.store.put_reader("short", &*small, None, &options)).await.unwrap();
        in_time(world.store.put("bytes", large.clone())).await.unwrap();
        assert_eq!(world.stored().len(), 4);
        world.down();
        for (key, wanted) in [("file", &large), ("stream", &large), ("short", &small), ("bytes", &large)] {
            let object = in_time(world.store.get(key)).await.unwrap();
            assert_eq!(object.metadata.read_from, ReadFrom::LocalCopy, "{key}");
            assert!(object.bytes().await.unwrap() == wanted[..], "{key}");
            let to = world.dir.path().join("got");
            in_time(world.store.get_to_file(key, &to, &GetOptions::default())).await.unwrap();
            assert!(std::fs::read(&to).unwrap() == wanted[..], "{key}");
        }
    }
}

#[tokio::test]
async fn what_may_not_lie_on_a_disk_has_no_copy() {
    let world = World::with(keeping_alone);
    let encryption = Some(Encryption::customer([7; 32]));
    let options = PutOptions { encryption, ..PutOptions::default() };
    // The server may refuse it over http; what matters is what lies here.
    drop(world.store.put_with("secret", "CANARY", &options).await);
    drop(world.store.put_reader("stream", &b"CANARY"[..], None, &options).await);
    let files = walk(&world.dir.path().join("outbox"));
    assert!(files.iter().all(|file| !contains(file, b"CANARY")), "{files:?}");
    let plain = World::new();
    plain.store.put("a", "x").await.unwrap();
    assert!(!plain.dir.path().join("outbox/kept").exists(), "nobody asked for copies");
}

#[tokio::test]
async fn a_put_says_itself_whether_it_leaves_a_copy() {
    let (wanted, unwanted) = (Some(LocalCopy::Keep), Some(LocalCopy::None));
    for (change, [copied, plain]) in
        [(World::new(), [wanted, None]), (World::with(keeping), [None, unwanted])]
    {
        let put = |local_copy| PutOptions { local_copy, ..PutOptions::default() };
        for (key, local_copy) in [("copied", copied), ("plain", plain)] {
            change.store.put_with(key, "x", &put(local_copy)).await.unwrap();
            let stream = format!("{key}-stream");
            change.store.put_reader(&stream, &b"x"[..], None, &put(local_copy)).await.unwrap();
        }
        change.down();
        for key in ["copied", "copied-stream"] {
            assert_eq!(read(&change, key).await, copy("x"), "{key}");
        }
        for key in ["plain", "plain-stream"] {
            assert_eq!(read(&change, key).await, Err(ErrorKind::Unreachable), "{key}");
        }
    }
    let settings = Settings { on_remote_error: OnRemoteError::Raise, ..World::new().settings() };
    let without = holdall_store::Store::from_settings(&settings).unwrap();
    let options = PutOptions { local_copy: wanted, ..PutOptions::default() };
    assert_eq!(without.put_with("k", "x", &options).await.unwrap_err().kind(), ErrorKind::Config);
}

#[tokio::test]
async fn who_keeps_no_copies_leaves_no_older_one_of_others() {
    let world = World::with(keeping);
    world.store.put("k", "one").await.unwrap();
    let other = world.open(|_| ());
    other.put("k", "two").await.unwrap();
    world.down();
    assert_eq!(read(&world, "k").await, Err(ErrorKind::Unreachable));
}

#[tokio::test]
async fn a_write_that_is_given_up_takes_its_copy_along() {
    let world = World::with(keeping);
    world.down();
    for (key, text) in [("a", "one"), ("b", "one"), ("b", "two")] {
        assert_eq!(in_time(world.store.put(key, text)).await.unwrap().state, State::Queued);
    }
    let queue = world.queue().await;
    let destination = world.store.outbox().unwrap().destination().clone();
    let of = |key: &str| queue.waiting(&destination, &format!("root/{key}")).unwrap();
    // The copy of `b` is its later write's, which still waits.
    queue.drop_entries(&[of("a")[0].clone(), of("b")[0].clone()]).await.unwrap();
    assert_eq!(read(&world, "a").await, Err(ErrorKind::Unreachable));
    assert_eq!(read(&world, "b").await, Ok((ReadFrom::Outbox, "two".to_owned())));
    world.up();
    assert_eq!(world.drain().await.unwrap().0.sent, 1);
    world.down();
    assert_eq!(read(&world, "b").await, copy("two"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_acknowledged_whoever_sends_it_first() {
    let world = World::with(|settings| {
        keeping(settings);
        settings.write = WriteMode::Behind;
    });
    world.store.put("first", "x").await.unwrap();
    let drainer = world.open(|_| ()).outbox().unwrap().drainer().await.unwrap();
    let (text, options) = (bytes(4096), PutOptions::default());
    let streams = async {
        for round in 0..100 {
            let key = format!("s/{round}");
            let put = world.store.put_reader(&key, &*text, None, &options);
            assert_eq!(in_time(put).await.unwrap().size, 4096);
        }
    };
    let drained = async {
        loop {
            drainer.drain(Pauses::Ended, |_, _| ()).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::select! {
        () = streams => {}
        () = drained => {}
    }
    world.drain().await.unwrap();
    assert_eq!(world.stored().len(), 101);
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let all = entries.map(|entry| entry.unwrap().path());
    all.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

fn contains(file: &std::path::Path, needle: &[u8]) -> bool {
    std::fs::read(file).unwrap().windows(needle.len()).any(|window| window == needle)
}
