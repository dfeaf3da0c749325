//! An object sent in parts.

use super::{Ability, S3Backend, convert};
use crate::backend::read_at::{Checked, ReadAt, checksums_of};
use crate::backend::{BoxFuture, Held, PartDigest, PartReceipt, Resumed, Ticket, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::PutOptions;
use crate::receipt::{Receipt, State};
use crate::{Encryption, Payload, Sha256, WriteCondition};
use bytes::Bytes;
use holdall_s3::{ChecksumAlgorithm, CompletedPart, PayloadIntegrity, UploadHandle};
use std::sync::Arc;
use std::time::Instant;

pub(super) struct S3Upload {
    backend: S3Backend,
    key: Key,
    handle: UploadHandle,
    start: Instant,
}

impl S3Upload {
    pub(super) async fn begin(backend: S3Backend, key: &Key, options: &PutOptions) -> Result<Self> {
        let full = backend.full(key)?;
        if options.condition != WriteCondition::Always {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a condition is given when the upload is completed",
            ));
        }
        let handle =
            backend.client.create_upload(&full, &convert::put_options(options, options.digest)).await?;
        Ok(Self::of(backend, key, handle))
    }

    fn of(backend: S3Backend, key: &Key, handle: UploadHandle) -> Self {
        Self { backend, key: key.clone(), handle, start: Instant::now() }
    }

    /// Takes up an upload that was begun earlier.
    pub(super) async fn resume(
        backend: S3Backend,
        key: &Key,
        ticket: &Ticket,
        options: &PutOptions,
    ) -> Result<Resumed> {
        let handle = UploadHandle {
            key: backend.full(key)?,
            id: ticket.id.clone(),
            nonce: ticket.nonce.clone(),
            encryption: options.encryption.clone(),
            progress: options.progress.clone(),
        };
        let upload = Self::of(backend, key, handle);
        match upload.held().await {
            Ok(parts) => Ok(Resumed::Open(Box::new(upload), Held::Parts(parts))),
            Err(error) if error.kind() == holdall_s3::ErrorKind::NotFound => {
                match upload.backend.client.completed_upload(&upload.handle).await {
                    Ok(Some(_)) => Ok(Resumed::Completed(Box::new(upload))),
                    // Who may not list or read is not told whether there is an object.
                    Err(error) if !cannot_say(&error) => Err(error.into()),
                    Ok(None) | Err(_) => Ok(Resumed::Gone),
                }
            }
            Err(error) if cannot_say(&error) => Ok(Resumed::Open(Box::new(upload), Held::Unknown)),
            Err(error) => Err(error.into()),
        }
    }

    /// The parts that the server has.
    async fn held(&self) -> holdall_s3::Result<Vec<(u32, String, u64)>> {
        let mut held = Vec::new();
        let mut after = None;
        loop {
            let page = self.backend.client.list_parts(&self.handle, after).await?;
            held.extend(page.parts.into_iter().map(|part| (part.number, part.etag, part.size)));
            after = page.next;
            if after.is_none() {
                return Ok(held);
            }
        }
    }

    async fn send(&self, number: u32, bytes: Bytes) -> Result<PartReceipt> {
        let (digest, payload) = self.hashed(bytes);
        self.send_hashed(number, digest, payload).await
    }

    async fn send_at(&self, number: u32, bytes: Arc<dyn ReadAt>) -> Result<PartReceipt> {
        let algorithm = match self.backend.client.config().integrity {
            PayloadIntegrity::Signed => ChecksumAlgorithm::Sha256,
            PayloadIntegrity::Checksum(algorithm) => algorithm,
            // The least that a part can be known again by.
            PayloadIntegrity::Unsigned => ChecksumAlgorithm::Crc64Nvme,
        };
        let checksums = checksums_of(bytes.clone(), vec![algorithm]).await?;
        let digest = checksums.first().map(|checksum| match checksum.sha256() {
            Some(sha256) => PartDigest::Sha256(sha256),
            None => PartDigest::Checksum(checksum.clone()),
        });
        self.send_hashed(number, digest, Payload::Source(Arc::new(Checked { bytes, checksums }))).await
    }

    async fn send_hashed(
        &self,
        number: u32,
        digest: Option<PartDigest>,
        payload: Payload,
    ) -> Result<PartReceipt> {
        let size = payload.len();
        let answer = self.backend.client.upload_part(&self.handle, number, payload).await?;
        let (etag, checksum, attempts) = (answer.etag, answer.checksum, answer.attempts);
        let digest = digest
            .or(answer.sent.map(PartDigest::Checksum))
            .ok_or_else(|| Error::new(ErrorKind::Protocol, "the part was sent without a checksum"))?;
        Ok(PartReceipt { number, etag, size, digest, checksum, attempts })
    }

    /// Hashes a part for what the client does not hash it for by itself.
    fn hashed(&self, bytes: Bytes) -> (Option<PartDigest>, Payload) {
        match self.backend.client.config().integrity {
            PayloadIntegrity::Signed | PayloadIntegrity::Checksum(ChecksumAlgorithm::Sha256) => {
                let sha256 = crate::sha256(&bytes);
                (Some(PartDigest::Sha256(sha256)), Payload::Hashed(bytes, sha256))
            }
            PayloadIntegrity::Checksum(_) => (None, Payload::Bytes(bytes)),
            // The least that a part can be known again by.
            PayloadIntegrity::Unsigned => (
                Some(PartDigest::Checksum(ChecksumAlgorithm::Crc64Nvme.compute(&bytes))),
                Payload::Bytes(bytes),
            ),
        }
    }

    async fn finish(&self, parts: &[PartReceipt], condition: &WriteCondition) -> Result<Receipt> {
        if parts.is_empty() || parts.windows(2).any(|pair| pair[0].number >= pair[1].number) {
            return Err(Error::new(ErrorKind::InvalidInput, "parts are missing or out of order"));
        }
        let ability = match condition {
            WriteCondition::Always => None,
            WriteCondition::Absent => Some(Ability::CompleteCreateOnly),
            WriteCondition::Matches(_) => Some(Ability::CompleteIfMatch),
        };
        if let Some(ability) = ability {
            self.backend.abilities.demand(&self.backend.client, ability).await?;
        }
        let completed: Vec<CompletedPart> = parts
            .iter()
            .map(|part| CompletedPart {
                number: part.number,
                etag: part.etag.clone(),
                checksum: part.checksum.clone(),
            })
            .collect();
        let answer = match self.backend.client.complete_upload(&self.handle, &completed, condition).await {
            // The condition can only fail again: the parts are given back, and the caller is told of the condition
            // even where that fails.
            Err(error) if error.kind() == holdall_s3::ErrorKind::Precondition => {
                if let Err(abort) = self.backend.client.abort_upload(&self.handle).await {
                    tracing::warn!(error = %abort, "parts of a failed upload may be left behind");
                }
                return Err(error.into());
            }
            // Somebody may have completed it before: this call, of whose answer nothing is known, or an earlier process.
            // Some servers deny what is not there.
            Err(error) if is_gone(&error) => match self.backend.client.completed_upload(&self.handle).await {
                Ok(Some(answer)) => answer,
                Err(look) if !cannot_say(&look) => return Err(look.into()),
                Ok(None) | Err(_) => return Err(error.into()),
            },
            other => other?,
        };
        let checked = self.backend.abilities.verified(&self.backend.client).await;
        Ok(Receipt {
            key: self.key.clone(),
            size: parts.iter().map(|p| p.size).sum(),
            sha256: None,
            composite: whole(parts).map(|digests| crate::integrity::composite(digests.into_iter())),
            etag: Some(answer.etag),
            version: answer.version,
            state: State::Stored,
            outbox: None,
            verified: convert::verified(
                parts[0].checksum.as_ref().filter(|_| parts.iter().all(|part| part.checksum.is_some())),
                checked,
            ),
            attempts: answer.attempts,
            elapsed: self.start.elapsed(),
        })
    }
}

impl Upload for S3Upload {
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        Box::pin(async move { self.send(number, bytes).await.map_err(|e| e.with_key(&self.key)) })
    }

    fn put_part_at(&self, number: u32, bytes: Arc<dyn ReadAt>) -> BoxFuture<'_, Result<PartReceipt>> {
        Box::pin(async move { self.send_at(number, bytes).await.map_err(|e| e.with_key(&self.key)) })
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move { self.finish(parts, condition).await.map_err(|e| e.with_key(&self.key)) })
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { Ok(self.backend.client.abort_upload(&self.handle).await?) })
    }

    fn ticket(&self) -> Option<Ticket> {
        // A customer's key is never written down, and without it no part can be sent.
        if matches!(self.handle.encryption, Some(Encryption::Customer(_))) {
            return None;
        }
        Some(Ticket { id: self.handle.id.clone(), nonce: self.handle.nonce.clone() })
    }
}

/// The SHA-256 of all parts, if they have one.
fn whole(parts: &[PartReceipt]) -> Option<Vec<Sha256>> {
    parts.iter().map(|part| part.digest.sha256()).collect()
}

/// Whether a server does not answer a question, or not in a way that can be right.
fn cannot_say(error: &holdall_s3::Error) -> bool {
    use holdall_s3::ErrorKind;
    matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Protocol | ErrorKind::PermissionDenied)
}

/// Whether an upload may not be there any more.
fn is_gone(error: &holdall_s3::Error) -> bool {
    use holdall_s3::ErrorKind;
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::PermissionDenied)
}
