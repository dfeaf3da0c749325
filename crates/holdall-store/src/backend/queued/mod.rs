//! A store whose writes wait on this machine when it cannot take them, and are read from here until it has.
//!
//! It stands before another backend and an outbox. What waits in the outbox for a key comes before what the remote has of
//! it, for everybody who reads; and who writes to such a key queues behind it. `docs/OUTBOX.md` has the rules.

mod backend;
mod direct;
mod lazy;
mod listing;
mod locked;
mod read;
mod spool;
mod write;

use super::Backend;
use crate::backend::s3::S3Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, MAX_KEY, Prefix};
use crate::outbox::breaker::Breaker;
use crate::outbox::{Destination, Drainer, Kept, KeyLock, Options, Queue, Remote, blocking};
use crate::settings::{LocalCopy, OnRemoteError, Settings, WriteMode};
use crate::store::Store;
pub(crate) use lazy::Outbox;
pub(crate) use listing::{QueuedListing, Reach};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
pub(crate) use write::{Bytes, Written, is_of_the_remote};

/// A backend with an outbox before it.
#[derive(Clone)]
pub struct QueuedBackend {
    remote: Arc<dyn Backend>,
    /// The same place without the store's prefix, by which entries are sent.
    base: Store,
    outbox: Arc<Outbox>,
    destination: Destination,
    /// The store's prefix with a slash at its end, or empty.
    root: String,
    write: WriteMode,
    on_error: OnRemoteError,
    deadline: Duration,
    breaker: Arc<Breaker>,
    kept: Kept,
    local_copy: LocalCopy,
    queued: Arc<AtomicU64>,
}

impl QueuedBackend {
    /// Puts an outbox before a backend. `base` is the same bucket without the prefix; the outbox's folder is made when
    /// the first write is queued.
    pub fn new(
        remote: Arc<dyn Backend>,
        base: Arc<dyn Backend>,
        (destination, root): (Destination, &str),
        outbox: Options,
        settings: &Settings,
    ) -> Self {
        let kept = Kept::new(&outbox.folder, &destination, settings);
        Self {
            remote,
            base: Store::with_backend(base, settings.clone()),
            outbox: Arc::new(Outbox::new(outbox)),
            destination,
            root: root.to_owned(),
            write: settings.write,
            on_error: settings.on_remote_error,
            deadline: settings.remote_deadline,
            breaker: Arc::default(),
            kept,
            local_copy: settings.local_copy,
            queued: Arc::default(),
        }
    }

    /// Puts the outbox of the settings before a bucket. Nothing is connected or made.
    ///
    /// # Errors
    ///
    /// As for [`S3Backend::open`], and `Config` when the settings name no folder for an outbox.
    pub fn open(bucket: &str, prefix: &Prefix, settings: &Settings) -> Result<Self> {
        let remote = Arc::new(S3Backend::open(bucket, prefix, settings)?);
        let base = Arc::new(S3Backend::open(bucket, &Prefix::default(), settings)?);
        let destination = remote.destination();
        let root = if prefix.as_str().is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Self::new(remote, base, (destination, &root), Options::of(settings)?, settings))
    }

    /// What stands behind the outbox.
    pub fn remote(&self) -> &Arc<dyn Backend> {
        &self.remote
    }

    /// Where its writes go.
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// How many writes of this handle wait in the outbox now or did so before they were sent.
    pub fn queued(&self) -> u64 {
        self.queued.load(Ordering::Relaxed)
    }

    /// The outbox's folder.
    pub fn folder(&self) -> &std::path::Path {
        self.outbox.folder()
    }

    /// The outbox; none where nothing was ever queued.
    ///
    /// # Errors
    ///
    /// What keeps it from being opened.
    pub async fn queue(&self) -> Result<Option<Queue>> {
        self.outbox.existing().await
    }

    /// A drainer of what waits for this bucket; the outbox is made where it is not there.
    ///
    /// # Errors
    ///
    /// What keeps the outbox from being opened.
    pub async fn drainer(&self) -> Result<Drainer> {
        let (queue, destination) = (self.outbox.open().await?, self.destination.clone());
        let remote = Remote::of(self.base.clone(), self.breaker.clone());
        let lanes = self.base.settings().concurrency;
        Ok(Drainer::new(queue, move |asked| Ok((*asked == destination).then(|| remote.clone())), lanes))
    }

    /// The name that everybody knows a key by who writes to the bucket.
    fn full(&self, key: &Key) -> Result<String> {
        let full = format!("{}{key}", self.root);
        if full.len() > MAX_KEY {
            return Err(Error::new(ErrorKind::InvalidInput, "key is too long below the store's prefix")
                .with_key(key)
                .with_fact("limit", MAX_KEY));
        }
        Ok(full)
    }

    async fn lock(&self, queue: &Queue, keys: &[&str]) -> Result<KeyLock> {
        queue.lock(&self.destination, keys).await
    }

    /// Which of these keys are written through the queue only.
    async fn which_wait(&self, queue: &Queue, keys: &[&str]) -> Result<Vec<bool>> {
        if queue.surely_none_wait(&self.destination, keys) {
            return Ok(vec![false; keys.len()]);
        }
        let (queue, destination) = (queue.clone(), self.destination.clone());
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        blocking(move || {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            queue.which_wait(&destination, &keys)
        })
        .await
    }
}

impl fmt::Debug for QueuedBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueuedBackend").field("remote", &self.remote).finish_non_exhaustive()
    }
}
