//! What the destination has and the source has not, and how much of it may be deleted.

use super::{Names, Scratch};
use crate::error::{Error, ErrorKind, Result};
use std::fmt;
use std::str::FromStr;

/// The most that a transfer deletes. What would be more is not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MaxDelete {
    /// Half of what takes part at the destination, or 10 where that is more.
    #[default]
    Usual,
    /// So many.
    Count(u64),
    /// So many in a hundred of what takes part at the destination.
    Percent(u8),
}

const USUAL_PERCENT: u64 = 50;
const USUAL_COUNT: u64 = 10;

impl MaxDelete {
    /// How many may be deleted of so many.
    pub fn of(self, there: u64) -> u64 {
        let share = |percent: u64| (u128::from(there) * u128::from(percent) / 100) as u64;
        match self {
            Self::Usual => share(USUAL_PERCENT).max(USUAL_COUNT),
            Self::Count(count) => count,
            Self::Percent(percent) => share(percent.into()),
        }
    }
}

impl FromStr for MaxDelete {
    type Err = Error;

    /// Reads `20` or `5%`.
    fn from_str(text: &str) -> Result<Self> {
        let invalid = || Error::new(ErrorKind::InvalidInput, "neither a count nor a share such as 5%");
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(invalid()),
            },
            None => text.parse().map(Self::Count).map_err(|_| invalid()),
        }
    }
}

impl fmt::Display for MaxDelete {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usual => write!(f, "{USUAL_PERCENT}% or {USUAL_COUNT}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// What is to be deleted, known before any of it is.
#[derive(Debug)]
pub(in crate::transfer) struct Surplus {
    names: Names,
    /// How many there are at the destination that take part.
    there: u64,
    /// How many there are at the source that take part.
    wanted: u64,
}

impl Surplus {
    pub(in crate::transfer) fn new(scratch: Scratch) -> Self {
        Self { names: Names::new(scratch), there: 0, wanted: 0 }
    }

    /// Counts what is at the source.
    pub(in crate::transfer) fn count_wanted(&mut self, count: u64) {
        self.wanted += count;
    }

    /// Counts something that is at the destination and stays.
    pub(in crate::transfer) fn count_there(&mut self) {
        self.there += 1;
    }

    /// Notes something that is at the destination only.
    pub(in crate::transfer) fn push(&mut self, name: &str, size: u64) -> Result<()> {
        self.there += 1;
        self.names
            .push(name, size)
            .map_err(|e| Error::io("what is to be deleted cannot be kept in a temporary file", e))
    }

    /// How many there are at the destination that take part.
    pub(in crate::transfer) fn there(&self) -> u64 {
        self.there
    }

    pub(in crate::transfer) fn is_empty(&self) -> bool {
        self.names.count() == 0
    }

    /// Says whether all of it may be deleted.
    ///
    /// # Errors
    ///
    /// `Precondition` where nothing at the source takes part, and for more than the bound.
    pub(in crate::transfer) fn check(&self, most: MaxDelete) -> Result<()> {
        let (surplus, allowed) = (self.names.count(), most.of(self.there));
        if self.wanted == 0 && surplus > 0 {
            return Err(Error::new(
                ErrorKind::Precondition,
                "nothing was deleted: nothing at the source takes part",
            )
            .with_fact("would_delete", surplus)
            .with_fact("of", self.there)
            .with_hint(
                "check the source, the filters and the shard; what is to go altogether is deleted by rm -r",
            ));
        }
        if surplus > allowed {
            return Err(Error::new(
                ErrorKind::Precondition,
                "nothing was deleted: it would be more than --max-delete allows",
            )
            .with_fact("would_delete", surplus)
            .with_fact("of", self.there)
            .with_fact("max_delete", most)
            .with_fact("allowed", allowed)
            .with_hint(
                "look with --dry-run; if it is right, raise --max-delete, as a count or a share such as 80%",
            ));
        }
        Ok(())
    }

    /// What is to be deleted, in order.
    pub(in crate::transfer) fn into_names(self) -> Names {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_and_said() {
        for (text, wanted) in
            [("0", MaxDelete::Count(0)), ("12", MaxDelete::Count(12)), ("5%", MaxDelete::Percent(5))]
        {
            assert_eq!(text.parse::<MaxDelete>().unwrap(), wanted);
            assert_eq!(wanted.to_string(), text);
        }
        for text in ["", "%", "-1", "101%", "1.5%", "all", " 1"] {
            assert_eq!(text.parse::<MaxDelete>().unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }

    #[test]
    fn bounds_are_of_what_is_there() {
        let cases = [
            (MaxDelete::Usual, 4, 10),
            (MaxDelete::Usual, 100, 50),
            (MaxDelete::Count(3), 100, 3),
            (MaxDelete::Percent(0), 100, 0),
            (MaxDelete::Percent(1), 99, 0),
            (MaxDelete::Percent(34), 3, 1),
            (MaxDelete::Percent(100), u64::MAX, u64::MAX),
        ];
        for (most, there, wanted) in cases {
            assert_eq!(most.of(there), wanted, "{most} of {there}");
        }
    }

    #[test]
    fn too_much_and_an_empty_source_delete_nothing() {
        let surplus = |wanted: u64, stay: u64, go: u64| {
            let mut surplus = Surplus::new(Scratch::default());
            surplus.count_wanted(wanted);
            (0..stay).for_each(|_| surplus.count_there());
            (0..go).for_each(|n| surplus.push(&n.to_string(), 1).unwrap());
            surplus
        };
        surplus(1, 2, 2).check(MaxDelete::Percent(50)).unwrap();
        surplus(0, 2, 0).check(MaxDelete::Count(0)).unwrap();
        let error = surplus(1, 2, 3).check(MaxDelete::Percent(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition);
        let said = error.to_string();
        assert!(said.contains("would_delete=3 of=5 max_delete=50% allowed=2"), "{said}");
        let error = surplus(0, 0, 1).check(MaxDelete::Percent(100)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Precondition);
        assert!(error.to_string().contains("nothing at the source takes part"), "{error}");
    }
}
