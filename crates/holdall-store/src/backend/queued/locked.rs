//! Objects that come in parts and must not wait: they are sent as they come.

use super::QueuedBackend;
use super::write::stands_behind;
use crate::WriteCondition;
use crate::backend::{BoxFuture, PartReceipt, ReadAt, Upload};
use crate::error::Result;
use crate::key::Key;
use crate::object::PutOptions;
use crate::receipt::Receipt;
use bytes::Bytes;
use std::sync::Arc;

/// An upload to the store that takes effect under its key's lock, and only where nothing waits at the key.
pub(super) struct LockedUpload {
    backend: QueuedBackend,
    key: Key,
    upload: Box<dyn Upload>,
}

impl LockedUpload {
    pub(super) async fn begin(backend: &QueuedBackend, key: &Key, options: &PutOptions) -> Result<Self> {
        let upload = backend.remote.begin_upload(key, options).await?;
        Ok(Self { backend: backend.clone(), key: key.clone(), upload })
    }

    async fn make(&self, parts: &[PartReceipt], condition: &WriteCondition) -> Result<Receipt> {
        let (queue, full) = (self.backend.outbox.open().await?, self.backend.full(&self.key)?);
        let _lock = self.backend.lock(&queue, &[&full]).await?;
        if self.backend.which_wait(&queue, &[&full]).await?.contains(&true) {
            return Err(stands_behind().with_key(&self.key));
        }
        self.upload.complete(parts, condition).await
    }
}

impl Upload for LockedUpload {
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        self.upload.put_part(number, bytes)
    }

    fn put_part_at(&self, number: u32, bytes: Arc<dyn ReadAt>) -> BoxFuture<'_, Result<PartReceipt>> {
        self.upload.put_part_at(number, bytes)
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.make(parts, condition))
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        self.upload.abort()
    }
}
