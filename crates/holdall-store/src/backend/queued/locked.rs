//! Objects that come in parts and must not wait: sent as they come, while nobody else may write to their key.

use super::QueuedBackend;
use super::write::stands_behind;
use crate::WriteCondition;
use crate::backend::{BoxFuture, PartReceipt, ReadAt, Upload};
use crate::error::Result;
use crate::key::Key;
use crate::object::PutOptions;
use crate::outbox::KeyLock;
use crate::receipt::Receipt;
use bytes::Bytes;
use std::sync::Arc;

/// An upload to the store that holds its key's lock.
pub(super) struct LockedUpload {
    upload: Box<dyn Upload>,
    _lock: KeyLock,
}

impl LockedUpload {
    /// Begins it, unless something waits at the key.
    pub(super) async fn begin(backend: &QueuedBackend, key: &Key, options: &PutOptions) -> Result<Self> {
        let (queue, full) = (backend.outbox.open().await?, backend.full(key)?);
        let lock = backend.lock(&queue, &[&full]).await?;
        if backend.which_wait(&queue, &[&full]).await?.contains(&true) {
            return Err(stands_behind().with_key(key));
        }
        Ok(Self { upload: backend.remote.begin_upload(key, options).await?, _lock: lock })
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
        self.upload.complete(parts, condition)
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        self.upload.abort()
    }
}
