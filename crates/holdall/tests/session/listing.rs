//! Listing sessions and steps.

use crate::world::{World, everywhere, new, session, step};
use holdall::session::{NewStep, SessionsOptions, StepsOptions};
use holdall::{ErrorKind, StepId};
use holdall_testing::fault::Kind;
use std::time::{Duration, UNIX_EPOCH};

fn names(page: &holdall::session::StepPage) -> Vec<&str> {
    page.steps.iter().map(|entry| entry.step.as_str()).collect()
}

/// SES-4
#[tokio::test]
async fn steps_come_in_the_order_in_which_they_were_recorded_page_by_page() {
    everywhere(|sessions| async move {
        let run = session("run");
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(1_700_000_000 + seconds);
        let recorded = [("z", 1), ("b", 5), ("a", 5), ("m-1", 3), ("m-2", 2), ("q", 4)];
        for (name, seconds) in recorded {
            sessions.store(NewStep::new(&run, &step(name)).html(name).at(at(seconds))).await.unwrap();
        }
        let wanted = ["a", "b", "q", "m-1", "m-2", "z"];
        let all = sessions.steps(&run, &StepsOptions::default()).await.unwrap();
        assert_eq!((names(&all), &all.next), (wanted.to_vec(), &None));
        assert_eq!(all.steps[0].time, at(5));
        for limit in 1..=7 {
            for check in [false, true] {
                let (mut seen, mut after) = (Vec::new(), None);
                loop {
                    let options = StepsOptions { after, limit, check, ..StepsOptions::default() };
                    let page = sessions.steps(&run, &options).await.unwrap();
                    assert!(!page.steps.is_empty() && page.steps.len() <= limit as usize);
                    seen.extend(names(&page).into_iter().map(str::to_owned));
                    after = page.next;
                    if after.is_none() {
                        break;
                    }
                }
                assert_eq!(seen, wanted, "{limit} {check}");
            }
        }
        let filtered = |change: fn(&mut StepsOptions, &dyn Fn(u64) -> std::time::SystemTime)| {
            let mut options = StepsOptions::default();
            change(&mut options, &at);
            options
        };
        for (options, wanted) in [
            (filtered(|o, at| o.since = Some(at(3))), &["a", "b", "q", "m-1"][..]),
            (filtered(|o, at| o.until = Some(at(3))), &["m-2", "z"]),
            (filtered(|o, at| o.until = Some(at(3) + Duration::from_nanos(1))), &["m-1", "m-2", "z"]),
            (filtered(|o, at| (o.since, o.until) = (Some(at(2)), Some(at(5)))), &["q", "m-1", "m-2"]),
            (filtered(|o, _| o.prefix = "m-".to_owned()), &["m-1", "m-2"]),
            (filtered(|o, _| o.prefix = "none".to_owned()), &[]),
        ] {
            let page = sessions.steps(&run, &options).await.unwrap();
            assert_eq!(names(&page), wanted, "{options:?}");
        }
        let options = StepsOptions { prefix: "m".to_owned(), limit: 1, ..StepsOptions::default() };
        let page = sessions.steps(&run, &options).await.unwrap();
        let options = StepsOptions { after: page.next.clone(), ..options };
        assert_eq!(names(&sessions.steps(&run, &options).await.unwrap()), ["m-2"]);
    })
    .await;
}

/// SES-4
#[tokio::test]
async fn nothing_is_no_error_and_a_session_is_listed_by_its_steps_alone() {
    everywhere(|sessions| async move {
        assert_eq!(sessions.list(&SessionsOptions::default()).await.unwrap().sessions, []);
        assert_eq!(sessions.steps(&session("none"), &StepsOptions::default()).await.unwrap().steps, []);
        for name in ["b", "a", "a-b", "c"] {
            sessions.store(new(&session(name), &step("1"), "x")).await.unwrap();
        }
        // Something lies there, and is no step.
        sessions.as_store().put("sessions/empty/note.txt", "x").await.unwrap();
        sessions.as_store().put("sessions/alone.txt", "x").await.unwrap();
        sessions.delete_session(&session("c")).await.unwrap();
        let all = sessions.list(&SessionsOptions::default()).await.unwrap();
        assert_eq!(all.sessions, [session("a-b"), session("a"), session("b")]);
        assert_eq!(all.next, None);
        let options = SessionsOptions { limit: 1, ..SessionsOptions::default() };
        let first = sessions.list(&options).await.unwrap();
        assert_eq!((first.sessions, first.next.clone()), (vec![session("a-b")], Some(session("a-b"))));
        let rest = SessionsOptions { after: first.next, ..SessionsOptions::default() };
        assert_eq!(sessions.list(&rest).await.unwrap().sessions, [session("a"), session("b")]);
        let some = SessionsOptions { prefix: "a".to_owned(), ..SessionsOptions::default() };
        assert_eq!(sessions.list(&some).await.unwrap().sessions.len(), 2);
    })
    .await;
}

/// SES-4, SES-10
#[tokio::test]
async fn a_page_that_cannot_be_is_refused() {
    everywhere(|sessions| async move {
        let run = session("run");
        for limit in [0, 1001] {
            let options = StepsOptions { limit, ..StepsOptions::default() };
            assert_eq!(sessions.steps(&run, &options).await.unwrap_err().kind(), ErrorKind::InvalidInput);
            let options = SessionsOptions { limit, ..SessionsOptions::default() };
            assert_eq!(sessions.list(&options).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
        for after in ["", "x", "../x", "ffffffffffffffff-/"] {
            let options = StepsOptions { after: Some(after.to_owned()), ..StepsOptions::default() };
            assert_eq!(sessions.steps(&run, &options).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    })
    .await;
}

/// SES-4: the index alone is asked, however many steps there are.
#[tokio::test]
async fn the_latest_page_of_very_many_steps_takes_three_requests_at_most() {
    let world = World::new();
    let sessions = world.machine("one");
    let run = session("run");
    let begin = 1_700_000_000_000u64;
    // Entries as they are written, past the wire.
    for n in 0..200_000u64 {
        let name = format!("root/sessions/run/.holdall-index/{:016x}-{n}", u64::MAX - begin - n);
        world.server.put_object(&world.bucket, &name, b"");
    }
    for n in 200_000..200_003u64 {
        let time = UNIX_EPOCH + Duration::from_millis(begin + n);
        sessions.store(new(&run, &StepId::parse(&n.to_string()).unwrap(), "x").at(time)).await.unwrap();
    }
    for limit in [20, 100, 999] {
        let sessions = world.machine("other");
        world.server.clear_log();
        let options = StepsOptions { limit, ..StepsOptions::default() };
        let page = sessions.steps(&run, &options).await.unwrap();
        assert_eq!(page.steps.len(), limit as usize);
        assert_eq!(names(&page)[..4], ["200002", "200001", "200000", "199999"]);
        let log = world.server.log();
        assert!(log.len() <= 3, "{} requests", log.len());
        assert!(log.iter().all(|seen| seen.kind == Kind::ListObjects), "{log:?}");
    }
}
