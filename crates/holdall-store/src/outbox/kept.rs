//! Copies of what was put, on this machine, for when the store is away.
//!
//! A copy is a machine's last put of a key that nobody here wrote to or deleted since: it goes before the next write of its
//! key is tried, whoever tries it, and comes when that write is acknowledged and asked for one. It goes with a write that is
//! given up. What other machines write it does not know, and so whoever reads it is told where it comes from.

use super::entry::{Destination, Entry, Kind};
use crate::backend::fs::FolderBackend;
use crate::backend::{PartReceipt, ReadAt, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{DeleteOptions, GetOptions, Metadata, Object, PutOptions, ReadFrom};
use crate::settings::Settings;
use crate::store::Store;
use crate::transfer::Opened;
use crate::{Payload, ReadConditions, WriteCondition};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// The copies of one destination: a folder store in the outbox's folder.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    folder: PathBuf,
    store: Store,
}

/// What a copy is made of.
pub(crate) enum Copied {
    Payload(Payload),
    File(Opened),
}

impl Kept {
    pub(crate) fn new(outbox: &Path, destination: &Destination, settings: &Settings) -> Self {
        let folder = outbox.join("kept").join(destination.name());
        let settings = Settings { fsync: settings.fsync, memory: settings.memory, ..Settings::default() };
        let backend = FolderBackend::open_default(&folder, &settings);
        Self { folder, store: Store::with_backend(Arc::new(backend), settings) }
    }

    /// Removes the copies of keys.
    ///
    /// # Errors
    ///
    /// What keeps one there: it would be older than what is written next.
    pub(crate) async fn forget<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result<()> {
        if self.never_was() {
            return Ok(());
        }
        for key in keys {
            match self.store.backend().delete(&Key::listed(key), &DeleteOptions::default()).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                other => drop(other.map_err(|e| e.with_fact("copy", "of this machine"))?),
            }
        }
        Ok(())
    }

    /// Removes the copy of a write that is given up. Whoever asks holds the lock of its key.
    ///
    /// # Errors
    ///
    /// As for [`Kept::forget`].
    pub(crate) async fn give_up(&self, entry: &Entry) -> Result<()> {
        if entry.kind != Kind::Put || self.never_was() {
            return Ok(());
        }
        match self.store.backend().head(&Key::listed(&entry.key), &GetOptions::default()).await {
            // A later write's.
            Ok(copy) if copy.sha256.is_some() && copy.sha256 != entry.sha256 => Ok(()),
            _ => self.forget([entry.key.as_str()].into_iter()).await,
        }
    }

    /// Whether nobody ever kept a copy here.
    fn never_was(&self) -> bool {
        matches!(self.folder.try_exists(), Ok(false))
    }

    /// Keeps a copy of what was acknowledged. That it cannot be kept is no fault of the write.
    pub(crate) async fn keep(&self, entry: &Entry, copied: Copied) {
        if let Err(error) = self.put(entry, copied).await {
            tracing::warn!(key = entry.key, %error, "no copy was kept on this machine");
        }
    }

    async fn put(&self, entry: &Entry, copied: Copied) -> Result<()> {
        let (key, options) = (Key::listed(&entry.key), options_of(entry));
        match copied {
            Copied::Payload(payload) => self.store.backend().put(&key, payload, &options).await.map(drop),
            Copied::File(file) => {
                self.store.put_opened(&key, file, &options).await.map(|stored| drop(stored.end()))
            }
        }
    }

    /// Reads the copy of a key; none where there is none, or where only the store could say whether it is the one that is
    /// asked for.
    pub(crate) async fn get(&self, full: &str, key: &Key, options: &GetOptions) -> Option<Result<Object>> {
        let wanted = plain(options)?;
        match self.store.backend().get(&Key::listed(full), &wanted).await {
            Err(error) if error.kind() == ErrorKind::InvalidInput => Some(Err(error.with_key(key))),
            Err(error) => unreadable(&error),
            Ok(object) => {
                let Object { metadata, range, stream, .. } = object;
                Some(Ok(Object { metadata: described(key, metadata), range, attempts: 0, stream }))
            }
        }
    }

    /// What is known of the copy of a key; none as for [`Kept::get`].
    pub(crate) async fn head(&self, full: &str, key: &Key, options: &GetOptions) -> Option<Metadata> {
        let wanted = plain(options)?;
        match self.store.backend().head(&Key::listed(full), &wanted).await {
            Err(error) => unreadable(&error),
            Ok(head) => Some(described(key, head)),
        }
    }

    /// Begins a copy of what comes in parts.
    pub(crate) async fn begin(&self, key: &str, options: &PutOptions) -> Option<KeptUpload> {
        let options = PutOptions {
            attributes: options.attributes.clone(),
            tags: options.tags.clone(),
            nonce: options.nonce.clone(),
            ..PutOptions::default()
        };
        let begun = self.store.backend().begin_upload(&Key::listed(key), &options).await;
        let begun = begun.inspect_err(|error| tracing::warn!(key, %error, "no copy is kept on this machine"));
        begun.ok().map(|upload| KeptUpload { upload, parts: Mutex::default() })
    }
}

fn options_of(entry: &Entry) -> PutOptions {
    PutOptions {
        attributes: entry.headers.attributes(),
        tags: entry.headers.tags.clone(),
        nonce: Some(entry.nonce.clone()).filter(|nonce| !nonce.is_empty()),
        ..PutOptions::default()
    }
}

/// What can be asked of a copy: the store's versions, `ETag`s and customer's keys are not known here.
fn plain(options: &GetOptions) -> Option<GetOptions> {
    let is_plain = options.version.is_none()
        && options.encryption.is_none()
        && options.conditions == ReadConditions::default();
    is_plain.then(|| GetOptions {
        range: options.range,
        progress: options.progress.clone(),
        expired: options.expired,
        ..GetOptions::default()
    })
}

fn described(key: &Key, metadata: Metadata) -> Metadata {
    Metadata { key: key.clone(), etag: None, version: None, read_from: ReadFrom::LocalCopy, ..metadata }
}

fn unreadable<T>(error: &Error) -> Option<T> {
    if error.kind() != ErrorKind::NotFound && error.kind() != ErrorKind::BucketNotFound {
        tracing::warn!(%error, "the copy on this machine cannot be read");
    }
    None
}

/// A copy of an object that comes in parts. Without one of them there is none.
pub(crate) struct KeptUpload {
    upload: Box<dyn Upload>,
    parts: Mutex<BTreeMap<u32, PartReceipt>>,
}

impl KeptUpload {
    pub(crate) async fn part(&self, number: u32, bytes: Bytes) {
        self.note(number, self.upload.put_part(number, bytes).await);
    }

    pub(crate) async fn part_at(&self, number: u32, bytes: Arc<dyn ReadAt>) {
        self.note(number, self.upload.put_part_at(number, bytes).await);
    }

    fn note(&self, number: u32, part: Result<PartReceipt>) {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        match part {
            Ok(part) => drop(parts.insert(number, part)),
            Err(error) => {
                tracing::warn!(number, %error, "a part of the copy on this machine could not be kept");
            }
        }
    }

    /// Makes the copy of the parts that the object was made of, where all of them are there.
    pub(crate) async fn complete(&self, named: &[PartReceipt]) {
        let parts: Option<Vec<PartReceipt>> = {
            let parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
            named.iter().map(|part| parts.get(&part.number).cloned()).collect()
        };
        let made = match parts {
            Some(parts) => self.upload.complete(&parts, &WriteCondition::Always).await.map(drop),
            None => self.upload.abort().await,
        };
        if let Err(error) = made {
            tracing::warn!(%error, "no copy was kept on this machine");
        }
    }

    pub(crate) async fn abort(&self) {
        if let Err(error) = self.upload.abort().await {
            tracing::debug!(%error, "what there is of a copy on this machine is left to gc");
        }
    }
}
