//! The store that callers hold: one way to open it, one set of verbs, whatever is behind it.

mod audit;
mod expiration;
mod hold;
mod list;
mod put;
mod share;
mod tags;
mod versions;

pub use audit::{AuditEvent, AuditSummary, Left, LeftKind};
pub use expiration::{ExpirationEvent, ExpirationSummary, SweepEvent, SweepOptions, SweepSummary};
pub use list::ObjectList;
pub use versions::VersionList;

use crate::backend::Backend;
use crate::backend::fs::FolderBackend;
use crate::backend::memory::MemoryBackend;
use crate::backend::queued::{QueuedBackend, QueuedListing, Reach, is_of_the_remote};
use crate::backend::s3::S3Backend;
use crate::bucket::Bucket;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions, Metadata, Object,
};
use crate::settings::{DigestScope, Settings, SettingsError};
use crate::telemetry::{Direction, Watch};
use crate::transfer::Buffers;
use crate::url::Location;
pub(crate) use list::whole;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A place for objects, opened. Cheap to clone; clones share connections and buffers.
///
/// Every call may be made from any number of tasks at once. Futures are `Send`; dropping one cancels its call.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    backend: Arc<dyn Backend>,
    settings: Settings,
    buffers: Buffers,
}

/// How much a store holds below a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Number of objects.
    pub objects: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

impl From<SettingsError> for Error {
    fn from(error: SettingsError) -> Self {
        Self::new(ErrorKind::Config, error.to_string())
    }
}

impl Store {
    /// Opens a private store in memory.
    pub fn memory() -> Self {
        Self::with_backend(Arc::new(MemoryBackend::private()), Settings::default())
    }

    /// Opens the store that the environment names.
    ///
    /// # Errors
    ///
    /// `Config`, naming the variable at fault.
    pub fn from_env() -> Result<Self> {
        Self::from_settings(&Settings::from_env()?)
    }

    /// Opens the store that settings name, else the default one: a folder below the user's home, which the first put
    /// makes and which is empty until then. Nothing is connected or made before the first call.
    ///
    /// # Errors
    ///
    /// `Config` when no store is named and there is no home, or the settings contradict each other.
    pub fn from_settings(settings: &Settings) -> Result<Self> {
        if let Some(location) = &settings.store {
            return Self::open_location(location, settings);
        }
        let Some(folder) = &settings.default_store else {
            return Err(Error::new(
                ErrorKind::Config,
                "no store is named, and neither HOME nor XDG_DATA_HOME is set",
            )
            .with_hint("set HOLDALL_STORE, or S3_BUCKET with its endpoint and keys"));
        };
        let backend = Arc::new(FolderBackend::open_default(folder, settings));
        Ok(Self::with_backend(backend, settings.clone()))
    }

    /// Opens the store that settings name and makes sure that it can be used: what a long-lived program calls at its
    /// start, so that a missing bucket, wrong keys or an endpoint that cannot be reached are found before any work is.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::{Settings, Store, Variables};
    ///
    /// let variables = Variables::from_pairs([("HOLDALL_STORE", "memory://artifacts")]);
    /// let store = Store::connect(&Settings::from_variables(&variables)?).await?;
    /// assert!(!store.is_remote());
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Store::from_settings`] and [`Store::health`]: `Unreachable` has the connection's fault as its source. With
    /// an outbox a store that is away is warned about, and no error.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        let store = Self::from_settings(settings)?;
        match store.health().await {
            Err(error) if store.outbox().is_some() && is_of_the_remote(&error) => {
                tracing::warn!(%error, "the store is away: writes wait in the outbox");
            }
            other => drop(other?),
        }
        Ok(store)
    }

    /// Opens a store by URL: `s3://bucket/prefix`, `file:///folder`, `memory://name`. The rest comes from the settings.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a URL that names no store, `Config` for settings that make no client.
    pub fn open(url: &str, settings: &Settings) -> Result<Self> {
        Self::open_location(&Location::parse(url)?, settings)
    }

    /// Opens a store at a place.
    ///
    /// # Errors
    ///
    /// As for [`Store::open`].
    pub fn open_location(location: &Location, settings: &Settings) -> Result<Self> {
        let backend: Arc<dyn Backend> = match location {
            Location::Memory(None) => Arc::new(MemoryBackend::private()),
            Location::Memory(Some(name)) => MemoryBackend::shared(name),
            Location::S3 { bucket, prefix } if settings.has_outbox() => {
                Arc::new(QueuedBackend::open(bucket, prefix, settings)?)
            }
            Location::S3 { bucket, prefix } => Arc::new(S3Backend::open(bucket, prefix, settings)?),
            Location::Folder(path) => Arc::new(FolderBackend::open(path, settings)?),
        };
        Ok(Self::with_backend(backend, settings.clone()))
    }

    /// Uses a backend of the caller's.
    pub fn with_backend(backend: Arc<dyn Backend>, settings: Settings) -> Self {
        let buffers = Buffers::new(settings.memory, settings.part_size, settings.concurrency);
        Self(Arc::new(Inner { backend, settings, buffers }))
    }

    /// The backend.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
    }

    /// The same store without its outbox.
    pub(crate) fn directly(&self, queued: &QueuedBackend) -> Self {
        let Inner { settings, buffers, .. } = &*self.0;
        let backend = queued.remote().clone();
        Self(Arc::new(Inner { backend, settings: settings.clone(), buffers: buffers.clone() }))
    }

    /// The outbox that its writes wait in; none where they fail with the remote.
    pub fn outbox(&self) -> Option<&QueuedBackend> {
        self.0.backend.queued()
    }

    /// The same store, but that all objects are hashed as a whole, large ones too.
    pub(crate) fn hashing_whole(&self) -> Self {
        let Inner { backend, settings, buffers } = &*self.0;
        let settings = Settings { digest: DigestScope::Whole, ..settings.clone() };
        Self(Arc::new(Inner { backend: backend.clone(), settings, buffers: buffers.clone() }))
    }

    /// The settings that it was opened with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The bucket or the folder that the store is in.
    pub fn bucket(&self) -> Bucket {
        Bucket::of(self)
    }

    pub(crate) fn buffers(&self) -> &Buffers {
        &self.0.buffers
    }

    /// The store's URL.
    pub fn location(&self) -> String {
        self.0.backend.location()
    }

    /// Whether objects leave this machine.
    pub fn is_remote(&self) -> bool {
        self.0.backend.is_remote()
    }

    /// Opens an object for reading.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn get(&self, key: &str) -> Result<Object> {
        self.get_with(key, &GetOptions::default()).await
    }

    /// Opens an object, or a range of it, for reading.
    ///
    /// # Errors
    ///
    /// Also `Precondition` and `InvalidInput` for a range that starts at or past the end.
    pub async fn get_with(&self, key: &str, options: &GetOptions) -> Result<Object> {
        let key = Key::parse(key)?;
        let object = self.0.backend.get(&key, options).await.map_err(|e| e.with_key(&key))?;
        Ok(Object { metadata: object.metadata.shown(), ..object })
    }

    /// Asks what is known of an object.
    ///
    /// # Errors
    ///
    /// `NotFound`.
    pub async fn head(&self, key: &str) -> Result<Metadata> {
        self.head_with(key, &GetOptions::default()).await
    }

    /// Asks what is known of a version of an object, or under conditions.
    ///
    /// # Errors
    ///
    /// `NotFound`, and `Precondition` where a condition does not hold.
    pub async fn head_with(&self, key: &str, options: &GetOptions) -> Result<Metadata> {
        let key = Key::parse(key)?;
        let head = self.0.backend.head(&key, options).await.map_err(|e| e.with_key(&key))?;
        Ok(head.shown())
    }

    /// Whether there is an object.
    ///
    /// # Errors
    ///
    /// What keeps the store from saying: `PermissionDenied` where its objects may not be listed, `Unreachable`.
    pub async fn exists(&self, key: &str) -> Result<bool> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object; that it was not there is no error.
    ///
    /// # Errors
    ///
    /// What keeps the store from deleting it: `PermissionDenied`, `BucketNotFound`, `Unreachable`.
    pub async fn delete(&self, key: &str) -> Result<Deleted> {
        self.delete_with(key, &DeleteOptions::default()).await
    }

    /// Deletes an object or one version of it, or only while it has a certain `ETag`.
    ///
    /// # Errors
    ///
    /// `Precondition` for an object with another `ETag`, and `NotFound` for none where one is demanded; `Unsupported`
    /// where the store cannot decide that atomically; `Held` for a version under a legal hold or retained.
    pub async fn delete_with(&self, key: &str, options: &DeleteOptions) -> Result<Deleted> {
        let key = Key::parse(key)?;
        let watch = Watch::begin(Direction::Delete, self, key.as_str());
        watch.end(self.delete_key(&key, options).await)
    }

    /// Deletes as a step of something else, which is what is logged.
    pub(crate) async fn delete_key(&self, key: &Key, options: &DeleteOptions) -> Result<Deleted> {
        self.0.backend.delete(key, options).await.map_err(|e| e.with_key(key))
    }

    /// Deletes any number of objects, 1,000 at a time, and answers those that were not. A batch that fails as a whole
    /// fails each of its keys, and the rest go on.
    pub async fn delete_many(&self, keys: impl IntoIterator<Item = Key>) -> Vec<DeleteFailure> {
        const BATCH: usize = 1000;
        let mut failures = Vec::new();
        let mut keys = keys.into_iter();
        loop {
            let batch: Vec<Key> = keys.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return failures;
            }
            match self.0.backend.delete_batch(&batch).await {
                Ok(some) => failures.extend(some),
                Err(error) => {
                    let shared = Arc::new(error);
                    failures.extend(batch.into_iter().map(|key| {
                        DeleteFailure {
                            error: Error::new(shared.kind(), shared.message())
                                .with_key(&key)
                                .with_source(shared.clone()),
                            key,
                        }
                    }));
                }
            }
        }
    }

    /// Lists all objects that begin with a prefix, in the bytewise order of their keys.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a prefix that is none. Faults of the listing come with its pages.
    pub fn list(&self, prefix: &str) -> Result<ObjectList> {
        self.list_with(ListOptions { prefix: Prefix::parse(prefix)?, ..ListOptions::default() })
    }

    /// Lists with a delimiter, from a key on, or in pages of another size.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an empty delimiter or a page size out of bounds.
    pub fn list_with(&self, options: ListOptions) -> Result<ObjectList> {
        check_listing(&options)?;
        Ok(ObjectList::new(self.0.backend.list(options)))
    }

    /// Lists as [`Store::list_with`] does, but only what waits in the outbox: the remote is not asked, and what is to be
    /// deleted is not listed. Without an outbox there is nothing.
    ///
    /// # Errors
    ///
    /// As for [`Store::list_with`].
    pub fn list_queued(&self, options: ListOptions) -> Result<ObjectList> {
        check_listing(&options)?;
        Ok(ObjectList::new(match self.outbox() {
            Some(queued) => Box::new(QueuedListing::new(queued.clone(), Reach::Waiting, options)),
            None => Box::new(list::Nothing),
        }))
    }

    /// Counts objects and bytes below a prefix, by listing them.
    ///
    /// # Errors
    ///
    /// Whatever ends the listing early: what was counted until then is not told.
    pub async fn stats(&self, prefix: &str) -> Result<Stats> {
        let mut list = self.list(prefix)?;
        let mut stats = Stats::default();
        while let Some(page) = list.next_page().await {
            let page = whole(page?)?;
            stats.objects += page.objects.len() as u64;
            stats.bytes += page.objects.iter().map(|o| o.size).sum::<u64>();
        }
        Ok(stats)
    }

    /// Removes what interrupted writes left behind, and hands on each thing: parts of uploads that were never completed,
    /// and in a folder temporary files and records of objects that are gone; and on this machine what uploads to this
    /// store and downloads that were cut off left behind, with their notes in [`Settings::journal`]. Objects are never
    /// touched.
    ///
    /// What is younger than `older_than` is left alone, since somebody may be at work on it: give more than the longest
    /// upload takes.
    ///
    /// # Errors
    ///
    /// What keeps it from finding leftovers. One that cannot be removed is handed on with its error, and the rest go on.
    pub async fn gc(&self, options: &GcOptions, mut found: impl FnMut(Leftover) + Send) -> Result<()> {
        let swept = crate::transfer::sweep_journals(self, options, &mut found).await;
        self.0.backend.gc(options, &mut found).await?;
        swept
    }

    /// Asks whether the store is there and may be used, and answers how long that took.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`, `PermissionDenied`, `Unreachable`, …
    pub async fn health(&self) -> Result<Duration> {
        let start = std::time::Instant::now();
        self.0.backend.check().await?;
        Ok(start.elapsed())
    }
}

fn check_listing(options: &ListOptions) -> Result<()> {
    if options.delimiter.as_deref() == Some("") {
        return Err(Error::new(ErrorKind::InvalidInput, "delimiter is empty"));
    }
    if options.page_size.is_some_and(|n| !(1..=1000).contains(&n)) {
        return Err(Error::new(ErrorKind::InvalidInput, "page size must be from 1 to 1000"));
    }
    Ok(())
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.location()).finish()
    }
}
