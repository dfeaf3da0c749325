//! Objects as callers meet them: metadata, streams and options.

use crate::error::{Error, Result};
use crate::key::{Key, Prefix};
use crate::receipt::State;
use crate::settings::{LocalCopy, OnRemoteError, WriteMode};
use crate::{Acl, Attributes, Encryption, Progress, Range, ReadConditions, Sha256, WriteCondition};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use std::fmt;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

/// What is known of an object without its bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct Metadata {
    /// The key.
    pub key: Key,
    /// Size of the whole object in bytes.
    pub size: u64,
    /// The `ETag`, quoted; opaque, and another one whenever the bytes are others.
    pub etag: Option<String>,
    /// When it was written, to the second.
    pub last_modified: Option<SystemTime>,
    /// The version, in a store that keeps versions.
    pub version: Option<String>,
    /// Headers and user metadata. A listing has only what it says of the storage class.
    pub attributes: Attributes,
    /// The SHA-256 of all bytes, where it was known before the first was sent.
    pub sha256: Option<Sha256>,
    /// The name of the write that made it, where the store notes one and was asked for it. A listing has none.
    pub nonce: Option<String>,
    /// Where this comes from.
    pub read_from: ReadFrom,
    /// From when on it is not found any more. A listing does not say it.
    pub expires: Option<SystemTime>,
}

/// An object's bytes as they come. Ends after exactly the bytes promised or with an error.
pub type ObjectStream = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// An object being read.
pub struct Object {
    /// What is known of it.
    pub metadata: Metadata,
    /// Which bytes the stream has; half-open.
    pub range: std::ops::Range<u64>,
    /// How often the request for it was sent.
    pub attempts: u32,
    /// The bytes.
    pub stream: ObjectStream,
}

impl Object {
    /// Reads all of it into memory.
    ///
    /// # Errors
    ///
    /// Whatever ends the stream early: the bytes are whole or there are none.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let expected = usize::try_from(self.range.end - self.range.start).unwrap_or(usize::MAX);
        let Some(first) = self.stream.next().await.transpose()? else { return Ok(Bytes::new()) };
        let Some(second) = self.stream.next().await.transpose()? else { return Ok(first) };
        let mut all = Vec::with_capacity(expected.min(1 << 30));
        all.extend_from_slice(&first);
        all.extend_from_slice(&second);
        while let Some(piece) = self.stream.next().await.transpose()? {
            all.extend_from_slice(&piece);
        }
        Ok(all.into())
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object")
            .field("metadata", &self.metadata)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

/// How an object is put.
#[derive(Debug, Clone, Default)]
pub struct PutOptions {
    /// Headers and user metadata; names under `holdall-` are refused.
    pub attributes: Attributes,
    /// Tags, name and value.
    pub tags: Vec<(String, String)>,
    /// A canned access control list.
    pub acl: Option<Acl>,
    /// Encryption by the server.
    pub encryption: Option<Encryption>,
    /// When the write may take effect. Where the store cannot decide it atomically, a condition is `Unsupported`.
    pub condition: WriteCondition,
    /// Counts the bytes as they are sent, each once.
    pub progress: Option<Progress>,
    /// The SHA-256 of all bytes, where the caller knows it: an object that is sent to S3 in parts records it. It is not
    /// compared with the bytes.
    pub digest: Option<Sha256>,
    /// What becomes of it when a remote store does not take it; else the setting says so.
    pub on_remote_error: Option<OnRemoteError>,
    /// Whether it is tried before it is acknowledged; else the setting says so.
    pub write: Option<WriteMode>,
    /// Whether a copy stays on this machine, for when the store is away; else the setting says so.
    pub local_copy: Option<LocalCopy>,
    /// From when on it is not found any more: rounded up to the second.
    pub expires: Option<SystemTime>,
    /// A name for the write, 32 hex digits, by which it is known again at the store; a random one else.
    pub nonce: Option<String>,
    /// Not before any write below one of these prefixes that was acknowledged and waits in the outbox: what says that
    /// others are there must not come before them.
    pub after: Vec<String>,
}

/// What is read of an object, and when.
#[derive(Debug, Clone, Default)]
pub struct GetOptions {
    /// A part of the object.
    pub range: Option<Range>,
    /// A version.
    pub version: Option<String>,
    /// Conditions.
    pub conditions: ReadConditions,
    /// The customer's key that it is encrypted with.
    pub encryption: Option<Encryption>,
    /// Counts the bytes as they are written to a file; whoever reads a stream counts itself.
    pub progress: Option<Progress>,
    /// Also what has expired and is there still.
    pub expired: bool,
}

/// How an object is deleted.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// One version, for good.
    pub version: Option<String>,
    /// Only while the object has this `ETag`. Where the store cannot decide it atomically, it is `Unsupported`.
    pub if_match: Option<String>,
    /// Ask first whether there is an object, where the store does not say so by itself: one request more, and what it
    /// tells is of the moment before.
    pub look: bool,
    /// Delete also a version that is retained in governance mode, where the store lets the caller do so.
    pub bypass_governance: bool,
}

/// What a delete answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Whether there was an object. Memory and folders know; S3 says it where there was a condition, or when it is
    /// asked by [`DeleteOptions::look`] and lets itself be. None where it is not known.
    pub existed: Option<bool>,
    /// The version deleted, or the delete marker's.
    pub version: Option<String>,
    /// Whether the store did it, or it waits in the outbox.
    pub state: State,
}

/// Why one object of many was not deleted.
#[derive(Debug)]
pub struct DeleteFailure {
    /// Which one.
    pub key: Key,
    /// Why.
    pub error: Error,
}

/// What is tidied up.
#[derive(Debug, Clone, Copy)]
pub struct GcOptions {
    /// Only what nobody has touched for so long: what is younger may be in use.
    pub older_than: Duration,
    /// Say what there is and leave it.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { older_than: Duration::from_secs(7 * 86_400), dry_run: false }
    }
}

/// Something that a write left behind and nobody needs.
#[derive(Debug)]
pub struct Leftover {
    /// What it is: `upload` (parts of an object that was never completed), `probe` (an object on which the server was
    /// tried), `temporary` (an object that was never named), `record` (what belonged to an object that is gone); and of what was cut off on this machine, `journal` (notes of
    /// an upload, and its parts with them) and `download` (a file that never came whole, and its notes with it).
    pub kind: &'static str,
    /// The key, the file in the store's own folder, or the path of a file on this machine.
    pub name: String,
    /// How long it has been untouched.
    pub age: Duration,
    /// Its size in bytes, where it is known.
    pub size: Option<u64>,
    /// Why it is left although it is old enough: this store has no part in it.
    pub left: Option<&'static str>,
    /// Why it could not be removed.
    pub error: Option<Error>,
}

/// Where what is read of an object comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ReadFrom {
    /// The store.
    #[default]
    Store,
    /// The outbox of this machine, in which the object waits for the store.
    Outbox,
    /// A copy on this machine, since the store is away: what was put here last. Others may have written the object since.
    LocalCopy,
}

impl ReadFrom {
    /// The name in output: `local_copy`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Store => "store",
            Self::Outbox => "outbox",
            Self::LocalCopy => "local_copy",
        }
    }
}

impl Metadata {
    /// What a listing says where keys are all that is wanted.
    pub(crate) fn bare(key: Key) -> Self {
        Self {
            key,
            size: 0,
            etag: None,
            last_modified: None,
            version: None,
            attributes: Attributes::default(),
            sha256: None,
            nonce: None,
            read_from: ReadFrom::Store,
            expires: None,
        }
    }

    /// What a listing says of it.
    pub(crate) fn listed(self) -> Self {
        let storage_class = self.attributes.storage_class;
        let attributes = Attributes { storage_class, ..Attributes::default() };
        Self { attributes, sha256: None, nonce: None, ..self }
    }

    /// Whether this is what an earlier look at the same key found: nobody has written it since.
    pub fn is_same_object(&self, other: &Self) -> bool {
        (&self.etag, self.size, self.last_modified, &self.version)
            == (&other.etag, other.size, other.last_modified, &other.version)
    }
}

/// A version of an object, or the mark that it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The object's key.
    pub key: Key,
    /// The version's name, which means something only together with the key.
    pub version: String,
    /// Whether it is what the key has now.
    pub is_latest: bool,
    /// Whether it says that the object was deleted, and is no object itself.
    pub is_marker: bool,
    /// Size in bytes; 0 for a marker.
    pub size: u64,
    /// The `ETag`; a marker has none.
    pub etag: Option<String>,
    /// When it was made.
    pub last_modified: Option<SystemTime>,
}

/// A page of versions, in the bytewise order of keys, of each key the newest first.
#[derive(Debug, Default)]
pub struct VersionPage {
    /// Versions and markers.
    pub versions: Vec<Version>,
    /// What is there and cannot be listed. The rest of the listing is whole.
    pub failures: Vec<Error>,
}

/// How an object is moved.
#[derive(Debug, Clone, Default)]
pub struct MoveOptions {
    /// Only while the source has this `ETag`.
    pub if_match: Option<String>,
    /// When the destination may be written.
    pub condition: WriteCondition,
    /// Counts the bytes that are brought here, of which a store that moves by itself brings none.
    pub progress: Option<Progress>,
}

/// How an object is copied.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// New headers and user metadata; without them the source's go along.
    pub attributes: Option<Attributes>,
    /// New tags; without them the source's go along.
    pub tags: Option<Vec<(String, String)>>,
    /// Conditions on the source.
    pub conditions: ReadConditions,
    /// When the copy may take effect. Where the store cannot decide it atomically, a condition is `Unsupported`.
    pub condition: WriteCondition,
    /// A version of the source.
    pub version: Option<String>,
    /// A canned access control list of the copy.
    pub acl: Option<Acl>,
    /// Encryption of the copy.
    pub encryption: Option<Encryption>,
    /// The source's storage class goes along, unless the attributes are replaced. S3 leaves it behind.
    pub keep_storage_class: bool,
    /// Counts the bytes that are brought here, of which a store that copies by itself brings none.
    pub progress: Option<Progress>,
}

/// What is listed.
#[derive(Debug, Clone, Default)]
pub struct ListOptions {
    /// Only keys that begin with this.
    pub prefix: Prefix,
    /// Keys that have this after the prefix are folded into one common prefix; never empty.
    pub delimiter: Option<String>,
    /// Only keys after this one, in byte order. A common prefix is listed when it is itself after this, so one that this
    /// begins with is left out, with all its keys.
    pub start_after: Option<String>,
    /// Entries in a page, 1 to 1000.
    pub page_size: Option<u32>,
    /// Keys are all that is wanted. A store that would have to look for the rest leaves it out: sizes are then 0, times
    /// and `ETag`s none.
    pub keys_only: bool,
}

/// A page of a listing, in the bytewise order of keys.
#[derive(Debug, Default)]
pub struct Page {
    /// Objects.
    pub objects: Vec<Metadata>,
    /// Common prefixes.
    pub prefixes: Vec<String>,
    /// What is there and cannot be listed: a file whose name can be no key, a folder that may not be read. The rest of
    /// the listing is whole.
    pub failures: Vec<Error>,
}

/// What a presigned URL permits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresignMethod {
    /// To read the object.
    Get,
    /// To write it.
    Put,
    /// To ask what is known of it.
    Head,
    /// To delete it.
    Delete,
}

/// How a URL is presigned.
#[derive(Debug, Clone)]
pub struct PresignOptions {
    /// What it permits.
    pub method: PresignMethod,
    /// For how long, 1 second to 7 days.
    pub expires: Duration,
    /// `Content-Disposition` of the answer to a read.
    pub content_disposition: Option<String>,
    /// `Content-Type` of the answer to a read, or that a write must carry.
    pub content_type: Option<String>,
    /// A version to read.
    pub version: Option<String>,
}

impl PresignOptions {
    /// A URL for one method.
    pub fn new(method: PresignMethod, expires: Duration) -> Self {
        Self { method, expires, content_disposition: None, content_type: None, version: None }
    }
}
