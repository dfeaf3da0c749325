//! The trait's methods, each in the store's words.

use super::error::{ObjectResult, of, taken};
use super::multipart::Parts;
use super::uploads::Uploads;
use super::{attributes, get, list, path};
use crate::error::{Error, ErrorKind};
use crate::key::Key;
use crate::object::{CopyOptions, MoveOptions};
use crate::receipt::Receipt;
use crate::{Store, WriteCondition};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyMode, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, RenameTargetMode,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// How many keys are deleted by one request at most.
const BATCH: usize = 1000;

/// A store behind the trait `ObjectStore`. Cheap to clone, as the store itself is.
#[derive(Clone)]
pub struct ObjectStoreAdapter {
    store: Store,
    uploads: Arc<Uploads>,
}

impl ObjectStoreAdapter {
    /// Puts a store behind the trait.
    pub fn new(store: Store) -> Self {
        Self { store, uploads: Arc::default() }
    }

    /// The store itself, for what the trait does not have.
    pub fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn uploads(&self) -> &Uploads {
        &self.uploads
    }
}

impl From<Store> for ObjectStoreAdapter {
    fn from(store: Store) -> Self {
        Self::new(store)
    }
}

impl fmt::Debug for ObjectStoreAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ObjectStoreAdapter").field(&self.store.location()).finish()
    }
}

impl fmt::Display for ObjectStoreAdapter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "holdall({})", self.store.location())
    }
}

#[async_trait]
impl ObjectStore for ObjectStoreAdapter {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> ObjectResult<PutResult> {
        let key = path::key(location)?;
        let PutOptions { mode, tags, attributes, .. } = opts;
        let mut options = attributes::put_options(&attributes, &tags)?;
        options.condition = condition(&mode).map_err(|e| of(e, location))?;
        let put = self.store.put_with(key.as_str(), Bytes::from(payload), &options).await;
        put.map(put_result).map_err(|error| match mode {
            PutMode::Overwrite => of(error, location),
            PutMode::Create => taken(error, location),
            PutMode::Update(_) => outdated(error, location),
        })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> ObjectResult<Box<dyn MultipartUpload>> {
        Ok(Box::new(Parts::begin(&self.store, location, opts).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> ObjectResult<GetResult> {
        get::get(&self.store, location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, ObjectResult<Path>>,
    ) -> BoxStream<'static, ObjectResult<Path>> {
        let store = self.store.clone();
        let deleted = locations.ready_chunks(BATCH).then(move |batch| delete(store.clone(), batch));
        deleted.flat_map(futures_util::stream::iter).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        list::all(&self.store, prefix, None)
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
        list::all(&self.store, prefix, Some(offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> ObjectResult<ListResult> {
        list::folder(&self.store, prefix).await
    }

    async fn copy_opts(
        &self,
        from: &Path,
        to: &Path,
        options: object_store::CopyOptions,
    ) -> ObjectResult<()> {
        let (source, target) = (path::key(from)?, path::key(to)?);
        let is_create = options.mode == CopyMode::Create;
        if source == target {
            return self.stays(from, is_create).await;
        }
        let options = CopyOptions { condition: create_only(is_create), ..CopyOptions::default() };
        let copy = self.store.copy_to(source.as_str(), &self.store, target.as_str(), &options);
        let copied = Box::pin(copy).await.map(drop);
        copied.map_err(|error| if is_create { taken(error, to) } else { of(error, from) })
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> ObjectResult<()> {
        let (source, target) = (path::key(from)?, path::key(to)?);
        let is_create = options.target_mode == RenameTargetMode::Create;
        if source == target {
            return self.stays(from, is_create).await;
        }
        let options = MoveOptions { condition: create_only(is_create), ..MoveOptions::default() };
        let renamed = Box::pin(self.store.rename(source.as_str(), target.as_str(), &options)).await.map(drop);
        renamed.map_err(|error| if is_create { taken(error, to) } else { of(error, from) })
    }
}

impl ObjectStoreAdapter {
    /// What a copy or a rename onto itself comes to: what is there stays, and is in the way of one that must be new.
    async fn stays(&self, location: &Path, is_create: bool) -> ObjectResult<()> {
        self.store.head(location.as_ref()).await.map_err(|e| of(e, location))?;
        match is_create {
            true => {
                let error = Error::new(ErrorKind::Precondition, "source and destination are the same object");
                Err(taken(error, location))
            }
            false => Ok(()),
        }
    }
}

pub(super) fn put_result(receipt: Receipt) -> PutResult {
    PutResult { e_tag: receipt.etag, version: receipt.version, extensions: http::Extensions::default() }
}

fn create_only(is_create: bool) -> WriteCondition {
    if is_create { WriteCondition::Absent } else { WriteCondition::Always }
}

fn condition(mode: &PutMode) -> Result<WriteCondition, Error> {
    match mode {
        PutMode::Overwrite => Ok(WriteCondition::Always),
        PutMode::Create => Ok(WriteCondition::Absent),
        PutMode::Update(version) => version.e_tag.clone().map(WriteCondition::Matches).ok_or_else(|| {
            Error::new(ErrorKind::InvalidInput, "an update needs the ETag that it is to replace")
        }),
    }
}

/// The fault of an update: whoever lost a race, or finds nothing to replace, reads again and decides anew.
fn outdated(error: Error, location: &Path) -> object_store::Error {
    match error.kind() {
        ErrorKind::Precondition | ErrorKind::NotFound | ErrorKind::Conflict => {
            object_store::Error::Precondition { path: location.to_string(), source: error.into() }
        }
        _ => of(error, location),
    }
}

/// Deletes a batch and answers for each location in its place.
async fn delete(store: Store, batch: Vec<ObjectResult<Path>>) -> Vec<ObjectResult<Path>> {
    let named: Vec<ObjectResult<(Path, Key)>> = batch
        .into_iter()
        .map(|location| location.and_then(|location| path::key(&location).map(|key| (location, key))))
        .collect();
    let keys: Vec<Key> = named.iter().flatten().map(|(_, key)| key.clone()).collect();
    let failures = Box::pin(store.delete_many(keys)).await;
    let mut failures: HashMap<Key, Error> =
        failures.into_iter().map(|failure| (failure.key, failure.error)).collect();
    let answer = |(location, key): (Path, Key)| match failures.remove(&key) {
        Some(error) => Err(of(error, &location)),
        None => Ok(location),
    };
    let mut answer = answer;
    named.into_iter().map(|named| named.and_then(&mut answer)).collect()
}
