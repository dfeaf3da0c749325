//! An object sent in parts.

use super::{Ability, S3Backend, convert};
use crate::backend::{BoxFuture, PartReceipt, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::PutOptions;
use crate::receipt::{Receipt, State};
use crate::{Payload, WriteCondition};
use bytes::Bytes;
use holdall_s3::{Checksum, CompletedPart, UploadHandle};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

pub(super) struct S3Upload {
    backend: S3Backend,
    key: Key,
    handle: UploadHandle,
    /// The checksums that parts were sent with, to be named again at completion.
    checksums: Mutex<HashMap<u32, Checksum>>,
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
        let handle = backend.client.create_upload(&full, &convert::put_options(options, None)).await?;
        Ok(Self { backend, key: key.clone(), handle, checksums: Mutex::default(), start: Instant::now() })
    }

    async fn send(&self, number: u32, bytes: Bytes) -> Result<PartReceipt> {
        let size = bytes.len() as u64;
        let sha256 = crate::sha256(&bytes);
        let payload = Payload::Hashed(bytes, sha256);
        let answer = self.backend.client.upload_part(&self.handle, number, payload).await?;
        if let Some(checksum) = answer.checksum {
            self.checksums.lock().unwrap_or_else(PoisonError::into_inner).insert(number, checksum);
        }
        Ok(PartReceipt { number, etag: answer.etag, size, sha256, attempts: answer.attempts })
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
        let checksums = self.checksums.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let completed: Vec<CompletedPart> = parts
            .iter()
            .map(|part| CompletedPart {
                number: part.number,
                etag: part.etag.clone(),
                checksum: checksums.get(&part.number).cloned(),
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
            other => other?,
        };
        let checked = self.backend.abilities.verified(&self.backend.client).await;
        Ok(Receipt {
            key: self.key.clone(),
            size: parts.iter().map(|p| p.size).sum(),
            sha256: None,
            composite: Some(crate::integrity::composite(parts.iter().map(|p| p.sha256))),
            etag: Some(answer.etag),
            version: answer.version,
            state: State::Stored,
            verified: convert::verified(
                checksums.values().next().filter(|_| checksums.len() == parts.len()),
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
}
