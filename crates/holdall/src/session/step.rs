//! A step as its marker describes it.

use super::part::{PartName, StepPart};
use crate::{SessionId, StepId};
use holdall_store::{Error, ErrorKind, ReadFrom, Result};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// A step as its marker describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// The session that it is of.
    pub session: SessionId,
    /// Its name in the session.
    pub step: StepId,
    /// When it was recorded: where it stands in its session. Storing it again does not move it, unless a time is given.
    pub time: SystemTime,
    /// When it was stored last, by the clock of who stored it.
    pub stored: SystemTime,
    /// From when on it is not there any more.
    pub expires: Option<SystemTime>,
    /// The name of this attempt to store it, which no other has.
    pub generation: String,
    /// Its parts by name.
    pub parts: BTreeMap<PartName, StepPart>,
    /// Where its marker was read.
    pub read_from: ReadFrom,
    /// Whether it waited in an outbox before the store had it.
    pub(super) waited: bool,
    /// What earlier attempts left, which may have readers still.
    pub(super) superseded: Vec<Superseded>,
}

/// Objects that a later attempt took the place of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Superseded {
    pub(super) at: SystemTime,
    /// As they follow the session's name.
    pub(super) keys: Vec<String>,
}

impl Step {
    /// The size of all parts, in bytes.
    pub fn size(&self) -> u64 {
        self.parts.values().map(|part| part.size).sum()
    }

    /// A part by name.
    ///
    /// # Errors
    ///
    /// `NotFound` where the step has none of this name.
    pub fn part(&self, name: &PartName) -> Result<&StepPart> {
        self.parts.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.parts.keys().map(PartName::as_str).collect();
            Error::new(ErrorKind::NotFound, "the step has no such part")
                .with_fact("session", &self.session)
                .with_fact("step", &self.step)
                .with_fact("part", name)
                .with_fact("parts", names.join(","))
                .with_hint("`holdall session show SESSION STEP` lists the parts of a step")
        })
    }
}

/// What is said of a step that is not there.
pub(super) fn missing(session: &SessionId, step: &StepId) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such step")
        .with_fact("session", session)
        .with_fact("step", step)
        .with_hint("`holdall session steps SESSION` lists the steps of a session")
}

/// What is said of a step of which only a copy on this machine is known, which has expired.
pub(super) fn unknown(session: &SessionId, step: &StepId) -> Error {
    Error::new(
        ErrorKind::Unreachable,
        "the store is away, and the copy of the step on this machine has expired",
    )
    .with_fact("session", session)
    .with_fact("step", step)
}
