//! Which keys a table may have rows of, told without reading it.

use std::hash::{BuildHasher, RandomState};

/// Bits for each row. With four of them set by each key, fewer than 1 in 100 keys that a table has not seem to be there
/// (a Bloom filter's (1 - e^(-4/12))^4).
const BITS: usize = 12;
const PROBES: u64 = 4;

/// A Bloom filter of keys. It says no only where there are no rows of a key.
#[derive(Debug)]
pub(super) struct Filter {
    words: Box<[u64]>,
    state: RandomState,
}

impl Filter {
    /// Room for so many rows.
    pub(super) fn new(rows: usize) -> Self {
        let words = (rows * BITS).div_ceil(64).max(1);
        Self { words: vec![0; words].into(), state: RandomState::new() }
    }

    pub(super) fn add(&mut self, place: u64, key: &str) {
        for (word, bit) in self.bits(place, key) {
            self.words[word] |= bit;
        }
    }

    pub(super) fn may_have(&self, place: u64, key: &str) -> bool {
        self.bits(place, key).into_iter().all(|(word, bit)| self.words[word] & bit != 0)
    }

    fn bits(&self, place: u64, key: &str) -> [(usize, u64); PROBES as usize] {
        let hash = self.state.hash_one((place, key));
        let (first, step) = (hash, hash.rotate_right(32) | 1);
        let count = self.words.len() as u64 * 64;
        std::array::from_fn(|probe| {
            let bit = first.wrapping_add(step.wrapping_mul(probe as u64)) % count;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_denied_and_little_else_is_thought_to_be() {
        let mut filter = Filter::new(10_000);
        (0..10_000).for_each(|n| filter.add(n % 3, &format!("a/key-{n}")));
        assert!((0..10_000).all(|n| filter.may_have(n % 3, &format!("a/key-{n}"))));
        let wrong = (0..10_000).filter(|n| filter.may_have(n % 3, &format!("b/key-{n}"))).count();
        assert!(wrong < 300, "{wrong} of 10,000");
    }
}
