//! Steps and sessions that expire.

use crate::damage::verify;
use crate::world::{
    World, ahead, everywhere, hours, in_hours, keys, listed, mark, names, new, session, step, sweep,
};
use holdall::session::SessionsOptions;
use holdall::{ErrorKind, ReadFrom, State};
use std::time::{Duration, SystemTime};

const NEVER: Option<SystemTime> = None;

/// SES-8
#[tokio::test]
async fn a_step_is_not_there_from_its_moment_on_whoever_asks_how() {
    everywhere(|sessions| async move {
        let (run, one, two) = (session("run"), step("1"), step("2"));
        let stored = sessions.store(new(&run, &one, "a").expires(in_hours(1))).await.unwrap();
        sessions.store(new(&run, &two, "b")).await.unwrap();
        assert!(stored.step.expires.unwrap() > in_hours(0));
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
        assert_eq!(names(&sessions, &run).await.len(), 2);
        let later = sessions.clone().with_clock(ahead(hours(2)));
        for error in [
            later.describe(&run, &one).await.map(drop).unwrap_err(),
            mark(&later, &run, &one).await.map(drop).unwrap_err(),
            later.copy((&run, &one), (&run, &step("3"))).await.map(drop).unwrap_err(),
            later.set_expiration(&run, &one, NEVER).await.map(drop).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
        assert_eq!(names(&later, &run).await, ["2"]);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(later.export_to_folder(&run, None, dir.path()).await.unwrap().steps, 1);
        assert_eq!(verify(&later, true).await, [], "a sweep is to come");
        // A session of which every step has expired is none.
        later.delete(&run, &two).await.unwrap();
        assert_eq!(later.list(&SessionsOptions::default()).await.unwrap().sessions, []);
        assert_eq!(
            sessions.list(&SessionsOptions::default()).await.unwrap().sessions,
            std::slice::from_ref(&run)
        );
        let gone = later.set_session_expiration(&run, NEVER).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        // By the system's clock it is there still.
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    })
    .await;
}

/// SES-8
#[tokio::test]
async fn a_step_is_given_a_moment_another_one_and_none() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let before = sessions.store(new(&run, &one, "a")).await.unwrap().step;
        for moment in [Some(in_hours(1)), Some(in_hours(1)), Some(in_hours(100)), NEVER, NEVER] {
            let receipt = sessions.set_expiration(&run, &one, moment).await.unwrap();
            assert_eq!((receipt.state, receipt.leftovers.len()), (State::Stored, 0));
            let now = sessions.describe(&run, &one).await.unwrap();
            assert!(now.expires >= moment && now.expires.is_some() == moment.is_some());
            assert_eq!((&now.parts, now.time, now.stored), (&before.parts, before.time, before.stored));
            assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
            let entries = listed(&sessions, &run).await;
            assert_eq!(entries.len(), 1);
            assert_eq!((entries[0].time, entries[0].expires), (before.time, now.expires));
            let index = keys(sessions.as_store()).await;
            let index = index.iter().filter(|key| key.contains(".holdall-index/")).count();
            assert_eq!((index, verify(&sessions, false).await), (1, vec![]));
        }
        // Nothing is due by what was given and taken back.
        assert!(sweep(&sessions, hours(500)).await.is_empty());
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    })
    .await;
}

/// SES-8: what is stored again has the moment that it is given, or none; what is copied has its source's.
#[tokio::test]
async fn a_step_that_is_stored_again_has_a_new_moment_or_none_and_a_copy_has_its_sources() {
    everywhere(|sessions| async move {
        let (run, one, two) = (session("run"), step("1"), step("2"));
        sessions.store(new(&run, &one, "a").expires(in_hours(1))).await.unwrap();
        let copy = sessions.copy((&run, &one), (&run, &two)).await.unwrap().step;
        assert_eq!(copy.expires, sessions.describe(&run, &one).await.unwrap().expires);
        sessions.store(new(&run, &one, "b").expires(in_hours(9))).await.unwrap();
        assert!(sessions.describe(&run, &one).await.unwrap().expires > Some(in_hours(8)));
        sessions.store(new(&run, &one, "c")).await.unwrap();
        assert_eq!(sessions.describe(&run, &one).await.unwrap().expires, None);
        assert_eq!(sweep(&sessions, hours(20)).await, ["sessions/run/2/step.json"]);
        assert_eq!(names(&sessions, &run).await, ["1"]);
        // What had expired is stored anew as if it had never been there, and its old parts go in time.
        sessions.set_expiration(&run, &one, Some(in_hours(1))).await.unwrap();
        let later = sessions.clone().with_clock(ahead(hours(2)));
        let anew = later.store(new(&run, &one, "d")).await.unwrap().step;
        assert!(anew.time > in_hours(1));
        assert_eq!(mark(&later, &run, &one).await.unwrap(), "d");
        assert_eq!(names(&later, &run).await, ["1"]);
        let parts = keys(sessions.as_store()).await;
        assert_eq!(parts.iter().filter(|key| key.ends_with("page.html")).count(), 2, "{parts:?}");
    })
    .await;
}

/// SES-8
#[tokio::test]
async fn a_session_expires_with_every_step_that_is_there_and_what_comes_later_does_not() {
    everywhere(|sessions| async move {
        let run = session("run");
        for n in 0..40 {
            sessions.store(new(&run, &step(&n.to_string()), "x")).await.unwrap();
        }
        sessions.store(new(&session("run-2"), &step("1"), "x")).await.unwrap();
        let set = sessions.set_session_expiration(&run, Some(in_hours(1))).await.unwrap();
        assert_eq!((set.steps, set.failures.len(), set.left.len(), set.state), (40, 0, 0, State::Stored));
        sessions.store(new(&run, &step("later"), "y")).await.unwrap();
        let later = sessions.clone().with_clock(ahead(hours(2)));
        assert_eq!(names(&later, &run).await, ["later"]);
        assert_eq!(sweep(&sessions, hours(2)).await.len(), 40);
        assert_eq!(names(&sessions, &run).await, ["later"]);
        let left = keys(sessions.as_store()).await;
        assert_eq!(left.iter().filter(|key| key.ends_with("page.html")).count(), 2, "{left:?}");
        let none = sessions.set_session_expiration(&session("none"), NEVER).await.unwrap_err();
        assert_eq!(none.kind(), ErrorKind::NotFound);
    })
    .await;
}

/// SES-8, SES-10
#[tokio::test]
async fn a_moment_that_has_passed_or_never_comes_is_refused_and_changes_nothing() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "a")).await.unwrap();
        let before = keys(sessions.as_store()).await;
        let late = SystemTime::UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        for moment in [SystemTime::UNIX_EPOCH, SystemTime::now() - Duration::from_secs(1), late] {
            for error in [
                sessions.store(new(&run, &one, "b").expires(moment)).await.map(drop).unwrap_err(),
                sessions.set_expiration(&run, &one, Some(moment)).await.map(drop).unwrap_err(),
                sessions.set_session_expiration(&run, Some(moment)).await.map(drop).unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::InvalidInput);
                let said = error.to_string();
                assert!(said.contains("expire") && said.contains("run"), "{said}");
            }
        }
        assert_eq!(keys(sessions.as_store()).await, before);
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
        let missing = sessions.set_expiration(&run, &step("2"), NEVER).await.unwrap_err();
        assert_eq!(missing.kind(), ErrorKind::NotFound);
    })
    .await;
}

/// SES-8, SES-6: a moment does not wait for a store that is away, unless its step does.
#[tokio::test]
async fn a_moment_is_refused_while_the_store_is_away_and_waits_with_a_step_that_waits() {
    let world = World::new();
    let sessions = world.machine_with("one", |settings| settings.local_copy = holdall::LocalCopy::Keep);
    let (run, one, two) = (session("run"), step("1"), step("2"));
    sessions.store(new(&run, &one, "a")).await.unwrap();
    let before = world.stored();
    world.down();
    let refused = sessions.set_expiration(&run, &one, Some(in_hours(1))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unreachable, "{refused}");
    let refused = sessions.set_session_expiration(&run, Some(in_hours(1))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unreachable, "{refused}");
    sessions.store(new(&run, &two, "b")).await.unwrap();
    let receipt = sessions.set_expiration(&run, &two, Some(in_hours(1))).await.unwrap();
    assert_eq!(receipt.state, State::Queued);
    let described = sessions.describe(&run, &two).await.unwrap();
    assert_eq!((described.read_from, described.expires), (ReadFrom::Outbox, receipt.step.expires));
    world.up();
    assert_eq!(world.stored(), before);
    world.drain("one").await.unwrap();
    let other = world.machine("other");
    assert_eq!(other.describe(&run, &two).await.unwrap().expires, receipt.step.expires);
    assert_eq!(other.describe(&run, &one).await.unwrap().expires, None);
    assert_eq!(listed(&other, &run).await.len(), 2);
    assert_eq!(sweep(&other, hours(2)).await, ["sessions/run/2/step.json"]);
}
