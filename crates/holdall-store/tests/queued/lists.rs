//! Listings of what waits and what the store has as one.

use crate::world::World;
use holdall_store::{ErrorKind, ListOptions, Prefix, WriteMode};
use holdall_testing::random::Random;
use std::collections::BTreeSet;

/// What a listing should say of these keys: objects and common prefixes.
fn expected(keys: &BTreeSet<String>, options: &ListOptions) -> (Vec<String>, BTreeSet<String>) {
    let (prefix, after) = (options.prefix.as_str(), options.start_after.as_deref());
    let (mut objects, mut prefixes) = (Vec::new(), BTreeSet::new());
    for key in keys.iter().filter(|key| key.starts_with(prefix)) {
        let folded = options.delimiter.as_deref().and_then(|delimiter| {
            let at = key[prefix.len()..].find(delimiter)?;
            Some(key[..prefix.len() + at + delimiter.len()].to_owned())
        });
        match folded {
            Some(folded) if after.is_none_or(|after| *folded > *after && !after.starts_with(&folded)) => {
                prefixes.insert(folded);
            }
            None if after.is_none_or(|after| key.as_str() > after) => objects.push(key.clone()),
            _ => {}
        }
    }
    (objects, prefixes)
}

async fn check(world: &World, keys: &BTreeSet<String>, options: ListOptions) {
    let told = format!("{options:?}");
    let (objects, prefixes) = expected(keys, &options);
    let page = world.store.list_with(options).unwrap().collect().await.unwrap();
    let listed: Vec<_> = page.objects.iter().map(|object| object.key.as_str().to_owned()).collect();
    assert_eq!(listed, objects, "{told}");
    assert_eq!(page.prefixes.iter().cloned().collect::<BTreeSet<_>>(), prefixes, "{told}");
    assert_eq!(page.prefixes.len(), prefixes.len(), "each once: {told}");
    assert!(page.prefixes.is_sorted(), "{told}");
}

#[tokio::test]
async fn random_queues_are_listed_as_what_they_come_to() {
    let mut random = Random::named(7, "lists");
    for round in 0..12 {
        let world = World::with(|settings| settings.write = WriteMode::Behind);
        let mut keys = BTreeSet::new();
        let many = if round % 4 == 0 { 2600 } else { 60 };
        let name = |n: u64| format!("{}/{}{n:03}", ["a", "b", "a/c", "d"][(n % 4) as usize], n % 7);
        for _ in 0..many {
            let key = name(random.number() % (many * 2));
            world.server.put_object(&world.bucket, &format!("root/{key}"), b"remote");
            keys.insert(key);
        }
        for _ in 0..many {
            let key = name(random.number() % (many * 2));
            if random.number().is_multiple_of(3) {
                world.store.delete(&key).await.unwrap();
                keys.remove(&key);
            } else {
                world.store.put(&key, "queued").await.unwrap();
                keys.insert(key);
            }
        }
        let delimiter = || Some("/".to_owned());
        for prefix in ["", "a/", "b/1", "zz"] {
            let prefix = Prefix::parse(prefix).unwrap();
            let plain = ListOptions { prefix: prefix.clone(), ..ListOptions::default() };
            check(&world, &keys, plain.clone()).await;
            check(&world, &keys, ListOptions { page_size: Some(7), ..plain.clone() }).await;
            check(&world, &keys, ListOptions { delimiter: delimiter(), ..plain.clone() }).await;
            let start_after = Some(name(random.number() % (many * 2)));
            check(&world, &keys, ListOptions { start_after: start_after.clone(), ..plain.clone() }).await;
            check(&world, &keys, ListOptions { start_after, delimiter: delimiter(), ..plain }).await;
        }
    }
}

#[tokio::test]
async fn a_folder_of_which_all_is_to_be_deleted_is_not_listed() {
    let world = World::new();
    for key in ["gone/a", "gone/b", "kept/a", "kept/b"] {
        world.store.put(key, "x").await.unwrap();
    }
    world.down();
    for key in ["gone/a", "gone/b", "kept/a"] {
        world.store.delete(key).await.unwrap();
    }
    world.up();
    let options = ListOptions { delimiter: Some("/".to_owned()), ..ListOptions::default() };
    assert_eq!(world.store.list_with(options).unwrap().collect().await.unwrap().prefixes, ["kept/"]);
}

#[tokio::test]
async fn without_the_store_a_listing_is_unreachable_and_what_waits_can_be_listed() {
    let world = World::new();
    world.store.put("there", "x").await.unwrap();
    world.down();
    world.store.put("waits", "12345").await.unwrap();
    world.store.delete("there").await.unwrap();
    let error = world.store.list("").unwrap().collect().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    assert!(error.hint().unwrap().contains("--queued"), "{error}");
    let queued = world.store.list_queued(ListOptions::default()).unwrap().collect().await.unwrap();
    let listed: Vec<_> = queued.objects.iter().map(|object| (object.key.as_str(), object.size)).collect();
    assert_eq!(listed, [("waits", 5)]);
}

#[tokio::test]
async fn what_is_sent_while_it_is_listed_is_listed_all_the_same() {
    let world = World::with(|settings| settings.write = WriteMode::Behind);
    let all: Vec<String> = (0..2500).map(|n| format!("k{n:05}")).collect();
    for (n, key) in all.iter().enumerate() {
        if n % 2 == 0 {
            world.server.put_object(&world.bucket, &format!("root/{key}"), b"x");
        } else {
            world.store.put(key, "x").await.unwrap();
        }
    }
    let listing = async {
        for _ in 0..20 {
            assert_eq!(world.names().await.unwrap(), all);
        }
    };
    let (_, drained) = tokio::join!(listing, world.drain());
    assert_eq!(drained.unwrap().0.sent, 1250);
    assert_eq!(world.names().await.unwrap(), all);
}
