//! What a verification finds.

use super::part::PartName;
use crate::StepId;
use holdall_store::{Error, Key};

/// What may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// A part that the marker names is not there.
    Missing,
    /// A part has other bytes than the marker says.
    Different,
    /// A part or a marker cannot be read.
    Unreadable,
    /// A step is not in the index, or not among what is due.
    NotListed,
    /// The index has an entry of what is not there.
    StaleEntry,
    /// An object that no marker names.
    Orphan,
    /// A step that was deleted came out of an outbox.
    Late,
    /// A step that expired a day ago or earlier, and that no sweep found.
    Expired,
}

impl Fault {
    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Different => "different",
            Self::Unreadable => "unreadable",
            Self::NotListed => "not_listed",
            Self::StaleEntry => "stale_entry",
            Self::Orphan => "orphan",
            Self::Late => "late",
            Self::Expired => "expired",
        }
    }
}

/// Something that is wrong.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finding {
    /// What.
    pub fault: Fault,
    /// The object that it concerns.
    pub key: Key,
    /// The step.
    pub step: Option<StepId>,
    /// The part.
    pub part: Option<PartName>,
    /// Whether it was mended.
    pub mended: bool,
    /// Why it could not be read or mended.
    pub error: Option<Error>,
}

/// What was verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct VerifySummary {
    /// Steps that are there.
    pub steps: u64,
    /// Parts that are what their markers say.
    pub parts: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What was found wrong.
    pub faults: u64,
    /// What of it was mended.
    pub mended: u64,
}
