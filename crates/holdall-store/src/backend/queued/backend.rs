//! The backend itself: what is asked of it goes to the queue, to the remote, or to both.

use super::listing::{QueuedListing, Reach};
use super::locked::LockedUpload;
use super::read::Seen;
use super::spool::SpooledUpload;
use super::write::{Bytes, Looked, Queued, Wanted, Wishes, Written, is_of_the_remote};
use super::{QueuedBackend, write};
use crate::backend::carried::{Carried, check_onto_itself};
use crate::backend::parts::check_batch;
use crate::backend::{
    Backend, BoxFuture, Limits, Listing, Resumed, Ticket, Upload, UploadPage, VersionListing,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, MoveOptions, Object, PresignOptions, PutOptions,
};
use crate::outbox::{Entry, Headers, Kind};
use crate::receipt::{Receipt, State};
use crate::settings::{OnRemoteError, WriteMode};
use crate::{Payload, PostForm, PostPolicy, Progress, ReadConditions, Retention, Versioning};
use std::any::Any;
use std::time::Instant;

impl QueuedBackend {
    async fn put_object(&self, key: &Key, payload: Payload, options: &PutOptions) -> Result<Receipt> {
        let start = Instant::now();
        let direct = |options: PutOptions| {
            let payload = payload.clone();
            async move { self.remote.put(key, payload, &options).await }
        };
        match self.put_bytes(key, Bytes::Payload(payload.clone()), options, direct).await? {
            Written::Direct(receipt) => Ok(receipt),
            Written::Queued(queued) => Ok(self.receipt(key, &queued.entry, start)),
        }
    }

    async fn delete_object(&self, key: &Key, options: &DeleteOptions) -> Result<Deleted> {
        if options.version.is_some() {
            let (queue, full) = (self.outbox.open().await?, self.full(key)?);
            let _lock = self.lock(&queue, &[&full]).await?;
            // Another version may be what the key has then.
            self.forget(&[&full]).await?;
            return self.remote.delete(key, options).await;
        }
        let full = self.full(key)?;
        let existed = match self.see(&full).await? {
            Seen::Gone => Some(false),
            Seen::Object(_) => Some(true),
            Seen::Remote(_) if options.look && self.write == WriteMode::Behind => {
                match self.look(&self.remote, key).await? {
                    Looked::Found(_) => Some(true),
                    Looked::Missing => Some(false),
                    Looked::Away => None,
                }
            }
            Seen::Remote(_) => None,
        };
        let mut entry = Entry::new(Kind::Delete, self.destination.clone(), &full);
        entry.headers.if_match.clone_from(&options.if_match);
        let wanted = wanted(Ok(entry), vec![full]);
        match self.write(wanted, self.remote.delete(key, options)).await? {
            Written::Direct(deleted) => Ok(deleted),
            Written::Queued(_) => Ok(Deleted { existed, version: None, state: State::Queued }),
        }
    }

    /// Deletes what does not wait together, and the rest through the queue.
    async fn delete_objects(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        check_batch(keys.len())?;
        let full: Vec<String> = keys.iter().map(|key| self.full(key)).collect::<Result<_>>()?;
        let names: Vec<&str> = full.iter().map(String::as_str).collect();
        let queue = self.outbox.open().await?;
        let lock = self.lock(&queue, &names).await?;
        self.forget(&names).await?;
        let mut waits = self.which_wait(&queue, &names).await?;
        let mut failures = Vec::new();
        let is_direct = self.write == WriteMode::Direct;
        let may_wait = self.on_error == OnRemoteError::Outbox;
        if is_direct && let Some(admission) = self.breaker.admit() {
            let clean: Vec<Key> =
                keys.iter().zip(&waits).filter(|(_, waits)| !**waits).map(|(key, _)| key.clone()).collect();
            let deleted = match clean.is_empty() {
                true => Ok(Vec::new()),
                false => self.within_deadline(&Progress::new(), self.remote.delete_batch(&clean)).await,
            };
            match deleted {
                Err(error) if may_wait && is_of_the_remote(&error) => {
                    admission.failed();
                    tracing::warn!(%error, "the store did not take deletes, which are queued");
                    waits.fill(true);
                }
                other => {
                    admission.answered();
                    failures = other?;
                }
            }
        } else {
            waits.fill(true);
        }
        for (name, _) in full.iter().zip(&waits).filter(|(_, waits)| **waits) {
            let entry = Entry::new(Kind::Delete, self.destination.clone(), name);
            self.append(&queue, &lock, wanted(Ok(entry), vec![name.clone()])).await?;
        }
        Ok(failures)
    }

    async fn copy_object(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Receipt> {
        let start = Instant::now();
        check_onto_itself(from, to, options)?;
        let keys = vec![self.full(from)?, self.full(to)?];
        let entry = self.copy_entry(&keys, options);
        let wanted = Wanted { source: options.conditions.clone(), ..wanted(entry, keys) };
        match self.write(wanted, self.remote.copy(from, to, options)).await? {
            Written::Direct(receipt) => Ok(receipt),
            Written::Queued(queued) => Ok(self.copied(to, &queued, start)),
        }
    }

    fn copy_entry(&self, keys: &[String], options: &CopyOptions) -> Result<Entry> {
        if options.version.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "a copy of a version cannot be queued"));
        }
        let put = PutOptions {
            attributes: options.attributes.clone().unwrap_or_default(),
            tags: options.tags.clone().unwrap_or_default(),
            acl: options.acl,
            encryption: options.encryption.clone(),
            condition: options.condition.clone(),
            ..PutOptions::default()
        };
        Carried::new(&put.attributes, &put.tags, put.acl)?;
        let mut entry = Entry::new(Kind::Copy, self.destination.clone(), &keys[1])
            .from_key(&keys[0])
            .with_headers(Headers::of(&put)?);
        (entry.replaces, entry.retags) = (options.attributes.is_some(), options.tags.is_some());
        Ok(entry)
    }

    /// Has the store copy from another one where nothing of it waits; what does is streamed.
    async fn copy_other(
        &self,
        source: &dyn Backend,
        from: &Key,
        to: &Key,
        options: &CopyOptions,
    ) -> Result<Option<Receipt>> {
        let any: &dyn Any = source;
        let behind = match any.downcast_ref::<Self>() {
            Some(queued) => {
                let full = queued.full(from)?;
                match queued.see(&full).await? {
                    Seen::Remote(source) if source.name == full => queued.remote.as_ref(),
                    _ => return Ok(None),
                }
            }
            None => source,
        };
        let (queue, full) = (self.outbox.open().await?, self.full(to)?);
        let _lock = self.lock(&queue, &[&full]).await?;
        if self.which_wait(&queue, &[&full]).await?.contains(&true) {
            return Ok(None);
        }
        self.forget(&[&full]).await?;
        self.remote.copy_from(behind, from, to, options).await
    }

    /// The receipt of a copy or a move that waits. Its size is 0 where the remote was away and only it has the source.
    fn copied(&self, to: &Key, queued: &Queued, start: Instant) -> Receipt {
        let (size, sha256) = queued.source.unwrap_or_default();
        Receipt { size, sha256, ..self.receipt(to, &queued.entry, start) }
    }

    /// Removes the copies of keys on this machine, before something else is there.
    pub(super) async fn forget(&self, keys: &[&str]) -> Result<()> {
        self.kept.forget(keys.iter().copied()).await
    }

    /// Queues a move where one of its keys waits or the remote is away; none where it can be made directly.
    async fn rename_object(&self, from: &Key, to: &Key, options: &MoveOptions) -> Result<Option<Receipt>> {
        let start = Instant::now();
        let keys = vec![self.full(from)?, self.full(to)?];
        let put = PutOptions { condition: options.condition.clone(), ..PutOptions::default() };
        let entry = Entry::new(Kind::Move, self.destination.clone(), &keys[1])
            .from_key(&keys[0])
            .with_headers(Headers::of(&put)?);
        let source = ReadConditions { if_match: options.if_match.clone(), ..ReadConditions::default() };
        // The remote is asked for the source: a move that it has no time for is queued as one.
        let direct = async {
            self.remote.head(from, &GetOptions::default()).await?;
            self.remote.rename(from, to, options).await
        };
        let wanted = Wanted { source, ..wanted(Ok(entry), keys) };
        match self.write(wanted, direct).await? {
            Written::Direct(renamed) => Ok(renamed),
            Written::Queued(queued) => Ok(Some(self.copied(to, &queued, start))),
        }
    }
}

fn wanted(entry: Result<Entry>, keys: Vec<String>) -> Wanted {
    let source = ReadConditions::default();
    Wanted {
        entry,
        bytes: write::Bytes::None,
        progress: Progress::new(),
        keys,
        wishes: Wishes::default(),
        source,
        seen: None,
    }
}

impl Backend for QueuedBackend {
    fn kind(&self) -> &'static str {
        self.remote.kind()
    }

    fn location(&self) -> String {
        self.remote.location()
    }

    fn is_remote(&self) -> bool {
        self.remote.is_remote()
    }

    fn limits(&self) -> Limits {
        self.remote.limits()
    }

    fn is_same_place(&self, other: &dyn Backend) -> bool {
        let any: &dyn Any = other;
        let behind = any.downcast_ref::<Self>().map_or(other, |queued| queued.remote.as_ref());
        self.remote.is_same_place(behind)
    }

    fn queued(&self) -> Option<&QueuedBackend> {
        Some(self)
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

    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>> {
        Box::pin(self.head_object(key, options))
    }

    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>> {
        Box::pin(self.delete_object(key, options))
    }

    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>> {
        Box::pin(self.delete_objects(keys))
    }

    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.copy_object(from, to, options))
    }

    fn copy_from<'a>(
        &'a self,
        source: &'a dyn Backend,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Option<Receipt>>> {
        Box::pin(self.copy_other(source, from, to, options))
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
        Box::pin(async move {
            match self.see(&self.full(key)?).await? {
                Seen::Gone => Err(Error::new(ErrorKind::NotFound, "there is no such object").with_key(key)),
                Seen::Object(object) => Ok(object.tags()),
                Seen::Remote(source) => match source.tags() {
                    Some(tags) => Ok(tags.clone()),
                    None => self.base.backend().tags(&Key::listed(&source.name)).await,
                },
            }
        })
    }

    fn set_tags<'a>(&'a self, key: &'a Key, tags: &'a [(String, String)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.at_rest(key, self.remote.set_tags(key, tags)))
    }

    fn list(&self, options: ListOptions) -> Box<dyn Listing> {
        Box::new(QueuedListing::new(self.clone(), Reach::All, options))
    }

    fn versioning(&self) -> BoxFuture<'_, Result<Versioning>> {
        self.remote.versioning()
    }

    fn set_versioning(&self, versioning: Versioning) -> BoxFuture<'_, Result<()>> {
        self.remote.set_versioning(versioning)
    }

    fn list_versions(&self, prefix: Prefix) -> Box<dyn VersionListing> {
        self.remote.list_versions(prefix)
    }

    fn hold<'a>(&'a self, key: &'a Key, version: Option<&'a str>, on: bool) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.at_rest_or(version, key, self.remote.hold(key, version, on)))
    }

    fn held<'a>(&'a self, key: &'a Key, version: Option<&'a str>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.at_rest_or(version, key, self.remote.held(key, version)))
    }

    fn retain<'a>(
        &'a self,
        key: &'a Key,
        version: Option<&'a str>,
        retention: Retention,
        bypass_governance: bool,
    ) -> BoxFuture<'a, Result<()>> {
        let retained = self.remote.retain(key, version, retention, bypass_governance);
        Box::pin(self.at_rest_or(version, key, retained))
    }

    fn retention<'a>(
        &'a self,
        key: &'a Key,
        version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Retention>>> {
        Box::pin(self.at_rest_or(version, key, self.remote.retention(key, version)))
    }

    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>> {
        Box::pin(async move {
            if self.goes_directly(options) {
                return Ok(Box::new(LockedUpload::begin(self, key, options).await?) as Box<dyn Upload>);
            }
            let upload = SpooledUpload::begin(self, key, options).await?;
            Ok(Box::new(upload) as Box<dyn Upload>)
        })
    }

    fn resume_upload<'a>(
        &'a self,
        key: &'a Key,
        ticket: &'a Ticket,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Resumed>> {
        self.remote.resume_upload(key, ticket, options)
    }

    fn uploads<'a>(
        &'a self,
        prefix: &'a Prefix,
        after: Option<&'a (String, String)>,
    ) -> BoxFuture<'a, Result<UploadPage>> {
        self.remote.uploads(prefix, after)
    }

    fn abort_upload<'a>(&'a self, key: &'a Key, id: &'a str) -> BoxFuture<'a, Result<()>> {
        self.remote.abort_upload(key, id)
    }

    fn presign<'a>(&'a self, key: &'a Key, options: &'a PresignOptions) -> BoxFuture<'a, Result<String>> {
        self.remote.presign(key, options)
    }

    fn presigned_headers(&self, options: &PresignOptions) -> Result<Vec<(String, String)>> {
        self.remote.presigned_headers(options)
    }

    fn presign_post<'a>(&'a self, policy: &'a PostPolicy) -> BoxFuture<'a, Result<PostForm>> {
        self.remote.presign_post(policy)
    }

    fn public_url(&self, key: &Key) -> Option<String> {
        self.remote.public_url(key)
    }

    fn gc<'a>(
        &'a self,
        options: &'a GcOptions,
        found: &'a mut (dyn FnMut(Leftover) + Send),
    ) -> BoxFuture<'a, Result<()>> {
        self.remote.gc(options, found)
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        self.remote.check()
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool>> {
        self.remote.exists()
    }

    fn create(&self) -> BoxFuture<'_, Result<()>> {
        self.remote.create()
    }

    fn create_locking(&self) -> BoxFuture<'_, Result<()>> {
        self.remote.create_locking()
    }

    fn demand_locks(&self) -> BoxFuture<'_, Result<()>> {
        self.remote.demand_locks()
    }

    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        self.remote.remove()
    }

    fn forget(&self) -> BoxFuture<'_, ()> {
        self.remote.forget()
    }

    fn root(&self) -> &str {
        &self.root
    }

    fn wire(&self) -> Option<&holdall_s3::Client> {
        self.remote.wire()
    }
}
