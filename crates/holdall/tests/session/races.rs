//! Several who store, read and delete one step at once.

use crate::world::{World, hours, in_hours, keys, mark, new, session, step, sweep};
use holdall::session::{Sessions, StepsOptions};
use holdall::{ErrorKind, Settings, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

fn folder() -> (tempfile::TempDir, Sessions) {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings::default();
    let store = Store::open(&format!("file://{}", dir.path().join("store").display()), &settings).unwrap();
    (dir, Sessions::open(&store, &settings).unwrap())
}

/// Eight write one step again and again, and eight read it: each reading is one writer's whole step, and what stands
/// at the end is what a writer wrote last.
async fn race(sessions: Sessions, rounds: u32) {
    let (run, one) = (session("run"), step("1"));
    sessions.store(new(&run, &one, "begin")).await.unwrap();
    let over = Arc::new(AtomicBool::new(false));
    let read = Arc::new(AtomicU32::new(0));
    let readers: Vec<_> = (0..8)
        .map(|_| {
            let (sessions, over, read) = (sessions.clone(), over.clone(), read.clone());
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    mark(&sessions, &session("run"), &step("1")).await.unwrap();
                    read.fetch_add(1, Ordering::Relaxed);
                    // Memory answers at once, and writers want their turn.
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (sessions, read) = (sessions.clone(), read.clone());
            tokio::spawn(async move {
                let mut n = 0;
                loop {
                    let text = format!("{writer}-{n}");
                    sessions.store(new(&session("run"), &step("1"), &text)).await.unwrap();
                    // No race is over before its readers have run.
                    n += 1;
                    if n >= rounds && read.load(Ordering::Relaxed) > 8 {
                        return text;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut last = Vec::new();
    for writer in writers {
        last.push(writer.await.unwrap());
    }
    over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.await.unwrap();
    }
    let stands = mark(&sessions, &run, &one).await.unwrap();
    assert!(last.contains(&stands), "{stands} of {last:?}");
    assert_eq!(sessions.steps(&run, &StepsOptions::default()).await.unwrap().steps.len(), 1);
}

/// SES-2, SES-11
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_reading_is_one_writers_whole_step_in_memory_and_in_a_folder() {
    race(Sessions::open(&Store::memory(), &Settings::default()).unwrap(), 30).await;
    let (_dir, sessions) = folder();
    race(sessions.clone(), 15).await;
    // Nothing is left that nothing names.
    let (run, one) = (session("run"), step("1"));
    sessions.delete(&run, &one).await.unwrap();
    assert_eq!(keys(sessions.as_store()).await, ["sessions/.holdall-deleted/run/1.json"]);
}

/// SES-2, SES-11
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_reading_is_one_writers_whole_step_on_a_server() {
    let world = World::new();
    race(world.machine("one"), 10).await;
}

/// SES-7, SES-11: a step that was deleted last is not there, and one that was stored last is, whole and listed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_stores_and_who_deletes_at_once_never_leave_half_a_step() {
    let memory = Sessions::open(&Store::memory(), &Settings::default()).unwrap();
    let (_dir, folder) = folder();
    for sessions in [memory, folder] {
        for round in 0..20 {
            let (run, one) = (session("run"), step("1"));
            let mut work = Vec::new();
            for n in 0..6 {
                let (sessions, run, one) = (sessions.clone(), run.clone(), one.clone());
                work.push(tokio::spawn(async move {
                    if n % 3 == 2 {
                        match sessions.delete(&run, &one).await {
                            Ok(deleted) => assert!(deleted.failures.is_empty()),
                            Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
                        }
                    } else {
                        sessions.store(new(&run, &one, &format!("{round}-{n}"))).await.unwrap();
                    }
                }));
            }
            for one in work {
                one.await.unwrap();
            }
            let listed = sessions.steps(&run, &StepsOptions::default()).await.unwrap().steps.len();
            match mark(&sessions, &run, &one).await {
                Ok(_) => assert_eq!(listed, 1),
                Err(error) => {
                    assert_eq!((error.kind(), listed), (ErrorKind::NotFound, 0), "{error}");
                    let left = keys(sessions.as_store()).await;
                    assert_eq!(left, ["sessions/.holdall-deleted/run/1.json"]);
                }
            }
        }
    }
}

/// SES-8, SES-11: one step is stored, given moments and none, swept and deleted at once: it is whole and listed, or gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_stores_expires_sweeps_and_deletes_at_once_never_leave_half_a_step() {
    let memory = Sessions::open(&Store::memory(), &Settings::default()).unwrap();
    let (_dir, folder) = folder();
    for sessions in [memory, folder] {
        for round in 0..20 {
            let (run, one) = (session("run"), step("1"));
            let work: Vec<_> = (0..8)
                .map(|n| {
                    let sessions = sessions.clone();
                    tokio::spawn(async move { deed(&sessions, &format!("{round}-{n}"), n).await })
                })
                .collect();
            for one in work {
                one.await.unwrap();
            }
            let listed = sessions.steps(&run, &StepsOptions::default()).await.unwrap().steps;
            match mark(&sessions, &run, &one).await {
                Ok(_) => {
                    let described = sessions.describe(&run, &one).await.unwrap();
                    assert_eq!(listed.len(), 1);
                    assert_eq!(listed[0].expires, described.expires);
                }
                Err(error) => {
                    assert_eq!((error.kind(), listed.len()), (ErrorKind::NotFound, 0), "{error}");
                    let left = keys(sessions.as_store()).await;
                    assert!(!left.iter().any(|key| key.starts_with("sessions/run/")), "{left:?}");
                }
            }
        }
    }
}

async fn deed(sessions: &Sessions, text: &str, n: u32) {
    let (run, one) = (session("run"), step("1"));
    let may_be_gone = |error: holdall::Error| assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    match n {
        0 | 1 => drop(sessions.store(new(&run, &one, text)).await.unwrap()),
        2 | 3 => drop(sessions.store(new(&run, &one, text).expires(in_hours(1))).await.unwrap()),
        4 => sessions.set_expiration(&run, &one, Some(in_hours(1))).await.map_or_else(may_be_gone, drop),
        5 => sessions.set_expiration(&run, &one, None).await.map_or_else(may_be_gone, drop),
        6 => drop(sweep(sessions, hours(2)).await),
        _ => sessions.delete(&run, &one).await.map_or_else(may_be_gone, drop),
    }
}

/// SES-8, SES-11: a moment that is given while another machine stores takes nobody's place.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_moment_never_brings_back_what_was_replaced_on_a_server() {
    let world = World::new();
    let (sessions, other) = (world.machine("one"), world.machine("two"));
    let (run, one) = (session("run"), step("1"));
    sessions.store(new(&run, &one, "begin")).await.unwrap();
    for n in 0..20 {
        let text = n.to_string();
        let (stored, set) = tokio::join!(
            sessions.store(new(&run, &one, &text)),
            other.set_expiration(&run, &one, Some(in_hours(1 + n))),
        );
        stored.unwrap();
        set.unwrap();
        assert_eq!(mark(&other, &run, &one).await.unwrap(), text);
    }
}
