//! The backend itself: how it is made, looked into, and asked.

use super::listing::MemoryListing;
use super::objects::{Objects, StoredObject};
use super::registry;
use super::upload::MemoryUpload;
use super::versions::MemoryVersions;
use crate::backend::parts::{LIMITS, check_batch};
use crate::backend::{Backend, BoxFuture, Limits, Listing, Upload, VersionListing};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, MoveOptions, Object, PresignOptions, PutOptions,
};
use crate::receipt::{Receipt, State};
use crate::url::Location;
use crate::{Payload, PostForm, PostPolicy, Versioning};
use std::fmt;
use std::sync::Arc;

/// Where objects of a memory store would be, were there a service: a URL that tests can predict.
const URL: &str = "https://test-bucket.example.com";

/// A store in this process.
///
/// Writes are atomic and take effect in one order; conditions are decided in it. Nothing is on a disk: what it holds
/// ends with it, or with the process if it has a name.
pub struct MemoryBackend {
    name: Option<String>,
    objects: Arc<Objects>,
}

impl MemoryBackend {
    /// Makes an empty store that nobody else can open.
    pub fn private() -> Self {
        Self { name: None, objects: Arc::default() }
    }

    /// Opens the store of this name, the same for everybody in this process, for as long as it runs.
    ///
    /// ```
    /// use holdall_store::backend::memory::MemoryBackend;
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// use holdall_store::{Settings, Store};
    ///
    /// Store::open("memory://mine", &Settings::default())?.put("a", "1").await?;
    /// assert_eq!(MemoryBackend::shared("mine").object("a").expect("it was put").bytes, "1");
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn shared(name: &str) -> Arc<Self> {
        registry::shared(name)
    }

    pub(super) fn named(name: &str) -> Self {
        Self { name: Some(name.to_owned()), objects: Arc::default() }
    }

    pub(super) fn map(&self) -> &Arc<Objects> {
        &self.objects
    }

    /// All objects at this moment, in the bytewise order of their keys. The bytes are shared, not copied.
    pub fn objects(&self) -> Vec<Arc<StoredObject>> {
        let visible = |object: &&Arc<StoredObject>| !Key::is_reserved(object.metadata.key.as_str());
        self.objects.read().map.values().filter(visible).cloned().collect()
    }

    /// One object at this moment.
    pub fn object(&self, key: &str) -> Option<Arc<StoredObject>> {
        self.objects.get(key).filter(|_| !Key::is_reserved(key))
    }
}

impl fmt::Debug for MemoryBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("MemoryBackend").field(&self.location()).finish()
    }
}

impl Backend for MemoryBackend {
    fn kind(&self) -> &'static str {
        "memory"
    }

    fn location(&self) -> String {
        Location::Memory(self.name.clone()).to_string()
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        payload: Payload,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.put_object(key, payload, options))
    }

    fn get<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Object>> {
        Box::pin(async move { self.get_object(key, options) })
    }

    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>> {
        Box::pin(async move { self.head_object(key, options) })
    }

    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>> {
        Box::pin(async move {
            if let Some(version) = &options.version {
                return self.delete_version(key, version);
            }
            let (existed, version) = match &options.if_match {
                Some(etag) => self.objects.remove_if(key, etag)?,
                None => self.objects.remove_one(key),
            };
            Ok(Deleted { existed: Some(existed), version, state: State::Stored })
        })
    }

    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>> {
        Box::pin(async move {
            check_batch(keys.len())?;
            self.objects.remove(keys);
            Ok(Vec::new())
        })
    }

    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move { self.copy_object(from, to, options) })
    }

    fn rename<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a MoveOptions,
    ) -> BoxFuture<'a, Result<Option<Receipt>>> {
        Box::pin(async move { self.rename_object(from, to, options).map(Some) })
    }

    fn tags<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<(String, String)>>> {
        Box::pin(async move { Ok(self.existing(key)?.tags.clone()) })
    }

    fn set_tags<'a>(&'a self, key: &'a Key, tags: &'a [(String, String)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.set_object_tags(key, tags) })
    }

    fn list(&self, options: ListOptions) -> Box<dyn Listing> {
        Box::new(MemoryListing::new(self.objects.clone(), options))
    }

    fn versioning(&self) -> BoxFuture<'_, Result<Versioning>> {
        Box::pin(async { Ok(self.versions_kept()) })
    }

    fn set_versioning(&self, versioning: Versioning) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { self.keep_versions(versioning) })
    }

    fn list_versions(&self, prefix: Prefix) -> Box<dyn VersionListing> {
        Box::new(MemoryVersions::new(self.objects.clone(), prefix))
    }

    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>> {
        Box::pin(async move {
            let upload = MemoryUpload::begin(self.objects.clone(), key, options)?;
            Ok(Box::new(upload) as Box<dyn Upload>)
        })
    }

    fn presign<'a>(&'a self, _: &'a Key, _: &'a PresignOptions) -> BoxFuture<'a, Result<String>> {
        Box::pin(async { Err(no_service()) })
    }

    fn presigned_headers(&self, _: &PresignOptions) -> Result<Vec<(String, String)>> {
        Err(no_service())
    }

    fn presign_post<'a>(&'a self, _: &'a PostPolicy) -> BoxFuture<'a, Result<PostForm>> {
        Box::pin(async { Err(no_service()) })
    }

    fn public_url(&self, key: &Key) -> Option<String> {
        Some(format!("{URL}/{}", holdall_s3::encode_key(key.as_str())))
    }

    fn gc<'a>(
        &'a self,
        _: &'a GcOptions,
        _: &'a mut (dyn FnMut(Leftover) + Send),
    ) -> BoxFuture<'a, Result<()>> {
        // Parts go with the upload that they are of.
        Box::pin(async { Ok(()) })
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Ok(()) })
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async { Ok(true) })
    }

    fn create(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(Error::new(ErrorKind::AlreadyExists, "a store in memory is always there")) })
    }

    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async { Err(Error::new(ErrorKind::Unsupported, "a store in memory is always there")) })
    }
}

fn no_service() -> Error {
    Error::new(ErrorKind::Unsupported, "no service answers URLs of a store in memory")
}

#[cfg(test)]
mod tests;
