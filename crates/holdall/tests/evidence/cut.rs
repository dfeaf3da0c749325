//! Storing, replacing and removing that are cut off at each request: what is found afterwards is the old, the new, or a claim
//! that says so, and the same call again ends it.

use crate::world::{REPLACE, World, at, bundle, decision, read, store};
use holdall::ErrorKind;
use holdall::evidence::{AttachOptions, NewBundle, Outcome, RemoveOptions, StoreOptions};
use holdall_testing::fault::{Fault, Rule};

/// More requests than any call makes.
const REQUESTS: u64 = 24;

/// Cut before the request takes effect, and after it did.
fn faults() -> [Fault; 2] {
    [Fault::Reset, Fault::AnswerLost]
}

fn elsewhere(id: &str, data: &str) -> NewBundle {
    NewBundle { created_at: Some(at("2026-02-15T12:00:00Z")), ..bundle(id, data) }
}

#[tokio::test]
/// EVI-10
async fn storing_that_is_cut_off_anywhere_is_completed_by_the_same_call() {
    let world = World::server();
    store(&world.evidence, &bundle("warm", "1")).await.unwrap();
    for fault in faults() {
        for n in 1..=REQUESTS {
            let id = format!("d-{n}-{}", fault == Fault::Reset);
            world.server_of().add_rule(Rule::new(fault.clone()).from(n));
            let done = store(&world.evidence, &bundle(&id, "1")).await;
            world.up();
            let seen = read(&world.evidence, &id).await;
            let allowed: &[&str] = if done.is_ok() { &["1"] } else { &["1", "not_found", "incomplete"] };
            assert!(allowed.contains(&&*seen), "cut at {n}: {seen} after {done:?}");
            store(&world.evidence, &bundle(&id, "1")).await.unwrap();
            assert_eq!(read(&world.evidence, &id).await, "1");
        }
    }
    assert!(world.verify().await.iter().all(|line| line.ends_with(" read")));
}

#[tokio::test]
/// EVI-10
async fn replacing_that_is_cut_off_anywhere_leaves_the_old_or_the_new_whole() {
    let world = World::server();
    for (fault, to) in faults().into_iter().flat_map(|f| [(f.clone(), true), (f, false)]) {
        for n in 1..=REQUESTS {
            let id = format!("d-{n}-{to}-{}", fault == Fault::Reset);
            let new = if to { elsewhere(&id, "2") } else { bundle(&id, "2") };
            store(&world.evidence, &bundle(&id, "1")).await.unwrap();
            world.server_of().add_rule(Rule::new(fault.clone()).from(n));
            let done = world.evidence.store(&new, &REPLACE).await;
            world.up();
            let seen = read(&world.evidence, &id).await;
            let allowed: &[&str] = if done.is_ok() { &["2"] } else { &["1", "2"] };
            assert!(allowed.contains(&&*seen), "cut at {n}, elsewhere {to}: {seen} after {done:?}");
            world.evidence.store(&new, &REPLACE).await.unwrap();
            assert_eq!(read(&world.evidence, &id).await, "2");
            // Nothing is left of what was cut off.
            let again = world.evidence.store(&new, &StoreOptions::default()).await.unwrap();
            assert_eq!(again.outcome, Outcome::Unchanged, "cut at {n}");
        }
    }
    let lines = world.verify().await;
    assert!(lines.iter().all(|line| line.ends_with(" read")), "{lines:?}");
}

#[tokio::test]
/// EVI-9
async fn removing_that_is_cut_off_anywhere_leaves_all_or_nothing_and_ends_when_it_is_repeated() {
    let world = World::server();
    for fault in faults() {
        for n in 1..=REQUESTS {
            let id = format!("d-{n}-{}", fault == Fault::Reset);
            store(&world.evidence, &bundle(&id, "1")).await.unwrap();
            world.server_of().add_rule(Rule::new(fault.clone()).from(n));
            let done = world.evidence.remove(&decision(&id), &RemoveOptions::default()).await;
            world.up();
            let seen = read(&world.evidence, &id).await;
            let allowed: &[&str] = if done.is_ok() { &["not_found"] } else { &["1", "not_found"] };
            assert!(allowed.contains(&&*seen), "cut at {n}: {seen} after {done:?}");
            // What is removed comes back by nobody's doing.
            world.evidence.adopt(&Default::default(), |_| ()).await.unwrap();
            assert_eq!(read(&world.evidence, &id).await, seen);
            let _ = world.evidence.remove(&decision(&id), &RemoveOptions::default()).await;
            assert_eq!(read(&world.evidence, &id).await, "not_found");
        }
    }
    assert!(world.verify().await.is_empty());
    assert!(world.keys().await.iter().all(|key| key.contains("/by-id/")), "all bytes are gone");
}

#[tokio::test]
/// EVI-11
async fn attaching_that_is_cut_off_anywhere_is_completed_by_the_same_call() {
    let world = World::server();
    let options = AttachOptions { at: Some(at("2026-01-31T00:00:00Z")), ..AttachOptions::default() };
    let later = AttachOptions { at: Some(at("2026-02-01T00:00:00Z")), ..AttachOptions::default() };
    for fault in faults() {
        for n in 1..=REQUESTS {
            let id = decision(&format!("d-{n}-{}", fault == Fault::Reset));
            let name = crate::world::name("a");
            world.server_of().add_rule(Rule::new(fault.clone()).from(n));
            let _ = world.evidence.attach(&id, &name, &"one".into(), &options).await;
            world.up();
            world.evidence.attach(&id, &name, &"one".into(), &later).await.unwrap();
            let object = world.evidence.open_attachment(&id, &name).await.unwrap();
            assert_eq!(object.bytes().await.unwrap(), "one");
        }
    }
    assert!(world.verify().await.iter().all(|line| line.ends_with(" recorded")));
}

#[tokio::test]
/// EVI-9, EVI-11: an attachment of which the claim says already that it is removed was not looked at by the next removal.
async fn removing_with_attachments_that_is_cut_off_anywhere_ends_when_it_is_repeated() {
    let world = World::server();
    let all = RemoveOptions { attachments: true, ..RemoveOptions::default() };
    for fault in faults() {
        for n in 1..=REQUESTS {
            let id = decision(&format!("d-{n}-{}", fault == Fault::Reset));
            store(&world.evidence, &bundle(id.as_str(), "1")).await.unwrap();
            for name in ["a", "b"] {
                let options = AttachOptions::default();
                world.evidence.attach(&id, &crate::world::name(name), &"x".into(), &options).await.unwrap();
            }
            world.server_of().add_rule(Rule::new(fault.clone()).from(n));
            let done = world.evidence.remove(&id, &all).await;
            world.up();
            // All of it may be done but for the last answer.
            if done.is_err()
                && let Err(error) = world.evidence.remove(&id, &all).await
            {
                assert_eq!(error.kind(), ErrorKind::NotFound, "cut at {n}: {error}");
            }
            let lines = world.verify().await;
            assert!(lines.is_empty(), "cut at {n}: {lines:?}");
            let left = world.keys().await;
            assert!(left.iter().all(|key| key.contains("/by-id/")), "cut at {n}: {left:?}");
        }
    }
}
