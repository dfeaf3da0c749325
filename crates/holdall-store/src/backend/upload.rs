//! Objects that are sent in parts.

use super::{BoxFuture, ReadAt, read_at};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::receipt::Receipt;
use crate::{Sha256, WriteCondition};
use bytes::Bytes;
use holdall_s3::{Checksum, ChecksumAlgorithm};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::SystemTime;

/// An object that was begun in parts and is not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// The key it will have.
    pub key: Key,
    /// The service's name for the upload.
    pub id: String,
    /// When it was begun.
    pub initiated: Option<SystemTime>,
}

/// A page of uploads.
#[derive(Debug, Default)]
pub struct UploadPage {
    /// The uploads.
    pub uploads: Vec<UnfinishedUpload>,
    /// Where the next page begins; none after the last.
    pub next: Option<(String, String)>,
}

/// A part that the backend has.
#[derive(Debug, Clone)]
pub struct PartReceipt {
    /// From 1.
    pub number: u32,
    /// The part's `ETag`.
    pub etag: String,
    /// Its size in bytes.
    pub size: u64,
    /// By what its bytes are known again.
    pub digest: PartDigest,
    /// The checksum that it was sent with besides, to be named again at completion.
    pub checksum: Option<Checksum>,
    /// How often it was sent.
    pub attempts: u32,
}

/// What a part's bytes are known again by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartDigest {
    /// Its SHA-256.
    Sha256(Sha256),
    /// The checksum that it is sent with instead.
    Checksum(Checksum),
}

impl PartDigest {
    /// Whether it is of these bytes.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Sha256(digest) => *digest == crate::sha256(bytes),
            Self::Checksum(checksum) => *checksum == checksum.algorithm.compute(bytes),
        }
    }

    /// Whether it is of these bytes, which are read.
    pub(crate) async fn is_of_all(&self, bytes: Arc<dyn ReadAt>) -> Result<bool> {
        let wanted = match self {
            Self::Sha256(digest) => {
                Checksum { algorithm: ChecksumAlgorithm::Sha256, value: digest.to_base64() }
            }
            Self::Checksum(checksum) => checksum.clone(),
        };
        Ok(read_at::checksums_of(bytes, vec![wanted.algorithm]).await? == [wanted])
    }

    /// The SHA-256, where it is one.
    pub fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Sha256(digest) => Some(*digest),
            Self::Checksum(_) => None,
        }
    }
}

/// What an upload is taken up again by, in another process too. It is no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// The service's name for the upload.
    pub id: String,
    /// Our own name for it.
    pub nonce: String,
}

/// What became of an upload that was begun earlier.
pub enum Resumed {
    /// It goes on.
    Open(Box<dyn Upload>, Held),
    /// Its object is there: completing it again answers the receipt.
    Completed(Box<dyn Upload>),
    /// There is nothing of it.
    Gone,
}

/// Which parts of an upload a store says that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Held {
    /// These: number, `ETag` and size.
    Parts(Vec<(u32, String, u64)>),
    /// It cannot say. Completion tells.
    Unknown,
}

/// An object being sent in parts. Dropping it without [`Upload::complete`] or [`Upload::abort`] may leave parts behind.
pub trait Upload: Send + Sync {
    /// Sends a part, in any order and at the same time as others; the same number again replaces it.
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>>;

    /// Sends a part of bytes that are read where they lie: in memory at once, unless the store can do with pieces.
    ///
    /// # Errors
    ///
    /// Also `Changed` for bytes that are not what they were.
    fn put_part_at(&self, number: u32, bytes: Arc<dyn ReadAt>) -> BoxFuture<'_, Result<PartReceipt>> {
        Box::pin(async move {
            let read = tokio::task::spawn_blocking(move || read_at::read_all(&*bytes)).await;
            let cancelled = |e| Error::new(ErrorKind::Cancelled, "reading was cancelled").with_source(e);
            self.put_part(number, read.map_err(cancelled)??).await
        })
    }

    /// Makes the object of these parts, in order of their numbers.
    ///
    /// # Errors
    ///
    /// `Precondition`, and the parts are given back; `InvalidInput` for parts that are missing or out of order.
    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>>;

    /// Gives the parts back. Aborting again, or after completion, does nothing.
    fn abort(&self) -> BoxFuture<'_, Result<()>>;

    /// What it can be taken up again by; none where it ends with this process, or needs what must not be written down.
    fn ticket(&self) -> Option<Ticket> {
        None
    }
}
