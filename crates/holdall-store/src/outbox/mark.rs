//! What became of an entry: marks, written behind the entries like these.

use super::entry::EntryId;
use serde::{Deserialize, Serialize};

pub(super) const SCHEMA: &str = "holdall.mark/1";

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Mark {
    /// It is about to be sent: whoever sends it again looks first whether it arrived.
    Attempted,
    /// It waits, and is tried again from a moment on.
    Retry {
        /// Milliseconds since 1970.
        not_before: u64,
    },
    /// It is not tried again until somebody asks for it. What is queued behind it waits too.
    Parked {
        /// Why, for people.
        why: String,
    },
    /// The remote has it.
    Done,
    /// Somebody gave it up.
    Dropped,
}

impl Mark {
    /// Whether there is nothing left to be done.
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Done | Self::Dropped)
    }
}

/// A mark as it is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Marked {
    schema: String,
    pub(super) of: EntryId,
    /// Of two marks the one with the higher stamp holds.
    pub(super) stamp: EntryId,
    pub(super) place: u64,
    /// The keys that the entry is queued at.
    pub(super) keys: Vec<String>,
    #[serde(flatten)]
    pub(super) mark: Mark,
}

impl Marked {
    pub(super) fn new(of: EntryId, place: u64, keys: Vec<String>, mark: Mark) -> Self {
        Self { schema: SCHEMA.to_owned(), of, stamp: EntryId::default(), place, keys, mark }
    }

    /// Reads a mark; none for bytes that are none.
    pub(super) fn read(header: &[u8]) -> Option<Self> {
        serde_json::from_slice(header).ok().filter(|marked: &Self| marked.schema == SCHEMA)
    }
}
