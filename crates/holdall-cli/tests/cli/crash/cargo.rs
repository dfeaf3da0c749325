//! What is moved, and what was at the destination before.

use crate::kills::{MIB, PART};
use holdall_testing::random::Random;
use std::collections::BTreeMap;

/// Bytes by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

pub(super) const LARGE: &str = "large";

#[derive(Clone)]
pub(super) struct Cargo {
    pub(super) new: Files,
    /// Some of the same names; no file has the size that it will have.
    pub(super) old: Files,
}

impl Cargo {
    /// A file of three to six parts, or a tree of two of them and many small ones.
    pub(super) fn new(random: &mut Random, is_tree: bool) -> Self {
        let mut new = Files::new();
        new.insert(LARGE.to_owned(), large(random));
        if is_tree {
            new.insert(format!("deep/er/{LARGE}"), large(random));
            for n in 0..24 {
                let size = (random.number() % 40_000) as usize;
                new.insert(format!("{}/small {n:02}", ["a", "b/c", "deep"][n % 3]), random.bytes(size));
            }
        }
        let mut old = Files::new();
        for (name, bytes) in &new {
            if random.number().is_multiple_of(2) {
                old.insert(name.clone(), random.bytes(bytes.len() % 1000 + 50_000));
            }
        }
        Self { new, old }
    }

    pub(super) fn size(&self) -> u64 {
        self.new.values().map(|bytes| bytes.len() as u64).sum()
    }

    /// How many of the files go in parts.
    pub(super) fn larges(&self) -> u64 {
        larges(self.new.keys())
    }

    pub(super) fn has_size(&self, size: u64) -> bool {
        self.new.values().any(|bytes| bytes.len() as u64 == size)
    }

    pub(super) fn is_new(&self, name: &str, size: u64) -> bool {
        self.new.get(name).is_some_and(|bytes| bytes.len() as u64 == size)
    }

    /// Whether these bytes may be seen under a name.
    pub(super) fn has(&self, name: &str, bytes: &[u8]) -> bool {
        [&self.new, &self.old].iter().any(|files| files.get(name).is_some_and(|whole| whole == bytes))
    }
}

pub(super) fn larges<'a>(names: impl Iterator<Item = &'a String>) -> u64 {
    names.filter(|name| name.ends_with(LARGE)).count() as u64
}

fn large(random: &mut Random) -> Vec<u8> {
    let size = 2 * PART + MIB + random.number() % (4 * PART - MIB);
    random.bytes(size as usize)
}
