//! What a request sends: bytes at hand, or a source that can be read again for another attempt.

use crate::checksum::{Checksum, ChecksumAlgorithm, Sha256, sha256};
use bytes::Bytes;
use futures_core::Stream;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

/// A source's bytes, in pieces of any size.
pub type SourceStream = Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Bytes that are not in memory but can be read from the start as often as needed.
///
/// Every reading must give the same bytes: the request was signed for them, and an attempt that failed is sent
/// again from a new reading.
pub trait Source: Send + Sync {
    /// The exact number of bytes a reading gives.
    fn len(&self) -> u64;

    /// Whether there are no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The SHA-256 of the bytes, where it is known before they are sent.
    fn sha256(&self) -> Option<Sha256>;

    /// A checksum of the bytes, where it is known before they are sent.
    fn checksum(&self, algorithm: ChecksumAlgorithm) -> Option<Checksum> {
        let sha256 = self.sha256().filter(|_| algorithm == ChecksumAlgorithm::Sha256)?;
        Some(Checksum { algorithm, value: sha256.to_base64() })
    }

    /// Begins a reading.
    fn open(&self) -> SourceStream;
}

/// The body of a request.
#[derive(Clone, Default)]
pub enum Payload {
    /// Nothing.
    #[default]
    Empty,
    /// Bytes at hand.
    Bytes(Bytes),
    /// Bytes at hand that the caller has hashed already; they are not hashed again.
    Hashed(Bytes, Sha256),
    /// Bytes read while they are sent.
    Source(Arc<dyn Source>),
}

impl Payload {
    /// The number of bytes.
    pub fn len(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) | Self::Hashed(bytes, _) => bytes.len() as u64,
            Self::Source(source) => source.len(),
        }
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes at hand; none for a source.
    pub fn at_hand(&self) -> Option<Bytes> {
        match self {
            Self::Empty => Some(Bytes::new()),
            Self::Bytes(bytes) | Self::Hashed(bytes, _) => Some(bytes.clone()),
            Self::Source(_) => None,
        }
    }

    /// The SHA-256: computed for bytes at hand unless they came with it, and what a source says of itself.
    pub fn sha256(&self) -> Option<Sha256> {
        match self {
            Self::Empty => Some(sha256(b"")),
            Self::Bytes(bytes) => Some(sha256(bytes)),
            Self::Hashed(_, digest) => Some(*digest),
            Self::Source(source) => source.sha256(),
        }
    }

    /// A checksum: computed for bytes at hand, and what a source says of itself.
    pub(crate) fn checksum(&self, algorithm: ChecksumAlgorithm) -> Option<Checksum> {
        match self {
            Self::Source(source) => source.checksum(algorithm),
            Self::Hashed(_, digest) if algorithm == ChecksumAlgorithm::Sha256 => {
                Some(Checksum { algorithm, value: digest.to_base64() })
            }
            Self::Empty => Some(algorithm.compute(b"")),
            Self::Bytes(bytes) | Self::Hashed(bytes, _) => Some(algorithm.compute(bytes)),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({} bytes)", self.len())
    }
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&'static [u8]> for Payload {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Bytes::from_static(bytes))
    }
}
