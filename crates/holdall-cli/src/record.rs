//! What `--json` prints: one shape for each thing.

use crate::report::causes;
use crate::text::Moment;
use holdall::document::Fault;
use holdall::telemetry::Outcome;
use holdall::transfer::Fetched;
use holdall::{Error, ErrorKind, Metadata, PostForm, ReadFrom, Receipt, Version};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A receipt.
#[derive(Serialize)]
pub(crate) struct ReceiptRecord<'a> {
    key: &'a str,
    size: u64,
    sha256: Option<String>,
    composite: Option<&'a str>,
    etag: Option<&'a str>,
    version: Option<&'a str>,
    state: &'static str,
    /// The outbox that it waits in.
    #[serde(skip_serializing_if = "Option::is_none")]
    outbox: Option<Cow<'a, str>>,
    verified: &'static str,
    #[serde(flatten)]
    ended: EndedRecord,
}

impl<'a> ReceiptRecord<'a> {
    pub(crate) fn new(receipt: &'a Receipt, outcome: Outcome) -> Self {
        Self {
            key: receipt.key.as_str(),
            size: receipt.size,
            sha256: receipt.sha256.map(|digest| digest.to_hex()),
            composite: receipt.composite.as_deref(),
            etag: receipt.etag.as_deref(),
            version: receipt.version.as_deref(),
            state: receipt.state.as_str(),
            outbox: receipt.outbox.as_ref().map(|folder| folder.to_string_lossy()),
            verified: receipt.verified.as_str(),
            ended: EndedRecord::new(receipt.attempts, receipt.elapsed, outcome.in_state(receipt.state)),
        }
    }
}

/// How a transfer ended, in the words of the log.
#[derive(Serialize)]
pub(crate) struct EndedRecord {
    attempts: u32,
    seconds: f64,
    outcome: &'static str,
}

impl EndedRecord {
    pub(crate) fn new(attempts: u32, elapsed: Duration, outcome: Outcome) -> Self {
        Self { attempts, seconds: elapsed.as_secs_f64(), outcome: outcome.as_str() }
    }
}

/// What a listing says of an object.
#[derive(Serialize)]
pub(crate) struct ListedRecord<'a> {
    key: &'a str,
    size: u64,
    last_modified: Time,
    etag: Option<&'a str>,
    storage_class: Option<&'a str>,
}

impl<'a> From<&'a Metadata> for ListedRecord<'a> {
    fn from(object: &'a Metadata) -> Self {
        Self {
            key: object.key.as_str(),
            size: object.size,
            last_modified: Time(object.last_modified),
            etag: object.etag.as_deref(),
            storage_class: object.attributes.storage_class.as_deref(),
        }
    }
}

/// A version of an object.
#[derive(Serialize)]
pub(crate) struct VersionRecord<'a> {
    key: &'a str,
    version: &'a str,
    latest: bool,
    deleted: bool,
    size: u64,
    last_modified: Time,
    etag: Option<&'a str>,
}

impl<'a> From<&'a Version> for VersionRecord<'a> {
    fn from(version: &'a Version) -> Self {
        Self {
            key: version.key.as_str(),
            version: &version.version,
            latest: version.is_latest,
            deleted: version.is_marker,
            size: version.size,
            last_modified: Time(version.last_modified),
            etag: version.etag.as_deref(),
        }
    }
}

/// A common prefix of a listing.
#[derive(Serialize)]
pub(crate) struct PrefixRecord<'a> {
    pub(crate) prefix: &'a str,
}

/// All that is known of an object.
#[derive(Serialize)]
pub(crate) struct ObjectRecord<'a> {
    key: &'a str,
    size: u64,
    etag: Option<&'a str>,
    last_modified: Time,
    version: Option<&'a str>,
    sha256: Option<String>,
    content_type: Option<&'a str>,
    cache_control: Option<&'a str>,
    content_disposition: Option<&'a str>,
    content_encoding: Option<&'a str>,
    content_language: Option<&'a str>,
    storage_class: Option<&'a str>,
    metadata: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "is_never")]
    expires: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_from: Option<&'static str>,
}

impl<'a> From<&'a Metadata> for ObjectRecord<'a> {
    fn from(object: &'a Metadata) -> Self {
        let attributes = &object.attributes;
        Self {
            key: object.key.as_str(),
            size: object.size,
            etag: object.etag.as_deref(),
            last_modified: Time(object.last_modified),
            version: object.version.as_deref(),
            sha256: object.sha256.map(|digest| digest.to_hex()),
            content_type: attributes.content_type.as_deref(),
            cache_control: attributes.cache_control.as_deref(),
            content_disposition: attributes.content_disposition.as_deref(),
            content_encoding: attributes.content_encoding.as_deref(),
            content_language: attributes.content_language.as_deref(),
            storage_class: attributes.storage_class.as_deref(),
            metadata: &attributes.metadata,
            expires: Time(object.expires),
            read_from: elsewhere(object),
        }
    }
}

fn is_never(time: &Time) -> bool {
    time.0.is_none()
}

/// Where what is said of an object comes from, if it is not the store.
pub(crate) fn elsewhere(object: &Metadata) -> Option<&'static str> {
    (object.read_from != ReadFrom::Store).then(|| object.read_from.as_str())
}

/// An object and the file that it was written to.
#[derive(Serialize)]
pub(crate) struct FileRecord<'a> {
    path: Cow<'a, str>,
    #[serde(flatten)]
    object: ObjectRecord<'a>,
    #[serde(flatten)]
    ended: EndedRecord,
}

impl<'a> FileRecord<'a> {
    pub(crate) fn new(path: &'a Path, fetched: &'a Fetched) -> Self {
        Self {
            path: path.to_string_lossy(),
            object: ObjectRecord::from(&fetched.metadata),
            ended: EndedRecord::new(fetched.attempts, fetched.elapsed, Outcome::Fetched),
        }
    }
}

/// An error.
#[derive(Serialize)]
pub(crate) struct ErrorRecord<'a> {
    kind: ErrorKind,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a str>,
    #[serde(skip_serializing_if = "is_zero")]
    attempts: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

impl<'a> ErrorRecord<'a> {
    pub(crate) fn new(error: &'a Error, name: Option<&'a str>) -> Self {
        Self {
            kind: error.kind(),
            message: error.to_string(),
            name,
            key: error.key(),
            code: error.code(),
            status: error.status(),
            request_id: error.request_id(),
            host: error.host(),
            attempts: error.attempts(),
            causes: causes(error),
            hint: error.hint(),
        }
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// An error on a line of standard error.
#[derive(Serialize)]
pub(crate) struct ErrorLine<'a> {
    pub(crate) error: ErrorRecord<'a>,
}

impl ErrorLine<'_> {
    pub(crate) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("its keys are text and its numbers finite");
        line.push('\n');
        line
    }
}

/// An error that was written down, on a line of standard error.
#[derive(Serialize)]
pub(crate) struct FaultLine<'a> {
    error: FaultRecord<'a>,
}

#[derive(Serialize)]
struct FaultRecord<'a> {
    kind: &'a str,
    message: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

impl<'a> FaultLine<'a> {
    pub(crate) fn new(fault: &'a Fault, name: &'a str) -> Self {
        Self {
            error: FaultRecord {
                kind: &fault.kind,
                message: &fault.message,
                name,
                causes: fault.cause.as_deref().into_iter().collect(),
                hint: fault.hint.as_deref(),
            },
        }
    }

    pub(crate) fn line(&self) -> String {
        let mut line = serde_json::to_string(self).expect("its keys are text");
        line.push('\n');
        line
    }
}

/// A moment, or null.
struct Time(Option<SystemTime>);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(moment) => serializer.collect_str(&Moment(moment)),
            None => serializer.serialize_none(),
        }
    }
}

/// A presigned URL.
#[derive(Serialize)]
pub(crate) struct UrlRecord<'a> {
    pub(crate) key: &'a str,
    pub(crate) method: &'static str,
    pub(crate) url: &'a str,
    pub(crate) expires_seconds: u64,
    /// What the request must carry.
    #[serde(serialize_with = "in_order", skip_serializing_if = "is_empty")]
    pub(crate) headers: &'a [(String, String)],
}

/// A form for an upload from a browser.
#[derive(Serialize)]
pub(crate) struct FormRecord<'a> {
    url: &'a str,
    #[serde(serialize_with = "in_order")]
    fields: &'a [(String, String)],
}

impl<'a> From<&'a PostForm> for FormRecord<'a> {
    fn from(form: &'a PostForm) -> Self {
        Self { url: &form.url, fields: &form.fields }
    }
}

fn is_empty(headers: &&[(String, String)]) -> bool {
    headers.is_empty()
}

fn in_order<S: Serializer>(fields: &&[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}
