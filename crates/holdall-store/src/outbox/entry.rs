//! What an entry says: which write it is, where it goes, and what goes with it.

use crate::error::{Error, ErrorKind, Result};
use crate::object::PutOptions;
use crate::{Acl, Attributes, Encryption, Sha256, WriteCondition};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

pub(super) const SCHEMA: &str = "holdall.entry/1";

/// Names an entry, and says which of two is the later one.
///
/// The sequence is higher than that of everything its writer could see; of those that could not see each other the
/// writer's random number decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct EntryId {
    /// Counts what is written to the queue, whoever writes it.
    pub sequence: u64,
    /// The segment that the entry was first written to.
    pub writer: u64,
}

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{:016x}", self.sequence, self.writer)
    }
}

impl FromStr for EntryId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |digits: &str| u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16);
        text.split_once('-')
            .and_then(|(sequence, writer)| {
                Some(Self { sequence: number(sequence)?, writer: number(writer)? })
            })
            .ok_or_else(|| {
                Error::new(ErrorKind::InvalidInput, "this is no id of an entry")
                    .with_fact("id", format!("{text:?}"))
            })
    }
}

impl Serialize for EntryId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EntryId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("no id of an entry"))
    }
}

/// Where an entry goes, and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Destination {
    /// The service's endpoint, without credentials.
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
}

impl Destination {
    /// A number for it that every process comes to.
    /// The place as the name of a folder.
    pub(crate) fn name(&self) -> String {
        format!("{:016x}", self.place())
    }

    pub(super) fn place(&self) -> u64 {
        let digest = crate::sha256(format!("{}\0{}", self.endpoint, self.bucket).as_bytes());
        u64::from_be_bytes(digest.0[..8].try_into().expect("a digest has more than eight bytes"))
    }
}

/// What an entry does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Stores bytes at the key.
    Put,
    /// Deletes the key.
    Delete,
    /// Copies another key to it.
    Copy,
    /// Moves another key to it.
    Move,
}

/// What an object carries besides its bytes, as it is written down.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the names are those of S3's headers")]
pub struct Headers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_class: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<String>,
    /// `AES256`, `aws:kms`, or that with `:` and the key's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<String>,
    /// Only where no object has the key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_absent: bool,
    /// Only where the object has this `ETag`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub if_match: Option<String>,
}

const KMS: &str = "aws:kms";

impl Headers {
    /// Takes what a put asks for.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a customer's key: it is never written to a disk.
    pub fn of(options: &PutOptions) -> Result<Self> {
        let a = options.attributes.clone();
        let encryption = match &options.encryption {
            None => None,
            Some(Encryption::S3) => Some("AES256".to_owned()),
            Some(Encryption::Kms(None)) => Some(KMS.to_owned()),
            Some(Encryption::Kms(Some(key))) => Some(format!("{KMS}:{key}")),
            Some(Encryption::Customer(_)) => return Err(refuse_customer_key()),
        };
        Ok(Self {
            content_type: a.content_type,
            cache_control: a.cache_control,
            content_disposition: a.content_disposition,
            content_encoding: a.content_encoding,
            content_language: a.content_language,
            storage_class: a.storage_class,
            metadata: a.metadata,
            tags: options.tags.clone(),
            acl: options.acl.map(|acl| acl.as_str().to_owned()),
            encryption,
            if_absent: options.condition == WriteCondition::Absent,
            if_match: match &options.condition {
                WriteCondition::Matches(etag) => Some(etag.clone()),
                WriteCondition::Always | WriteCondition::Absent => None,
            },
        })
    }

    /// Headers and user metadata.
    pub fn attributes(&self) -> Attributes {
        let h = self.clone();
        Attributes {
            content_type: h.content_type,
            cache_control: h.cache_control,
            content_disposition: h.content_disposition,
            content_encoding: h.content_encoding,
            content_language: h.content_language,
            storage_class: h.storage_class,
            metadata: h.metadata,
        }
    }

    /// When the write may take effect.
    pub fn condition(&self) -> WriteCondition {
        match (self.if_absent, &self.if_match) {
            (true, _) => WriteCondition::Absent,
            (false, Some(etag)) => WriteCondition::Matches(etag.clone()),
            (false, None) => WriteCondition::Always,
        }
    }

    /// Answers the options of the put that this was taken from.
    ///
    /// # Errors
    ///
    /// `Unsupported` for an ACL or an encryption that a later version wrote and this one does not know.
    pub fn options(&self) -> Result<PutOptions> {
        let h = self.clone();
        let unknown = |what| Error::new(ErrorKind::Unsupported, what);
        let acl = match &h.acl {
            None => None,
            Some(name) => {
                Some(Acl::parse(name).ok_or_else(|| unknown("the entry's ACL is not one that is known"))?)
            }
        };
        let encryption = match h.encryption.as_deref() {
            None => None,
            Some("AES256") => Some(Encryption::S3),
            Some(KMS) => Some(Encryption::Kms(None)),
            Some(other) => match other.strip_prefix("aws:kms:") {
                Some(key) => Some(Encryption::Kms(Some(key.to_owned()))),
                None => return Err(unknown("the entry's encryption is not one that is known")),
            },
        };
        let attributes = self.attributes();
        let condition = self.condition();
        Ok(PutOptions { attributes, tags: h.tags, acl, encryption, condition, ..PutOptions::default() })
    }
}

fn refuse_customer_key() -> Error {
    let message = "a write with a customer's key cannot be queued: the key would have to lie on the disk";
    Error::new(ErrorKind::Unsupported, message)
        .with_hint("put it with `on_remote_error = raise`, or use another encryption")
}

/// A write that waits.
///
/// Made by [`Entry::new`]; the queue fills in what only it knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    schema: String,
    /// Its name; set by the queue.
    pub id: EntryId,
    /// What it does.
    pub kind: Kind,
    /// Where it goes.
    pub destination: Destination,
    /// The key that it changes.
    pub key: String,
    /// The key that is copied or moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// What goes with the bytes.
    #[serde(default)]
    pub headers: Headers,
    /// Of a copy: its headers are these, and not those of what is copied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces: bool,
    /// Of a copy: its tags are these, and not those of what is copied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retags: bool,
    /// How many bytes are stored; set by the queue.
    #[serde(default)]
    pub size: u64,
    /// The digest of the bytes; set by the queue.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex")]
    pub sha256: Option<Sha256>,
    /// The file of its own that the bytes are in; set by the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// By what the write is known again at the remote, 32 hex digits.
    pub nonce: String,
    /// Entries that go first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<Depended>,
    /// Prefixes of the same destination: whatever was queued below them before this goes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub after: Vec<String>,
    /// When it was queued, in milliseconds since 1970; set by the queue.
    #[serde(default)]
    pub created: u64,
}

/// An entry that goes first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depended {
    /// Which one.
    pub id: EntryId,
    /// Its key, by which it is found.
    pub key: String,
}

impl Entry {
    /// Makes an entry of a kind for a key.
    pub fn new(kind: Kind, destination: Destination, key: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            id: EntryId::default(),
            kind,
            destination,
            key: key.into(),
            from: None,
            headers: Headers::default(),
            replaces: false,
            retags: false,
            size: 0,
            sha256: None,
            file: None,
            nonce: String::new(),
            depends_on: Vec::new(),
            after: Vec::new(),
            created: 0,
        }
    }

    /// Names the key that is copied or moved.
    pub fn from_key(mut self, from: impl Into<String>) -> Self {
        self.from = Some(from.into());
        self
    }

    /// Says what goes with the bytes.
    pub fn with_headers(mut self, headers: Headers) -> Self {
        self.headers = headers;
        self
    }

    /// Names an entry of the same destination that goes first.
    pub fn after(mut self, id: EntryId, key: impl Into<String>) -> Self {
        self.depends_on.push(Depended { id, key: key.into() });
        self
    }

    /// The keys whose order it has a place in: its own, and the one that it reads.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.key.as_str()).chain(self.from.as_deref().filter(|from| *from != self.key))
    }

    /// Says what its bytes are, and in which file where they have one.
    pub(super) fn holding(self, size: u64, sha256: Option<Sha256>, file: Option<String>) -> Self {
        Self { size, sha256, file, ..self }
    }

    /// Refuses what no entry can be.
    pub(super) fn check(&self) -> Result<()> {
        let needs_source = matches!(self.kind, Kind::Copy | Kind::Move);
        if needs_source == self.from.is_some() && !self.key.is_empty() {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::InvalidInput,
            "an entry has a key, and a copy or a move what it is made of",
        )
        .with_key(&self.key))
    }

    /// Reads an entry; none for bytes that are none, or one of a later version.
    pub(super) fn read(header: &[u8]) -> Option<Self> {
        serde_json::from_slice(header).ok().filter(|entry: &Self| entry.schema == SCHEMA)
    }
}

mod hex {
    use crate::Sha256;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(digest: &Option<Sha256>, to: S) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => to.collect_str(digest),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Sha256>, D::Error> {
        let text = String::deserialize(from)?;
        Sha256::from_hex(&text).map(Some).ok_or_else(|| serde::de::Error::custom("no SHA-256"))
    }
}
