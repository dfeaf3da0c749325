//! What is kept of an object beside its bytes.
//!
//! A record is JSON, or in a short form what most objects need of it, in the attribute `user.holdall` of the object's file. It says of which bytes it speaks, by size and
//! time of modification: of other bytes it says nothing, and the file is then taken as somebody else's.

use super::compact;
use super::root::Kind;
use crate::backend::carried::Carried;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use crate::{Attributes, Sha256};
use rustix::fs::XattrFlags;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;

const ATTRIBUTE: &str = "user.holdall";
const SCHEMA: &str = "holdall.object/1";
/// Linux takes no larger attribute.
const MAX_ATTRIBUTE: usize = 64 * 1024;

/// What tells one state of a file from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) inode: u64,
    pub(super) size: u64,
    /// Nanoseconds since 1970.
    pub(super) modified: i64,
}

impl Identity {
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let modified = nanoseconds(metadata.mtime(), metadata.mtime_nsec());
        Ok(Self { inode: metadata.ino(), size: metadata.size(), modified })
    }

    /// Whether an open file is in this state still.
    pub(super) fn is_of(self, file: &File) -> io::Result<bool> {
        let now = Self::of(file)?;
        if (Self { modified: self.modified, ..now }) != self {
            return Ok(false);
        }
        Ok(now == self || (file.metadata()?.nlink() == 0 && Kind::of(file).touches_deleted))
    }

    #[allow(clippy::unnecessary_cast, reason = "the fields' types differ between architectures")]
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        let modified = nanoseconds(stat.st_mtime as i64, stat.st_mtime_nsec as i64);
        Self { inode: stat.st_ino as u64, size: stat.st_size as u64, modified }
    }
}

fn nanoseconds(seconds: i64, rest: i64) -> i64 {
    seconds.saturating_mul(1_000_000_000).saturating_add(rest)
}

/// What is kept of an object beside its bytes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// The object's, in a record that is a file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// Names the write.
    #[serde(with = "hex_number")]
    pub(super) put: u128,
    pub(super) size: u64,
    /// The file's time of modification in nanoseconds since 1970.
    pub(super) modified: i64,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "hex_digest")]
    pub(super) sha256: Option<Sha256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) tags: Vec<(String, String)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) acl: Option<String>,
    /// It was stored while no versions were kept any more, and does not become one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) passing: bool,
}

mod hex_number {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(number: &u128, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{number:032x}"))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u128, D::Error> {
        u128::from_str_radix(&String::deserialize(from)?, 16).map_err(D::Error::custom)
    }
}

mod hex_digest {
    use crate::Sha256;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(digest: &Option<Sha256>, to: S) -> Result<S::Ok, S::Error> {
        match digest {
            Some(digest) => to.serialize_str(&digest.to_hex()),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Sha256>, D::Error> {
        let Some(text) = Option::<String>::deserialize(from)? else { return Ok(None) };
        Sha256::from_hex(&text).map(Some).ok_or_else(|| D::Error::custom("not a SHA-256"))
    }
}

impl Record {
    pub(super) fn new(carried: &Carried, sha256: Option<Sha256>, put: u128) -> Self {
        let attributes = carried.attributes.clone();
        Self {
            key: None,
            put,
            size: 0,
            modified: 0,
            sha256,
            content_type: attributes.content_type,
            cache_control: attributes.cache_control,
            content_disposition: attributes.content_disposition,
            content_encoding: attributes.content_encoding,
            content_language: attributes.content_language,
            storage_class: attributes.storage_class,
            metadata: attributes.metadata,
            tags: carried.tags.clone(),
            acl: carried.acl.map(|acl| acl.as_str().to_owned()),
            passing: false,
        }
    }

    /// Says of which bytes it speaks.
    pub(super) fn stamp(&mut self, identity: Identity) {
        self.size = identity.size;
        self.modified = identity.modified;
    }

    /// Which object a record speaks of that is a file of its own; none when it cannot be read.
    pub(super) fn key_of(json: &[u8]) -> Option<String> {
        serde_json::from_slice::<Self>(json).ok()?.key
    }

    /// Makes it a file of its own.
    pub(super) fn name(&mut self, key: &str) {
        self.key = Some(key.to_owned());
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        #[derive(Serialize)]
        struct Named<'a> {
            schema: &'static str,
            #[serde(flatten)]
            record: &'a Record,
        }
        let named = Named { schema: SCHEMA, record: self };
        serde_json::to_vec(&named).expect("texts and numbers are JSON")
    }

    /// Reads a record in either form; none when it speaks of other bytes.
    ///
    /// # Errors
    ///
    /// `Unsupported` for one of a later version, `Integrity` for one that cannot be read.
    pub(super) fn parse(bytes: &[u8], identity: Identity) -> Result<Option<Self>> {
        let record = if compact::is_compact(bytes) { parse_compact(bytes)? } else { parse_json(bytes)? };
        let same = record.size == identity.size && record.modified == identity.modified;
        Ok(same.then_some(record))
    }

    /// Puts the record on a file.
    ///
    /// Answers whether the file system could: some have no attributes, and none has room for many.
    pub(super) fn write(&self, file: &File) -> Result<bool> {
        let bytes = compact::write(self).unwrap_or_else(|| self.to_json());
        match rustix::fs::fsetxattr(file, ATTRIBUTE, &bytes, XattrFlags::empty()) {
            Ok(()) => Ok(true),
            // A disk that is full says the same; writing a file will tell.
            Err(Errno::OPNOTSUPP | Errno::NOSPC | Errno::TOOBIG | Errno::RANGE | Errno::NOSYS) => Ok(false),
            Err(error) => Err(fault("what belongs to the object cannot be kept", error)),
        }
    }

    /// Reads the record from a file that has one.
    pub(super) fn read(file: &File, identity: Identity) -> Result<Option<Self>> {
        let mut small = [0; 1024];
        let failed = |error| Err(fault("what is kept of the object cannot be read", error));
        match rustix::fs::fgetxattr(file, ATTRIBUTE, &mut small[..]) {
            Ok(n) => Self::parse(&small[..n], identity),
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(None),
            Err(Errno::RANGE) => {
                let mut large = vec![0; MAX_ATTRIBUTE];
                match rustix::fs::fgetxattr(file, ATTRIBUTE, &mut large[..]) {
                    Ok(n) => Self::parse(&large[..n], identity),
                    Err(error) => failed(error),
                }
            }
            Err(error) => failed(error),
        }
    }

    /// Takes the record from a file that has one.
    pub(super) fn remove(file: &File) -> Result<()> {
        match rustix::fs::fremovexattr(file, ATTRIBUTE) {
            Ok(()) | Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
            Err(error) => Err(fault("what is kept of the object cannot be changed", error)),
        }
    }

    pub(super) fn sha256(&self) -> Option<Sha256> {
        self.sha256
    }

    /// The same with other tags.
    pub(super) fn tagged(self, tags: &[(String, String)]) -> Self {
        Self { tags: tags.to_vec(), ..self }
    }

    pub(super) fn tags(&self) -> &[(String, String)] {
        &self.tags
    }

    pub(super) fn attributes(&self) -> Attributes {
        let own = self.clone();
        Attributes {
            content_type: own.content_type,
            cache_control: own.cache_control,
            content_disposition: own.content_disposition,
            content_encoding: own.content_encoding,
            content_language: own.content_language,
            storage_class: own.storage_class,
            metadata: own.metadata,
        }
    }
}

fn parse_compact(bytes: &[u8]) -> Result<Record> {
    match bytes.get(1) {
        Some(1) | None => compact::read(bytes).ok_or_else(|| damaged("the short form is cut or damaged")),
        Some(version) => Err(later(format!("{version}"))),
    }
}

fn parse_json(json: &[u8]) -> Result<Record> {
    #[derive(Deserialize)]
    struct Head {
        schema: String,
    }
    let head: Head = serde_json::from_slice(json).map_err(damaged)?;
    if head.schema != SCHEMA {
        return Err(later(format!("{:.40}", head.schema)));
    }
    serde_json::from_slice(json).map_err(damaged)
}

fn later(version: String) -> Error {
    Error::new(ErrorKind::Unsupported, "the object was stored by a later version")
        .with_fact("version", version)
}

fn damaged(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(ErrorKind::Integrity, "what is kept of the object cannot be read")
        .with_hint("write the object again, or remove the attribute user.holdall of its file")
        .with_source(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OF: Identity = Identity { inode: 1, size: 5, modified: 1_700_000_000_123_456_789 };

    fn full() -> Record {
        let carried = Carried {
            attributes: Attributes {
                content_type: Some("text/html".into()),
                cache_control: Some("no-cache".into()),
                metadata: [("run".to_owned(), "7 é".to_owned())].into(),
                ..Attributes::default()
            },
            tags: vec![("kind".into(), "letter".into())],
            acl: Some(crate::Acl::PublicRead),
            nonce: None,
        };
        let mut record = Record::new(&carried, Some(Sha256([0xab; 32])), 0xff);
        record.stamp(OF);
        record
    }

    #[test]
    fn golden_record() {
        let golden = include_str!("golden/object-1.json");
        assert_eq!(String::from_utf8(full().to_json()).unwrap(), golden.trim_end());
        assert_eq!(Record::parse(golden.trim_end().as_bytes(), OF).unwrap(), Some(full()));
    }

    #[test]
    fn a_record_of_other_bytes_says_nothing() {
        let json = full().to_json();
        assert!(Record::parse(&json, OF).unwrap().is_some());
        assert!(Record::parse(&json, Identity { inode: 2, ..OF }).unwrap().is_some(), "a copy of the file");
        assert!(Record::parse(&json, Identity { size: 6, ..OF }).unwrap().is_none());
        assert!(Record::parse(&json, Identity { modified: 0, ..OF }).unwrap().is_none());
    }

    #[test]
    fn a_later_field_is_read_over_and_a_later_version_is_not() {
        let text = String::from_utf8(full().to_json()).unwrap();
        let newer = text.replacen("\"put\"", "\"later\":{\"a\":[1]},\"put\"", 1);
        assert_eq!(Record::parse(newer.as_bytes(), OF).unwrap(), Some(full()));
        let kind = |text: &str| Record::parse(text.as_bytes(), OF).unwrap_err().kind();
        assert_eq!(kind(&text.replace("object/1", "object/2")), ErrorKind::Unsupported);
        assert_eq!(kind("{\"schema\":\"holdall.object/2\"}"), ErrorKind::Unsupported);
        assert_eq!(kind("{"), ErrorKind::Integrity);
        assert_eq!(kind("H\u{2}"), ErrorKind::Unsupported);
        assert_eq!(kind("H\u{1}"), ErrorKind::Integrity);
    }
}
