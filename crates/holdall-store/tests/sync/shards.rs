//! A folder that several pushes share.

use crate::support::World;
use holdall_store::ErrorKind;
use holdall_store::transfer::{Filter, MaxDelete, PushOptions, Shard, TreeSummary};
use std::fs;

const SHARDS: u32 = 3;

fn shards() -> impl Iterator<Item = Shard> {
    (1..=SHARDS).map(|index| Shard::new(index, SHARDS).unwrap())
}

fn of(shard: Shard) -> PushOptions {
    PushOptions { shard: Some(shard), ..PushOptions::default() }
}

/// Pushes all shards at once.
async fn push_all(world: &World) -> Vec<TreeSummary> {
    let dir = world.dir.path().join("in");
    let pushes = shards().map(|shard| {
        let (store, dir) = (world.store.clone(), dir.clone());
        tokio::spawn(async move { store.push(&dir, "p", &of(shard), &mut |_| {}).await.unwrap() })
    });
    let mut summaries = Vec::new();
    for push in pushes.collect::<Vec<_>>() {
        summaries.push(push.await.unwrap());
    }
    summaries
}

fn write_many(world: &World) {
    for n in 0..60 {
        world.write(&format!("topic-{:02}/{n}.txt", n / 4), n.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_at_once_send_each_file_once_and_all_of_them() {
    for world in World::all().await {
        write_many(&world);
        let summaries = push_all(&world).await;
        assert!(summaries.iter().all(|summary| summary.done > 0 && summary.failed == 0), "{summaries:?}");
        assert_eq!(summaries.iter().map(|summary| summary.done).sum::<u64>(), 60, "{}", world.name);
        assert_eq!(world.stored().await, world.files(), "{}", world.name);
        let again = push_all(&world).await;
        assert_eq!(again.iter().map(|summary| summary.unchanged).sum::<u64>(), 60, "{}", world.name);
        assert_eq!(again.iter().map(|summary| summary.done).sum::<u64>(), 0, "{}", world.name);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_shard_has_an_index_that_the_others_do_not_lock() {
    let world = World::s3();
    write_many(&world);
    push_all(&world).await;
    assert_eq!(fs::read_dir(world.index()).unwrap().count(), 3, "a log for each");
    world.requests();
    push_all(&world).await;
    let requests = world.requests();
    assert!(!requests.contains_key("HeadObject") && !requests.contains_key("PutObject"), "{requests:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_deletes_and_skips_only_its_own() {
    for mut world in World::all().await {
        write_many(&world);
        push_all(&world).await;
        for n in 0..12 {
            world.store(&format!("gone/{n}"), "x").await;
        }
        std::os::unix::fs::symlink("x", world.path("link")).unwrap();
        let (mut deleted, mut skipped) = (0, 0);
        for shard in shards() {
            let own = (0..12).filter(|n| shard.takes(&format!("gone/{n}"))).count() as u64;
            let options = PushOptions { delete: Some(MaxDelete::Percent(90)), ..of(shard) };
            let counts = world.push_with(&options).await.unwrap();
            assert_eq!(
                (counts.0, counts.2, counts.3),
                (0, own, 0),
                "{} {shard}: {:?}",
                world.name,
                world.said()
            );
            deleted += own;
            skipped += world.said().iter().filter(|said| said.starts_with("skipped")).count();
        }
        assert_eq!((deleted, skipped), (12, 1), "{}", world.name);
        assert_eq!(world.stored().await, world.files(), "{}", world.name);
        world.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_and_a_filter_leave_what_both_take() {
    let mut world = World::memory();
    write_many(&world);
    let filter = Filter::new(&["topic-0*/**"], &[]).unwrap();
    let mut sent = Vec::new();
    for shard in shards() {
        let options = PushOptions { filter: filter.clone(), ..of(shard) };
        let counts = world.push_with(&options).await.unwrap();
        let said = world.said();
        assert!(said.iter().all(|said| shard.takes(said.strip_prefix("pushed ").unwrap())), "{said:?}");
        assert_eq!(counts.0 as usize, said.len());
        sent.extend(said);
    }
    assert_eq!(sent.len(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shard_that_has_no_file_deletes_nothing() {
    let mut world = World::memory();
    world.write("only", "x");
    let owner = shards().find(|shard| shard.takes("only")).unwrap();
    for n in 0..9 {
        world.store(&format!("gone/{n}"), "x").await;
    }
    for shard in shards().filter(|shard| *shard != owner) {
        let options = PushOptions { delete: Some(MaxDelete::Percent(100)), ..of(shard) };
        let error = world.push_with(&options).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition, "{shard}: {error}");
    }
    assert_eq!(world.stored().await.len(), 9);
}
