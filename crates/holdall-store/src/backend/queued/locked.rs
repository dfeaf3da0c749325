//! Objects that come in parts and must not wait: they are sent as they come.

use super::QueuedBackend;
use super::write::stands_behind;
use crate::WriteCondition;
use crate::backend::{BoxFuture, PartReceipt, ReadAt, Upload};
use crate::error::Result;
use crate::key::Key;
use crate::object::PutOptions;
use crate::outbox::{Headers, KeptUpload};
use crate::receipt::Receipt;
use bytes::Bytes;
use std::sync::Arc;

/// An upload to the store that takes effect under its key's lock, and only where nothing waits at the key.
pub(super) struct LockedUpload {
    backend: QueuedBackend,
    key: Key,
    upload: Box<dyn Upload>,
    copy: Option<KeptUpload>,
}

impl LockedUpload {
    pub(super) async fn begin(backend: &QueuedBackend, key: &Key, options: &PutOptions) -> Result<Self> {
        let upload = backend.remote.begin_upload(key, options).await?;
        // What may never lie on a disk has no copy.
        let is_kept = backend.keeps(options.local_copy) && Headers::of(options).is_ok();
        let copy = if is_kept { backend.kept.begin(&backend.full(key)?, options).await } else { None };
        Ok(Self { backend: backend.clone(), key: key.clone(), upload, copy })
    }

    async fn make(&self, parts: &[PartReceipt], condition: &WriteCondition) -> Result<Receipt> {
        let (queue, full) = (self.backend.outbox.open().await?, self.backend.full(&self.key)?);
        let _lock = self.backend.lock(&queue, &[&full]).await?;
        if self.backend.which_wait(&queue, &[&full]).await?.contains(&true) {
            return Err(stands_behind().with_key(&self.key));
        }
        self.backend.forget(&[&full]).await?;
        let receipt = self.upload.complete(parts, condition).await?;
        if let Some(copy) = &self.copy {
            copy.complete(parts).await;
        }
        Ok(receipt)
    }
}

impl Upload for LockedUpload {
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        let Some(copy) = &self.copy else { return self.upload.put_part(number, bytes) };
        Box::pin(async move {
            copy.part(number, bytes.clone()).await;
            self.upload.put_part(number, bytes).await
        })
    }

    fn put_part_at(&self, number: u32, bytes: Arc<dyn ReadAt>) -> BoxFuture<'_, Result<PartReceipt>> {
        let Some(copy) = &self.copy else { return self.upload.put_part_at(number, bytes) };
        Box::pin(async move {
            copy.part_at(number, bytes.clone()).await;
            self.upload.put_part_at(number, bytes).await
        })
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.make(parts, condition))
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            if let Some(copy) = &self.copy {
                copy.abort().await;
            }
            self.upload.abort().await
        })
    }
}
