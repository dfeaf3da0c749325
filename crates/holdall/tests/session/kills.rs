//! Processes that are killed while they store and delete, and readers that look meanwhile.

use crate::damage::verify;
use crate::killing::{Place, moment};
use crate::world::{ahead, hours, keys, mark, new, session, step, sweep};
use holdall::ErrorKind;
use holdall::session::{Sessions, StepsOptions};
use holdall_testing::random::{Random, seed_from_env};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// The step as it is: what it says, or none; never by half.
pub(crate) async fn look(sessions: &Sessions) -> Option<u64> {
    match mark(sessions, &session("run"), &step("1")).await {
        Ok(mark) => Some(mark.parse().unwrap()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
            None
        }
    }
}

pub(crate) fn kills() -> u64 {
    let is_long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|text| text == "1");
    if is_long { 300 } else { 40 }
}

async fn kill_again_and_again(deed: &str, check: impl AsyncFn(&Sessions, (String, u64))) {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    for (name, place) in [("folder", Place::folder()), ("server", Place::server())] {
        let mut random = Random::named(seed, &format!("{deed} {name}"));
        kill_in(&place, name, deed, &mut random, &check).await;
    }
}

async fn kill_in(
    place: &Place,
    name: &str,
    deed: &str,
    random: &mut Random,
    check: &impl AsyncFn(&Sessions, (String, u64)),
) {
    let sessions = place.open();
    sessions.store(new(&session("run"), &step("1"), "0")).await.unwrap();
    let (over, looks) = (AtomicBool::new(false), AtomicU64::new(0));
    let reader = async {
        while !over.load(Ordering::Relaxed) {
            look(&sessions).await;
            looks.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
    };
    let work = async {
        let (mut number, mut acknowledged) = (1, 0);
        for _ in 0..kills() {
            let said = place.kill(place.spawn(deed, number), random).await;
            let (word, n) = said.unwrap_or(("begin".to_owned(), number));
            acknowledged += n - number + u64::from(word != "begin");
            number = n + 1;
            check(&sessions, (word, n)).await;
        }
        over.store(true, Ordering::Relaxed);
        acknowledged
    };
    let ((), acknowledged) = tokio::join!(reader, work);
    println!("{name}: {acknowledged} were acknowledged, {} looks", looks.into_inner());
    assert!(acknowledged > kills() / 10, "too little was done: {acknowledged}");
    nothing_stays(&sessions).await;
}

/// Whatever the killed ones left goes in time: a deletion, a mending and a sweep leave the tombstone alone.
pub(crate) async fn nothing_stays(sessions: &Sessions) {
    let (run, one) = (session("run"), step("1"));
    match sessions.delete(&run, &one).await {
        Ok(deleted) => assert!(deleted.failures.is_empty(), "{deleted:?}"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}"),
    }
    // Behind every moment that a step was ever given.
    let later = sessions.clone().with_clock(ahead(hours(2_000_000)));
    assert!(verify(&later, true).await.into_iter().all(|(_, mended)| mended));
    sweep(sessions, hours(2_000_000)).await;
    let left = keys(sessions.as_store()).await;
    assert!(left.iter().all(|key| key == "sessions/.holdall-deleted/run/1.json"), "{left:?}");
}

/// SES-2: it is what was acknowledged last, or what was being stored; all of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_stored_again_is_whole_whenever_its_writer_is_killed() {
    kill_again_and_again("store", async |sessions, (word, n)| {
        let there = look(sessions).await.expect("it was there before and after");
        match word.as_str() {
            "stored" => assert!(there == n || there == n + 1, "{there} after {n} was stored"),
            _ => assert!(there <= n, "{there} while {n} was stored"),
        }
        assert_eq!(sessions.steps(&session("run"), &StepsOptions::default()).await.unwrap().steps.len(), 1);
    })
    .await;
}

/// SES-7: it is whole or gone, what was deleted does not come back, and deleting it again leaves nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_deleted_is_whole_or_gone_whenever_its_deleter_is_killed() {
    kill_again_and_again("delete", async |sessions, (word, n)| {
        let (run, one) = (session("run"), step("1"));
        let there = look(sessions).await;
        match word.as_str() {
            "deleted" => assert!(there.is_none_or(|there| there == n + 1), "{there:?} after {n} was deleted"),
            "stored" => assert!(there.is_none_or(|there| there == n), "{there:?} after {n} was stored"),
            // The first of all was not deleted before.
            _ => {
                assert!(there.is_none_or(|there| there == n || there == 0), "{there:?} while {n} was stored")
            }
        }
        match sessions.delete(&run, &one).await {
            Ok(deleted) => assert!(deleted.failures.is_empty(), "{deleted:?}"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound),
        }
        assert_eq!(look(sessions).await, None);
        let options = StepsOptions { check: true, ..StepsOptions::default() };
        assert!(sessions.steps(&run, &options).await.unwrap().steps.is_empty());
        // Nothing but what an attempt to store left that was killed, which verify removes when it is old.
        let left: Vec<String> = keys(sessions.as_store()).await;
        let markers = left.iter().filter(|key| key.ends_with("step.json")).count();
        assert_eq!(markers, 0, "{left:?}");
    })
    .await;
}

/// SES-8: it is there, whole and listed, with the moment that was acknowledged last or the one that was being given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_given_moments_is_there_with_one_of_them_whenever_its_giver_is_killed() {
    let last = Mutex::new(None);
    kill_again_and_again("expire", async |sessions, (word, n)| {
        let (run, one) = (session("run"), step("1"));
        assert_eq!(look(sessions).await, Some(0));
        let expires = sessions.describe(&run, &one).await.unwrap().expires;
        // Whoever was killed before this one may have given the last that was acknowledged.
        let before = std::mem::replace(&mut *last.lock().unwrap(), expires);
        let may_be = match word.as_str() {
            "stored" => vec![moment(n), moment(n + 1)],
            _ => vec![moment(n.saturating_sub(1)), moment(n), before],
        };
        assert!(may_be.contains(&expires), "{expires:?} after {word} {n}");
        for check in [false, true] {
            let options = StepsOptions { check, ..StepsOptions::default() };
            let listed = sessions.steps(&run, &options).await.unwrap().steps;
            assert_eq!(listed.len(), 1, "{listed:?}");
        }
        assert_eq!(verify(sessions, false).await, []);
    })
    .await;
}

/// SES-8: it is whole or gone, what was swept does not come back, and the next sweep leaves nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_step_that_is_swept_is_whole_or_gone_whenever_its_sweeper_is_killed() {
    kill_again_and_again("sweep", async |sessions, (word, n)| {
        let there = look(sessions).await;
        match word.as_str() {
            "deleted" => assert!(there.is_none_or(|there| there == n + 1), "{there:?} after {n} was swept"),
            "stored" => assert!(there.is_none_or(|there| there == n), "{there:?} after {n} was stored"),
            _ => {
                assert!(there.is_none_or(|there| there == n || there == 0), "{there:?} while {n} was stored")
            }
        }
        let mut named = Vec::new();
        if there.is_some() {
            let step = sessions.describe(&session("run"), &step("1")).await.unwrap();
            named.extend(step.parts.into_values().map(|part| part.key.as_str().to_owned()));
        }
        sweep(sessions, hours(2)).await;
        // The first of all has no moment.
        if there != Some(0) {
            assert_eq!(look(sessions).await, None);
        }
        let left: Vec<String> = keys(sessions.as_store()).await;
        assert!(there == Some(0) || !left.iter().any(|key| named.contains(key)), "{left:?}");
        assert!(!left.iter().any(|key| key.contains(".holdall-deleted/")), "{left:?}");
    })
    .await;
}
