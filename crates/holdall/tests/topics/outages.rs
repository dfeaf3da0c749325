//! The store goes away and comes back.

use crate::world::{World, in_time, push, push_with, usual, verify, without_conditions, write};
use holdall::outbox::Pauses;
use holdall::topic::{Claim, Topics};
use holdall::transfer::PushOptions;
use holdall::{ErrorKind, OnRemoteError, Settings, Store};

/// Sends what waits; answers how many were sent.
async fn drain(world: &World) -> u64 {
    let other = Store::from_settings(&world.settings).unwrap();
    let drainer = other.outbox().unwrap().drainer().await.unwrap();
    in_time(drainer.drain(Pauses::Ended, |_, _| ())).await.unwrap().sent
}

/// The topics as a machine without an outbox opens them.
fn elsewhere(world: &World) -> Topics {
    let settings = Settings { on_remote_error: OnRemoteError::Raise, ..world.settings.clone() };
    Topics::open(&Store::from_settings(&settings).unwrap(), &settings).unwrap()
}

/// TOP-6, TOP-7: nothing of a topic comes to the store before its claim, and the manifest comes last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_pushed_while_the_store_is_away_arrives_in_order() {
    let world = World::queued();
    let dir = world.files("out", &["plan.txt", "scene1/Scene1.mp4"]);
    world.down();
    let topic = world.topic("Sets");
    let writing = topic.write(&dir, &PushOptions::default()).await.unwrap();
    let finished = in_time(writing.finish(&usual(), None, &mut |_| ())).await.unwrap();
    assert_eq!((finished.pushed.claim, finished.pushed.summary.queued), (Claim::Queued, 2));
    let states: Vec<&str> = finished.index.artifacts.iter().map(|artifact| artifact.state).collect();
    assert_eq!(states, ["queued", "queued"]);
    // Another process of this machine knows whose the slug is.
    assert_eq!(world.topic("Sets").claim().await.unwrap(), Claim::Queued);
    assert_eq!(world.topic("sets!").claim().await.unwrap_err().kind(), ErrorKind::Conflict);
    world.up();
    world.server.as_ref().unwrap().clear_log();
    while drain(&world).await > 0 {}
    let sent = world.sent();
    assert_eq!(sent.first().unwrap(), "topics/sets.topic.json", "{sent:?}");
    assert_eq!(sent[sent.len() - 2..], ["topics/sets/SHA256SUMS", "topics/sets/manifest.json"], "{sent:?}");
    let topic = elsewhere(&world).find("sets").await.unwrap();
    assert_eq!(topic.title().unwrap().as_str(), "Sets");
    let found = verify(&topic, Some(&dir)).await;
    assert_eq!((found.differences(), found.failed), (0, 0));
}

/// TOP-3: two machines that cannot see each other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_wait_behind_a_claim_that_was_lost_are_not_mixed_into_the_others_topic() {
    let world = World::queued();
    world.down();
    let pushed = push(&world.topic("Sets"), &world.files("mine", &["plan.txt"])).await.unwrap();
    assert_eq!(pushed.claim, Claim::Queued);
    world.up();
    let other = world.files("other", &["else.txt"]);
    push(&elsewhere(&world).topic("SETS").unwrap(), &other).await.unwrap();
    while drain(&world).await > 0 {}
    let names: Vec<String> = world.server.as_ref().unwrap().objects(&world.bucket).into_keys().collect();
    assert!(names.contains(&"topics/sets/else.txt".to_owned()), "{names:?}");
    assert!(!names.contains(&"topics/sets/plan.txt".to_owned()), "{names:?}");
    let topic = elsewhere(&world).find("sets").await.unwrap();
    assert_eq!(topic.title().unwrap().as_str(), "SETS");
    assert_eq!(verify(&topic, Some(&other)).await.differences(), 0);
}

/// TOP-3, TOP-8: a machine remembers the claims that it made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_this_machine_claimed_before_is_pushed_while_the_store_is_away() {
    let world = World::queued();
    let dir = world.files("out", &["a", "b"]);
    push(&world.topic("Sets"), &dir).await.unwrap();
    world.down();
    write(&dir.join("b"), b"changed");
    let again = push(&world.topic("Sets"), &dir).await.unwrap();
    assert_eq!((again.claim, again.summary.queued, again.summary.unchanged), (Claim::Held, 1, 1));
    assert_eq!(push(&world.topic("sets."), &dir).await.unwrap_err().kind(), ErrorKind::Conflict);
    world.up();
    while drain(&world).await > 0 {}
    assert_eq!(verify(&elsewhere(&world).find("sets").await.unwrap(), Some(&dir)).await.differences(), 0);
}

/// TOP-8: without an outbox an outage is an error, and the next push makes up for it.
#[tokio::test]
async fn a_push_that_the_store_did_not_take_is_run_again() {
    let world = World::s3(|_| ());
    let (dir, topic) = (world.files("out", &["a", "b"]), world.topic("Sets"));
    world.down();
    assert_eq!(push(&topic, &dir).await.unwrap_err().kind(), ErrorKind::Unreachable);
    world.up();
    let failing = holdall_testing::fault::Rule::new(holdall_testing::fault::Fault::Reset).key("sets/b");
    world.server.as_ref().unwrap().add_rule(failing);
    let (pushed, failed) = push_with(&topic, &dir, &PushOptions::default()).await;
    let summary = pushed.unwrap().summary;
    assert_eq!((summary.done, summary.failed), (1, 2), "{failed:?}");
    assert!(!world.store.exists("topics/sets/manifest.json").await.unwrap());
    world.up();
    let again = push(&topic, &dir).await.unwrap();
    assert_eq!((again.summary.done, again.summary.unchanged), (1, 1));
    assert_eq!(verify(&topic, Some(&dir)).await.differences(), 0);
}

/// TOP-3: a server without conditions does not get a record written over another title's by a drain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_waited_is_never_written_over_another_where_there_are_no_conditions() {
    let world = World::queued();
    without_conditions(&world);
    world.topic("Groups").claim().await.unwrap();
    world.down();
    let dir = world.files("out", &["x"]);
    let pushed = push(&world.topic("Sets"), &dir).await;
    assert!(pushed.is_err() || pushed.is_ok_and(|pushed| pushed.claim == Claim::Queued));
    world.up();
    without_conditions(&world);
    assert_eq!(elsewhere(&world).topic("SETS").unwrap().claim().await.unwrap(), Claim::BestEffort);
    while drain(&world).await > 0 {}
    let topic = elsewhere(&world).find("sets").await.unwrap();
    assert_eq!(topic.title().unwrap().as_str(), "SETS");
    assert!(!world.server.as_ref().unwrap().objects(&world.bucket).contains_key("topics/sets/x"));
}
