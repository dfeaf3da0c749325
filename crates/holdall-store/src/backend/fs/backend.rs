//! The backend itself: how it is made and asked.

use super::folder::Folder;
use super::listing::FolderListing;
use super::past_listing::FolderVersions;
use super::root::Root;
use super::upload::FolderUpload;
use crate::backend::parts::{LIMITS, check_batch};
use crate::backend::{Backend, BoxFuture, Limits, Listing, Upload, VersionListing};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, MoveOptions, Object, PresignOptions, PutOptions,
};
use crate::receipt::{Receipt, State};
use crate::settings::Settings;
use crate::url::Location;
use crate::{Payload, PostForm, PostPolicy, Versioning};
use std::any::Any;
use std::fmt;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A store in a folder.
///
/// Making one opens and creates nothing. Every call that touches the disk runs where blocking is allowed; one whose
/// future is dropped may still take effect, whole.
#[derive(Clone)]
pub struct FolderBackend {
    folder: Arc<Folder>,
    /// Bound on the names that a listing holds, in bytes.
    window: usize,
}

impl FolderBackend {
    /// Makes the store of a folder. A relative path is taken from the current folder now, once.
    ///
    /// # Errors
    ///
    /// `Io` when there is no current folder to take a relative path from.
    pub fn open(path: &Path, settings: &Settings) -> Result<Self> {
        let absolute = std::path::absolute(path)
            .map_err(|e| Error::io("the folder's path cannot be made absolute", e))?;
        Ok(Self::new(Root::new(absolute, settings.fsync, false), settings))
    }

    /// Makes the store that is used where none is named: before the first put it is empty instead of missing.
    pub(crate) fn open_default(path: &Path, settings: &Settings) -> Self {
        Self::new(Root::new(path.to_owned(), settings.fsync, true), settings)
    }

    fn new(root: Root, settings: &Settings) -> Self {
        let window = usize::try_from(settings.memory / 2).unwrap_or(usize::MAX);
        Self { folder: Arc::new(Folder::new(root)), window }
    }

    pub(super) fn folder(&self) -> &Folder {
        &self.folder
    }

    pub(super) fn shared(&self) -> Arc<Folder> {
        self.folder.clone()
    }

    /// Runs a call where it may block.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        key: &Key,
        call: impl FnOnce(&Folder, &Key) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (folder, key) = (self.folder.clone(), key.clone());
        run(move || call(&folder, &key).map_err(|e| e.with_key(&key))).await
    }
}

pub(super) async fn run<T: Send + 'static>(call: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let joined = tokio::task::spawn_blocking(call).await;
    joined.unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "the call was cancelled").with_source(e)))
}

impl fmt::Debug for FolderBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FolderBackend").field(&self.location()).finish()
    }
}

impl Backend for FolderBackend {
    fn kind(&self) -> &'static str {
        "folder"
    }

    fn location(&self) -> String {
        Location::Folder(self.folder.root.path().to_owned()).to_string()
    }

    fn is_remote(&self) -> bool {
        false
    }

    fn limits(&self) -> Limits {
        LIMITS
    }

    fn is_same_place(&self, other: &dyn Backend) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<Self>().is_some_and(|other| self.folder.root.path() == other.folder.root.path())
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
        Box::pin(self.get_object(key, options))
    }

    fn copy_to_file<'a>(&'a self, opened: &'a Metadata, file: &'a Arc<File>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.copy_out(opened, file))
    }

    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>> {
        Box::pin(self.head_object(key, options))
    }

    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>> {
        Box::pin(async move {
            let options = options.clone();
            let delete = move |folder: &Folder, key: &Key| match options.version {
                Some(version) => Ok((folder.delete_version(key, &version)?, Some(version))),
                None => folder.delete_alone(key, options.if_match.as_deref()),
            };
            let (existed, version) = self.blocking(key, delete).await?;
            Ok(Deleted { existed: Some(existed), version, state: State::Stored })
        })
    }

    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>> {
        Box::pin(async move {
            check_batch(keys.len())?;
            let (folder, keys) = (self.folder.clone(), keys.to_vec());
            run(move || folder.delete(&keys)).await
        })
    }

    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.copy_object(from, to, options))
    }

    fn rename<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a MoveOptions,
    ) -> BoxFuture<'a, Result<Option<Receipt>>> {
        Box::pin(self.rename_object(from, to, options))
    }

    fn tags<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<(String, String)>>> {
        Box::pin(self.blocking(key, |folder, key| folder.tags(key)))
    }

    fn set_tags<'a>(&'a self, key: &'a Key, tags: &'a [(String, String)]) -> BoxFuture<'a, Result<()>> {
        let tags = tags.to_vec();
        Box::pin(self.blocking(key, move |folder, key| folder.set_tags(key, &tags)))
    }

    fn list(&self, options: ListOptions) -> Box<dyn Listing> {
        Box::new(FolderListing::new(self.folder.clone(), options, self.window))
    }

    fn versioning(&self) -> BoxFuture<'_, Result<Versioning>> {
        let folder = self.folder.clone();
        Box::pin(run(move || Self::versioning_of(&folder)))
    }

    fn set_versioning(&self, versioning: Versioning) -> BoxFuture<'_, Result<()>> {
        let folder = self.folder.clone();
        Box::pin(run(move || folder.set_versioning(versioning)))
    }

    fn list_versions(&self, prefix: Prefix) -> Box<dyn VersionListing> {
        Box::new(FolderVersions::new(self.folder.clone(), &prefix, self.window))
    }

    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>> {
        Box::pin(async move {
            let upload = FolderUpload::begin(self, key, options).await?;
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

    fn public_url(&self, _: &Key) -> Option<String> {
        None
    }

    fn gc<'a>(
        &'a self,
        options: &'a GcOptions,
        found: &'a mut (dyn FnMut(Leftover) + Send),
    ) -> BoxFuture<'a, Result<()>> {
        let (folder, options) = (self.folder.clone(), *options);
        Box::pin(async move {
            let leftovers = run(move || folder.gc(&options)).await?;
            leftovers.into_iter().for_each(found);
            Ok(())
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        let folder = self.folder.clone();
        Box::pin(run(move || folder.root.for_reading().map(drop)))
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(self.folder_exists())
    }

    fn create(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.create_folder())
    }

    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.remove_folder())
    }
}

fn no_service() -> Error {
    Error::new(ErrorKind::Unsupported, "no service answers URLs of a store in a folder")
}
