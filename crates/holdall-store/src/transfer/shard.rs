//! A share of a folder, for several machines that move it together.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// One of `count` shares of a folder, counted from 1, and at most 10,000. Each path is in exactly one of them.
///
/// The share of a path is the first 8 bytes of the SHA-256 of the path relative to the folder, as a big-endian number,
/// modulo `count`, plus 1. It depends on nothing else: not on the machine, the other files or the version of this crate.
///
/// ```
/// use holdall_store::transfer::Shard;
/// let shard: Shard = "2/3".parse()?;
/// assert!(shard.takes("topic-2/scene.mp4") && !shard.takes("topic-3/scene.mp4"));
/// # Ok::<(), holdall_store::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u32,
    count: u32,
}

/// So many machines nobody has, and a list of all shards stays small.
const MOST: u32 = 10_000;

impl Shard {
    /// The only share of one.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Names a share.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an index that is not from 1 to the count, and for a count beyond 10,000.
    pub fn new(index: u32, count: u32) -> Result<Self> {
        if index == 0 || index > count {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a shard is counted from 1 to the number of shards",
            )
            .with_fact("index", index)
            .with_fact("count", count));
        }
        if count > MOST {
            return Err(Error::new(ErrorKind::InvalidInput, "there are at most 10000 shards")
                .with_fact("count", count));
        }
        Ok(Self { index, count })
    }

    /// Which share it is, from 1 on.
    pub fn index(self) -> u32 {
        self.index
    }

    /// How many shares there are.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether a path relative to the folder is in this share.
    pub fn takes(self, relative: &str) -> bool {
        let digest = crate::sha256(relative.as_bytes()).0;
        let [a, b, c, d, e, f, g, h, ..] = digest;
        u64::from_be_bytes([a, b, c, d, e, f, g, h]) % u64::from(self.count) + 1 == u64::from(self.index)
    }
}

impl FromStr for Shard {
    type Err = Error;

    /// Reads `2/8`.
    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?;
        match text.split_once('/').map(|(index, count)| (number(index), number(count))) {
            Some((Some(index), Some(count))) => Self::new(index, count),
            _ => Err(Error::new(ErrorKind::InvalidInput, "not a shard such as 2/8")),
        }
    }
}

impl TryFrom<String> for Shard {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shards_are_read_and_said() {
        for (text, index, count) in [("1/1", 1, 1), ("2/8", 2, 8), ("10000/10000", 10_000, 10_000)] {
            let shard: Shard = text.parse().unwrap();
            assert_eq!((shard.index(), shard.count(), shard.to_string().as_str()), (index, count, text));
        }
        for text in [
            "",
            "/",
            "1",
            "0/2",
            "3/2",
            "0/0",
            "+1/2",
            "1/2/3",
            " 1/2",
            "1/-2",
            "1/10001",
            "1/4294967296",
            "a/b",
        ] {
            assert_eq!(text.parse::<Shard>().unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }

    /// Machines with different versions share one folder: what is in this table stays so for ever.
    #[test]
    fn a_path_is_always_in_the_same_shard() {
        let cases = [
            ("", [1, 2, 5, 653]),
            ("a", [1, 2, 3, 251]),
            ("topic-0001/scene.mp4", [1, 2, 1, 385]),
            ("topic-0001/scene-2.mp4", [2, 3, 8, 976]),
            ("a/b//c", [1, 3, 1, 601]),
            ("é/ü.png", [1, 1, 7, 39]),
        ];
        for (path, wanted) in cases {
            let found = [2, 3, 8, 1000].map(|count| {
                let takes = |index: &u32| Shard::new(*index, count).unwrap().takes(path);
                (1..=count).find(takes).unwrap()
            });
            assert_eq!(found, wanted, "{path:?}");
        }
    }

    #[test]
    fn shards_are_of_like_size() {
        let count = |index| {
            let shard = Shard::new(index, 4).unwrap();
            (0..4000).filter(|n| shard.takes(&format!("topic-{n:04}/video.mp4"))).count()
        };
        for index in 1..=4 {
            assert!((900..1100).contains(&count(index)), "{index}: {}", count(index));
        }
    }

    proptest! {
        #[test]
        fn each_path_is_in_exactly_one_shard(path in "\\PC{0,40}", count in 1_u32..40) {
            let takers = (1..=count).filter(|index| Shard::new(*index, count).unwrap().takes(&path)).count();
            prop_assert_eq!(takers, 1);
            prop_assert!(Shard::WHOLE.takes(&path));
        }
    }
}
