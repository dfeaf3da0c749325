//! Deleting steps and sessions.

use crate::world::{World, ahead, everywhere, keys, mark, new, session, step};
use holdall::ErrorKind;
use holdall::session::{NewStep, StepsOptions};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::time::Duration;

/// SES-7
#[tokio::test]
async fn all_of_a_step_goes_and_nothing_of_its_neighbours() {
    everywhere(|sessions| async move {
        let run = session("run");
        for name in ["1", "10", "1.x", "2"] {
            sessions.store(new(&run, &step(name), name)).await.unwrap();
        }
        // Of others, in the step's own folder: deletion takes what the marker names, and no prefix.
        sessions.as_store().put("sessions/run/1/note.txt", "mine").await.unwrap();
        sessions.store(new(&run, &step("1"), "again")).await.unwrap();
        let deleted = sessions.delete(&run, &step("1")).await.unwrap();
        assert!(deleted.failures.is_empty() && !deleted.finished);
        assert_eq!(sessions.retrieve(&run, &step("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
        for name in ["10", "1.x", "2"] {
            assert_eq!(mark(&sessions, &run, &step(name)).await.unwrap(), name);
        }
        let left: Vec<String> = keys(sessions.as_store()).await;
        let own: Vec<&String> = left.iter().filter(|key| key.starts_with("sessions/run/1/")).collect();
        assert_eq!(own, ["sessions/run/1/note.txt"]);
        assert_eq!(sessions.steps(&run, &StepsOptions::default()).await.unwrap().steps.len(), 3);
        assert_eq!(sessions.delete(&run, &step("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
        sessions.store(new(&run, &step("1"), "anew")).await.unwrap();
        assert_eq!(mark(&sessions, &run, &step("1")).await.unwrap(), "anew");
    })
    .await;
}

/// SES-7
#[tokio::test]
async fn all_of_a_session_goes_and_what_is_not_there_is_told_apart() {
    everywhere(|sessions| async move {
        for run in ["a", "ab"] {
            for n in 0..30 {
                sessions.store(new(&session(run), &step(&n.to_string()), run)).await.unwrap();
            }
        }
        let deleted = sessions.delete_session(&session("a")).await.unwrap();
        assert_eq!((deleted.steps, deleted.failures.len(), deleted.left.len()), (30, 0, 0));
        assert!(!keys(sessions.as_store()).await.iter().any(|key| key.starts_with("sessions/a/")));
        assert_eq!(sessions.delete_session(&session("a")).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(sessions.delete_session(&session("none")).await.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(mark(&sessions, &session("ab"), &step("7")).await.unwrap(), "ab");
    })
    .await;
}

/// SES-7
#[tokio::test]
async fn what_cannot_be_deleted_is_told_one_by_one_and_goes_the_next_time() {
    let world = World::new();
    let sessions = world.machine("one");
    let run = session("run");
    for n in 0..3 {
        sessions.store(new(&run, &step(&n.to_string()), "x")).await.unwrap();
    }
    let denied = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::DeleteObject).key("/1/step.json");
    world.server.add_rule(denied);
    let deleted = sessions.delete_session(&run).await.unwrap();
    let failed: Vec<_> = deleted.failures.iter().map(|(step, error)| (step.as_str(), error.kind())).collect();
    assert_eq!((deleted.steps, failed), (2, vec![("1", ErrorKind::PermissionDenied)]));
    assert_eq!(mark(&sessions, &run, &step("1")).await.unwrap(), "x", "it is there, whole");
    world.up();
    world.server.add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::DeleteObjects));
    let deleted = sessions.delete(&run, &step("1")).await.unwrap();
    assert_eq!(deleted.failures.len(), 4, "{:?}", deleted.failures);
    assert_eq!(sessions.describe(&run, &step("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
    world.up();
    let deleted = sessions.delete(&run, &step("1")).await.unwrap();
    assert!(deleted.finished && deleted.failures.is_empty());
    assert!(!world.stored().iter().any(|key| key.starts_with("sessions/run/")), "{:?}", world.stored());
    assert_eq!(sessions.delete(&run, &step("1")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// SES-7: also what is stored again many times leaves nothing behind.
#[tokio::test]
async fn what_was_stored_again_and_again_goes_as_a_whole() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        for n in 0..50u64 {
            let later = sessions.clone().with_clock(ahead(Duration::from_secs(n * 60)));
            let receipt = later.store(NewStep::new(&run, &one).html(n.to_string())).await.unwrap();
            assert!(receipt.leftovers.is_empty());
        }
        // Within five minutes come five attempts, and the current one; those that are due go with the next.
        let parts =
            keys(sessions.as_store()).await.into_iter().filter(|key| key.ends_with("page.html")).count();
        assert!(parts <= 7, "{parts}");
        sessions.delete(&run, &one).await.unwrap();
        assert_eq!(keys(sessions.as_store()).await, ["sessions/.holdall-deleted/run/1.json"]);
        for n in 0..50 {
            sessions.store(NewStep::new(&run, &one).html(n.to_string())).await.unwrap();
        }
        let parts =
            keys(sessions.as_store()).await.into_iter().filter(|key| key.ends_with("page.html")).count();
        assert!(parts <= 34, "{parts}");
        sessions.delete(&run, &one).await.unwrap();
        assert_eq!(keys(sessions.as_store()).await, ["sessions/.holdall-deleted/run/1.json"]);
    })
    .await;
}
