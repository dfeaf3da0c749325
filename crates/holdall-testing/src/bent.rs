//! A backend with one fault put into it on purpose: what finds no fault in it finds none anywhere.

use bytes::Bytes;
use holdall_store::{
    Attributes, Backend, BoxFuture, CopyOptions, DeleteFailure, DeleteOptions, Deleted, Error, ErrorKind,
    GcOptions, GetOptions, Key, Leftover, Limits, ListOptions, Listing, Metadata, Object, Page, PartReceipt,
    Payload, PostForm, PostPolicy, Prefix, PresignOptions, PutOptions, Range, ReadAt, Receipt, Result,
    Resumed, Ticket, Upload, VersionListing, Versioning, WriteCondition,
};
use std::sync::Arc;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// The last key of a full page is not listed.
    ListDropsLastOfPage,
    /// Common prefixes are listed again by the next page.
    ListRepeatsPrefixes,
    /// A range ends one byte late.
    RangeOffByOne,
    /// A delete of `a/` deletes `a` too.
    DeleteTakesFolder,
    /// A batch does not delete its last key and says that it did.
    BatchForgetsLast,
    /// Two slashes in a key are taken as one.
    SlashesFolded,
    /// A create-only put replaces.
    AbsentIgnored,
    /// A copy has no metadata.
    CopyDropsMetadata,
    /// A completed upload has only its first part.
    UploadKeepsFirstPart,
    /// What is not there is Conflict.
    WrongKind,
    /// Tags that are set do not replace those that are there.
    TagsAdded,
}

impl Bug {
    /// Every one.
    pub const ALL: [Self; 11] = [
        Self::ListDropsLastOfPage,
        Self::ListRepeatsPrefixes,
        Self::RangeOffByOne,
        Self::DeleteTakesFolder,
        Self::BatchForgetsLast,
        Self::SlashesFolded,
        Self::AbsentIgnored,
        Self::CopyDropsMetadata,
        Self::UploadKeepsFirstPart,
        Self::WrongKind,
        Self::TagsAdded,
    ];
}

/// A backend that does as another one does, but for one fault.
#[derive(Debug, Clone)]
pub struct Bent {
    inner: Arc<dyn Backend>,
    bug: Bug,
}

impl Bent {
    /// Puts a fault into a backend.
    pub fn new(inner: Arc<dyn Backend>, bug: Bug) -> Self {
        Self { inner, bug }
    }

    fn key(&self, key: &Key) -> Result<Key> {
        match self.bug {
            Bug::SlashesFolded => Key::parse(&key.as_str().replace("//", "/")),
            _ => Ok(key.clone()),
        }
    }

    fn condition(&self, condition: &WriteCondition) -> WriteCondition {
        match (self.bug, condition) {
            (Bug::AbsentIgnored, WriteCondition::Absent) => WriteCondition::Always,
            _ => condition.clone(),
        }
    }

    fn fault(&self, error: Error) -> Error {
        match (self.bug, error.kind()) {
            (Bug::WrongKind, ErrorKind::NotFound) => Error::new(ErrorKind::Conflict, "bent"),
            _ => error,
        }
    }
}

impl Backend for Bent {
    fn kind(&self) -> &'static str {
        self.inner.kind()
    }

    fn location(&self) -> String {
        self.inner.location()
    }

    fn is_remote(&self) -> bool {
        self.inner.is_remote()
    }

    fn limits(&self) -> Limits {
        self.inner.limits()
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        payload: Payload,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move {
            let condition = self.condition(&options.condition);
            let options = PutOptions { condition, ..options.clone() };
            let receipt = self.inner.put(&self.key(key)?, payload, &options).await?;
            Ok(Receipt { key: key.clone(), ..receipt })
        })
    }

    fn get<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Object>> {
        Box::pin(async move {
            let mut options = options.clone();
            if let (Bug::RangeOffByOne, Some(Range::Bounded { end, .. })) = (self.bug, &mut options.range) {
                *end += 1;
            }
            let mut object = self.inner.get(&self.key(key)?, &options).await.map_err(|e| self.fault(e))?;
            object.metadata.key = key.clone();
            Ok(object)
        })
    }

    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>> {
        Box::pin(async move {
            let head = self.inner.head(&self.key(key)?, options).await.map_err(|e| self.fault(e))?;
            Ok(Metadata { key: key.clone(), ..head })
        })
    }

    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>> {
        Box::pin(async move {
            let folder = key.as_str().strip_suffix('/').filter(|name| !name.is_empty());
            if let (Bug::DeleteTakesFolder, Some(name)) = (self.bug, folder) {
                self.inner.delete(&Key::parse(name)?, options).await?;
            }
            self.inner.delete(&self.key(key)?, options).await
        })
    }

    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>> {
        let keys = match (self.bug, keys) {
            (Bug::BatchForgetsLast, [rest @ .., _]) => rest,
            _ => keys,
        };
        self.inner.delete_batch(keys)
    }

    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move {
            let mut options = options.clone();
            if self.bug == Bug::CopyDropsMetadata && from != to {
                options.attributes.get_or_insert_with(Attributes::default);
            }
            let receipt = self.inner.copy(&self.key(from)?, &self.key(to)?, &options).await;
            Ok(Receipt { key: to.clone(), ..receipt.map_err(|e| self.fault(e))? })
        })
    }

    fn tags<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<(String, String)>>> {
        Box::pin(async move { self.inner.tags(&self.key(key)?).await.map_err(|e| self.fault(e)) })
    }

    fn set_tags<'a>(&'a self, key: &'a Key, tags: &'a [(String, String)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let (key, mut all) = (self.key(key)?, tags.to_vec());
            if self.bug == Bug::TagsAdded {
                let old = self.inner.tags(&key).await?.into_iter();
                all.extend(old.filter(|(name, _)| tags.iter().all(|(new, _)| new != name)));
            }
            self.inner.set_tags(&key, &all).await.map_err(|e| self.fault(e))
        })
    }

    fn versioning(&self) -> BoxFuture<'_, Result<Versioning>> {
        self.inner.versioning()
    }

    fn set_versioning(&self, versioning: Versioning) -> BoxFuture<'_, Result<()>> {
        self.inner.set_versioning(versioning)
    }

    fn list_versions(&self, prefix: Prefix) -> Box<dyn VersionListing> {
        self.inner.list_versions(prefix)
    }

    fn list(&self, options: ListOptions) -> Box<dyn Listing> {
        let full = options.page_size.unwrap_or(1000) as usize;
        let bug = self.bug;
        Box::new(BentListing { inner: self.inner.list(options), bug, full, last: None })
    }

    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>> {
        Box::pin(async move {
            let inner = self.inner.begin_upload(&self.key(key)?, options).await?;
            Ok(Box::new(BentUpload { inner, bent: self.clone() }) as Box<dyn Upload>)
        })
    }

    fn resume_upload<'a>(
        &'a self,
        key: &'a Key,
        ticket: &'a Ticket,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Resumed>> {
        Box::pin(async move {
            let wrap = |inner| Box::new(BentUpload { inner, bent: self.clone() }) as Box<dyn Upload>;
            Ok(match self.inner.resume_upload(key, ticket, options).await? {
                Resumed::Open(upload, held) => Resumed::Open(wrap(upload), held),
                Resumed::Completed(upload) => Resumed::Completed(wrap(upload)),
                Resumed::Gone => Resumed::Gone,
            })
        })
    }

    fn presign<'a>(&'a self, key: &'a Key, options: &'a PresignOptions) -> BoxFuture<'a, Result<String>> {
        self.inner.presign(key, options)
    }

    fn presigned_headers(&self, options: &PresignOptions) -> Result<Vec<(String, String)>> {
        self.inner.presigned_headers(options)
    }

    fn presign_post<'a>(&'a self, policy: &'a PostPolicy) -> BoxFuture<'a, Result<PostForm>> {
        self.inner.presign_post(policy)
    }

    fn public_url(&self, key: &Key) -> Option<String> {
        self.inner.public_url(key)
    }

    fn gc<'a>(
        &'a self,
        options: &'a GcOptions,
        found: &'a mut (dyn FnMut(Leftover) + Send),
    ) -> BoxFuture<'a, Result<()>> {
        self.inner.gc(options, found)
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.check()
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool>> {
        self.inner.exists()
    }

    fn create(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.create()
    }

    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.remove()
    }
}

struct BentListing {
    inner: Box<dyn Listing>,
    bug: Bug,
    full: usize,
    last: Option<String>,
}

impl Listing for BentListing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(async {
            let mut page = match self.inner.next_page().await? {
                Ok(page) => page,
                Err(error) => return Some(Err(error)),
            };
            let repeated = self.last.take();
            self.last = page.prefixes.last().cloned();
            if self.bug == Bug::ListDropsLastOfPage && page.objects.len() + page.prefixes.len() == self.full {
                page.objects.pop();
            }
            if self.bug == Bug::ListRepeatsPrefixes {
                page.prefixes.splice(0..0, repeated);
            }
            Some(Ok(page))
        })
    }
}

struct BentUpload {
    inner: Box<dyn Upload>,
    bent: Bent,
}

impl Upload for BentUpload {
    fn put_part(&self, number: u32, bytes: Bytes) -> BoxFuture<'_, Result<PartReceipt>> {
        self.inner.put_part(number, bytes)
    }

    fn put_part_at(&self, number: u32, bytes: Arc<dyn ReadAt>) -> BoxFuture<'_, Result<PartReceipt>> {
        self.inner.put_part_at(number, bytes)
    }

    fn complete<'a>(
        &'a self,
        parts: &'a [PartReceipt],
        condition: &'a WriteCondition,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(async move {
            let condition = self.bent.condition(condition);
            let parts = match (self.bent.bug, parts) {
                (Bug::UploadKeepsFirstPart, [first, ..]) => std::slice::from_ref(first),
                _ => parts,
            };
            self.inner.complete(parts, &condition).await
        })
    }

    fn abort(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.abort()
    }

    fn ticket(&self) -> Option<Ticket> {
        self.inner.ticket()
    }
}
