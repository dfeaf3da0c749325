//! What is told of a document and of a job.

use super::format::Upload;
use super::progress::{Ingestion, Progress, Uploading};
use super::spec::Document;
use holdall_store::Error;
use serde::{Deserialize, Serialize};
use std::error::Error as _;
use std::fmt;
use std::path::PathBuf;

/// How far a document is: the last step that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing was done yet.
    Pending,
    /// Its file was seen.
    Staged,
    /// The store has it, and that was verified.
    Uploaded,
    /// It was ingested.
    Ingested,
    /// It was uploaded and ingested, and its file was deleted.
    Deleted,
}

impl State {
    /// The state's name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Staged => "staged",
            Self::Uploaded => "uploaded",
            Self::Ingested => "ingested",
            Self::Deleted => "deleted",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What became of a document's upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UploadState {
    /// It was not tried.
    None,
    /// It waits in the outbox: it is not verified.
    Queued,
    /// The store has it, and that was verified.
    Uploaded,
    /// It failed.
    Failed,
}

impl UploadState {
    /// The state's name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Queued => "queued",
            Self::Uploaded => "uploaded",
            Self::Failed => "failed",
        }
    }
}

/// What became of a document's ingestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IngestionState {
    /// It was not tried.
    None,
    /// It succeeded.
    Ingested,
    /// It failed.
    Failed,
}

impl IngestionState {
    /// The state's name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ingested => "ingested",
            Self::Failed => "failed",
        }
    }
}

/// Whether a document's file is still on this machine, as far as the job knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// The job did not delete it.
    Kept,
    /// The job deleted it.
    Deleted,
}

/// An error as it is written down: its kind, its words, and its last cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The [`ErrorKind`](crate::ErrorKind)'s name; `ingestion` for what the ingester said.
    pub kind: String,
    /// The fault in words, with its key and the number of attempts.
    pub message: String,
    /// What was behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Fault {
    pub(super) fn of(error: &Error) -> Self {
        let message = error.to_string();
        let mut cause = None;
        let mut next = error.source();
        while let Some(error) = next {
            cause = Some(error.to_string()).filter(|text| !text.is_empty()).or(cause);
            next = error.source();
        }
        let cause = cause.filter(|text| !message.contains(text));
        Self { kind: error.kind().to_string(), cause, message, hint: error.hint().map(str::to_owned) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.cause.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

/// A document's record: what the job was given of it, and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DocumentRecord {
    /// Its number in the job, from 1.
    pub number: u32,
    /// Its file.
    pub path: PathBuf,
    /// What it is called.
    pub name: Option<String>,
    /// What it is, in words.
    pub description: Option<String>,
    /// What kind of document it is.
    pub document_type: Option<String>,
    /// Where it was fetched from.
    pub source_url: Option<String>,
    /// Its URL: that of the store once it is uploaded, where it has a lasting one there; else the source URL.
    pub url: Option<String>,
    /// Its key, once it is uploaded or queued.
    pub key: Option<String>,
    /// The last step that was taken.
    pub state: State,
    /// What became of its upload.
    pub upload: UploadState,
    /// How that was verified.
    pub verified: Option<String>,
    /// What became of its ingestion.
    pub ingestion: IngestionState,
    /// What became of its file.
    pub file: FileState,
    /// What went wrong, of the upload first.
    pub errors: Vec<Fault>,
}

impl DocumentRecord {
    pub(super) fn new(number: u32, document: &Document, progress: &Progress) -> Self {
        let upload = progress.uploaded();
        let key = match &progress.upload {
            Uploading::Done(upload) => Some(upload.key.clone()),
            Uploading::Queued { key, .. } => Some(key.clone()),
            _ => None,
        };
        Self {
            number,
            path: document.path.clone(),
            name: document.name.clone(),
            description: document.description.clone(),
            document_type: document.document_type.clone(),
            source_url: document.source_url.clone(),
            url: url(document, upload),
            key,
            state: state(progress),
            upload: match &progress.upload {
                Uploading::None => UploadState::None,
                Uploading::Failed(_) => UploadState::Failed,
                Uploading::Queued { .. } => UploadState::Queued,
                Uploading::Done(_) => UploadState::Uploaded,
            },
            verified: upload.map(|upload| upload.verified.clone()),
            ingestion: match &progress.ingestion {
                Ingestion::None => IngestionState::None,
                Ingestion::Failed(_) => IngestionState::Failed,
                Ingestion::Done => IngestionState::Ingested,
            },
            file: if progress.is_deleted { FileState::Deleted } else { FileState::Kept },
            errors: errors(progress),
        }
    }
}

/// The store's URL of a document, else where it came from.
pub(super) fn url(document: &Document, upload: Option<&Upload>) -> Option<String> {
    let public = upload.and_then(|upload| upload.url.clone());
    public.or_else(|| document.source_url.clone())
}

fn state(progress: &Progress) -> State {
    if progress.is_deleted {
        State::Deleted
    } else if progress.is_ingested() {
        State::Ingested
    } else if progress.uploaded().is_some() {
        State::Uploaded
    } else if progress.file.is_some() {
        State::Staged
    } else {
        State::Pending
    }
}

fn errors(progress: &Progress) -> Vec<Fault> {
    let mut errors = Vec::new();
    if let Uploading::Failed(fault) = &progress.upload {
        errors.push(fault.clone());
    }
    if let Ingestion::Failed(fault) = &progress.ingestion {
        errors.push(fault.clone());
    }
    errors.extend(progress.kept.clone());
    errors
}

/// How many documents of a job are how far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// All of them.
    pub documents: u64,
    /// Those that the store has, verified.
    pub uploaded: u64,
    /// Those that wait in the outbox.
    pub queued: u64,
    /// Those whose upload failed.
    pub upload_failed: u64,
    /// Those that were ingested.
    pub ingested: u64,
    /// Those whose ingestion failed.
    pub ingestion_failed: u64,
    /// Those whose files were deleted.
    pub deleted: u64,
}

impl Report {
    /// Counts records.
    pub fn of(records: &[DocumentRecord]) -> Self {
        let count =
            |is: &dyn Fn(&DocumentRecord) -> bool| records.iter().filter(|record| is(record)).count() as u64;
        Self {
            documents: records.len() as u64,
            uploaded: count(&|record| record.upload == UploadState::Uploaded),
            queued: count(&|record| record.upload == UploadState::Queued),
            upload_failed: count(&|record| record.upload == UploadState::Failed),
            ingested: count(&|record| record.ingestion == IngestionState::Ingested),
            ingestion_failed: count(&|record| record.ingestion == IngestionState::Failed),
            deleted: count(&|record| record.file == FileState::Deleted),
        }
    }

    /// Whether anything failed.
    pub fn has_failures(&self) -> bool {
        self.upload_failed + self.ingestion_failed > 0
    }
}
