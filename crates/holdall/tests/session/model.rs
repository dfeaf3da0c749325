//! Random sequences of calls by several handles against a map.

use crate::world::{hours, keys, mark, new, session, step};
use holdall::session::{Clock, Sessions, SessionsOptions, StepsOptions};
use holdall::{ErrorKind, Settings, Store, SweepOptions};
use holdall_testing::random::{Random, seed_from_env};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What each step says, when it was recorded, and when it expires.
type Steps = BTreeMap<String, (String, SystemTime, Option<SystemTime>)>;

/// The steps of sessions that have not expired.
type Model = BTreeMap<String, Steps>;

/// A clock that is put ahead while it is looked at.
#[derive(Clone, Default)]
struct Hours(Arc<AtomicU64>);

impl Hours {
    fn now(&self) -> SystemTime {
        SystemTime::now() + hours(self.0.load(Ordering::Relaxed))
    }

    /// Lets some hours pass: what expires meanwhile is there no more.
    fn pass(&self, n: u64, model: &mut Model) {
        self.0.fetch_add(n, Ordering::Relaxed);
        let now = self.now();
        for steps in model.values_mut() {
            steps.retain(|_, (.., expires)| expires.is_none_or(|moment| moment > now));
        }
    }

    /// No moment, or one that is not reached by the time that a test takes.
    fn moment(&self, random: &mut Random) -> Option<SystemTime> {
        let half = Duration::from_secs(1800);
        (random.number().is_multiple_of(2)).then(|| self.now() + hours(random.number() % 9) + half)
    }
}

async fn store(
    sessions: &Sessions,
    (model, clock): (&mut Model, &Hours),
    (a, b): (&str, &str),
    n: u64,
    random: &mut Random,
) {
    let mut step_ = new(&session(a), &step(b), &n.to_string());
    let given =
        (random.number().is_multiple_of(2)).then(|| UNIX_EPOCH + Duration::from_secs(random.number() % 40));
    if let Some(time) = given {
        step_ = step_.at(time);
    }
    let expires = clock.moment(random);
    if let Some(moment) = expires {
        step_ = step_.expires(moment);
    }
    let stored = sessions.store(step_).await.unwrap().step;
    let before = model.get(a).and_then(|steps| steps.get(b)).map(|(_, time, _)| *time);
    let time = given.or(before).unwrap_or(stored.time);
    assert_eq!((stored.time, stored.expires.is_some()), (time, expires.is_some()), "{a} {b}");
    model.entry(a.to_owned()).or_default().insert(b.to_owned(), (n.to_string(), time, stored.expires));
}

async fn expire(
    sessions: &Sessions,
    (model, clock): (&mut Model, &Hours),
    (a, b): (&str, &str),
    random: &mut Random,
) {
    let moment = clock.moment(random);
    let set = sessions.set_expiration(&session(a), &step(b), moment).await;
    match model.get_mut(a).and_then(|steps| steps.get_mut(b)) {
        Some((.., expires)) => *expires = set.unwrap().step.expires,
        None => assert_eq!(set.unwrap_err().kind(), ErrorKind::NotFound),
    }
}

async fn expire_all(sessions: &Sessions, (model, clock): (&mut Model, &Hours), a: &str, random: &mut Random) {
    let moment = clock.moment(random);
    let set = sessions.set_session_expiration(&session(a), moment).await;
    match model.get_mut(a).filter(|steps| !steps.is_empty()) {
        Some(steps) => {
            assert_eq!(set.unwrap().steps, steps.len() as u64);
            for (b, (.., expires)) in steps {
                *expires = sessions.describe(&session(a), &step(b)).await.unwrap().expires;
                assert_eq!(expires.is_some(), moment.is_some());
            }
        }
        None => assert_eq!(set.unwrap_err().kind(), ErrorKind::NotFound),
    }
}

async fn sweep(sessions: &Sessions) {
    let options = SweepOptions { grace: Duration::ZERO, dry_run: false };
    assert_eq!(sessions.sweep(&options, &mut |_| ()).await.unwrap().failed, 0);
}

async fn check(sessions: &Sessions, model: &Model, (a, b): (&str, &str)) {
    let read = mark(sessions, &session(a), &step(b)).await;
    match model.get(a).and_then(|steps| steps.get(b)) {
        Some((wanted, _, expires)) => {
            assert_eq!(read.unwrap(), *wanted, "{a} {b}");
            assert_eq!(sessions.describe(&session(a), &step(b)).await.unwrap().expires, *expires);
        }
        None => assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound, "{a} {b}"),
    }
}

async fn check_lists(sessions: &Sessions, model: &Model, a: &str, limit: u32) {
    // Of one moment those that never expire come first.
    let mut wanted: Vec<(Reverse<SystemTime>, Option<SystemTime>, String)> = model
        .get(a)
        .map(|steps| steps.iter().map(|(name, (_, time, expires))| (Reverse(*time), *expires, name.clone())))
        .into_iter()
        .flatten()
        .collect();
    wanted.sort();
    let wanted: Vec<_> = wanted.into_iter().map(|(Reverse(time), _, name)| (time, name)).collect();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let options = StepsOptions { after, limit, ..StepsOptions::default() };
        let page = sessions.steps(&session(a), &options).await.unwrap();
        seen.extend(page.steps.into_iter().map(|entry| (entry.time, entry.step.as_str().to_owned())));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, wanted, "{a}");
    let listed = sessions.list(&SessionsOptions::default()).await.unwrap().sessions;
    let there: Vec<_> =
        model.iter().filter(|(_, steps)| !steps.is_empty()).map(|(name, _)| session(name)).collect();
    assert_eq!(listed, there);
}

async fn run(handles: &[Sessions], clock: &Hours, random: &mut Random, steps: u64) {
    let mut model = Model::new();
    for n in 0..steps {
        let pick = |random: &mut Random, of: u64| random.number() % of;
        let sessions = &handles[pick(random, handles.len() as u64) as usize];
        let (a, b) = (format!("run{}", pick(random, 3)), format!("s{}", pick(random, 6)));
        let names = (a.as_str(), b.as_str());
        match pick(random, 18) {
            0..=4 => store(sessions, (&mut model, clock), names, n, random).await,
            5 | 6 => {
                let deleted = sessions.delete(&session(&a), &step(&b)).await;
                match model.get_mut(&a).and_then(|steps| steps.remove(&b)) {
                    Some(_) => assert!(deleted.is_ok_and(|gone| gone.failures.is_empty() && !gone.finished)),
                    // It may have expired and not be swept.
                    None => assert!(deleted.ok_and_or_not_found(|gone| gone.finished)),
                }
            }
            7 if pick(random, 4) == 0 => {
                let deleted = sessions.delete_session(&session(&a)).await;
                match model.remove(&a).filter(|steps| !steps.is_empty()) {
                    Some(steps) => assert_eq!(deleted.unwrap().steps, steps.len() as u64),
                    None => assert!(deleted.ok_and_or_not_found(|gone| gone.steps == 0)),
                }
            }
            8 => {
                let to = format!("s{}", pick(random, 6));
                let source = model.get(&a).and_then(|steps| steps.get(&b)).cloned();
                let copied = sessions.copy((&session(&a), &step(&b)), (&session(&a), &step(&to))).await;
                match source {
                    Some((mark, _, expires)) => {
                        let time = copied.unwrap().step.time;
                        model.get_mut(&a).unwrap().insert(to, (mark, time, expires));
                    }
                    None => assert_eq!(copied.unwrap_err().kind(), ErrorKind::NotFound),
                }
            }
            10 | 11 => expire(sessions, (&mut model, clock), names, random).await,
            12 if pick(random, 4) == 0 => expire_all(sessions, (&mut model, clock), &a, random).await,
            13 => clock.pass(pick(random, 4), &mut model),
            14 => sweep(sessions).await,
            9 => check_lists(sessions, &model, &a, 1 + pick(random, 5) as u32).await,
            _ => check(sessions, &model, names).await,
        }
    }
    for sessions in handles {
        for (a, steps) in &model {
            check_lists(sessions, &model, a, 3).await;
            for b in steps.keys() {
                check(sessions, &model, (a, b)).await;
            }
        }
    }
}

/// Where an answer may say either.
trait OrNotFound<T> {
    fn ok_and_or_not_found(self, check: impl FnOnce(T) -> bool) -> bool;
}

impl<T> OrNotFound<T> for holdall::Result<T> {
    fn ok_and_or_not_found(self, check: impl FnOnce(T) -> bool) -> bool {
        match self {
            Ok(answer) => check(answer),
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }
}

/// SES-2, SES-4, SES-7, SES-8, SES-11
#[tokio::test]
async fn random_calls_by_several_handles_answer_as_a_map_does() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    let is_long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|text| text == "1");
    let settings = Settings::default();
    for round in 0..if is_long { 50 } else { 4 } {
        let mut random = Random::new(seed.wrapping_add(round));
        let dir = tempfile::tempdir().unwrap();
        for url in
            [format!("memory://model-{seed}-{round}"), format!("file://{}/store", dir.path().display())]
        {
            let hours = Hours::default();
            let clock = Clock::new({
                let hours = hours.clone();
                move || hours.now()
            });
            let open = || {
                let store = Store::open(&url, &settings).unwrap();
                Sessions::open(&store, &settings).unwrap().with_clock(clock.clone())
            };
            let handles = [open(), open(), open().with_grace(Duration::ZERO)];
            run(&handles, &hours, &mut random, 300).await;
            // When all has expired or is deleted nothing is left that says otherwise.
            let mut model = Model::new();
            hours.pass(100, &mut model);
            sweep(&handles[0]).await;
            for session in handles[0].list(&SessionsOptions::default()).await.unwrap().sessions {
                handles[0].delete_session(&session).await.unwrap();
            }
            let left = keys(handles[0].as_store()).await;
            let says_so = |key: &String| key.ends_with("/step.json") || key.contains(".holdall-index/");
            assert!(!left.iter().any(says_so), "{left:?}");
        }
    }
}
