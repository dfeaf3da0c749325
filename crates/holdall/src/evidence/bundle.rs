//! A bundle: the evidence of a decision as one JSON document.

use super::claim::{Held, from_the_future};
use super::json::Json;
use super::layout::BundlePath;
use super::moment::Moment;
use crate::{DecisionId, EvidenceType};
use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Key, ReadFrom, Result, sha256};
use serde_json::{Map, Value};

const VERSION: &str = "1.0";
const FIELDS: [&str; 7] =
    ["decision_id", "evidence_type", "version", "created_at", "checksum", "metadata", "evidence_data"];

/// The largest bundle, in bytes: it is read and written as a whole.
pub const MAX_BUNDLE: u64 = 64 << 20;

/// Evidence to be stored.
///
/// ```
/// use holdall::evidence::{Json, NewBundle};
/// use holdall::{DecisionId, EvidenceType};
/// let data = Json::parse(br#"{"score": 0.75}"#)?;
/// let bundle = NewBundle::new(DecisionId::parse("d-1")?, EvidenceType::parse("risk")?, data);
/// assert!(bundle.created_at.is_none());
/// # Ok::<(), holdall::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct NewBundle {
    /// The decision that it is of.
    pub decision: DecisionId,
    /// What kind of evidence it is.
    pub kind: EvidenceType,
    /// The evidence.
    pub data: Json,
    /// What is said about it: an object.
    pub metadata: Json,
    /// When it was made; now, unless told. Its month is a part of the key.
    pub created_at: Option<Moment>,
}

impl NewBundle {
    /// Evidence without metadata, made now.
    pub fn new(decision: DecisionId, kind: EvidenceType, data: Json) -> Self {
        Self { decision, kind, data, metadata: Json::empty(), created_at: None }
    }

    /// The document, and where it lies.
    pub(super) fn build(&self, created_at: Moment) -> Result<Built> {
        if !self.metadata.is_object() {
            return Err(Error::new(ErrorKind::InvalidInput, "the metadata of a bundle is no JSON object"));
        }
        let path = BundlePath::new(&self.kind, created_at, &self.decision)?;
        let text = |text: &str| Value::from(text).to_string();
        let checksum = self.data.checksum().to_hex();
        let document = format!(
            r#"{{"decision_id":{},"evidence_type":{},"version":"{VERSION}","created_at":"{created_at}","checksum":"{checksum}","metadata":{},"evidence_data":{}}}"#,
            text(self.decision.as_str()),
            text(self.kind.as_str()),
            self.metadata.canonical(),
            self.data.canonical(),
        );
        if document.len() as u64 > MAX_BUNDLE {
            return Err(Error::new(ErrorKind::InvalidInput, "the bundle is too large")
                .with_fact("bytes", document.len())
                .with_fact("limit", MAX_BUNDLE)
                .with_hint("attach what is large (`evidence attach`)"));
        }
        let bytes = Bytes::from(document);
        let held = Held {
            created_at: Some(created_at.to_string()),
            checksum: Some(checksum),
            ..Held::new(path.to_string(), bytes.len() as u64, sha256(&bytes))
        };
        Ok(Built { bytes, held })
    }

    /// The document that a claim names, if it is of this evidence: one that was made at another moment is, where no moment
    /// was given.
    pub(super) fn rebuild(&self, held: &Held) -> Option<Built> {
        let claimed = held.created_at.as_deref()?.parse::<Moment>().ok()?;
        let built = self.build(self.created_at.unwrap_or(claimed)).ok()?;
        (built.held.sha256 == held.sha256 && built.held.path == held.path).then_some(built)
    }
}

/// A document and the claim's words for it.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub(super) bytes: Bytes,
    pub(super) held: Held,
}

/// What a bundle's checksum is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChecksumState {
    /// It is the SHA-256 of the canonical form of the data, as it was read now.
    Canonical,
    /// It was there before the bundle was adopted and is of another kind: it is kept, and the bytes are proved by the digest
    /// in the claim.
    Kept,
}

impl ChecksumState {
    /// The name in output: `canonical`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Canonical => "canonical",
            Self::Kept => "kept",
        }
    }
}

/// Evidence as it was read, and found to be what it was stored as.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// The decision that it is of.
    pub decision: DecisionId,
    /// What kind of evidence it is.
    pub kind: EvidenceType,
    /// The version of the document: `1.0`.
    pub version: String,
    /// When it was made, as the document has it.
    pub created_at: Moment,
    /// The checksum, as the document has it.
    pub checksum: String,
    /// What that is worth.
    pub checksum_state: ChecksumState,
    /// What is said about it.
    pub metadata: Json,
    /// The evidence.
    pub data: Json,
    /// The object.
    pub key: Key,
    /// The document, byte for byte.
    pub document: Bytes,
    /// Where it was read.
    pub read_from: ReadFrom,
}

/// What a document says.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) version: String,
    pub(super) created_at: Moment,
    pub(super) checksum: String,
    pub(super) checksum_state: ChecksumState,
    pub(super) metadata: Json,
    pub(super) data: Json,
}

/// Reads a document and compares it with the place that it lies at. Whether a checksum of another kind is fine is the caller's
/// to say.
///
/// # Errors
///
/// `Unsupported` for a document of a later version; `Integrity` for one that is not what its place says.
pub(super) fn read(document: &[u8], path: &BundlePath) -> Result<Content> {
    let json =
        Json::parse(document).map_err(|e| damaged("it is no JSON with a canonical form").with_source(e))?;
    let Value::Object(fields) = json.value() else { return Err(damaged("it is no object")) };
    let version = text(fields, "version")?;
    let (major, minor) = version.split_once('.').ok_or_else(|| damaged("its version is none"))?;
    if major != "1" {
        return Err(from_the_future(&format!("evidence {version}")));
    }
    if minor == "0"
        && let Some(more) = fields.keys().find(|name| !FIELDS.contains(&name.as_str()))
    {
        return Err(
            damaged("it has a field that the format does not").with_fact("field", format_args!("{more:?}"))
        );
    }
    for (name, wanted) in [("decision_id", path.decision.as_str()), ("evidence_type", path.kind.as_str())] {
        if text(fields, name)? != wanted {
            return Err(damaged("it is of another decision or type than its key").with_fact("field", name));
        }
    }
    let field = |name: &'static str| {
        let value = fields.get(name).cloned().ok_or_else(|| missing(name))?;
        Json::from_value(value)
    };
    let (data, metadata) = (field("evidence_data")?, field("metadata")?);
    if !metadata.is_object() {
        return Err(damaged("its metadata is no object"));
    }
    let checksum = text(fields, "checksum")?.to_owned();
    let is_canonical = checksum == data.checksum().to_hex();
    let created_at =
        text(fields, "created_at")?.parse().map_err(|e| damaged("its time is none").with_source(e))?;
    Ok(Content {
        version: version.to_owned(),
        created_at,
        checksum,
        checksum_state: if is_canonical { ChecksumState::Canonical } else { ChecksumState::Kept },
        metadata,
        data,
    })
}

/// Refuses a checksum of another kind.
pub(super) fn demand_canonical(content: &Content) -> Result<()> {
    if content.checksum_state == ChecksumState::Canonical {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Integrity, "the checksum of a bundle is not that of its evidence")
        .with_fact("expected", &content.checksum)
        .with_fact("found", content.data.checksum()))
}

fn text<'a>(fields: &'a Map<String, Value>, name: &'static str) -> Result<&'a str> {
    fields.get(name).and_then(Value::as_str).ok_or_else(|| missing(name))
}

fn missing(name: &'static str) -> Error {
    damaged("a field is missing or of another type").with_fact("field", name)
}

fn damaged(why: &str) -> Error {
    Error::new(ErrorKind::Integrity, "a bundle of evidence is damaged").with_fact("because", why)
}
