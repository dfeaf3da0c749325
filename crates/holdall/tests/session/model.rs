//! Random sequences of calls by several handles against a map.

use crate::world::{mark, new, session, step};
use holdall::session::{Sessions, SessionsOptions, StepsOptions};
use holdall::{ErrorKind, Settings, Store};
use holdall_testing::random::{Random, seed_from_env};
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What each step says, and when it was recorded.
type Model = BTreeMap<String, BTreeMap<String, (String, SystemTime)>>;

async fn store(sessions: &Sessions, model: &mut Model, (a, b): (&str, &str), n: u64, random: &mut Random) {
    let mut step_ = new(&session(a), &step(b), &n.to_string());
    let given =
        (random.number().is_multiple_of(2)).then(|| UNIX_EPOCH + Duration::from_secs(random.number() % 40));
    if let Some(time) = given {
        step_ = step_.at(time);
    }
    let stored = sessions.store(step_).await.unwrap();
    let before = model.get(a).and_then(|steps| steps.get(b)).map(|(_, time)| *time);
    let time = given.or(before).unwrap_or(stored.step.time);
    assert_eq!(stored.step.time, time, "{a} {b}");
    model.entry(a.to_owned()).or_default().insert(b.to_owned(), (n.to_string(), time));
}

async fn check(sessions: &Sessions, model: &Model, (a, b): (&str, &str)) {
    let read = mark(sessions, &session(a), &step(b)).await;
    match model.get(a).and_then(|steps| steps.get(b)) {
        Some((wanted, _)) => assert_eq!(read.unwrap(), *wanted, "{a} {b}"),
        None => assert_eq!(read.unwrap_err().kind(), ErrorKind::NotFound, "{a} {b}"),
    }
}

async fn check_lists(sessions: &Sessions, model: &Model, a: &str, limit: u32) {
    let mut wanted: Vec<(SystemTime, String)> = model
        .get(a)
        .map(|steps| steps.iter().map(|(name, (_, time))| (*time, name.clone())).collect())
        .unwrap_or_default();
    wanted.sort_by(|(t, a), (u, b)| u.cmp(t).then(a.cmp(b)));
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

async fn run(handles: &[Sessions], random: &mut Random, steps: u64) {
    let mut model = Model::new();
    for n in 0..steps {
        let pick = |random: &mut Random, of: u64| random.number() % of;
        let sessions = &handles[pick(random, handles.len() as u64) as usize];
        let (a, b) = (format!("run{}", pick(random, 3)), format!("s{}", pick(random, 6)));
        let names = (a.as_str(), b.as_str());
        match pick(random, 12) {
            0..=4 => store(sessions, &mut model, names, n, random).await,
            5 | 6 => {
                let deleted = sessions.delete(&session(&a), &step(&b)).await;
                match model.get_mut(&a).and_then(|steps| steps.remove(&b)) {
                    Some(_) => assert!(deleted.unwrap().failures.is_empty()),
                    None => assert_eq!(deleted.unwrap_err().kind(), ErrorKind::NotFound),
                }
            }
            7 if pick(random, 4) == 0 => {
                let deleted = sessions.delete_session(&session(&a)).await;
                match model.remove(&a).filter(|steps| !steps.is_empty()) {
                    Some(steps) => assert_eq!(deleted.unwrap().steps, steps.len() as u64),
                    None => assert_eq!(deleted.unwrap_err().kind(), ErrorKind::NotFound),
                }
            }
            8 => {
                let to = format!("s{}", pick(random, 6));
                let source = model.get(&a).and_then(|steps| steps.get(&b)).map(|(mark, _)| mark.clone());
                let copied = sessions.copy((&session(&a), &step(&b)), (&session(&a), &step(&to))).await;
                match source {
                    Some(mark) => {
                        let time = copied.unwrap().step.time;
                        model.get_mut(&a).unwrap().insert(to, (mark, time));
                    }
                    None => assert_eq!(copied.unwrap_err().kind(), ErrorKind::NotFound),
                }
            }
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

/// SES-2, SES-4, SES-7, SES-11
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
            let open = || Sessions::open(&Store::open(&url, &settings).unwrap(), &settings).unwrap();
            let handles = [open(), open(), open().with_grace(Duration::ZERO)];
            run(&handles, &mut random, 250).await;
        }
    }
}
