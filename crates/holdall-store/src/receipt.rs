//! What a put answers: where the bytes are safe, and how that is known.

use crate::Sha256;
use crate::key::Key;
use crate::object::ReadFrom;
use std::path::PathBuf;
use std::time::Duration;

/// Where the bytes are safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum State {
    /// In the store itself.
    #[default]
    Stored,
    /// In the outbox of this machine, on its disk: the store has it once the outbox is drained.
    Queued,
}

impl State {
    /// Where an object is that was found.
    pub(crate) fn of(read_from: ReadFrom) -> Self {
        match read_from {
            ReadFrom::Store => Self::Stored,
            ReadFrom::Outbox | ReadFrom::LocalCopy => Self::Queued,
        }
    }

    /// The state's name in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Queued => "queued",
        }
    }
}

/// How it was proved that the store has the bytes that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verified {
    /// The request was signed over the payload's SHA-256, and this endpoint is known to refuse a wrong one.
    Payload,
    /// The server computed the same checksum.
    Checksum,
    /// The `ETag` is the payload's MD5.
    Md5,
    /// The bytes were read again.
    ReadBack,
    /// The store is this process or this machine.
    Local,
    /// It was not: the server answered with a success and no more is known.
    None,
}

impl Verified {
    /// The word for it in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Checksum => "checksum",
            Self::Md5 => "md5",
            Self::ReadBack => "read-back",
            Self::Local => "local",
            Self::None => "none",
        }
    }
}

/// What a put answers.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The object's key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of all its bytes, where they were hashed as a whole.
    pub sha256: Option<Sha256>,
    /// For an object sent in parts: the SHA-256 of the parts' SHA-256 in order, and `-` and their number, as S3 writes
    /// a composite checksum. None where parts are proved by a CRC, or not at all.
    pub composite: Option<String>,
    /// The `ETag`; opaque.
    pub etag: Option<String>,
    /// The version, in a store that keeps versions.
    pub version: Option<String>,
    /// Where the bytes are safe.
    pub state: State,
    /// The outbox that they wait in, where they are queued.
    pub outbox: Option<PathBuf>,
    /// How that was proved.
    pub verified: Verified,
    /// How often the last request of the put was sent.
    pub attempts: u32,
    /// How long the put took.
    pub elapsed: Duration,
}
