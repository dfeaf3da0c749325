//! Writing objects: bytes that are at hand, and copies inside the store.

use super::Store;
use crate::content_type::{SNIFF, content_type_of};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::{self, EXPIRES};
use crate::key::Key;
use crate::object::{CopyOptions, PutOptions};
use crate::receipt::Receipt;
use crate::settings::{DigestScope, LocalCopy, OnRemoteError, WriteMode};
use crate::telemetry::{Direction, Watch};
use crate::{Attributes, Payload, Progress, Sha256};
use bytes::Bytes;
use std::time::SystemTime;

/// What holdall adds to an object's metadata: `holdall-put` with 32 digits and `holdall-sha256` with 64.
const OWN_METADATA: usize = 11 + 32 + 14 + 64;
/// S3's bound on an object's metadata, names and values together.
const MAX_METADATA: usize = 2048;

impl Store {
    /// Stores bytes under a key, with the content type of the key's name.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key that is none; whatever keeps the store from taking it. After an error the key has
    /// what it had before.
    pub async fn put(&self, key: &str, bytes: impl Into<Bytes>) -> Result<Receipt> {
        self.put_with(key, bytes, &PutOptions::default()).await
    }

    /// Stores bytes with options. From the multipart threshold on they go in parts, unless there is a condition.
    ///
    /// # Errors
    ///
    /// Also `Precondition`, and `Unsupported` for what the store does not apply.
    pub async fn put_with(
        &self,
        key: &str,
        bytes: impl Into<Bytes>,
        options: &PutOptions,
    ) -> Result<Receipt> {
        self.put_watched(key, bytes.into(), None, options).await
    }

    /// Stores bytes whose SHA-256 the caller has computed: a remote store is sent it, and it is not computed again.
    ///
    /// # Errors
    ///
    /// Also `Integrity` where the bytes have another one, which memory, folders and servers that check payloads find out
    /// (see [`Receipt::verified`]); with an object that a remote store gets in parts it is recorded as it is given.
    pub async fn put_hashed(
        &self,
        key: &str,
        bytes: impl Into<Bytes>,
        sha256: Sha256,
        options: &PutOptions,
    ) -> Result<Receipt> {
        self.put_watched(key, bytes.into(), Some(sha256), options).await
    }

    async fn put_watched(
        &self,
        key: &str,
        bytes: Bytes,
        sha256: Option<Sha256>,
        options: &PutOptions,
    ) -> Result<Receipt> {
        let key = Key::parse(key)?;
        let mut watch = Watch::begin(Direction::Up, self, key.as_str());
        watch.expect(bytes.len() as u64);
        watch.end(self.put_unwatched(&key, bytes, sha256, options).await)
    }

    /// Stores bytes as a step of something else, which is what is logged.
    pub(crate) async fn put_unwatched(
        &self,
        key: &Key,
        bytes: Bytes,
        sha256: Option<Sha256>,
        options: &PutOptions,
    ) -> Result<Receipt> {
        if let Some(progress) = &options.progress {
            progress.expect(bytes.len() as u64);
            progress.complete();
        }
        let mut options = self.prepared(key, &bytes[..bytes.len().min(SNIFF)], options).await?;
        if crate::transfer::goes_in_parts(self, bytes.len() as u64, &options) {
            options.digest = sha256.or(options.digest);
            return crate::transfer::put_bytes_in_parts(self, key, bytes, &options).await;
        }
        let payload = match sha256 {
            Some(sha256) => Payload::Hashed(bytes, sha256),
            None => Payload::Bytes(bytes),
        };
        self.put_whole(key, payload, &options).await
    }

    /// Stores an object by one call of the backend.
    pub(crate) async fn put_whole(
        &self,
        key: &Key,
        payload: Payload,
        options: &PutOptions,
    ) -> Result<Receipt> {
        let payload = match payload {
            Payload::Bytes(bytes) if self.settings().digest == DigestScope::Whole => {
                let sha256 = crate::sha256(&bytes);
                Payload::Hashed(bytes, sha256)
            }
            other => other,
        };
        let receipt = self.0.backend.put(key, payload, options).await.map_err(|e| e.with_key(key))?;
        // A backend that sends nothing anywhere has counted nothing.
        if let Some(progress) = &options.progress {
            progress.reach(receipt.size);
        }
        Ok(receipt)
    }

    /// Fills in what the caller left open, and enters in the index when the object is to expire.
    pub(crate) async fn prepared(&self, key: &Key, first: &[u8], options: &PutOptions) -> Result<PutOptions> {
        let expires = expiry::to_be_noted(options);
        let options = self.put_options(key, first, options)?;
        if let Some(moment) = expires {
            self.enter(key, moment).await?;
        }
        Ok(options)
    }

    /// Fills in what the caller left to the settings and to the name.
    pub(crate) fn put_options(&self, key: &Key, first: &[u8], options: &PutOptions) -> Result<PutOptions> {
        let mut options = options.clone();
        options.progress = options.progress.as_ref().map(Progress::part);
        let expires = expiry::to_be_noted(&options);
        // Whoever was here before has noted it.
        let noted = options.expires.and_then(|_| options.attributes.metadata.remove_entry(EXPIRES));
        check_metadata(&options.attributes).map_err(|e| e.with_key(key))?;
        options.attributes.metadata.extend(noted);
        if let Some(moment) = expires {
            let noted = expiry::note(&mut options.attributes, moment, SystemTime::now());
            noted.and_then(|()| check_size(&options.attributes)).map_err(|e| e.with_key(key))?;
        }
        self.check_outbox(&options).map_err(|e| e.with_key(key))?;
        options.acl = options.acl.or(self.0.settings.acl);
        if options.encryption.is_none() {
            options.encryption.clone_from(&self.0.settings.encryption);
        }
        options.attributes.content_type.get_or_insert_with(|| content_type_of(key.name(), first));
        Ok(options)
    }

    /// Refuses to promise an outbox that a remote store was opened without. Where nothing is remote there is nothing to
    /// wait for.
    fn check_outbox(&self, options: &PutOptions) -> Result<()> {
        let wanted = options.on_remote_error == Some(OnRemoteError::Outbox)
            || options.write == Some(WriteMode::Behind)
            || options.local_copy == Some(LocalCopy::Keep);
        if !wanted || !self.is_remote() || self.outbox().is_some() {
            return Ok(());
        }
        let message =
            "a put can wait, or leave a copy on this machine, only in a store that was opened with an outbox";
        Err(Error::new(ErrorKind::Config, message).with_hint("set HOLDALL_ON_REMOTE_ERROR=outbox"))
    }

    /// Copies an object of any size inside the store; attributes and tags go along unless they are replaced.
    ///
    /// # Errors
    ///
    /// `NotFound` for the source; `Precondition` for a condition of the caller's, on the source or on the copy; `Changed`
    /// when the source is replaced meanwhile.
    pub async fn copy(&self, from: &str, to: &str, options: &CopyOptions) -> Result<Receipt> {
        let (from, to) = (Key::parse(from)?, Key::parse(to)?);
        let watch = Watch::begin(Direction::Copy, self, to.as_str()).from(self, &from);
        watch.end(self.copy_key(&from, &to, options).await)
    }

    /// Copies what was checked when it was queued, and may carry what is holdall's own.
    pub(crate) async fn copy_queued(&self, from: &str, to: &str, options: CopyOptions) -> Result<Receipt> {
        let (from, to) = (Key::parse(from)?, Key::parse(to)?);
        let watch = Watch::begin(Direction::Copy, self, to.as_str()).from(self, &from);
        let options = CopyOptions { acl: options.acl.or(self.0.settings.acl), ..options };
        watch.end(self.0.backend.copy(&from, &to, &options).await.map_err(|e| e.with_key(&from)))
    }

    /// Copies as a step of something else, which is what is logged.
    pub(crate) async fn copy_key(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Receipt> {
        let options = self.copy_options(to, options)?;
        self.0.backend.copy(from, to, &options).await.map_err(|e| e.with_key(from))
    }

    /// Fills in what the caller left to the settings.
    pub(crate) fn copy_options(&self, to: &Key, options: &CopyOptions) -> Result<CopyOptions> {
        if let Some(attributes) = &options.attributes {
            check_metadata(attributes).map_err(|e| e.with_key(to))?;
        }
        Ok(CopyOptions { acl: options.acl.or(self.0.settings.acl), ..options.clone() })
    }
}

/// Refuses metadata names that are holdall's own, and metadata that leaves no room for them.
fn check_metadata(attributes: &Attributes) -> Result<()> {
    if let Some(name) = attributes.metadata.keys().find(|name| name.starts_with("holdall-")) {
        let message = "metadata names under holdall- are kept for holdall itself";
        return Err(Error::new(ErrorKind::InvalidInput, message).with_fact("name", name));
    }
    check_size(attributes)
}

/// Refuses metadata that leaves no room for what holdall adds.
fn check_size(attributes: &Attributes) -> Result<()> {
    let size: usize = attributes.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA - OWN_METADATA {
        return Err(Error::new(ErrorKind::InvalidInput, "user metadata is too large")
            .with_fact("bytes", size)
            .with_fact("limit", MAX_METADATA - OWN_METADATA));
    }
    Ok(())
}
