//! Processes that are killed while they store and delete, and readers that look meanwhile.

use crate::world::{hours, in_hours, keys, mark, new, session, step, sweep};
use holdall::session::{Sessions, StepsOptions, VerifyOptions};
use holdall::{ErrorKind, Settings, Store};
use holdall_testing::random::{Random, seed_from_env};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

const FOLDER: &str = "HOLDALL_KILLS_FOLDER";
const DEED: &str = "HOLDALL_KILLS_DEED";
const NUMBER: &str = "HOLDALL_KILLS_NUMBER";

fn open(folder: &Path) -> Sessions {
    let settings = Settings::default();
    let store = Store::open(&format!("file://{}", folder.display()), &settings).unwrap();
    Sessions::open(&store, &settings).unwrap()
}

/// What the killed process does: it stores one step for ever, or stores and deletes it, or lets it expire, and sweeps it.
#[tokio::test]
#[ignore = "the other tests start it"]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let (run, one) = (session("run"), step("1"));
    let sessions = open(Path::new(&folder));
    let deed = std::env::var(DEED).unwrap();
    let first: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    for n in first.. {
        println!("\nbegin {n}");
        let step = new(&run, &one, &n.to_string());
        match deed.as_str() {
            "expire" => drop(sessions.set_expiration(&run, &one, moment(n)).await.unwrap()),
            "sweep" => drop(sessions.store(step.expires(in_hours(1))).await.unwrap()),
            _ => drop(sessions.store(step).await.unwrap()),
        }
        println!("\nstored {n}");
        match deed.as_str() {
            "delete" => drop(sessions.delete(&run, &one).await.unwrap()),
            "sweep" => drop(sweep(&sessions, hours(2)).await),
            _ => continue,
        }
        println!("\ndeleted {n}");
    }
}

/// The moment that a step is given as the nth: every third is none.
fn moment(n: u64) -> Option<SystemTime> {
    (!n.is_multiple_of(3)).then(|| SystemTime::UNIX_EPOCH + hours(1_000_000 + n))
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

/// Waits until a process has said that it begins.
async fn begun(child: &mut Child) -> BufReader<ChildStdout> {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let read = move || {
        let mut line = String::new();
        while !line.starts_with("begin ") {
            line.clear();
            assert!(out.read_line(&mut line).unwrap() > 0, "it never began");
        }
        out
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

/// What a process that was killed said last, behind its first word: a word and a number.
fn last_said(out: BufReader<ChildStdout>) -> Option<(String, u64)> {
    let lines = out.lines().map_while(Result::ok);
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
            let out = begun(&mut child).await;
            tokio::time::sleep(Duration::from_micros(random.number() % 60_000)).await;
            child.kill().unwrap();
            child.wait().unwrap();
            let (word, n) = last_said(out).unwrap_or(("begin".to_owned(), number));
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
        let mut faults = Vec::new();
        let options = VerifyOptions::default();
        sessions.verify(&run, &options, |finding| faults.push(finding)).await.unwrap();
        assert!(faults.is_empty(), "{faults:?}");
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
