//! What readers see while writes wait.

use crate::world::World;
use holdall_store::{Attributes, DeleteOptions, ErrorKind, GetOptions, PutOptions, Range, State};

#[tokio::test]
async fn what_waits_is_read_at_once_by_everybody() {
    let world = World::new();
    world.store.put("k", "old").await.unwrap();
    world.down();
    let attributes = Attributes {
        content_type: Some("text/plain".into()),
        metadata: [("run".to_owned(), "7".to_owned())].into(),
        ..Attributes::default()
    };
    let options =
        PutOptions { attributes, tags: vec![("kind".into(), "log".into())], ..PutOptions::default() };
    world.server.clear_rules();
    world.down();
    world.store.put_with("k", "hello, world", &options).await.unwrap();
    for store in [&world.store, &world.open(|_| ())] {
        let object = store.get("k").await.unwrap();
        assert_eq!(object.metadata.attributes.metadata["run"], "7");
        assert_eq!(object.bytes().await.unwrap(), "hello, world");
        let range = GetOptions { range: Some(Range::Bounded { start: 7, end: 12 }), ..GetOptions::default() };
        let object = store.get_with("k", &range).await.unwrap();
        assert_eq!((object.range.clone(), object.metadata.size), (7..12, 12));
        assert_eq!(object.bytes().await.unwrap(), "world");
        let head = store.head("k").await.unwrap();
        assert_eq!((head.size, head.sha256), (12, Some(holdall_store::sha256(b"hello, world"))));
        assert_eq!(store.tags("k").await.unwrap(), [("kind".to_owned(), "log".to_owned())]);
        assert!(store.exists("k").await.unwrap());
    }
    // A file of its own, and a part of it.
    let large = vec![5; 3_000_000];
    world.store.put("large", large.clone()).await.unwrap();
    let range = GetOptions { range: Some(Range::Last(1_500_000)), ..GetOptions::default() };
    assert_eq!(
        world.store.get_with("large", &range).await.unwrap().bytes().await.unwrap(),
        large[1_500_000..]
    );
}

#[tokio::test]
async fn what_only_the_store_has_is_unreachable_and_not_missing() {
    let world = World::new();
    world.store.put("there", "x").await.unwrap();
    world.down();
    assert_eq!(world.read("there").await, Err(ErrorKind::Unreachable));
    assert_eq!(world.read("never").await, Err(ErrorKind::Unreachable));
    assert_eq!(world.store.head("never").await.unwrap_err().kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn what_is_to_be_deleted_is_gone_for_readers() {
    let world = World::new();
    world.store.put("k", "x").await.unwrap();
    world.store.put("other", "x").await.unwrap();
    world.down();
    let deleted = world.store.delete("k").await.unwrap();
    assert_eq!(deleted.state, State::Queued);
    assert_eq!(world.read("k").await, Err(ErrorKind::NotFound));
    let again = world.store.delete_with("k", &DeleteOptions::default()).await.unwrap();
    assert_eq!(again.existed, Some(false));
    world.store.put("k", "new").await.unwrap();
    assert_eq!(world.read("k").await.unwrap(), "new");
    let keys = ["k", "other"].map(|key| holdall_store::Key::parse(key).unwrap());
    assert!(world.store.delete_many(keys).await.is_empty());
    world.up();
    assert_eq!(world.read("k").await, Err(ErrorKind::NotFound));
    assert_eq!(world.names().await.unwrap(), Vec::<String>::new());
    assert_eq!(world.stored().len(), 2, "nothing was sent yet");
    world.drain().await.unwrap();
    assert_eq!(world.stored().len(), 0);
}

#[tokio::test]
async fn without_a_queue_nothing_is_made_and_reads_go_to_the_store() {
    let world = World::new();
    world.server.put_object(&world.bucket, "root/k", b"theirs");
    assert_eq!(world.read("k").await.unwrap(), "theirs");
    assert_eq!(world.names().await.unwrap(), ["k"]);
    assert!(!world.dir.path().join("outbox").exists());
}
