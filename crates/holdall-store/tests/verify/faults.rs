//! Faults of every kind, many at once: all are found, and nothing else is said.

use crate::support::World;
use holdall_testing::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// What is done to a file that was pushed.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Flip,
    Swap,
    Truncate,
    Delete,
    Extra,
    Rename,
    /// Store and folder are changed alike, and the manifest is not written again.
    Stale,
}

const FAULTS: [Fault; 7] =
    [Fault::Flip, Fault::Swap, Fault::Truncate, Fault::Delete, Fault::Extra, Fault::Rename, Fault::Stale];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Store,
    Folder,
}

/// A tree that was pushed, being damaged.
struct Damage {
    world: World,
    random: Random,
    files: BTreeMap<String, Vec<u8>>,
    wanted: BTreeSet<String>,
    done: usize,
}

impl Damage {
    /// Pushes so many pairs of files. Those of a pair have the same size, and other bytes.
    async fn on(world: World, pairs: usize, seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut files = BTreeMap::new();
        for n in 0..pairs {
            let size = 1 + (random.number() % 3000) as usize;
            for half in ["a", "b!/\u{e9}"] {
                files.insert(format!("{:02}/{n}.{half}", n % 9), random.bytes(size));
            }
        }
        // Two files of one byte may be the same by chance; nothing could tell them apart.
        files.retain(|_, bytes| bytes.len() > 8);
        files.iter().for_each(|(name, bytes)| world.write(name, bytes));
        world.push(true).await;
        Self { world, random, files, wanted: BTreeSet::new(), done: 0 }
    }

    /// Damages each pair once, on one side.
    async fn all(&mut self) {
        let names: Vec<String> = self.files.keys().filter(|name| name.ends_with(".a")).cloned().collect();
        for name in names {
            let fault = FAULTS[self.random.number() as usize % FAULTS.len()];
            let place = if self.random.number().is_multiple_of(2) { Place::Store } else { Place::Folder };
            self.inject(fault, place, &name).await;
            self.done += 1;
        }
    }

    async fn inject(&mut self, fault: Fault, place: Place, name: &str) {
        let other = name.replace(".a", ".b!/\u{e9}");
        let (bytes, others) = (self.files[name].clone(), self.files[&other].clone());
        let mut changed = bytes.clone();
        let at = self.random.number() as usize % changed.len();
        changed[at] ^= 1 << (self.random.number() % 8);
        match fault {
            Fault::Flip => self.write(place, name, changed).await,
            Fault::Truncate => self.write(place, name, bytes[..at].to_vec()).await,
            Fault::Swap => {
                self.write(place, name, others).await;
                self.write(place, &other, bytes).await;
                self.expect("different", place, &other);
            }
            Fault::Delete => self.delete(place, name).await,
            Fault::Extra => self.write(place, &format!("{name}+"), changed).await,
            Fault::Rename => {
                self.delete(place, name).await;
                self.write(place, &format!("{name}+"), bytes).await;
                self.expect("missing", place, name);
            }
            Fault::Stale => return self.stale(name, changed, at).await,
        }
        match fault {
            Fault::Flip | Fault::Truncate | Fault::Swap => self.expect("different", place, name),
            Fault::Delete => self.expect("missing", place, name),
            Fault::Extra | Fault::Rename => self.expect("extra", place, &format!("{name}+")),
            Fault::Stale => {}
        }
    }

    /// Changes, removes or adds a file on both sides.
    async fn stale(&mut self, name: &str, changed: Vec<u8>, kind: usize) {
        let added = format!("{name}+");
        for place in [Place::Store, Place::Folder] {
            match kind % 4 {
                0 => self.write_recorded(place, name, changed.clone()).await,
                1 => self.write_recorded(place, name, changed[1..].to_vec()).await,
                2 => self.delete(place, name).await,
                _ => self.write_recorded(place, &added, changed.clone()).await,
            }
        }
        self.wanted.insert(format!("stale {}", if kind % 4 == 3 { &added } else { name }));
    }

    fn expect(&mut self, what: &str, place: Place, name: &str) {
        self.wanted.insert(format!("{what} {place:?} {name}"));
    }

    async fn write(&self, place: Place, name: &str, bytes: Vec<u8>) {
        match place {
            Place::Store => self.world.put(name, bytes).await,
            Place::Folder => self.world.write(name, bytes),
        }
    }

    /// Writes as holdall does, so that the object tells its digest.
    async fn write_recorded(&self, place: Place, name: &str, bytes: Vec<u8>) {
        match place {
            Place::Store => drop(self.world.store.put(&format!("p/{name}"), bytes).await.unwrap()),
            Place::Folder => self.world.write(name, bytes),
        }
    }

    async fn delete(&self, place: Place, name: &str) {
        match place {
            Place::Store => self.world.delete(name).await,
            Place::Folder => fs::remove_file(self.world.path(name)).unwrap(),
        }
    }

    /// Compares all that is said with all that was done.
    async fn found(&self, deep: bool) {
        let name = &self.world.name;
        assert_eq!(self.world.said(true, deep).await, self.wanted, "{name}, deep: {deep}");
        // Without the folder a stale manifest is what differs from the store.
        let of_store = |said: &BTreeSet<String>| -> usize {
            said.iter().filter(|text| text.contains(" Store ") || text.starts_with("stale")).count()
        };
        assert_eq!(of_store(&self.world.said(false, deep).await), of_store(&self.wanted), "{name}");
    }
}

/// Damages trees until so many faults were made.
async fn rounds(make: impl Fn() -> World, seed: u64) {
    let (mut done, mut round) = (0, 0);
    while done < 1000 {
        let mut damage = Damage::on(make(), 120, seed + round).await;
        assert!(damage.world.said(true, false).await.is_empty(), "nothing differs yet");
        if let Some(server) = &damage.world.server {
            server.clear_log();
        }
        damage.all().await;
        damage.found(false).await;
        if let Some(server) = &damage.world.server {
            let read = server
                .log()
                .into_iter()
                .filter(|seen| seen.method == "GET" && !seen.key.is_empty() && seen.key != "p/manifest.json");
            assert_eq!(read.map(|seen| seen.key).collect::<Vec<_>>(), Vec::<String>::new());
        }
        if round == 0 {
            damage.found(true).await;
        }
        (done, round) = (done + damage.done, round + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_faults_are_found_in_memory() {
    rounds(World::memory, 100).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_faults_are_found_in_a_folder() {
    rounds(World::folder, 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_faults_are_found_on_s3_and_no_object_is_read() {
    rounds(World::s3, 300).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faults_are_found_on_every_server() {
    for world in World::all().await {
        let mut damage = Damage::on(world, 60, 400).await;
        damage.all().await;
        damage.found(false).await;
        damage.found(true).await;
        damage.world.end().await;
    }
}
