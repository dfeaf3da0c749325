//! Bytes and the digests that S3 gives them.

use crate::{Sha256, sha256};
use bytes::Bytes;
use holdall_s3::md5;
use std::fmt::Write;

/// An object's bytes and what names them.
#[derive(Clone)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) etag: String,
    pub(super) sha256: Option<Sha256>,
}

impl Content {
    /// The content of one put: the `ETag` is the MD5.
    pub(super) fn single(bytes: Bytes) -> Self {
        let (etag, sha256) = (quoted(&md5(&bytes), ""), Some(sha256(&bytes)));
        Self { bytes, etag, sha256 }
    }

    /// The content of parts in their order: the `ETag` is the MD5 of their MD5s and their number.
    pub(super) fn of_parts(parts: &[Part]) -> Self {
        let size = parts.iter().map(|p| p.bytes.len()).sum();
        let mut bytes = Vec::with_capacity(size);
        parts.iter().for_each(|p| bytes.extend_from_slice(&p.bytes));
        let digests: Vec<u8> = parts.iter().flat_map(|p| p.md5).collect();
        let etag = quoted(&md5(&digests), &format!("-{}", parts.len()));
        Self { bytes: bytes.into(), etag, sha256: None }
    }
}

/// A part of an upload.
#[derive(Clone)]
pub(super) struct Part {
    pub(super) bytes: Bytes,
    pub(super) sha256: Sha256,
    md5: [u8; 16],
}

impl Part {
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { sha256: sha256(&bytes), md5: md5(&bytes), bytes }
    }

    pub(super) fn etag(&self) -> String {
        quoted(&self.md5, "")
    }
}

/// Writes an `ETag`.
fn quoted(digest: &[u8], suffix: &str) -> String {
    let mut text = String::with_capacity(2 * digest.len() + suffix.len() + 2);
    text.push('"');
    for byte in digest {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
    }
    text.push_str(suffix);
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_those_of_s3() {
        let single = Content::single(Bytes::from_static(b"hello"));
        assert_eq!(single.etag, "\"5d41402abc4b2a76b9719d911017c592\"");
        // printf hello | openssl md5 -binary | openssl md5
        let parts = Content::of_parts(&[Part::new(Bytes::from_static(b"hello"))]);
        assert_eq!(parts.etag, "\"62109206880d38a4010a98e11243924a-1\"");
    }
}
