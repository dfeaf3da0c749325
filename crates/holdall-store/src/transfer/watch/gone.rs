//! Objects whose files are gone: when they may be deleted, and how many.

use crate::transfer::MaxDelete;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So long nothing more goes before what went is deleted: who unmounts or moves everything is noticed by then.
const CALM: Duration = Duration::from_secs(1);

/// So many are kept in mind; more are found by looking at everything.
const MOST: usize = 10_000;

/// What is to be done about files that are gone.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Nothing,
    Delete(Vec<Arc<str>>),
    /// They are too many to be deleted on the word of events.
    LookAtAll,
}

/// Files that went, and the bound on how many objects go with them.
#[derive(Debug, Default)]
pub(super) struct Gone {
    names: BTreeSet<Arc<str>>,
    calm: Option<Instant>,
    /// How many more may be deleted until everything was looked at.
    allowed: u64,
    /// Whether nothing may be deleted until everything was looked at and found to be within the bound.
    is_held: bool,
    is_full: bool,
}

impl Gone {
    pub(super) fn add(&mut self, name: &Arc<str>, now: Instant) {
        self.calm = Some(now + CALM);
        self.is_full |= self.names.len() >= MOST;
        if !self.is_full {
            self.names.insert(name.clone());
        }
    }

    /// Takes note that a file is there.
    pub(super) fn is_there(&mut self, name: &str) {
        self.names.remove(name);
    }

    /// Allows a share of what is at the destination, which was looked at.
    pub(super) fn allow(&mut self, most: MaxDelete, there: u64) {
        self.allowed = most.of(there);
        self.is_held = false;
    }

    /// Deletes nothing on the word of events any more.
    pub(super) fn hold(&mut self) {
        self.is_held = true;
    }

    /// When a decision is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.calm
    }

    pub(super) fn decide(&mut self, now: Instant) -> Decision {
        if self.calm.is_none_or(|calm| calm > now) {
            return Decision::Nothing;
        }
        self.calm = None;
        let names = std::mem::take(&mut self.names);
        let is_full = std::mem::take(&mut self.is_full);
        if names.is_empty() && !is_full {
            return Decision::Nothing;
        }
        if is_full || self.is_held || names.len() as u64 > self.allowed {
            return Decision::LookAtAll;
        }
        self.allowed -= names.len() as u64;
        Decision::Delete(names.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> Arc<str> {
        n.to_string().into()
    }

    #[test]
    fn what_went_is_deleted_once_it_is_calm_and_within_the_bound() {
        let (mut gone, start) = (Gone::default(), Instant::now());
        gone.allow(MaxDelete::Count(3), 100);
        (0..3).for_each(|n| gone.add(&name(n), start));
        gone.is_there("1");
        assert_eq!(gone.decide(start), Decision::Nothing);
        assert_eq!(gone.due(), Some(start + CALM));
        assert_eq!(gone.decide(start + CALM), Decision::Delete(vec![name(0), name(2)]));
        assert_eq!(gone.decide(start + CALM), Decision::Nothing);
        (0..2).for_each(|n| gone.add(&name(n), start));
        assert_eq!(gone.decide(start + CALM), Decision::LookAtAll, "one was left");
    }

    #[test]
    fn nothing_goes_while_it_is_held_or_more_than_can_be_kept_in_mind() {
        let (mut gone, start) = (Gone::default(), Instant::now());
        gone.allow(MaxDelete::Percent(100), u64::MAX);
        gone.hold();
        gone.add(&name(1), start);
        assert_eq!(gone.decide(start + CALM), Decision::LookAtAll);
        gone.allow(MaxDelete::Percent(100), u64::MAX);
        (0..=MOST).for_each(|n| gone.add(&name(n), start));
        assert_eq!(gone.decide(start + CALM), Decision::LookAtAll);
        gone.add(&name(1), start);
        assert_eq!(gone.decide(start + CALM), Decision::Delete(vec![name(1)]));
    }
}
