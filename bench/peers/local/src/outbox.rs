//! How long writes to an outbox take until they are acknowledged, beside what the disk itself takes.

use holdall_store::Payload;
use holdall_store::outbox::{Destination, Entry, Kind, Options, Queue};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: usize = 4096;

/// What is told of times: the 99th of a hundred, or how long one write takes where all are done one after the other.
pub fn tell(mut times: Vec<Duration>, took: Duration, what: &str) {
    times.sort();
    let told = match what {
        "p99" => times[(times.len() - 1) * 99 / 100],
        "mean" => took / times.len() as u32,
        other => panic!("nothing is called {other}"),
    };
    println!("{}", told.as_secs_f64());
}

/// A file that is written, fsynced and renamed, again and again.
pub fn fsyncs(folder: &str, count: usize, what: &str) {
    std::fs::create_dir_all(folder).expect("the folder can be made");
    let begun = Instant::now();
    let one = |n: usize| {
        let begun = Instant::now();
        let part = format!("{folder}/{n}.part");
        let mut file = std::fs::File::create(&part).expect("the file can be made");
        file.write_all(&[7; SIZE]).expect("it can be written");
        file.sync_all().expect("it can be synced");
        std::fs::rename(&part, format!("{folder}/{n}")).expect("it can be named");
        begun.elapsed()
    };
    tell((0..count).map(one).collect(), begun.elapsed(), what);
}

fn open(folder: &str) -> Queue {
    Queue::open(Options { min_free: 0, ..Options::new(folder) }).expect("the outbox opens")
}

async fn put(queue: &Queue, to: &Destination, key: &str, bytes: &[u8]) {
    let lock = queue.lock(to, &[key]).await.expect("the key can be locked");
    let payload = Payload::Bytes(bytes.to_vec().into());
    queue.append(&lock, Entry::new(Kind::Put, to.clone(), key), payload).await.expect("it is acknowledged");
}

fn destination() -> Destination {
    Destination { endpoint: "http://localhost:9000".to_owned(), bucket: "bucket".to_owned() }
}

/// Writers that write one after the other, all of them at once.
pub async fn acks(folder: &str, writers: usize, each: usize, what: &str) {
    let queue = open(folder);
    let (to, begun) = (Arc::new(destination()), Instant::now());
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let (queue, to) = (queue.clone(), to.clone());
        tasks.spawn(async move {
            let mut times = Vec::with_capacity(each);
            for n in 0..each {
                let begun = Instant::now();
                put(&queue, &to, &format!("{writer}/{n}"), &[7; SIZE]).await;
                times.push(begun.elapsed());
            }
            times
        });
    }
    let times = tasks.join_all().await.concat();
    tell(times, begun.elapsed(), what);
}

/// Fills an outbox with so many entries of 100 bytes, in an order that is not that of their keys.
pub async fn fill(folder: &str, entries: usize) {
    const AT_ONCE: usize = 512;
    let (queue, to) = (open(folder), Arc::new(destination()));
    let mut tasks = tokio::task::JoinSet::new();
    for writer in 0..AT_ONCE {
        let (queue, to) = (queue.clone(), to.clone());
        tasks.spawn(async move {
            for n in (writer..entries).step_by(AT_ONCE) {
                put(&queue, &to, &format!("prefix/{:07}", n * 7919 % entries), &[7; 100]).await;
            }
        });
    }
    tasks.join_all().await;
}

/// Opens an outbox, and lists what it changes where that is asked for.
pub fn look(folder: &str, is_listed: bool) {
    let queue = open(folder);
    let mut after: Option<String> = None;
    while is_listed {
        let page = queue.page(&destination(), "prefix/", after.as_deref(), 1000).expect("it can be listed");
        let Some(last) = page.last() else { return };
        after = Some(last.key.clone());
    }
}
