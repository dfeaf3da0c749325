//! The store that callers hold: one way to open it, one set of verbs, whatever is behind it.

mod list;

pub use list::ObjectList;

use crate::backend::Backend;
use crate::backend::fs::FolderBackend;
use crate::backend::memory::MemoryBackend;
use crate::backend::s3::S3Backend;
use crate::bucket::Bucket;
use crate::content_type::{SNIFF, content_type_of};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, Object, PresignMethod, PresignOptions, PutOptions,
};
use crate::receipt::Receipt;
use crate::settings::{DigestScope, Settings, SettingsError};
use crate::telemetry::{Direction, Watch};
use crate::transfer::Buffers;
use crate::url::{Location, UrlStrategy};
use crate::{Attributes, Payload, PostForm, PostPolicy, Progress};
use bytes::Bytes;
use list::whole;
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
    /// As for [`Store::from_settings`] and [`Store::health`]: `Unreachable` has the connection's fault as its source.
    pub async fn connect(settings: &Settings) -> Result<Self> {
        let store = Self::from_settings(settings)?;
        store.health().await?;
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
            Location::S3 { bucket, prefix } => Arc::new(S3Backend::open(bucket, prefix, settings)?),
            Location::Folder(path) => Arc::new(FolderBackend::open(path, settings)?),
        };
        Ok(Self::with_backend(backend, settings.clone()))
    }

    /// Uses a backend of the caller's.
    pub fn with_backend(backend: Arc<dyn Backend>, settings: Settings) -> Self {
        let buffers = Buffers::new(settings.memory, settings.part_size);
        Self(Arc::new(Inner { backend, settings, buffers }))
    }

    /// The backend.
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.0.backend
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
        let key = Key::parse(key)?;
        let bytes = bytes.into();
        let mut watch = Watch::begin(Direction::Up, self, key.as_str());
        watch.expect(bytes.len() as u64);
        watch.end(self.put_bytes(&key, bytes, options).await)
    }

    async fn put_bytes(&self, key: &Key, bytes: Bytes, options: &PutOptions) -> Result<Receipt> {
        if let Some(progress) = &options.progress {
            progress.expect(bytes.len() as u64);
            progress.complete();
        }
        let options = self.put_options(key, &bytes[..bytes.len().min(SNIFF)], options)?;
        if crate::transfer::goes_in_parts(self, bytes.len() as u64, &options) {
            return crate::transfer::put_bytes_in_parts(self, key, bytes, &options).await;
        }
        self.put_whole(key, Payload::Bytes(bytes), &options).await
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

    /// Fills in what the caller left to the settings and to the name.
    pub(crate) fn put_options(&self, key: &Key, first: &[u8], options: &PutOptions) -> Result<PutOptions> {
        let mut options = options.clone();
        options.progress = options.progress.as_ref().map(Progress::part);
        check_metadata(&options.attributes).map_err(|e| e.with_key(key))?;
        options.acl = options.acl.or(self.0.settings.acl);
        if options.encryption.is_none() {
            options.encryption.clone_from(&self.0.settings.encryption);
        }
        options.attributes.content_type.get_or_insert_with(|| content_type_of(key.name(), first));
        Ok(options)
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
        self.0.backend.get(&key, options).await.map_err(|e| e.with_key(&key))
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
    pub async fn head_with(&self, key: &str, options: &GetOptions) -> Result<Metadata> {
        let key = Key::parse(key)?;
        self.0.backend.head(&key, options).await.map_err(|e| e.with_key(&key))
    }

    /// Whether there is an object.
    pub async fn exists(&self, key: &str) -> Result<bool> {
        match self.head(key).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an object; that it was not there is no error.
    pub async fn delete(&self, key: &str) -> Result<Deleted> {
        self.delete_with(key, &DeleteOptions::default()).await
    }

    /// Deletes an object or one version of it, or only while it has a certain `ETag`.
    ///
    /// # Errors
    ///
    /// `Precondition` for an object with another `ETag`, and `NotFound` for none where one is demanded; `Unsupported`
    /// where the store cannot decide that atomically.
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
        if options.delimiter.as_deref() == Some("") {
            return Err(Error::new(ErrorKind::InvalidInput, "delimiter is empty"));
        }
        if options.page_size.is_some_and(|n| !(1..=1000).contains(&n)) {
            return Err(Error::new(ErrorKind::InvalidInput, "page size must be from 1 to 1000"));
        }
        Ok(ObjectList::new(self.0.backend.list(options)))
    }

    /// Makes a URL for one request by somebody without credentials.
    ///
    /// # Errors
    ///
    /// `Unsupported` where no service would answer it; `InvalidInput` for an expiry out of bounds.
    pub async fn presign(&self, key: &str, options: &PresignOptions) -> Result<String> {
        let key = Key::parse(key)?;
        self.0.backend.presign(&key, options).await.map_err(|e| e.with_key(&key))
    }

    /// The headers that a request by a presigned URL must carry, exactly so: what a put is encrypted with by the
    /// settings, and what the options say of its content.
    ///
    /// # Errors
    ///
    /// `Unsupported` where no service would answer the URL.
    pub fn presigned_headers(&self, options: &PresignOptions) -> Result<Vec<(String, String)>> {
        self.0.backend.presigned_headers(options)
    }

    /// Makes a URL for reading, for as long as the settings say.
    pub async fn presign_get(&self, key: &str) -> Result<String> {
        self.presign(key, &PresignOptions::new(PresignMethod::Get, self.0.settings.presign_expiration)).await
    }

    /// Makes a form for an upload from a browser, encrypted as the settings say unless the policy says otherwise.
    pub async fn presign_post(&self, policy: &PostPolicy) -> Result<PostForm> {
        let own = |name: &String| name.to_ascii_lowercase().starts_with("x-amz-meta-holdall-");
        if policy.fields.iter().chain(&policy.starts_with).any(|(name, _)| own(name)) {
            let message = "metadata names under holdall- are kept for holdall itself";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        self.0.backend.presign_post(policy).await
    }

    /// The URL of an object by the setting `url`; none where objects have none.
    ///
    /// `auto` gives the CDN's where one is set, the public one where the setting `acl` makes objects public, else a
    /// presigned one.
    pub async fn url_for(&self, key: &str) -> Result<Option<String>> {
        let parsed = Key::parse(key)?;
        let settings = &self.0.settings;
        let cdn = || {
            let base = settings.public_base_url.as_deref()?;
            Some(format!("{base}/{}", holdall_s3::encode_key(parsed.as_str())))
        };
        let public_acl = matches!(settings.acl, Some(crate::Acl::PublicRead | crate::Acl::PublicReadWrite));
        let strategy = match settings.url {
            UrlStrategy::Auto if settings.public_base_url.is_some() => UrlStrategy::Cdn,
            UrlStrategy::Auto if public_acl || !self.is_remote() => UrlStrategy::Public,
            UrlStrategy::Auto => UrlStrategy::Presigned,
            chosen => chosen,
        };
        match strategy {
            UrlStrategy::Cdn => cdn().map(Some).ok_or_else(|| {
                Error::new(ErrorKind::Config, "url = cdn needs a public base URL")
                    .with_hint("set HOLDALL_PUBLIC_BASE_URL")
            }),
            UrlStrategy::Public => Ok(self.0.backend.public_url(&parsed)),
            UrlStrategy::Presigned | UrlStrategy::Auto => self.presign_get(key).await.map(Some),
        }
    }

    /// Counts objects and bytes below a prefix, by listing them.
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

/// What holdall adds to an object's metadata: `holdall-put` with 32 digits and `holdall-sha256` with 64.
const OWN_METADATA: usize = 11 + 32 + 14 + 64;
/// S3's bound on an object's metadata, names and values together.
const MAX_METADATA: usize = 2048;

/// Refuses metadata names that are holdall's own, and metadata that leaves no room for them.
fn check_metadata(attributes: &Attributes) -> Result<()> {
    if let Some(name) = attributes.metadata.keys().find(|name| name.starts_with("holdall-")) {
        let message = "metadata names under holdall- are kept for holdall itself";
        return Err(Error::new(ErrorKind::InvalidInput, message).with_fact("name", name));
    }
    let size: usize = attributes.metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_METADATA - OWN_METADATA {
        return Err(Error::new(ErrorKind::InvalidInput, "user metadata is too large")
            .with_fact("bytes", size)
            .with_fact("limit", MAX_METADATA - OWN_METADATA));
    }
    Ok(())
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.location()).finish()
    }
}
