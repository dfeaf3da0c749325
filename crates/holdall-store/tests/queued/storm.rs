//! Many writers, a drainer, and a store that comes and goes.

use crate::world::{World, in_time};
use holdall_store::ErrorKind;
use holdall_testing::random::Random;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WRITERS: u64 = 8;
const WRITES: u64 = 120;
const KEYS: u64 = 5;

/// Writes to keys of its own, and answers what was acknowledged last for each: none for a delete.
async fn write(world: Arc<World>, writer: u64) -> BTreeMap<String, Option<String>> {
    let store = world.open(|_| ());
    let mut random = Random::named(writer, "storm");
    let mut last: BTreeMap<String, Option<String>> = BTreeMap::new();
    for n in 0..WRITES {
        let key = format!("w{writer}/k{}", random.number() % KEYS);
        let value = (!random.number().is_multiple_of(5)).then(|| format!("{writer} {n}"));
        match &value {
            Some(value) => drop(store.put(&key, value.clone()).await.unwrap()),
            None => drop(store.delete(&key).await.unwrap()),
        }
        // Nobody else writes to it: whoever reads now sees it, unless only the remote has it and is away.
        let read = match store.get(&key).await {
            Ok(object) => object.bytes().await.map(|bytes| Some(String::from_utf8(bytes.to_vec()).unwrap())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        };
        match read {
            Ok(read) => assert_eq!(read, value, "{key} is stale"),
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
        last.insert(key, value);
    }
    last
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_in_the_end_and_never_overtaken() {
    let world = Arc::new(World::new());
    let done = Arc::new(AtomicBool::new(false));
    let weather = {
        let (world, done) = (world.clone(), done.clone());
        tokio::spawn(async move {
            while !done.load(Ordering::Relaxed) {
                tokio::time::sleep(Duration::from_millis(120)).await;
                world.down();
                tokio::time::sleep(Duration::from_millis(80)).await;
                world.up();
            }
        })
    };
    let other = world.open(|_| ());
    let draining = other.outbox().unwrap().drainer().await.unwrap().spawn();
    let writers: Vec<_> = (0..WRITERS).map(|writer| tokio::spawn(write(world.clone(), writer))).collect();
    let mut expected = BTreeMap::new();
    for writer in writers {
        expected.extend(in_time(writer).await.unwrap());
    }
    done.store(true, Ordering::Relaxed);
    weather.await.unwrap();
    world.up();
    draining.end().await;
    while world.waiting().await > 0 {
        in_time(world.drain()).await.unwrap();
    }
    let expected: BTreeMap<_, _> =
        expected.into_iter().filter_map(|(key, value)| Some((key, value?.into_bytes()))).collect();
    assert_eq!(world.stored(), expected);
}
