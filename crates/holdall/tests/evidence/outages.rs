//! Evidence while the store is away, with an outbox and without.

use crate::world::{REPLACE, World, bundle, decision, in_time, name, read, store};
use holdall::evidence::{AttachOptions, Evidence, Exclusive, RemoveOptions, StoreOptions};
use holdall::{ErrorKind, Settings, State, Store};
use holdall_testing::fault::Kind;

#[tokio::test]
/// EVI-9, EVI-10
async fn evidence_waits_in_the_outbox_with_its_claim_first() {
    let world = World::outbox();
    store(&world.evidence, &bundle("warm", "1")).await.unwrap();
    world.down();
    let stored = in_time(store(&world.evidence, &bundle("d-1", "1"))).await.unwrap();
    assert_eq!(stored.state, State::Queued);
    let options = AttachOptions::default();
    let attached =
        in_time(world.evidence.attach(&decision("d-1"), &name("a"), &"x".into(), &options)).await.unwrap();
    assert_eq!(attached.state, State::Queued);
    assert_eq!(in_time(read(&world.evidence, "d-1")).await, "1", "it is read back at once");
    let other = in_time(store(&world.evidence, &bundle("d-1", "2"))).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::AlreadyExists, "{other}");
    world.up();
    world.server_of().clear_log();
    assert_eq!(world.drain().await.parked, 0);
    let puts: Vec<String> = world
        .server_of()
        .log()
        .into_iter()
        .filter(|seen| seen.kind == Kind::PutObject)
        .map(|seen| seen.key)
        .collect();
    let place = |part: &str| puts.iter().position(|key| key.contains(part)).unwrap();
    assert!(place("evidence/by-id/d-1.json") < place("evidence/risk/2026/01/d-1.json"), "{puts:?}");
    assert!(
        place("attachments/by-id/d-1/a.json") < puts.iter().position(|key| key.ends_with("/d-1/a")).unwrap(),
        "{puts:?}"
    );
    assert_eq!(read(&world.elsewhere(), "d-1").await, "1");
}

#[tokio::test]
/// EVI-10
async fn who_was_offline_and_comes_second_is_parked_and_replaces_nothing() {
    let world = World::outbox();
    store(&world.evidence, &bundle("warm", "1")).await.unwrap();
    world.down();
    in_time(store(&world.evidence, &bundle("d-1", "0"))).await.unwrap();
    world.up();
    store(&world.elsewhere(), &bundle("d-1", "1")).await.unwrap();
    let drained = world.drain().await;
    assert!(drained.parked >= 1, "{drained:?}");
    assert_eq!(read(&world.elsewhere(), "d-1").await, "1", "who was first is whole");
}

#[tokio::test]
/// EVI-9, EVI-10
async fn changes_of_what_waits_wait_with_it_and_arrive_in_order() {
    let world = World::outbox();
    store(&world.evidence, &bundle("warm", "1")).await.unwrap();
    world.down();
    in_time(store(&world.evidence, &bundle("d-1", "1"))).await.unwrap();
    let replaced = in_time(world.evidence.store(&bundle("d-1", "2"), &REPLACE)).await.unwrap();
    assert_eq!(replaced.state, State::Queued);
    assert_eq!(in_time(read(&world.evidence, "d-1")).await, "2");
    world.up();
    assert_eq!(world.drain().await.parked, 0);
    assert_eq!((read(&world.elsewhere(), "d-1").await, world.verify().await.len()), ("2".into(), 2));
}

#[tokio::test]
/// EVI-9
async fn a_removal_that_waits_deletes_nothing_before_it_has_arrived() {
    let world = World::outbox();
    store(&world.evidence, &bundle("warm", "1")).await.unwrap();
    world.down();
    in_time(store(&world.evidence, &bundle("d-1", "1"))).await.unwrap();
    let place = holdall::evidence::RemoveOptions::default();
    // What the decision has attached is the remote's to say.
    let error = in_time(world.evidence.remove(&decision("d-1"), &place)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    world.up();
    // The claim waits yet, so its change waits behind it.
    let removed = world.evidence.remove(&decision("d-1"), &RemoveOptions::default()).await.unwrap();
    assert_eq!((removed.bundle, removed.state), (true, State::Queued));
    assert_eq!(read(&world.evidence, "d-1").await, "not_found");
    let error = store(&world.evidence, &bundle("d-1", "2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(world.drain().await.parked, 0);
    assert_eq!(read(&world.elsewhere(), "d-1").await, "not_found");
    world.evidence.remove(&decision("d-1"), &RemoveOptions::default()).await.unwrap();
    assert!(!world.keys().await.iter().any(|key| key.ends_with("01/d-1.json")), "{:?}", world.keys().await);
    assert_eq!(world.verify().await, ["warm read"]);
}

#[tokio::test]
/// EVI-9
async fn without_an_outbox_a_store_that_is_away_is_said_and_nothing_is_there() {
    let world = World::server();
    store(&world.evidence, &bundle("warm", "1")).await.unwrap();
    world.down();
    let error = in_time(store(&world.evidence, &bundle("d-1", "1"))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert_eq!(in_time(read(&world.evidence, "warm")).await, "unreachable");
    world.up();
    assert_eq!(read(&world.evidence, "d-1").await, "not_found");
}

/// A store on a server that does not know conditional writes.
fn careless() -> World {
    let world = World::server();
    world.server_of().add_rule(
        holdall_testing::fault::Rule::new(holdall_testing::fault::Fault::refuse(501, "NotImplemented"))
            .on(Kind::PutObject)
            .header("if-none-match"),
    );
    world.server_of().add_rule(
        holdall_testing::fault::Rule::new(holdall_testing::fault::Fault::refuse(501, "NotImplemented"))
            .on(Kind::PutObject)
            .header("if-match"),
    );
    world
}

#[tokio::test]
/// EVI-10
async fn where_nobody_decides_who_is_first_it_is_refused_or_said_in_the_receipt() {
    let world = careless();
    let error = store(&world.evidence, &bundle("d-1", "1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.hint().unwrap().contains("best_effort"), "{error}");
    assert!(world.keys().await.is_empty());
    let best = StoreOptions { exclusive: Exclusive::BestEffort, ..StoreOptions::default() };
    let stored = world.evidence.store(&bundle("d-1", "1"), &best).await.unwrap();
    assert_eq!(stored.exclusive, Exclusive::BestEffort);
    let other = world.evidence.store(&bundle("d-1", "2"), &best).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::AlreadyExists);
    let replaced =
        world.evidence.store(&bundle("d-1", "2"), &StoreOptions { replace: true, ..best }).await.unwrap();
    assert_eq!(replaced.exclusive, Exclusive::BestEffort);
    assert_eq!(read(&world.evidence, "d-1").await, "2");
    let strict = world.evidence.remove(&decision("d-1"), &RemoveOptions::default()).await.unwrap_err();
    assert_eq!(strict.kind(), ErrorKind::Unsupported);
    let options = RemoveOptions { exclusive: Exclusive::BestEffort, ..RemoveOptions::default() };
    assert!(world.evidence.remove(&decision("d-1"), &options).await.unwrap().bundle);
    assert_eq!(read(&world.evidence, "d-1").await, "not_found");
}

#[test]
/// EVI-9
fn calls_can_be_made_from_any_task() {
    fn is_send<T: Send>(_: T) {}
    let evidence = Evidence::open(&Store::memory(), &Settings::default()).unwrap();
    is_send(evidence.store(&bundle("d", "1"), &REPLACE));
    is_send(evidence.retrieve(&decision("d")));
    is_send(evidence.remove(&decision("d"), &RemoveOptions::default()));
    is_send(evidence.verify(&Default::default(), |_| ()));
    is_send(evidence.adopt(&Default::default(), |_| ()));
}
