//! Between the store's words and the wire's.

use crate::error::{Error, ErrorKind, Result};
use crate::expiry::EXPIRES;
use crate::key::Key;
use crate::object::{
    CopyOptions, GetOptions, Metadata, ObjectStream, PresignMethod, PresignOptions, PutOptions,
};
use crate::receipt::Verified;
use crate::{Encryption, Payload, Sha256};
use bytes::Bytes;
use futures_core::Stream;
use holdall_s3::{Checksum, GetStream, Head, MetadataDirective, NONCE, PayloadIntegrity};
use ring::digest::{Context as Digest, SHA256};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

/// What holdall keeps among an object's metadata begins so, and is not shown.
const OWN: &str = "holdall-";
const DIGEST: &str = "holdall-sha256";

/// Hashes bytes at hand once, where the digest is needed anyway.
pub(super) fn hashed(payload: Payload, integrity: PayloadIntegrity) -> Payload {
    match (integrity, payload) {
        (PayloadIntegrity::Signed, Payload::Bytes(bytes)) => {
            let digest = crate::sha256(&bytes);
            Payload::Hashed(bytes, digest)
        }
        (_, payload) => payload,
    }
}

/// The digest, unless finding it would cost another pass over the bytes.
pub(super) fn known_digest(payload: &Payload) -> Option<Sha256> {
    match payload {
        Payload::Bytes(_) => None,
        known => known.sha256(),
    }
}

pub(super) fn put_options(options: &PutOptions, sha256: Option<Sha256>) -> holdall_s3::PutOptions {
    let mut attributes = options.attributes.clone();
    if let Some(digest) = sha256 {
        attributes.metadata.insert(DIGEST.to_owned(), digest.to_hex());
    }
    if let Some(nonce) = &options.nonce {
        attributes.metadata.insert(NONCE.to_owned(), nonce.clone());
    }
    holdall_s3::PutOptions {
        attributes,
        tags: options.tags.clone(),
        acl: options.acl,
        encryption: options.encryption.clone(),
        condition: options.condition.clone(),
        progress: options.progress.clone(),
    }
}

/// How a put was proved: by the server's checksum, else by its check of the signed payload where it has one.
pub(super) fn verified(checksum: Option<&Checksum>, payload_checked: bool) -> Verified {
    match (checksum, payload_checked) {
        (Some(_), _) => Verified::Checksum,
        (None, true) => Verified::Payload,
        (None, false) => Verified::None,
    }
}

pub(super) fn get_options(options: &GetOptions) -> holdall_s3::GetOptions {
    holdall_s3::GetOptions {
        range: options.range,
        version: options.version.clone(),
        conditions: options.conditions.clone(),
        encryption: options.encryption.clone(),
        checksums: options.range.is_none(),
    }
}

pub(super) fn metadata(key: Key, head: Head) -> Metadata {
    let mut attributes = head.attributes;
    let sha256 = attributes.metadata.get(DIGEST).and_then(|hex| Sha256::from_hex(hex));
    let nonce = attributes.metadata.get(NONCE).cloned();
    attributes.metadata.retain(|name, _| !name.starts_with(OWN) || name == EXPIRES);
    Metadata {
        key,
        size: head.size,
        etag: head.etag,
        last_modified: head.last_modified.map(to_the_second),
        version: head.version,
        attributes,
        sha256,
        nonce,
        read_from: crate::ReadFrom::Store,
        expires: None,
    }
}

/// Some servers say more in a listing than in a header can be said.
pub(super) fn to_the_second(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

pub(super) fn copy_options(
    options: &CopyOptions,
    put: &PutOptions,
    source: &Metadata,
) -> holdall_s3::CopyOptions {
    let directive =
        |replace: bool| if replace { MetadataDirective::Replace } else { MetadataDirective::Copy };
    holdall_s3::CopyOptions {
        put: put_options(put, source.sha256.filter(|_| options.attributes.is_some())),
        metadata: directive(options.attributes.is_some()),
        tags: directive(options.tags.is_some()),
    }
}

pub(super) fn presign_options(
    options: &PresignOptions,
    encryption: Option<&Encryption>,
) -> Result<holdall_s3::PresignOptions> {
    let mut wire = holdall_s3::PresignOptions::new(options.expires);
    let mut query = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            wire.query.push((name.to_owned(), value.clone()));
        }
    };
    query("versionId", &options.version);
    if options.method != PresignMethod::Put {
        query("response-content-disposition", &options.content_disposition);
        query("response-content-type", &options.content_type);
        return Ok(wire);
    }
    let mut header = |name: &str, value: &str| wire.headers.push((name.to_owned(), value.to_owned()));
    if let Some(value) = &options.content_disposition {
        header("content-disposition", value);
    }
    if let Some(value) = &options.content_type {
        header("content-type", value);
    }
    wire.headers.extend(encryption_headers(encryption)?);
    Ok(wire)
}

/// What a write by somebody without credentials must say, so that it is encrypted as every other.
///
/// # Errors
///
/// `Unsupported` for a customer's key, which must stay with the customer.
pub(super) fn encryption_headers(encryption: Option<&Encryption>) -> Result<Vec<(String, String)>> {
    let sse = |how: &str| ("x-amz-server-side-encryption".to_owned(), how.to_owned());
    let key = |key: &String| ("x-amz-server-side-encryption-aws-kms-key-id".to_owned(), key.clone());
    match encryption {
        None => Ok(Vec::new()),
        Some(Encryption::S3) => Ok(vec![sse("AES256")]),
        Some(Encryption::Kms(id)) => {
            Ok(Some(sse("aws:kms")).into_iter().chain(id.as_ref().map(key)).collect())
        }
        Some(Encryption::Customer(_)) => {
            Err(Error::new(ErrorKind::Unsupported, "a customer's key cannot go into a URL or a form"))
        }
    }
}

/// An object's bytes, checked against the digest recorded with it.
pub(super) fn stream(body: GetStream, key: Key, wanted: Option<Sha256>) -> ObjectStream {
    Box::pin(Checked { body, key, check: wanted.map(|wanted| (Digest::new(&SHA256), wanted)) })
}

struct Checked {
    body: GetStream,
    key: Key,
    check: Option<(Digest, Sha256)>,
}

impl Stream for Checked {
    type Item = Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let this = self.get_mut();
        Poll::Ready(match ready!(Pin::new(&mut this.body).poll_next(cx)) {
            Some(Ok(bytes)) => {
                if let Some((digest, _)) = &mut this.check {
                    digest.update(&bytes);
                }
                Some(Ok(bytes))
            }
            Some(Err(error)) => {
                this.check = None;
                Some(Err(Error::from(error).with_key(&this.key)))
            }
            None => this.check.take().and_then(|(digest, wanted)| {
                (digest.finish().as_ref() != wanted.0).then(|| {
                    Err(Error::new(ErrorKind::Integrity, "the bytes do not have the recorded SHA-256")
                        .with_key(&this.key)
                        .with_fact("recorded", wanted))
                })
            }),
        })
    }
}
