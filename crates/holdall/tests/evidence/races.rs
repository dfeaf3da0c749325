//! Many who store, replace and remove the same evidence at once.

use crate::world::{REPLACE, World, bundle, decision, in_time, name, read, store};
use holdall::ErrorKind;
use holdall::evidence::{AttachOptions, Evidence, RemoveOptions};
use tokio::task::JoinSet;

const TASKS: usize = 16;

async fn all<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    evidence: &Evidence,
    task: impl Fn(Evidence, usize) -> F,
) -> Vec<T> {
    let mut tasks = JoinSet::new();
    for n in 0..TASKS {
        tasks.spawn(task(evidence.clone(), n));
    }
    in_time(tasks.join_all()).await
}

#[tokio::test(flavor = "multi_thread")]
/// EVI-10
async fn of_many_who_store_other_evidence_of_one_decision_exactly_one_wins() {
    for world in World::all() {
        for round in 0..8 {
            let id = format!("d-{round}");
            let done = all(&world.evidence, |evidence, n| {
                let new = bundle(&id, &n.to_string());
                async move { (n, store(&evidence, &new).await) }
            })
            .await;
            let won: Vec<usize> = done.iter().filter(|(_, done)| done.is_ok()).map(|(n, _)| *n).collect();
            let [winner] = *won else { panic!("{}: {won:?} won", world.name) };
            for error in done.into_iter().filter_map(|(_, done)| done.err()) {
                let refused = [ErrorKind::AlreadyExists, ErrorKind::Conflict].contains(&error.kind());
                assert!(refused, "{}: {error}", world.name);
            }
            assert_eq!(read(&world.evidence, &id).await, winner.to_string());
        }
        assert_eq!(world.verify().await.iter().filter(|line| line.ends_with(" read")).count(), 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
/// EVI-10
async fn of_many_who_store_the_same_all_succeed_and_one_is_there() {
    for world in World::all() {
        let done = all(&world.evidence, |evidence, _| async move {
            store(&evidence, &bundle("d-1", "1")).await.map(drop)
        });
        for done in done.await {
            done.unwrap_or_else(|error| panic!("{}: {error}", world.name));
        }
        assert_eq!(
            (read(&world.evidence, "d-1").await, world.verify().await),
            ("1".into(), vec!["d-1 read".into()])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
/// EVI-10
async fn while_many_replace_it_readers_see_one_of_them_whole() {
    for world in World::all() {
        store(&world.evidence, &bundle("d-1", "0")).await.unwrap();
        let seen = all(&world.evidence, |evidence, n| async move {
            if n % 2 == 1 {
                let new = bundle("d-1", &n.to_string());
                let _ = evidence.store(&new, &REPLACE).await.map_err(|error| {
                    assert!(matches!(error.kind(), ErrorKind::Conflict), "{error}");
                });
                return Vec::new();
            }
            let mut seen = Vec::new();
            for _ in 0..12 {
                seen.push(read(&evidence, "d-1").await);
            }
            seen
        })
        .await;
        for seen in seen.into_iter().flatten() {
            assert!(
                seen.parse::<usize>().is_ok_and(|n| n < TASKS) || seen == "conflict",
                "{}: {seen}",
                world.name
            );
        }
        let last = read(&world.evidence, "d-1").await;
        assert!(last.parse::<usize>().is_ok(), "{}: {last}", world.name);
        // Whoever comes last leaves it in order.
        world.evidence.store(&bundle("d-1", "99"), &REPLACE).await.unwrap();
        assert_eq!(
            (read(&world.evidence, "d-1").await, world.verify().await),
            ("99".into(), vec!["d-1 read".into()])
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
/// EVI-9, EVI-10
async fn who_stores_and_who_removes_leave_evidence_or_none_and_never_a_mix() {
    for world in World::all() {
        for round in 0..4 {
            let id = format!("d-{round}");
            store(&world.evidence, &bundle(&id, "0")).await.unwrap();
            all(&world.evidence, |evidence, n| {
                let id = id.clone();
                async move {
                    match n % 3 {
                        0 => drop(evidence.remove(&decision(&id), &RemoveOptions::default()).await),
                        1 => drop(evidence.store(&bundle(&id, &n.to_string()), &REPLACE).await),
                        _ => drop(store(&evidence, &bundle(&id, &n.to_string())).await),
                    }
                }
            })
            .await;
            let last = read(&world.evidence, &id).await;
            let is_whole = last.parse::<usize>().is_ok();
            assert!(is_whole || ["not_found", "incomplete"].contains(&&*last), "{}: {last}", world.name);
            world.evidence.store(&bundle(&id, "99"), &REPLACE).await.unwrap();
            assert_eq!(read(&world.evidence, &id).await, "99");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
/// EVI-11
async fn of_many_who_attach_other_bytes_by_one_name_exactly_one_wins() {
    for world in World::all() {
        let done = all(&world.evidence, |evidence, n| async move {
            let bytes = n.to_string();
            let options = AttachOptions::default();
            evidence.attach(&decision("d-1"), &name("a"), &bytes.into(), &options).await.is_ok()
        });
        let won = done.await;
        let winners: Vec<usize> = (0..TASKS).filter(|n| won[*n]).collect();
        assert_eq!(winners.len(), 1, "{}: {winners:?}", world.name);
        let found = world.evidence.attachments(&decision("d-1")).await.unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(world.verify().await.len(), 1);
    }
}
