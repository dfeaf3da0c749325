//! Which keys sessions and steps have.

use super::moment;
use super::step::Step;
use crate::{Root, SessionId, StepId};
use holdall_store::{Key, Result};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The file that makes a step.
pub(super) const MARKER: &str = "step.json";
/// Where a session's index lies. No step can have the name.
pub(super) const INDEX: &str = ".holdall-index";
/// Where tombstones lie, beside the sessions, so that nothing of a deleted session stays below its own name.
const DELETED: &str = ".holdall-deleted";
/// Where what is due lies by day, beside the sessions, so that one listing finds it.
const DUE: &str = ".holdall-due";
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

    /// What all entries of what is due begin with.
    pub(super) fn dues(&self) -> String {
        format!("{}{DUE}/", self.0.as_str())
    }

    pub(super) fn due(&self, due: &Due) -> Result<Key> {
        self.0.key(&format!("{DUE}/{}/{}/{}", due.day, due.session, due.step))
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

/// An entry of what is due: a step, and the day on which it expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) day: String,
    pub(super) session: SessionId,
    pub(super) step: StepId,
}

impl Due {
    pub(super) fn new(session: &SessionId, step: &StepId, expires: SystemTime) -> Self {
        Self { day: moment::day(expires), session: session.clone(), step: step.clone() }
    }

    /// Reads what follows the begin of a key; none for what is no entry.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (day, rest) = name.split_once('/')?;
        let (session, step) = rest.split_once('/')?;
        moment::parse(&format!("{day}T00:00:00Z"))?;
        let (session, step) = (SessionId::parse(session).ok()?, StepId::parse(step).ok()?);
        Some(Self { day: day.to_owned(), session, step })
    }
}

/// An entry of the index: a step, its time, and when it expires, if it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) time: SystemTime,
    pub(super) step: StepId,
    pub(super) expires: Option<SystemTime>,
}

impl Entry {
    pub(super) fn new(time: SystemTime, step: &StepId) -> Self {
        Self { time: moment::rounded(time), step: step.clone(), expires: None }
    }

    /// That of a step as its marker describes it.
    pub(super) fn of(step: &Step) -> Self {
        Self { expires: step.expires, ..Self::new(step.time, &step.step) }
    }

    /// The name, by which the newest comes first: time, inverted, in 16 hex digits; behind an underscore, where it does,
    /// when it expires; behind a dash the step. (Not behind a slash: some servers keep no object below another.)
    pub(super) fn name(&self) -> String {
        let expires = self.expires.map_or_else(String::new, |at| format!("_{:016x}", moment::millis(at)));
        format!("{}{expires}-{}", inverted(self.time), self.step)
    }

    /// Reads a name; none for what is no entry.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let (digits, rest) = name.split_at_checked(16)?;
        let (expires, step) = match rest.strip_prefix('_') {
            Some(rest) => {
                let (digits, step) = rest.split_at_checked(16)?;
                (Some(time_of(hex(digits)?)?), step)
            }
            None => (None, rest),
        };
        let step = StepId::parse(step.strip_prefix('-')?).ok()?;
        Some(Self { time: time_of(u64::MAX - hex(digits)?)?, step, expires })
    }

    /// That of the same step if it never expired: whoever was killed while giving it a moment may have left it.
    pub(super) fn lasting(&self) -> Self {
        Self { expires: None, ..self.clone() }
    }

    /// Whether another entry is of the same step at the same place.
    pub(super) fn is_beside(&self, other: &Self) -> bool {
        (self.time, &self.step) == (other.time, &other.step)
    }
}

/// Reads sixteen digits.
fn hex(digits: &str) -> Option<u64> {
    let is_hex = digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(digits, 16).ok().filter(|_| is_hex)
}

fn time_of(millis: u64) -> Option<SystemTime> {
    let time = UNIX_EPOCH.checked_add(Duration::from_millis(millis))?;
    moment::check(time).ok().map(|()| time)
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
        assert_eq!(Entry::parse(&entry.name()), Some(entry.clone()));
        let expires = Some(UNIX_EPOCH + Duration::from_millis(1_700_000_000_007));
        let entry = Entry { expires, ..entry };
        assert_eq!(entry.name(), "fffffe74301a97ff_0000018bcfe56807-7");
        assert_eq!(Entry::parse(&entry.name()), Some(entry));
        for name in [
            "",
            "7",
            "fffffe74301a97ff7",
            "FFFFFE74301A97FF-7",
            "fffffe74301a97ff-..",
            "é23456789abcdef01-7",
            "fffffe74301a97ff_-7",
            "fffffe74301a97ff_18bcfe56807-7",
            "fffffe74301a97ff_0000018bcfe56807_7",
            "fffffe74301a97ff_0000018bcfe56807",
            "fffffe74301a97ff_ffffffffffffffff-7",
        ] {
            assert_eq!(Entry::parse(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_due_is_named_by_its_day() {
        let (session, step) = (SessionId::parse("run-7").unwrap(), StepId::parse("0001").unwrap());
        let due = Due::new(&session, &step, UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let layout = Layout(Root::parse("sessions").unwrap());
        let key = layout.due(&due).unwrap();
        assert_eq!(key.as_str(), "sessions/.holdall-due/2023-11-14/run-7/0001");
        assert_eq!(Due::parse(key.as_str().strip_prefix(&layout.dues()).unwrap()), Some(due));
        for name in ["", "2023-11-14", "2023-11-14/run-7", "soon/run-7/1", "2023-11-14/run-7/1/2"] {
            assert_eq!(Due::parse(name), None, "{name}");
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
