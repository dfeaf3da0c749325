//! Which keys sessions and steps have.

use super::moment;
use crate::{Root, SessionId, StepId};
use holdall_store::{Key, Result};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The file that makes a step.
pub(super) const MARKER: &str = "step.json";
/// Where a session's index lies. No step can have the name.
pub(super) const INDEX: &str = ".holdall-index";
/// Where tombstones lie, beside the sessions, so that nothing of a deleted session stays below its own name.
const DELETED: &str = ".holdall-deleted";
/// The tombstone of a whole session, among those of its steps.
const WHOLE: &str = ".holdall-session";

/// The keys of sessions below a root.
#[derive(Debug, Clone)]
pub(super) struct Layout(pub(super) Root);

impl Layout {
    /// What all keys of a session begin with.
    pub(super) fn session(&self, session: &SessionId) -> String {
        format!("{}{session}/", self.0.as_str())
    }

    /// A key of a session, by what follows the session's name.
    pub(super) fn key(&self, session: &SessionId, relative: &str) -> Result<Key> {
        self.0.key(&format!("{session}/{relative}"))
    }

    /// What follows the session's name in a key.
    pub(super) fn relative<'a>(&self, session: &SessionId, key: &'a Key) -> &'a str {
        key.as_str().strip_prefix(&self.session(session)).unwrap_or_default()
    }

    pub(super) fn marker(&self, session: &SessionId, step: &StepId) -> Result<Key> {
        self.key(session, &format!("{step}/{MARKER}"))
    }

    pub(super) fn index_prefix(&self, session: &SessionId) -> String {
        format!("{}{INDEX}/", self.session(session))
    }

    pub(super) fn index(&self, session: &SessionId, entry: &Entry) -> Result<Key> {
        self.key(session, &format!("{INDEX}/{}", entry.name()))
    }

    pub(super) fn tombstones(&self, session: &SessionId) -> String {
        format!("{}{DELETED}/{session}/", self.0.as_str())
    }

    pub(super) fn tombstone(&self, session: &SessionId, step: &StepId) -> Result<Key> {
        self.0.key(&format!("{DELETED}/{session}/{step}.json"))
    }

    pub(super) fn session_tombstone(&self, session: &SessionId) -> Result<Key> {
        self.0.key(&format!("{DELETED}/{session}/{WHOLE}.json"))
    }
}

/// Whether a key, as it follows a session's name, is one that a step's marker may name: others' it may not.
pub(super) fn belongs_to(relative: &str, step: &str) -> bool {
    let Some(rest) = relative.strip_prefix(step) else { return false };
    let below = rest.strip_prefix('/').is_some_and(|rest| !rest.is_empty() && rest != MARKER);
    // A file beside the step's folder, as data that was adopted has it.
    let beside = rest.strip_prefix('.').is_some_and(|rest| !rest.is_empty() && !rest.contains('/'));
    below || beside
}

/// An entry of the index: a step and its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time: SystemTime,
    pub(super) step: StepId,
}

impl Entry {
    pub(super) fn new(time: SystemTime, step: &StepId) -> Self {
        Self { time: moment::rounded(time), step: step.clone() }
    }

    /// The name, by which the newest comes first: time, inverted, in 16 hex digits, and the step.
    pub(super) fn name(&self) -> String {
        format!("{}-{}", inverted(self.time), self.step)
    }

    /// Reads a name; none for what is no entry.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (digits, step) = name.split_at_checked(16)?;
        let is_hex = digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let step = StepId::parse(step.strip_prefix('-')?).ok()?;
        let millis = u64::MAX - u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)?;
        let time = UNIX_EPOCH.checked_add(Duration::from_millis(millis))?;
        moment::check(time).ok()?;
        Some(Self { time, step })
    }
}

/// Sixteen digits that sort the later moments first.
pub(super) fn inverted(time: SystemTime) -> String {
    format!("{:016x}", u64::MAX - moment::millis(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_entries_sort_the_newest_first() {
        let at =
            |millis| Entry::new(UNIX_EPOCH + Duration::from_millis(millis), &StepId::parse("7").unwrap());
        assert!(at(1_700_000_000_001).name() < at(1_700_000_000_000).name());
        let entry = at(1_700_000_000_000);
        assert_eq!(entry.name(), "fffffe74301a97ff-7");
        assert_eq!(Entry::parse(&entry.name()), Some(entry));
        for name in
            ["", "7", "fffffe74301a97ff7", "FFFFFE74301A97FF-7", "fffffe74301a97ff-..", "é23456789abcdef01-7"]
        {
            assert_eq!(Entry::parse(name), None, "{name}");
        }
    }

    #[test]
    fn a_marker_names_keys_of_its_own_step_alone() {
        for (key, own) in [
            ("7/g/page.html", true),
            ("7.html", true),
            ("7/step.json", false),
            ("70/page.html", false),
            ("7", false),
            ("7.html/g/page.html", false),
            ("7/", false),
            ("8/page.html", false),
        ] {
            assert_eq!(belongs_to(key, "7"), own, "{key}");
        }
    }
}
