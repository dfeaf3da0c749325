//! Copies and moves that wait.

use crate::world::World;
use holdall_store::transfer::Way;
use holdall_store::{Attributes, CopyOptions, ErrorKind, MoveOptions, State};

#[tokio::test]
async fn a_copy_of_what_waits_waits_and_keeps_its_place() {
    let world = World::new();
    world.down();
    world.store.put("a", "one").await.unwrap();
    let receipt = world.store.copy("a", "b", &CopyOptions::default()).await.unwrap();
    assert_eq!((receipt.state, receipt.size), (State::Queued, 3));
    world.store.put("a", "two").await.unwrap();
    let attributes = Some(Attributes { content_type: Some("x/y".into()), ..Attributes::default() });
    world.store.copy("a", "c", &CopyOptions { attributes, ..CopyOptions::default() }).await.unwrap();
    assert_eq!(world.read("b").await.unwrap(), "one");
    assert_eq!(world.read("c").await.unwrap(), "two");
    assert_eq!(world.store.head("c").await.unwrap().attributes.content_type.unwrap(), "x/y");
    world.up();
    assert_eq!(world.drain().await.unwrap().0.sent, 4);
    assert_eq!((world.text("a").unwrap(), world.text("b").unwrap()), ("two".into(), "one".into()));
    assert_eq!(world.server.object(&world.bucket, "root/c").unwrap().headers["content-type"], "x/y");
}

#[tokio::test]
async fn what_only_the_store_has_can_be_copied_and_moved_while_it_is_away() {
    let world = World::new();
    world.store.put("a", "theirs").await.unwrap();
    world.store.put("m", "moves").await.unwrap();
    world.down();
    assert_eq!(world.store.copy("a", "b", &CopyOptions::default()).await.unwrap().state, State::Queued);
    let moved = world.store.rename("m", "n", &MoveOptions::default()).await.unwrap();
    assert_eq!(moved.receipt.state, State::Queued);
    assert_eq!(world.read("m").await, Err(ErrorKind::NotFound));
    assert_eq!(world.read("n").await, Err(ErrorKind::Unreachable));
    world.up();
    assert_eq!(world.read("b").await.unwrap(), "theirs");
    assert_eq!(world.read("n").await.unwrap(), "moves");
    assert_eq!(world.names().await.unwrap(), ["a", "b", "n"]);
    assert_eq!(world.drain().await.unwrap().0.sent, 2);
    let stored: Vec<_> = world.stored().into_iter().collect();
    let wanted = [("a", "theirs"), ("b", "theirs"), ("n", "moves")];
    assert_eq!(stored, wanted.map(|(key, bytes)| (key.to_owned(), bytes.as_bytes().to_vec())));
}

#[tokio::test]
async fn what_was_moved_away_cannot_be_copied() {
    let world = World::new();
    world.down();
    world.store.put("a", "1").await.unwrap();
    world.store.rename("a", "b", &MoveOptions::default()).await.unwrap();
    let error = world.store.copy("a", "c", &CopyOptions::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(world.read("b").await.unwrap(), "1");
}

#[tokio::test]
async fn a_move_of_what_is_not_there_is_parked_and_says_why() {
    let world = World::new();
    world.down();
    world.store.rename("none", "b", &MoveOptions::default()).await.unwrap();
    world.up();
    assert_eq!(world.drain().await.unwrap().1, ["parked b"]);
}

#[tokio::test]
async fn a_service_copies_between_its_buckets_unless_something_waits() {
    let world = World::new();
    world.server.create_bucket("other");
    let location = holdall_store::Location::parse("s3://other/root").unwrap();
    let other = world.open(|settings| settings.store = Some(location));
    let copy = async |from: &str, to: &str| {
        let options = CopyOptions::default();
        world.store.copy_to(from, &other, to, &options).await.unwrap()
    };
    world.store.put("a", "there").await.unwrap();
    let copied = copy("a", "b").await;
    assert_eq!((copied.way, copied.receipt.state), (Way::Copied, State::Stored));
    world.down();
    world.store.put("a", "waits").await.unwrap();
    world.up();
    let copied = copy("a", "c").await;
    assert_eq!((copied.way, copied.receipt.size), (Way::Streamed, 5));
    assert_eq!(other.get("c").await.unwrap().bytes().await.unwrap(), "waits");
    assert_eq!(world.text("a").unwrap(), "there");
}
