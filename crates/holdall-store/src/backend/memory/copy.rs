//! Copies objects inside the store.

use super::backend::MemoryBackend;
use super::content::Content;
use super::objects::StoredObject;
use super::put::receipt;
use crate::backend::carried::{Carried, check_onto_itself, copied_attributes, refuse_encryption};
use crate::backend::conditions::check_read;
use crate::error::Result;
use crate::expiry;
use crate::key::Key;
use crate::object::{CopyOptions, MoveOptions};
use crate::receipt::Receipt;
use std::time::Instant;

impl MemoryBackend {
    pub(super) fn copy_object(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Receipt> {
        let started = Instant::now();
        refuse_encryption(options.encryption.as_ref())?;
        check_onto_itself(from, to, options)?;
        let source = match &options.version {
            Some(version) => self.map().version(from, version).map_err(|e| e.with_key(from))?,
            None => self.existing(from)?,
        };
        expiry::check(&source.metadata)?;
        check_read(&source.metadata, &options.conditions)?;
        let copy = StoredObject::new(to, content(&source), carried(&source, options)?);
        let copy = self.map().insert(copy, &options.condition)?;
        Ok(receipt(&copy, None, started))
    }
}

impl MemoryBackend {
    /// Moves an object in one step; its time is that of the move, as on S3.
    pub(super) fn rename_object(&self, from: &Key, to: &Key, options: &MoveOptions) -> Result<Receipt> {
        let started = Instant::now();
        let renamed = self.map().rename(from, to, options)?;
        Ok(receipt(&renamed, None, started))
    }
}

/// The same bytes; what names them goes along.
fn content(source: &StoredObject) -> Content {
    let metadata = &source.metadata;
    Content {
        bytes: source.bytes.clone(),
        etag: metadata.etag.clone().expect("every object in memory has an ETag"),
        sha256: metadata.sha256,
    }
}

/// What the copy carries. As on S3 the ACL does not go along: it belongs to the request.
fn carried(source: &StoredObject, options: &CopyOptions) -> Result<Carried> {
    let attributes = copied_attributes(&source.metadata.attributes, options);
    let tags = options.tags.as_deref().unwrap_or(&source.tags);
    Carried::new(&attributes, tags, options.acl)
}
