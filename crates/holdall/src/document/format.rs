//! The text of a job's journal: a line of JSON for the job, and one for each step that was taken.

use super::file::Identity;
use super::record::Fault;
use super::spec::Document;
use holdall_store::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

pub(super) const SCHEMA: &str = "holdall.job/1";
const FAMILY: &str = "holdall.job/";

/// The first line: which job it is, and where its documents go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) schema: String,
    pub(super) reference: String,
    pub(super) place: Place,
    pub(super) documents: Vec<Document>,
}

/// Where documents go. What was uploaded to one place says nothing of another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Whether they are uploaded at all.
    pub(super) publishes: bool,
    pub(super) store: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) endpoint: Option<String>,
    pub(super) root: String,
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// The document's number.
    pub(super) document: u32,
    #[serde(flatten)]
    pub(super) step: Step,
}

impl Line {
    /// The document's place among the job's, which was checked when the line was read.
    pub(super) fn place(&self) -> usize {
        self.document as usize - 1
    }
}

/// What happened to a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(super) enum Step {
    /// Its file was seen; what was done with an earlier one does not count any more.
    Staged {
        file: Identity,
    },
    Uploaded(Upload),
    /// The upload waits in the outbox.
    Queued {
        key: String,
        file: Identity,
    },
    UploadFailed {
        error: Fault,
    },
    Ingested,
    IngestionFailed {
        error: Fault,
    },
    Deleted,
    /// A step of a later version.
    #[serde(other)]
    Unknown,
}

/// An upload that was verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Upload {
    pub(super) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    pub(super) size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    /// How: a word of receipts, or `read-back`.
    pub(super) verified: String,
    /// The file that was uploaded; none where it had gone before it was adopted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) file: Option<Identity>,
}

/// Refuses the schema of another thing or of a later version.
pub(super) fn check_schema(schema: Option<&serde_json::Value>) -> Result<()> {
    let Some(schema) = schema else { return Ok(()) };
    let Some(version) = schema.as_str().and_then(|text| text.strip_prefix(FAMILY)) else {
        return Err(Error::new(ErrorKind::InvalidInput, "the schema is not that of a job")
            .with_fact("schema", schema)
            .with_fact("expected", SCHEMA));
    };
    if version.split('.').next() != Some("1") {
        return Err(of_later("the job is of a later version").with_fact("schema", schema));
    }
    Ok(())
}

pub(super) fn of_later(message: &str) -> Error {
    Error::new(ErrorKind::Unsupported, message).with_hint("use a newer holdall")
}

pub(super) fn invalid(message: &str, error: serde_json::Error) -> Error {
    Error::new(ErrorKind::InvalidInput, message).with_source(error)
}

/// A line with its end.
pub(super) fn line(record: &impl Serialize) -> Vec<u8> {
    let mut text = serde_json::to_vec(record).expect("names, numbers and text are always JSON");
    text.push(b'\n');
    text
}
