//! What is acknowledged when, and where it is.

use crate::world::{World, in_time};
use holdall_store::{
    Attributes, Encryption, ErrorKind, OnRemoteError, PutOptions, State, Verified, WriteCondition, WriteMode,
};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::time::Duration;

#[tokio::test]
async fn a_put_waits_while_the_store_is_away_and_says_where() {
    let world = World::new();
    assert_eq!(world.store.put("direct", "1").await.unwrap().state, State::Stored);
    assert!(!world.dir.path().join("outbox/queue").read_dir().is_ok_and(|mut files| files.any(|_| true)));
    world.down();
    let attributes = Attributes { content_type: Some("text/x-own".into()), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    let receipt = in_time(world.store.put_with("a/b", "waits", &options)).await.unwrap();
    assert_eq!((receipt.state, receipt.verified, receipt.size), (State::Queued, Verified::Local, 5));
    assert_eq!(receipt.outbox.unwrap(), world.dir.path().join("outbox"));
    assert_eq!(world.store.outbox().unwrap().queued(), 1);
    assert_eq!(world.text("a/b"), None);
    world.up();
    assert_eq!(world.drain().await.unwrap().1, ["sent a/b"]);
    assert_eq!(world.text("a/b").unwrap(), "waits");
    assert_eq!(world.server.object(&world.bucket, "root/a/b").unwrap().headers["content-type"], "text/x-own");
    assert_eq!(world.waiting().await, 0);
}

#[tokio::test]
async fn what_the_store_refuses_is_an_error_and_is_not_queued() {
    let world = World::new();
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject));
    let error = world.store.put("a", "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    assert_eq!(world.waiting().await, 0);
    assert_eq!(world.read("a").await, Err(ErrorKind::NotFound));
}

#[tokio::test]
async fn a_write_never_overtakes_one_that_waits() {
    let world = World::new();
    world.down();
    world.store.put("k", "one").await.unwrap();
    world.up();
    // The store is back, another process knows nothing of its absence, and the key's writes still go one by one.
    let other = world.open(|_| ());
    assert_eq!(other.put("k", "two").await.unwrap().state, State::Queued);
    assert_eq!(other.put("elsewhere", "now").await.unwrap().state, State::Stored);
    assert_eq!(other.delete("k").await.unwrap().state, State::Queued);
    assert_eq!(other.put("k", "three").await.unwrap().state, State::Queued);
    assert_eq!(world.read("k").await.unwrap(), "three");
    world.server.clear_log();
    assert_eq!(world.drain().await.unwrap().0.sent, 4);
    let seen: Vec<_> =
        world.server.log().iter().filter(|seen| seen.key == "root/k").map(|seen| seen.kind).collect();
    let writes: Vec<_> =
        seen.into_iter().filter(|kind| matches!(kind, Kind::PutObject | Kind::DeleteObject)).collect();
    assert_eq!(writes, [Kind::PutObject, Kind::PutObject, Kind::DeleteObject, Kind::PutObject]);
    assert_eq!(world.text("k").unwrap(), "three");
    assert_eq!(other.put("k", "four").await.unwrap().state, State::Stored);
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_looked_for_and_not_sent_twice() {
    let world = World::new();
    world.store.put("warm", "up").await.unwrap();
    world.server.clear_log();
    world.server.add_rule(Rule::new(Fault::AnswerLost).on(Kind::PutObject));
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::HeadObject));
    let receipt = in_time(world.store.put("k", "arrived")).await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    assert_eq!(world.text("k").unwrap(), "arrived");
    let sent = world.count(Kind::PutObject);
    world.up();
    let (drained, told) = world.drain().await.unwrap();
    assert_eq!((drained.sent, drained.found, told), (0, 1, vec!["found k".to_owned()]));
    assert_eq!(world.count(Kind::PutObject), sent, "it was there already");
    assert_eq!(world.waiting().await, 0);
}

#[tokio::test]
async fn many_writes_do_not_each_find_out_that_the_store_is_away() {
    let world = World::new();
    world.store.put("warm", "up").await.unwrap();
    world.down();
    world.store.put("first", "x").await.unwrap();
    world.server.clear_log();
    for n in 0..200 {
        world.store.put(&format!("k{n:03}"), "x").await.unwrap();
    }
    // A try now and then is allowed, and each is made of two attempts and a look.
    assert!(world.server.log().len() < 100, "{} requests", world.server.log().len());
    world.up();
    assert_eq!(world.drain().await.unwrap().0.sent, 201);
    assert_eq!(world.stored().len(), 202);
}

#[tokio::test]
async fn who_writes_behind_is_answered_before_the_store_is_asked() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    let receipt = world.store.put("k", "x").await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    world.store.delete("gone").await.unwrap();
    assert!(world.server.log().is_empty());
    assert_eq!(world.drain().await.unwrap().0.sent, 2);
    assert_eq!(world.text("k").unwrap(), "x");
}

#[tokio::test]
async fn a_put_says_for_itself_whether_it_may_wait() {
    let world = World::new();
    let raise = PutOptions { on_remote_error: Some(OnRemoteError::Raise), ..PutOptions::default() };
    let behind = PutOptions { write: Some(WriteMode::Behind), ..PutOptions::default() };
    assert_eq!(world.store.put_with("later", "x", &behind).await.unwrap().state, State::Queued);
    world.down();
    let error = world.store.put_with("k", "x", &raise).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(world.read("k").await, Err(ErrorKind::Unreachable));
    world.up();
    // The store is back: who does not want to wait does not mind that it was away.
    assert_eq!(world.store.put_with("k", "x", &raise).await.unwrap().state, State::Stored);
    let error = world.store.put_with("later", "y", &raise).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let plain = world.open(|settings| settings.on_remote_error = OnRemoteError::Raise);
    assert_eq!(plain.put_with("k", "x", &behind).await.unwrap_err().kind(), ErrorKind::Config);
    let only_behind = world.open(|settings| {
        settings.on_remote_error = OnRemoteError::Raise;
        settings.write = WriteMode::Behind;
    });
    assert_eq!(only_behind.put("b", "x").await.unwrap().state, State::Queued);
    let direct = PutOptions { write: Some(WriteMode::Direct), ..PutOptions::default() };
    world.down();
    assert_eq!(only_behind.put_with("c", "x", &direct).await.unwrap_err().kind(), ErrorKind::Unreachable);
}

#[tokio::test]
async fn a_store_that_takes_nothing_is_given_up_after_the_deadline() {
    let world = World::with(|settings| {
        settings.remote_deadline = Duration::from_millis(200);
        settings.read_timeout = Duration::from_secs(50);
    });
    world.store.put("warm", "up").await.unwrap();
    world.server.add_rule(Rule::new(Fault::Stall).on(Kind::PutObject));
    assert_eq!(in_time(world.store.put("k", "x")).await.unwrap().state, State::Queued);
}

#[tokio::test]
async fn conditions_are_decided_by_what_waits_else_by_the_store() {
    let world = World::new();
    let absent = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
    world.store.put("there", "1").await.unwrap();
    world.store.put_with("first", "1", &absent).await.unwrap();
    world.down();
    assert_eq!(world.store.put_with("new", "1", &absent).await.unwrap().state, State::Queued);
    let again = world.store.put_with("new", "2", &absent).await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Precondition);
    let etag = world.store.head("new").await.unwrap().etag.unwrap();
    let matches = |etag: &str| PutOptions {
        condition: WriteCondition::Matches(etag.to_owned()),
        ..PutOptions::default()
    };
    assert_eq!(
        world.store.put_with("new", "3", &matches("\"other\"")).await.unwrap_err().kind(),
        ErrorKind::Precondition
    );
    world.store.put_with("new", "4", &matches(&etag)).await.unwrap();
    // Nobody here can say whether it is there: the store does, when it is asked.
    assert_eq!(world.store.put_with("there", "2", &absent).await.unwrap().state, State::Queued);
    world.up();
    let (drained, _) = world.drain().await.unwrap();
    assert_eq!((drained.sent, drained.parked), (2, 1));
    assert_eq!(world.text("new").unwrap(), "4");
    assert_eq!(world.text("there").unwrap(), "1");
}

#[tokio::test]
async fn what_waits_is_neither_tagged_nor_held_and_keeps_its_tags() {
    let world = World::new();
    world.down();
    let tags = vec![("kind".to_owned(), "log".to_owned())];
    let options = PutOptions { tags: tags.clone(), ..PutOptions::default() };
    world.store.put_with("k", "x", &options).await.unwrap();
    let refused = [
        world.store.set_tags("k", &[("kind".to_owned(), "other".to_owned())]).await.unwrap_err(),
        world.store.set_tags("k", &[]).await.unwrap_err(),
        world.store.hold("k", None, true).await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    }
    assert_eq!(world.store.tags("k").await.unwrap(), tags);
    let away = in_time(world.store.set_tags("other", &tags)).await.unwrap_err();
    assert_eq!(away.kind(), ErrorKind::Unreachable);
    assert_eq!(world.waiting().await, 1);
}

#[tokio::test]
async fn a_customers_key_never_lies_on_the_disk() {
    let world = World::new();
    world.down();
    let encryption = Some(Encryption::customer([7; 32]));
    let options = PutOptions { encryption, ..PutOptions::default() };
    let error = in_time(world.store.put_with("k", "x", &options)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(world.waiting().await, 0);
}

#[tokio::test]
async fn a_full_outbox_fails_the_write_and_keeps_the_rest() {
    let world = World::with(|settings| settings.outbox_max_bytes = 1 << 20);
    world.down();
    let half = vec![7; 600_000];
    world.store.put("a", half.clone()).await.unwrap();
    let error = world.store.put("b", half.clone()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Full, "{error}");
    assert_eq!(world.read("b").await, Err(ErrorKind::Unreachable));
    world.up();
    assert_eq!(world.drain().await.unwrap().0.sent, 1);
    assert_eq!(world.stored()["a"], half);
    // Another handle gave the room back, and this one may not have asked the store again yet.
    world.store.put("b", half.clone()).await.unwrap();
    world.drain().await.unwrap();
    assert_eq!(world.stored()["b"], half);
}
