//! Processes that are killed while they store and delete, and readers that look meanwhile.

use crate::world::{keys, mark, new, session, step};
use holdall::session::{Sessions, StepsOptions};
use holdall::{ErrorKind, Settings, Store};
use holdall_testing::random::{Random, seed_from_env};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const FOLDER: &str = "HOLDALL_KILLS_FOLDER";
const DEED: &str = "HOLDALL_KILLS_DEED";
const NUMBER: &str = "HOLDALL_KILLS_NUMBER";

fn open(folder: &Path) -> Sessions {
    let settings = Settings::default();
    let store = Store::open(&format!("file://{}", folder.display()), &settings).unwrap();
    Sessions::open(&store, &settings).unwrap()
}

/// What the killed process does: it stores one step for ever, or stores and deletes it.
#[tokio::test]
#[ignore = "the other tests start it"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (run, one) = (session("run"), step("1"));
    let sessions = open(Path::new(&folder));
    let deletes = std::env::var(DEED).unwrap() == "delete";
    let first: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    for n in first.. {
        println!("\nbegin {n}");
        sessions.store(new(&run, &one, &n.to_string())).await.unwrap();
        println!("\nstored {n}");
        if deletes {
            sessions.delete(&run, &one).await.unwrap();
            println!("\ndeleted {n}");
        }
    }
}

fn spawn(folder: &Path, deed: &str, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["kills::child", "--exact", "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(DEED, deed)
        .env(NUMBER, number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What a process that was killed said last: a word and a number.
fn last_said(child: &mut Child) -> Option<(String, u64)> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.filter_map(|line| {
        let (word, number) = line.split_once(' ')?;
        ["begin", "stored", "deleted"].contains(&word).then_some((word.to_owned(), number.parse().ok()?))
    });
    said.last()
}

/// The step as it is: what it says, or none; never by half.
async fn look(sessions: &Sessions) -> Option<u64> {
    match mark(sessions, &session("run"), &step("1")).await {
        Ok(mark) => Some(mark.parse().unwrap()),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error:?}");
            None
        }
    }
}

fn kills() -> u64 {
    let is_long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|text| text == "1");
    if is_long { 300 } else { 40 }
}

async fn kill_again_and_again(deed: &str, check: impl AsyncFn(&Sessions, (String, u64))) {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    let mut random = Random::named(seed, deed);
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("store");
    let sessions = open(&folder);
    sessions.store(new(&session("run"), &step("1"), "0")).await.unwrap();
    let (over, looks) = (AtomicBool::new(false), std::sync::atomic::AtomicU64::new(0));
    let reader = async {
        while !over.load(Ordering::Relaxed) {
            look(&sessions).await;
            looks.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(Duration::from_micros(300)).await;
        }
    };
    let work = async {
        let mut number = 1;
        for _ in 0..kills() {
            let mut child = spawn(&folder, deed, number);
            tokio::time::sleep(Duration::from_micros(15_000 + random.number() % 60_000)).await;
            child.kill().unwrap();
            child.wait().unwrap();
            // It may not have come to anything.
            let Some((word, n)) = last_said(&mut child) else { continue };
            number = n + 1;
            check(&sessions, (word, n)).await;
        }
        over.store(true, Ordering::Relaxed);
        number
    };
    let ((), number) = tokio::join!(reader, work);
    println!("{number} steps stored, {} looks", looks.into_inner());
    assert!(number > kills(), "too little was done: {number}");
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
            _ => assert!(there.is_none_or(|there| there == n), "{there:?} while {n} was stored"),
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
