//! Stores objects whole.

use super::backend::{LIMITS, MemoryBackend};
use super::content::Content;
use super::objects::StoredObject;
use crate::Payload;
use crate::backend::carried::Carried;
use crate::backend::payload::{announced, check_digest, take};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::PutOptions;
use crate::receipt::{Receipt, State, Verified};
use std::time::Instant;

impl MemoryBackend {
    pub(super) async fn put_object(
        &self,
        key: &Key,
        payload: Payload,
        options: &PutOptions,
    ) -> Result<Receipt> {
        let started = Instant::now();
        let carried = Carried::of(options)?;
        check_size(payload.len(), LIMITS.max_put)?;
        let announced = announced(&payload);
        let content = Content::single(take(payload).await?);
        check_digest(announced, content.sha256)?;
        let object = self.map().insert(StoredObject::new(key, content, carried), &options.condition)?;
        Ok(receipt(&object, None, started))
    }
}

/// Refuses more bytes than S3 takes by one request.
pub(super) fn check_size(size: u64, limit: u64) -> Result<()> {
    if size > limit {
        return Err(Error::new(ErrorKind::InvalidInput, "too large for one request")
            .with_fact("bytes", size)
            .with_fact("limit", limit));
    }
    Ok(())
}

pub(super) fn receipt(object: &StoredObject, composite: Option<String>, started: Instant) -> Receipt {
    let metadata = &object.metadata;
    Receipt {
        key: metadata.key.clone(),
        size: metadata.size,
        sha256: metadata.sha256,
        composite,
        etag: metadata.etag.clone(),
        version: None,
        state: State::Stored,
        verified: Verified::Local,
        attempts: 1,
        elapsed: started.elapsed(),
    }
}
