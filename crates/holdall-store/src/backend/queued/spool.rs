//! Objects that come in parts: they are written to the outbox's disk first, and sent from there.
//!
//! What is streamed cannot be read a second time when the remote fails in the middle. So it is safe here before it is
//! acknowledged, and goes at once where the remote takes it.

use super::QueuedBackend;
use super::write::etag_of;
use crate::backend::parts::{check_list, check_part, gone};
use crate::backend::{BoxFuture, PartDigest, PartReceipt, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{GetOptions, PutOptions};
use crate::outbox::{AtKey, Copied, Entry, Headers, Queue, Remote, Spool, blocking, drain_key};
use crate::receipt::{Receipt, State, Verified};
use crate::settings::WriteMode;
use crate::transfer::Opened;
use crate::{Progress, Sha256, WriteCondition};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// An object that is spooled.
pub(super) struct SpooledUpload {
    backend: QueuedBackend,
    queue: Queue,
    key: Key,
    options: PutOptions,
    spool: Arc<Spool>,
    parts: Mutex<Parts>,
    start: Instant,
}

#[derive(Default)]
struct Parts {
    end: u64,
    found: BTreeMap<u32, (Range<u64>, Sha256)>,
    is_over: bool,
}

impl SpooledUpload {
    pub(super) async fn begin(backend: &QueuedBackend, key: &Key, options: &PutOptions) -> Result<Self> {
        if options.condition != WriteCondition::Always {
            let message = "a condition is given when the upload is completed";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        // What may not lie on a disk is refused before a byte of it does.
        Headers::of(options)?;
        let queue = backend.outbox.open().await?;
        let spool = Arc::new(queue.spool().await?);
        let (backend, options) = (backend.clone(), options.clone());
        let (key, parts) = (key.clone(), Mutex::default());
        Ok(Self { backend, queue, key, options, spool, parts, start: Instant::now() })
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn write(&self, number: u32, bytes: bytes::Bytes) -> Result<PartReceipt> {
        let size = bytes.len() as u64;
        check_part(number, size)?;
        let at = {
            let mut parts = self.parts();
            parts.end += size;
            parts.end - size
        };
        let spool = self.spool.clone();
        let sha256 = blocking(move || {
            spool.write(&bytes, at)?;
            Ok(crate::sha256(&bytes))
        })
        .await?;
        let mut parts = self.parts();
        if parts.is_over {
            return Err(gone());
        }
        parts.found.insert(number, (at..at + size, sha256));
        let digest = PartDigest::Sha256(sha256);
        Ok(PartReceipt { number, etag: etag(sha256), size, digest, checksum: None, attempts: 1 })
    }

    /// The ranges of the parts that are named, and their digests.
    fn named(&self, named: &[PartReceipt]) -> Result<(Vec<Range<u64>>, Vec<Sha256>)> {
        let parts = self.parts();
        if parts.is_over {
            return Err(gone());
        }
        check_list(named, |number| {
            let (range, sha256) = parts.found.get(&number)?;
            Some((etag(*sha256), range.end - range.start))
        })?;
        Ok(named.iter().filter_map(|part| parts.found.get(&part.number)).cloned().unzip())
    }

    async fn make(&self, named: &[PartReceipt], condition: &WriteCondition) -> Result<Receipt> {
        let (ranges, digests) = self.named(named)?;
        let options = PutOptions { condition: condition.clone(), ..self.options.clone() };
        let mut entry = self.backend.entry_of(&self.key, &options)?;
        let full = entry.key.clone();
        {
            let lock = self.backend.lock(&self.queue, &[&full]).await?;
            self.backend.decide_condition(&mut entry).await?;
            self.backend.forget(&[&full]).await?;
            entry = self.queue.append_spooled(&lock, entry, self.spool.clone(), ranges).await?;
            if self.backend.keeps(self.options.local_copy) {
                match self.payload(&entry).await {
                    Ok(file) => self.backend.kept.keep(&entry, Copied::File(file)).await,
                    // It is acknowledged, and may be sent already.
                    Err(error) => tracing::warn!(key = entry.key, %error, "no copy was kept on this machine"),
                }
            }
        }
        self.backend.count();
        self.parts().is_over = true;
        let composite = Some(crate::integrity::composite(digests.into_iter()));
        let receipt = Receipt { composite, ..self.backend.receipt(&self.key, &entry, self.start) };
        match self.options.write.unwrap_or(self.backend.write) {
            WriteMode::Direct => Box::pin(self.send(&full, receipt)).await,
            WriteMode::Behind => Ok(receipt),
        }
    }

    /// The bytes that were queued.
    async fn payload(&self, entry: &Entry) -> Result<Opened> {
        let (queue, entry) = (self.queue.clone(), entry.clone());
        blocking(move || queue.payload_of(&entry)).await
    }

    /// Sends what waits at the key now; whatever keeps it from that, it waits.
    async fn send(&self, full: &str, receipt: Receipt) -> Result<Receipt> {
        let remote = Remote::of(self.backend.base.clone(), self.backend.breaker.clone());
        let destination = &self.backend.destination;
        // The caller's own has counted the bytes as they came.
        let progress = Progress::new();
        let sent = Box::pin(drain_key(&self.queue, &remote, (destination, full), &progress));
        match self.backend.within_deadline(&progress, sent).await {
            Ok(AtKey::Clean(sent)) => self.stored(receipt, sent).await,
            // Nobody was told that it is queued.
            Ok(AtKey::Refused(pending, error)) if receipt.etag.as_ref() == Some(&etag_of(pending.id)) => {
                self.queue.drop_entry(&pending).await?;
                Err(error)
            }
            Ok(AtKey::Waits | AtKey::Refused(..)) => Ok(receipt),
            Err(error) => {
                tracing::warn!(%error, "what was queued could not be sent at once");
                Ok(receipt)
            }
        }
    }

    /// The receipt of what was sent. Where an earlier try had arrived, or another process sent it, there is none: the
    /// object is looked at.
    async fn stored(&self, queued: Receipt, sent: Option<Box<Receipt>>) -> Result<Receipt> {
        let elapsed = self.start.elapsed();
        let (key, sha256, composite) = (queued.key.clone(), queued.sha256, queued.composite.clone());
        if let Some(sent) = sent {
            return Ok(Receipt { key, sha256, composite, elapsed, ..*sent });
        }
        let head = match self.backend.remote.head(&self.key, &GetOptions::default()).await {
            Ok(head) => head,
            Err(error) => {
                tracing::warn!(%error, "what was sent cannot be looked at");
                return Ok(queued);
            }
        };
        let (etag, version) = (head.etag, head.version);
        let (state, outbox, verified) = (State::Stored, None, Verified::None);
        Ok(Receipt { etag, version, state, outbox, verified, attempts: 1, elapsed, ..queued })
    }
}

fn etag(sha256: Sha256) -> String {
    format!("\"{sha256}\"")
}

impl Upload for SpooledUpload {
    fn put_part(&self, number: u32, bytes: bytes::Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        Box::pin(self.write(number, bytes))
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.make(parts, condition))
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        self.parts().is_over = true;
        Box::pin(async { Ok(()) })
    }
}
