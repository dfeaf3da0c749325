//! Who drains, what is refused, and what is put in its place.

use crate::world::{World, in_time};
use holdall_store::outbox::{
    Delivery, Destination, Drainer, Entry, Kind as Write, Mark, Options, Pauses, Queue, Remote, Standing,
};
use holdall_store::{
    ErrorKind, OnRemoteError, Payload, PutOptions, Settings, State, Store, WriteCondition, WriteMode,
};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::time::Duration;

#[tokio::test]
async fn what_is_refused_is_parked_with_all_behind_it_until_somebody_asks_for_it() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    for (key, bytes) in [("a", "1"), ("b", "2"), ("a", "3")] {
        world.store.put(key, bytes).await.unwrap();
    }
    let denied = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject).key("root/a");
    world.server.add_rule(denied);
    let (drained, told) = world.drain().await.unwrap();
    assert_eq!((drained.sent, drained.parked), (1, 1), "{told:?}");
    assert_eq!(world.stored().into_keys().collect::<Vec<_>>(), ["b"]);
    // Parked, it is not tried again, and what stands behind it waits; readers see what they would see in the end.
    assert_eq!(world.drain().await.unwrap().1, Vec::<String>::new());
    assert_eq!(world.read("a").await.unwrap(), "3");
    let queue = world.queue().await;
    let (waiting, _) = queue.walk(None, 10).unwrap();
    assert_eq!(waiting.iter().map(|p| p.standing).collect::<Vec<_>>(), [Standing::Parked, Standing::Waiting]);
    let Some(Mark::Parked { why }) = queue.last_mark(&waiting[0]).unwrap() else { panic!("{waiting:?}") };
    assert!(why.contains("AccessDenied"), "{why}");
    world.up();
    queue.mark(&waiting[0], Mark::Retry { not_before: 0 }).await.unwrap();
    assert_eq!(world.drain().await.unwrap().1, ["sent a", "sent a"]);
    assert_eq!(world.text("a").unwrap(), "3");
}

#[tokio::test]
async fn what_is_dropped_lets_the_next_one_go() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    world.server.put_object(&world.bucket, "root/a", b"theirs");
    let absent = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
    world.down();
    world.store.put_with("a", "mine", &absent).await.unwrap();
    world.up();
    assert_eq!(world.drain().await.unwrap().0.parked, 1);
    let queue = world.queue().await;
    let (waiting, _) = queue.walk(None, 10).unwrap();
    queue.drop_entry(&waiting[0]).await.unwrap();
    assert_eq!(world.read("a").await.unwrap(), "theirs");
    assert_eq!(world.waiting().await, 0);
}

#[tokio::test]
async fn a_remote_that_goes_away_ends_a_drain_and_nothing_is_lost() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    for n in 0..50 {
        world.store.put(&format!("k{n:02}"), format!("{n}")).await.unwrap();
    }
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::PutObject).key("root/k").from(20));
    world.server.add_rule(Rule::new(Fault::Reset).on(Kind::HeadObject));
    let error = world.drain().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    let left = world.waiting().await;
    assert!(left > 0, "the rule fired");
    world.up();
    let (drained, _) = world.drain().await.unwrap();
    assert_eq!(drained.sent + drained.found, left);
    assert!((0..50).all(|n| world.text(&format!("k{n:02}")).unwrap() == n.to_string()));
}

#[tokio::test]
async fn what_cannot_be_taken_now_waits_for_a_pause_and_another_drain_ends_it() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    world.store.put("k", "x").await.unwrap();
    world.server.add_rule(Rule::new(Fault::slow_down(None)).on(Kind::PutObject));
    let (drained, told) = world.drain().await.unwrap();
    assert_eq!((drained.later, told), (1, vec!["later k".to_owned()]));
    world.up();
    let base = Store::from_settings(&holdall_store::Settings {
        store: Some(holdall_store::Location::parse(&format!("s3://{}", world.bucket)).unwrap()),
        on_remote_error: holdall_store::OnRemoteError::Raise,
        ..world.settings()
    });
    let remote = Remote::new(base.unwrap());
    let patient = Drainer::new(world.queue().await, move |_| Ok(Some(remote.clone())), 2);
    assert_eq!(patient.drain(Pauses::Kept, |_, _| ()).await.unwrap().sent, 0, "its pause is not over");
    assert_eq!(world.drain().await.unwrap().0.sent, 1);
}

#[tokio::test]
async fn a_credential_that_is_refused_parks_nothing() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    world.store.put("k", "x").await.unwrap();
    world.server.add_rule(Rule::new(Fault::refuse(403, "InvalidAccessKeyId")));
    assert_eq!(world.drain().await.unwrap_err().kind(), ErrorKind::Credentials);
    world.up();
    assert_eq!(world.drain().await.unwrap().0.sent, 1);
}

#[tokio::test]
async fn entries_go_to_their_own_endpoint_only() {
    let (world, other) = (World::with(|settings| settings.write = WriteMode::Behind), World::new());
    world.store.put("k", "x").await.unwrap();
    let settings = holdall_store::Settings { endpoint: other.settings().endpoint, ..world.settings() };
    let drainer = Drainer::of(world.queue().await, &settings);
    let drained = drainer.drain(Pauses::Ended, |_, _| ()).await.unwrap();
    assert_eq!((drained.sent, drained.foreign), (0, 1));
    assert!(other.server.log().is_empty());
    assert_eq!(
        Drainer::of(world.queue().await, &world.settings())
            .drain(Pauses::Ended, |_, _| ())
            .await
            .unwrap()
            .sent,
        1
    );
}

#[tokio::test]
async fn one_drains_at_a_time_and_a_task_stands_by() {
    let world = World::new();
    world.down();
    world.store.put("k", "x").await.unwrap();
    let queue = world.queue().await;
    let lock = queue.try_drain().unwrap().unwrap();
    assert_eq!(world.drain().await.unwrap_err().kind(), ErrorKind::Conflict);
    let other = world.open(|_| ());
    let draining = other.outbox().unwrap().drainer().await.unwrap().spawn();
    world.up();
    drop(lock);
    // The store has it before it counts as sent.
    let settled = async {
        while world.waiting().await > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    crate::world::in_time(settled).await;
    draining.end().await;
    assert_eq!(world.text("k").as_deref(), Some("x"));
    assert_eq!(other.put("k", "again").await.unwrap().state, State::Stored);
}

#[tokio::test]
async fn what_goes_behind_many_goes_after_all_of_them() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    for n in 0..20 {
        world.store.put(&format!("parts/{n:02}"), vec![b'x'; 1000]).await.unwrap();
    }
    let after = vec!["parts/".to_owned()];
    world.store.put_with("a-marker", "done", &PutOptions { after, ..PutOptions::default() }).await.unwrap();
    assert_eq!(world.drain().await.unwrap().0.sent, 21);
    let log = world.server.log();
    let puts: Vec<_> =
        log.iter().filter(|seen| seen.kind == Kind::PutObject && seen.key.starts_with("root/")).collect();
    assert_eq!(puts.last().unwrap().key, "root/a-marker");
}

#[tokio::test]
async fn a_marker_never_goes_directly_while_one_of_its_parts_waits() {
    let world = World::new();
    world.down();
    world.store.put("parts/1", "x").await.unwrap();
    world.up();
    let other = world.open(|_| ());
    let behind = |prefix: &str| PutOptions { after: vec![prefix.to_owned()], ..PutOptions::default() };
    assert_eq!(other.put_with("m", "x", &behind("none/")).await.unwrap().state, State::Stored);
    assert_eq!(other.put_with("m", "x", &behind("parts/")).await.unwrap().state, State::Queued);
    let denied = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject).key("root/parts/1");
    world.server.add_rule(denied);
    world.server.clear_log();
    // A part that is parked holds its marker back.
    let (drained, _) = world.drain().await.unwrap();
    assert_eq!((drained.sent, drained.parked), (0, 1));
    // Given up, it parks the marker: that would speak of what is not there.
    let queue = world.queue().await;
    let (waiting, _) = queue.walk(None, 10).unwrap();
    let part = waiting.iter().find(|pending| pending.key.ends_with("parts/1")).unwrap();
    queue.drop_entry(part).await.unwrap();
    let (waiting, _) = queue.walk(None, 10).unwrap();
    let left: Vec<_> = waiting.iter().map(|pending| (pending.key.as_str(), pending.standing)).collect();
    assert_eq!(left, [("root/m", Standing::Parked)]);
}

/// With more than a drain takes at once.
#[tokio::test]
async fn a_store_that_is_away_keeps_nothing_from_another_one() {
    let (away, there) = (World::new(), World::new());
    away.down();
    let queue = Queue::open(Options {
        allow_volatile: true,
        min_free: 0,
        ..Options::new(away.dir.path().join("both"))
    });
    let queue = queue.unwrap();
    for world in [&away, &there] {
        let to = world.store.outbox().unwrap().destination().clone();
        for n in 0..300 {
            let key = format!("root/{n:04}");
            let lock = queue.lock(&to, &[&key]).await.unwrap();
            let entry = Entry::new(Write::Put, to.clone(), &key);
            queue.append(&lock, entry, Payload::Bytes("x".into())).await.unwrap();
        }
    }
    let remotes: Vec<_> = [&away, &there]
        .map(|world| {
            let settings = Settings { on_remote_error: OnRemoteError::Raise, ..world.settings() };
            let store = Store::open(&format!("s3://{}", world.bucket), &settings).unwrap();
            (world.store.outbox().unwrap().destination().clone(), Remote::new(store))
        })
        .into();
    let of = move |asked: &Destination| {
        Ok(remotes.iter().find(|(to, _)| to == asked).map(|(_, remote)| remote.clone()))
    };
    let drainer = Drainer::new(queue.clone(), of, 8);
    let mut sent = 0;
    let drained = in_time(drainer.drain(Pauses::Ended, |_, delivery| {
        sent += u64::from(matches!(delivery, Delivery::Sent(_)));
    }));
    assert_eq!(drained.await.unwrap_err().kind(), ErrorKind::Unreachable);
    assert_eq!((sent, there.stored().len(), queue.status().unwrap().entries), (300, 300, 300));
}
