//! What a job tells while it runs, and what it logs.

use super::record::Fault;
use std::path::Path;

/// The target of what jobs log.
pub const TARGET: &str = "holdall::document";

/// The target of warnings that are told as a [`JobEvent`] too.
pub const EVENTS: &str = "holdall::document::event";

/// Something that happened to a document of a job.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum JobEvent<'a> {
    /// The store has it, and that was verified.
    Uploaded {
        /// The document's number.
        number: u32,
        /// Its key.
        key: &'a str,
        /// Its size in bytes.
        size: u64,
    },
    /// Its upload waits in the outbox: its source URL and its file stay until a later run finds it at the store.
    Queued {
        /// The document's number.
        number: u32,
        /// Its key.
        key: &'a str,
    },
    /// Its upload failed: its source URL and its file stay.
    UploadFailed {
        /// The document's number.
        number: u32,
        /// Its file.
        path: &'a Path,
        /// Why.
        fault: &'a Fault,
    },
    /// It was ingested.
    Ingested {
        /// The document's number.
        number: u32,
    },
    /// Its ingestion failed: its file stays.
    IngestionFailed {
        /// The document's number.
        number: u32,
        /// Its file.
        path: &'a Path,
        /// Why.
        fault: &'a Fault,
    },
    /// Its file was deleted.
    Deleted {
        /// The document's number.
        number: u32,
        /// Where it was.
        path: &'a Path,
    },
    /// Its file stays, though it was uploaded and ingested.
    Kept {
        /// The document's number.
        number: u32,
        /// Its file.
        path: &'a Path,
        /// Why.
        fault: &'a Fault,
    },
}

impl JobEvent<'_> {
    /// Logs what somebody should look at.
    pub(super) fn log(&self) {
        let (number, path, fault, what) = match self {
            Self::UploadFailed { number, path, fault } => {
                (number, path, fault, "the document was not uploaded: its source URL and its file stay")
            }
            Self::IngestionFailed { number, path, fault } => {
                (number, path, fault, "the document was not ingested: its file stays")
            }
            Self::Kept { number, path, fault } => (number, path, fault, "the document's file stays"),
            Self::Queued { number, key } => {
                tracing::warn!(target: EVENTS, document = number, key, "the document waits in the outbox: its source URL and its file stay");
                return;
            }
            _ => return,
        };
        tracing::warn!(target: EVENTS, document = number, path = %path.display(), kind = fault.kind, error = %fault, "{what}");
    }
}
