//! Steps while the store is away, and steps that come late.

use crate::world::{World, mark, new, session, step};
use futures_util::StreamExt;
use holdall::session::{Fault, SessionsOptions, StepsOptions, VerifyOptions};
use holdall::{ErrorKind, LocalCopy, ReadFrom, State, WriteMode};
use holdall_testing::fault::{Fault as Broken, Kind, Rule};
use holdall_testing::random::Random;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The markers that a server has name parts that it has, with their sizes; answers how many there are.
fn markers_are_whole(world: &World) -> usize {
    let objects = world.server.objects(&world.bucket);
    let markers = objects.iter().filter(|(key, _)| key.ends_with("/step.json"));
    let mut count = 0;
    for (key, object) in markers {
        count += 1;
        let marker: serde_json::Value = serde_json::from_slice(&object.bytes).unwrap();
        for (name, part) in marker["parts"].as_object().unwrap() {
            let at = format!(
                "root/sessions/{}/{}",
                marker["session"].as_str().unwrap(),
                part["key"].as_str().unwrap()
            );
            let there = objects.get(&at);
            assert!(there.is_some(), "{key} is there without {name}");
            let bytes = &there.unwrap().bytes;
            assert_eq!(holdall::sha256(bytes).to_hex(), part["sha256"].as_str().unwrap(), "{name} of {key}");
        }
    }
    count
}

/// SES-6
#[tokio::test]
async fn a_step_waits_is_read_at_once_and_comes_with_its_marker_last() {
    let world = World::new();
    let sessions = world.machine("one");
    let (run, one) = (session("run"), step("1"));
    world.down();
    let receipt = sessions.store(new(&run, &one, "a")).await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    assert!(receipt.outbox.unwrap().ends_with("one"));
    assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    assert_eq!(sessions.describe(&run, &one).await.unwrap().read_from, ReadFrom::Outbox);
    sessions.store(new(&run, &one, "b")).await.unwrap();
    assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "b");
    let other = sessions.describe(&run, &step("2")).await.unwrap_err();
    assert_eq!(other.kind(), ErrorKind::Unreachable, "it is not known to be missing");
    let listed = sessions.steps(&run, &StepsOptions::default()).await.unwrap_err();
    assert_eq!(listed.kind(), ErrorKind::Unreachable);
    assert!(world.stored().is_empty());
    world.up();
    world.server.clear_log();
    world.drain("one").await.unwrap();
    let other = world.machine("other");
    assert_eq!(mark(&other, &run, &one).await.unwrap(), "b");
    assert_eq!(other.steps(&run, &StepsOptions::default()).await.unwrap().steps.len(), 1);
    let log = world.server.log();
    let puts: Vec<&str> = log.iter().filter(|s| s.kind == Kind::PutObject).map(|s| s.key.as_str()).collect();
    let first = puts.iter().position(|key| key.ends_with("step.json")).unwrap();
    assert!(puts[..first].iter().filter(|key| key.contains("/1/2")).count() >= 3, "{puts:?}");
    assert_eq!(markers_are_whole(&world), 1);
}

/// SES-6, SES-11: random faults, a drain by another process, and somebody who looks at every moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_marker_is_there_before_its_parts_whatever_fails() {
    let seed = holdall_testing::random::seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    let world = World::new();
    let sessions = world.machine("one");
    let run = session("run");
    let over = AtomicBool::new(false);
    let weather = async {
        let mut random = Random::new(seed);
        while !over.load(Ordering::Relaxed) {
            match random.number() % 3 {
                0 => world.down(),
                1 => world
                    .server
                    .add_rule(Rule::new(Broken::refuse(503, "SlowDown")).on(Kind::PutObject).chance(0.5)),
                _ => world.server.add_rule(Rule::new(Broken::Reset).chance(0.3)),
            }
            tokio::time::sleep(Duration::from_millis(random.number() % 60)).await;
            world.up();
            tokio::time::sleep(Duration::from_millis(random.number() % 60)).await;
        }
        world.up();
    };
    let drain = async {
        while !over.load(Ordering::Relaxed) {
            // Whatever it could not send waits.
            drop(world.drain("one").await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let look = async {
        let mut most = 0;
        while !over.load(Ordering::Relaxed) {
            most = most.max(markers_are_whole(&world));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        most
    };
    let work = async {
        for n in 0..60u32 {
            let one = step(&(n % 20).to_string());
            sessions.store(new(&run, &one, &n.to_string())).await.unwrap();
            assert_eq!(mark_with_patience(&sessions, &run, &one).await, n.to_string());
        }
        over.store(true, Ordering::Relaxed);
    };
    let ((), (), most, ()) = tokio::join!(weather, drain, look, work);
    world.up();
    for _ in 0..100 {
        if world.drain("one").await.is_ok_and(|drained| drained.later == 0) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("{most} markers seen on the way");
    assert_eq!(markers_are_whole(&world), 20);
    let other = world.machine("other");
    for n in 40..60u32 {
        let one = step(&(n % 20).to_string());
        assert_eq!(mark(&other, &run, &one).await.unwrap(), n.to_string());
    }
}

/// What the store has cannot be read while it is away.
async fn mark_with_patience(
    sessions: &holdall::session::Sessions,
    run: &holdall::SessionId,
    one: &holdall::StepId,
) -> String {
    for _ in 0..500 {
        match mark(sessions, run, one).await {
            Ok(mark) => return mark,
            Err(error) => assert!(
                [ErrorKind::Unreachable, ErrorKind::Throttled, ErrorKind::Timeout].contains(&error.kind()),
                "{error:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the store never came back");
}

/// SES-7: what waits of a step that is deleted elsewhere is not there when it comes.
#[tokio::test]
async fn a_deleted_step_is_not_brought_back_by_what_waited() {
    let world = World::new();
    let one = world.machine("one");
    let two = world.machine_with("two", |settings| settings.write = WriteMode::Behind);
    let (run, first, second) = (session("run"), step("1"), step("2"));
    one.store(new(&run, &first, "a")).await.unwrap();
    let receipt = two.store(new(&run, &first, "late")).await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    two.store(new(&run, &second, "unknown to one")).await.unwrap();
    one.delete(&run, &first).await.unwrap();
    world.drain("two").await.unwrap();
    assert!(world.stored().iter().any(|key| key == "sessions/run/1/step.json"), "it came");
    for machine in ["one", "two", "three"] {
        let sessions = world.machine(machine);
        assert_eq!(sessions.retrieve(&run, &first).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(mark(&sessions, &run, &second).await.unwrap(), "unknown to one");
        let options = StepsOptions { check: true, ..StepsOptions::default() };
        let steps = sessions.steps(&run, &options).await.unwrap().steps;
        assert_eq!(steps.len(), 1, "{steps:?}");
    }
    let mut faults = Vec::new();
    let options = VerifyOptions { mend: true, ..VerifyOptions::default() };
    one.verify(&run, &options, |finding| faults.push((finding.fault, finding.mended))).await.unwrap();
    assert!(faults.contains(&(Fault::Late, true)), "{faults:?}");
    assert!(!world.stored().iter().any(|key| key.starts_with("sessions/run/1/")), "{:?}", world.stored());
    // What is stored after it was deleted is there, directly and out of an outbox.
    two.store(new(&run, &first, "anew")).await.unwrap();
    world.drain("two").await.unwrap();
    assert_eq!(mark(&one, &run, &first).await.unwrap(), "anew");
}

/// SES-7
#[tokio::test]
async fn a_deleted_session_is_not_brought_back_by_what_waited() {
    let world = World::new();
    let one = world.machine("one");
    let two = world.machine_with("two", |settings| settings.write = WriteMode::Behind);
    let (run, first, second) = (session("run"), step("1"), step("2"));
    one.store(new(&run, &first, "a")).await.unwrap();
    two.store(new(&run, &second, "late")).await.unwrap();
    assert_eq!(one.delete_session(&run).await.unwrap().steps, 1);
    assert!(!world.stored().iter().any(|key| key.starts_with("sessions/run/")), "{:?}", world.stored());
    world.drain("two").await.unwrap();
    let other = world.machine("other");
    assert_eq!(other.retrieve(&run, &second).await.unwrap_err().kind(), ErrorKind::NotFound);
    // What is left of it is not counted as a step, and goes.
    assert_eq!(other.delete_session(&run).await.unwrap().steps, 0);
    assert_eq!(other.delete_session(&run).await.unwrap_err().kind(), ErrorKind::NotFound);
    // Steps that came out of an outbox in time are steps as others are.
    for one in [&first, &second] {
        two.store(new(&run, one, "in time")).await.unwrap();
    }
    world.drain("two").await.unwrap();
    assert_eq!(mark(&other, &run, &first).await.unwrap(), "in time");
    assert_eq!(other.delete_session(&run).await.unwrap().steps, 2);
    assert!(other.list(&SessionsOptions::default()).await.unwrap().sessions.is_empty());
}

/// SES-7: the marker goes before its parts also where both wait.
#[tokio::test]
async fn a_deletion_that_waits_takes_the_marker_first() {
    let world = World::new();
    let one = world.machine("one");
    let behind = world.machine_with("two", |settings| settings.write = WriteMode::Behind);
    let (run, first) = (session("run"), step("1"));
    one.store(new(&run, &first, "a")).await.unwrap();
    let deleted = behind.delete(&run, &first).await.unwrap();
    assert_eq!((deleted.state, deleted.failures.len()), (State::Queued, 0));
    assert_eq!(behind.describe(&run, &first).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(mark(&one, &run, &first).await.unwrap(), "a");
    world.server.clear_log();
    world.drain("two").await.unwrap();
    let log = world.server.log();
    let writes = log.iter().filter(|s| matches!(s.kind, Kind::PutObject | Kind::DeleteObject));
    let keys: Vec<&str> = writes.map(|s| s.key.as_str()).filter(|key| key.contains("/run/1/")).collect();
    assert!(keys[0].ends_with("/step.json"), "{keys:?}");
    assert_eq!(world.stored(), ["sessions/.holdall-deleted/run/1.json"]);
    // Stored and deleted while the store is away: nothing comes but the tombstone.
    world.down();
    one.store(new(&run, &first, "b")).await.unwrap();
    one.delete(&run, &first).await.unwrap();
    assert_eq!(one.delete(&run, &first).await.unwrap_err().kind(), ErrorKind::NotFound);
    world.up();
    world.drain("one").await.unwrap();
    assert_eq!(world.stored(), ["sessions/.holdall-deleted/run/1.json"]);
}

/// SES-6, SES-7
#[tokio::test]
async fn kept_copies_are_read_while_the_store_is_away_and_go_with_their_step() {
    let world = World::new();
    let sessions = world.machine_with("one", |settings| settings.local_copy = LocalCopy::Keep);
    let (run, first, second) = (session("run"), step("1"), step("2"));
    for one in [&first, &second] {
        assert_eq!(sessions.store(new(&run, one, "a")).await.unwrap().state, State::Stored);
    }
    sessions.delete(&run, &second).await.unwrap();
    world.down();
    assert_eq!(mark(&sessions, &run, &first).await.unwrap(), "a");
    let described = sessions.describe(&run, &first).await.unwrap();
    assert_eq!(described.read_from, ReadFrom::LocalCopy);
    assert_eq!(sessions.describe(&run, &second).await.unwrap_err().kind(), ErrorKind::Unreachable);
    world.up();
    sessions.delete_session(&run).await.unwrap();
    world.down();
    assert_eq!(sessions.describe(&run, &first).await.unwrap_err().kind(), ErrorKind::Unreachable);
}

/// SES-5, SES-6
#[tokio::test]
async fn many_steps_wait_each_with_its_own_receipt() {
    let world = World::new();
    let sessions = world.machine("one");
    let run = session("run");
    world.down();
    let steps: Vec<_> = (0..40).map(|n| new(&run, &step(&n.to_string()), &n.to_string())).collect();
    let stored: Vec<_> = sessions.store_many(steps).collect().await;
    let states: BTreeMap<_, _> =
        stored.into_iter().map(|one| (one.step.clone(), one.outcome.unwrap().state)).collect();
    assert!(states.len() == 40 && states.values().all(|state| *state == State::Queued), "{states:?}");
    world.up();
    world.drain("one").await.unwrap();
    assert_eq!(markers_are_whole(&world), 40);
}

/// SES-10: what the store refuses is an error of its own kind, and does not wait.
#[tokio::test]
async fn what_is_refused_is_told_apart_from_what_cannot_be_reached() {
    let world = World::new();
    let sessions = world.machine("one");
    let (run, one) = (session("run"), step("1"));
    world.server.add_rule(Rule::new(Broken::refuse(403, "AccessDenied")).on(Kind::PutObject));
    let error = sessions.store(new(&run, &one, "a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    let source = std::error::Error::source(&error);
    assert!(error.code() == Some("AccessDenied") || source.is_some(), "{error:?}");
    world.up();
    let raise =
        world.machine_with("two", |settings| settings.on_remote_error = holdall::OnRemoteError::Raise);
    world.down();
    let error = raise.store(new(&run, &one, "a")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(std::error::Error::source(&error).is_some(), "it has its cause: {error:?}");
    world.up();
    assert_eq!(raise.describe(&run, &one).await.unwrap_err().kind(), ErrorKind::NotFound);
}
