//! Stores objects whole.

use super::backend::MemoryBackend;
use super::content::Content;
use super::objects::StoredObject;
use crate::Payload;
use crate::backend::carried::Carried;
use crate::backend::parts::{LIMITS, check_size};
use crate::backend::payload::{announced, check_digest, take};
use crate::error::Result;
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

pub(super) fn receipt(object: &StoredObject, composite: Option<String>, started: Instant) -> Receipt {
    let metadata = &object.metadata;
    Receipt {
        key: metadata.key.clone(),
        size: metadata.size,
        sha256: metadata.sha256,
        composite,
        etag: metadata.etag.clone(),
        version: metadata.version.clone(),
        state: State::Stored,
        outbox: None,
        verified: Verified::Local,
        attempts: 1,
        elapsed: started.elapsed(),
    }
}
