//! How fast it is, by hand: `cargo test --release -p holdall-store --test outbox -- --ignored --nocapture figures`.

use crate::support::*;
use holdall_store::Payload;
use holdall_store::outbox::{Destination, Kind, Queue};
use std::io::Write;
use std::time::{Duration, Instant};

const SIZE: usize = 4096;

fn report(what: &str, mut times: Vec<Duration>, took: Duration) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!(
        "{what}: {:.0}/s, median {:?}, p99 {:?}",
        times.len() as f64 / took.as_secs_f64(),
        at(0.5),
        at(0.99)
    );
}

/// What the disk itself takes: a file that is written, fsynced and renamed.
fn bare(count: usize) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let begun = Instant::now();
    let one = |n: usize| {
        let begun = Instant::now();
        let path = folder.path().join(format!("{n}.part"));
        let mut file = std::fs::File::create(&path).unwrap();
        file.write_all(&[7; SIZE]).unwrap();
        file.sync_all().unwrap();
        std::fs::rename(&path, folder.path().join(n.to_string())).unwrap();
        begun.elapsed()
    };
    let times: Vec<Duration> = (0..count).map(one).collect();
    report("write, fsync, rename", times, begun.elapsed());
}

async fn writers(count: usize, each: usize) {
    let folder = tempfile::tempdir_in(".").unwrap();
    let queue = open(folder.path());
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..count {
        let queue = queue.clone();
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(each);
            for n in 0..each {
                let begun = Instant::now();
                put(&queue, &format!("{writer}/{n}"), vec![7; SIZE]).await;
                times.push(begun.elapsed());
            }
            times
        });
    }
    let times = tasks.join_all().await.concat();
    report(&format!("{count} writers"), times, begun.elapsed());
}

/// The most memory that this process had, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and asserts nothing that a slow machine could break"]
async fn figures_of_acknowledgements() {
    bare(2000);
    writers(1, 2000).await;
    bare(2000);
    writers(64, 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes a gigabyte of disk"]
async fn figures_of_a_million_entries() {
    const ENTRIES: usize = 1_000_000;
    let folder = tempfile::tempdir_in(".").unwrap();
    let queue = open(folder.path());
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..512 {
        let queue = queue.clone();
        tasks.spawn(async move {
            for n in (writer..ENTRIES).step_by(512) {
                let key = format!("prefix/{:07}", n * 7919 % ENTRIES);
                append_alone(&queue, &key).await;
            }
        });
    }
    tasks.join_all().await;
    drop(queue);
    let before = most_memory();
    let begun = Instant::now();
    let queue = open(folder.path());
    println!("opened in {:?}, {} segments", begun.elapsed(), logs(folder.path()).len());
    let begun = Instant::now();
    let (mut listed, mut after) = (0, None);
    loop {
        let page = queue.page(&destination(), "prefix/", after.as_deref(), 1000).unwrap();
        let Some(last) = page.last() else { break };
        listed += page.len();
        after = Some(last.key.clone());
    }
    println!("listed in {:?}; most memory {before} KiB before, {} KiB after", begun.elapsed(), most_memory());
    assert_eq!(listed, ENTRIES);
}

/// Without other keys' locks in the way: there are more writers than a machine has.
async fn append_alone(queue: &Queue, key: &str) {
    let destination: Destination = destination();
    let lock = queue.lock(&destination, &[key]).await.unwrap();
    queue.append(&lock, entry(Kind::Put, key), Payload::Bytes(vec![7; 100].into())).await.unwrap();
}
