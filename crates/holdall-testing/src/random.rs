//! Numbers that look random and come again from the same seed.

/// A generator (SplitMix64); equal seeds give equal numbers.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Begins at a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Begins at a seed and a name, so that each name has numbers of its own.
    pub fn named(seed: u64, name: &str) -> Self {
        Self(name.bytes().fold(seed, |state, byte| Self(state ^ u64::from(byte)).number()))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next bytes.
    pub fn bytes(&mut self, size: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(size + 8);
        while out.len() < size {
            out.extend_from_slice(&self.number().to_le_bytes());
        }
        out.truncate(size);
        out
    }
}

/// A seed that no other run has.
pub fn fresh_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(std::process::id())
}

/// The seed that a variable sets, decimal or `0x…`; a fresh one where it is unset.
///
/// # Errors
///
/// Names the variable when its value is no number.
pub fn seed_from_env(variable: &str) -> Result<u64, String> {
    let Some(text) = std::env::var_os(variable) else { return Ok(fresh_seed()) };
    let text = text.to_string_lossy();
    let parsed = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16),
        None => text.parse(),
    };
    parsed.map_err(|_| format!("{variable} is no number: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_bytes_and_names_differ() {
        assert_eq!(Random::new(7).bytes(21), Random::new(7).bytes(21));
        assert_eq!(Random::new(7).bytes(21).len(), 21);
        assert_ne!(Random::named(7, "a").number(), Random::named(7, "b").number());
        assert_ne!(Random::named(7, "ab").number(), Random::named(7, "ba").number());
    }
}
