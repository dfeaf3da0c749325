//! What others changed, and what is found and mended.

use crate::world::{ahead, everywhere, keys, mark, new, session, step};
use futures_util::TryStreamExt;
use holdall::ErrorKind;
use holdall::session::{Fault, PartName, Sessions, StepsOptions, VerifyOptions};
use std::time::Duration;

pub(crate) async fn verify(sessions: &Sessions, mend: bool) -> Vec<(Fault, bool)> {
    let mut faults = Vec::new();
    let options = VerifyOptions { mend, ..VerifyOptions::default() };
    let told = |finding: holdall::session::Finding| faults.push((finding.fault, finding.mended));
    let summary = sessions.verify(&session("run"), &options, told).await.unwrap();
    assert_eq!(summary.faults, faults.len() as u64);
    faults
}

/// SES-2, SES-3
#[tokio::test]
async fn a_part_that_is_gone_or_another_makes_a_step_incomplete_and_never_wrong() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let store = sessions.as_store();
        let described = sessions.store(new(&run, &one, "a")).await.unwrap().step;
        let html = described.parts[&PartName::html()].key.as_str();
        for bytes in ["<p>b</p>", "longer than it was"] {
            store.put(html, bytes).await.unwrap();
            assert_eq!(mark(&sessions, &run, &one).await.unwrap_err().kind(), ErrorKind::Incomplete);
            assert_eq!(verify(&sessions, true).await, [(Fault::Different, false)]);
        }
        store.put(html, "<p>b</p>").await.unwrap();
        let part = sessions.open_part(&run, &one, &PartName::html(), None).await.unwrap();
        let read = part.stream.try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(read.kind(), ErrorKind::Integrity, "its end says so");
        store.delete(html).await.unwrap();
        let error = sessions.retrieve(&run, &one).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Incomplete);
        assert!(std::error::Error::source(&error).is_some());
        let part = sessions.open_part(&run, &one, &PartName::html(), None).await.unwrap_err();
        assert_eq!(part.kind(), ErrorKind::Incomplete);
        assert_eq!(
            sessions.retrieve_part(&run, &one, &PartName::action()).await.unwrap(),
            "{\"mark\": \"a\"}"
        );
        assert_eq!(verify(&sessions, true).await, [(Fault::Missing, false)]);
        sessions.store(new(&run, &one, "again")).await.unwrap();
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "again");
        assert_eq!(verify(&sessions, false).await, []);
    })
    .await;
}

/// SES-10
#[tokio::test]
async fn what_is_no_marker_of_this_holdall_is_told_apart_and_left_alone() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        let key = "sessions/run/1/step.json";
        for (text, kind) in [
            ("{\"schema\": \"holdall.step/9\"}", ErrorKind::Unsupported),
            ("{\"mine\": true}", ErrorKind::Integrity),
            ("", ErrorKind::Integrity),
        ] {
            sessions.as_store().put(key, text).await.unwrap();
            assert_eq!(sessions.describe(&run, &one).await.unwrap_err().kind(), kind);
            assert_eq!(sessions.store(new(&run, &one, "a")).await.unwrap_err().kind(), kind);
            assert_eq!(sessions.delete(&run, &one).await.unwrap_err().kind(), kind);
            let there = sessions.as_store().get(key).await.unwrap().bytes().await.unwrap();
            assert_eq!(there, text);
            assert_eq!(keys(sessions.as_store()).await, [key], "nothing is left of the attempt");
            assert_eq!(verify(&sessions, true).await, [(Fault::Unreadable, false)]);
        }
    })
    .await;
}

/// SES-4
#[tokio::test]
async fn the_index_is_rebuilt() {
    everywhere(|sessions| async move {
        let run = session("run");
        for n in 0..5 {
            sessions.store(new(&run, &step(&n.to_string()), "x")).await.unwrap();
        }
        let options = StepsOptions::default();
        let before = sessions.steps(&run, &options).await.unwrap();
        for key in keys(sessions.as_store()).await.iter().filter(|key| key.contains(".holdall-index")) {
            sessions.as_store().delete(key).await.unwrap();
        }
        let stale = "sessions/run/.holdall-index/fffffe742fb1b7ff-gone";
        sessions.as_store().put(stale, "").await.unwrap();
        sessions.as_store().put("sessions/run/.holdall-index/note", "").await.unwrap();
        assert_eq!(verify(&sessions, false).await, [(Fault::NotListed, false); 5]);
        let later = sessions.clone().with_clock(ahead(Duration::from_secs(2 * 86_400)));
        let mut mended = vec![(Fault::NotListed, true); 5];
        mended.push((Fault::StaleEntry, true));
        assert_eq!(verify(&later, true).await, mended);
        assert_eq!(sessions.steps(&run, &options).await.unwrap(), before);
        assert_eq!(verify(&later, false).await, []);
    })
    .await;
}

/// SES-7
#[tokio::test]
async fn what_an_attempt_left_goes_after_a_day_and_what_is_of_others_stays() {
    everywhere(|sessions| async move {
        let (run, one) = (session("run"), step("1"));
        sessions.store(new(&run, &one, "a")).await.unwrap();
        let orphans = [
            "sessions/run/1/20250102T030405678Z-00000000000000aa/page.html",
            "sessions/run/2/20250102T030405678Z-00000000000000aa/page.html",
        ];
        let others = ["sessions/run/1/note", "sessions/run/3/deep/page.html", "sessions/run/alone"];
        for key in orphans.iter().chain(&others) {
            sessions.as_store().put(key, "x").await.unwrap();
        }
        assert_eq!(verify(&sessions, true).await, [], "somebody may be at work on them");
        let later = sessions.clone().with_clock(ahead(Duration::from_secs(2 * 86_400)));
        assert_eq!(verify(&later, true).await, [(Fault::Orphan, true); 2]);
        let left = keys(sessions.as_store()).await;
        assert!(!left.iter().any(|key| orphans.contains(&key.as_str())), "{left:?}");
        assert!(others.iter().all(|key| left.iter().any(|left| left == key)), "{left:?}");
        assert_eq!(mark(&sessions, &run, &one).await.unwrap(), "a");
    })
    .await;
}
