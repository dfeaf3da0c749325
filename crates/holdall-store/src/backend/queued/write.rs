//! Decides for each write whether it goes directly or waits.
//!
//! All of it happens under the locks of its keys, which every process takes: so a write that is queued is never overtaken
//! by one that came later, and no write goes directly while another one of its key waits.

use super::QueuedBackend;
use super::read::Seen;
use crate::backend::Backend;
use crate::backend::carried::Carried;
use crate::backend::conditions::{check_delete, check_read, check_write};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{GetOptions, Metadata, PutOptions};
use crate::outbox::breaker::Admission;
use crate::outbox::{Copied, Entry, EntryId, Headers, KeyLock, Kind, Mark, Queue, blocking};
use crate::receipt::{Receipt, State, Verified};
use crate::settings::{LocalCopy, OnRemoteError, WriteMode};
use crate::transfer::Opened;
use crate::{Payload, Progress, ReadConditions, Sha256, WriteCondition};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The bytes of a write, should it have to be queued.
pub(crate) enum Bytes {
    None,
    Payload(Payload),
    File(Opened),
}

/// A write: what is queued where it does not go directly.
pub(crate) struct Wanted {
    /// The entry; the error where it may never lie on a disk.
    pub(crate) entry: Result<Entry>,
    pub(crate) bytes: Bytes,
    /// Counts what moves directly: while it does, the remote is not given up.
    pub(crate) progress: Progress,
    pub(crate) keys: Vec<String>,
    /// What the put itself says of waiting and of a copy.
    pub(crate) wishes: Wishes,
    /// Conditions on what is copied or moved.
    pub(crate) source: ReadConditions,
    /// Size and digest of what is copied or moved.
    pub(super) seen: Option<(u64, Option<Sha256>)>,
}

/// What a put says of waiting and of a copy, where it does; else the settings do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wishes {
    pub(super) on_error: Option<OnRemoteError>,
    pub(super) write: Option<WriteMode>,
    pub(super) local_copy: Option<LocalCopy>,
}

impl Wanted {
    /// Whether nothing about it needs the remote's answer.
    fn is_plain(&self) -> bool {
        self.entry.as_ref().is_ok_and(|entry| {
            matches!(entry.kind, Kind::Put | Kind::Delete)
                && entry.headers.condition() == WriteCondition::Always
        })
    }

    /// The keys that have another object, or none, when it is done.
    fn changed(&self) -> impl Iterator<Item = &str> {
        let is_read = self.entry.as_ref().is_ok_and(|entry| entry.kind == Kind::Copy);
        let is_changed =
            move |key: &&str| !is_read || self.entry.as_ref().is_ok_and(|entry| entry.key == **key);
        self.keys.iter().map(String::as_str).filter(is_changed)
    }

    /// What a copy on this machine is made of. What may never lie on a disk has none.
    fn copied(&self) -> Option<(Entry, Copied)> {
        let entry = self.entry.as_ref().ok().filter(|entry| entry.kind == Kind::Put)?;
        let copied = match &self.bytes {
            Bytes::None => Copied::Payload(Payload::Empty),
            Bytes::Payload(payload) => Copied::Payload(payload.clone()),
            Bytes::File(file) => Copied::File(file.clone()),
        };
        Some((entry.clone(), copied))
    }

    /// Refuses what only the remote can decide, and only now.
    fn undecided(&self) -> Result<()> {
        if self.source == ReadConditions::default() {
            return Ok(());
        }
        let message = "a copy or a move under a condition on what the remote has cannot be queued";
        Err(Error::new(ErrorKind::Unsupported, message))
    }
}

/// What became of a write.
pub(crate) enum Written<T> {
    Direct(T),
    Queued(Box<Queued>),
}

/// What was queued.
pub(crate) struct Queued {
    pub(crate) entry: Entry,
    /// Size and digest of what is copied or moved, where that could be looked at.
    pub(super) source: Option<(u64, Option<Sha256>)>,
}

/// What a look at the remote found.
pub(super) enum Looked {
    Found(Box<Metadata>),
    Missing,
    Away,
}

/// The remote failed, or did not answer, in a way that says nothing about the write itself.
pub(crate) fn is_of_the_remote(error: &Error) -> bool {
    let kinds = [ErrorKind::Unreachable, ErrorKind::Timeout, ErrorKind::Throttled];
    kinds.contains(&error.kind()) || (error.is_transient() && error.kind() != ErrorKind::Precondition)
}

impl QueuedBackend {
    /// Makes a write directly; queues it where that is not wanted, not allowed or not possible.
    ///
    /// Copies, moves and what has a condition are tried directly even by who writes behind: what becomes of them is the
    /// remote's to say.
    pub(crate) async fn write<T>(
        &self,
        wanted: Wanted,
        direct: impl Future<Output = Result<T>>,
    ) -> Result<Written<T>> {
        let queue = self.outbox.open().await?;
        let keys: Vec<&str> = wanted.keys.iter().map(String::as_str).collect();
        let lock = self.lock(&queue, &keys).await?;
        self.kept.forget(wanted.changed()).await?;
        let copied = if self.keeps(wanted.wishes.local_copy) { wanted.copied() } else { None };
        let written = self.write_locked((&queue, &lock), wanted, direct).await?;
        if let Some((entry, bytes)) = copied {
            self.kept.keep(&entry, bytes).await;
        }
        Ok(written)
    }

    /// Whether a write leaves a copy on this machine.
    pub(super) fn keeps(&self, wished: Option<LocalCopy>) -> bool {
        wished.unwrap_or(self.local_copy) == LocalCopy::Keep
    }

    async fn write_locked<T>(
        &self,
        (queue, lock): (&Queue, &KeyLock),
        mut wanted: Wanted,
        direct: impl Future<Output = Result<T>>,
    ) -> Result<Written<T>> {
        let keys: Vec<&str> = wanted.keys.iter().map(String::as_str).collect();
        if self.which_wait(queue, &keys).await?.contains(&true) || self.comes_after(queue, &wanted).await? {
            if wanted.wishes.on_error == Some(OnRemoteError::Raise) {
                return Err(stands_behind());
            }
            wanted.seen = self.decide(&mut wanted).await?;
            return self.append(queue, lock, wanted).await.map(Written::Queued);
        }
        if wanted.wishes.write.unwrap_or(self.write) == WriteMode::Behind && wanted.is_plain() {
            return self.append(queue, lock, wanted).await.map(Written::Queued);
        }
        let may_wait = wanted.wishes.on_error.unwrap_or(self.on_error) == OnRemoteError::Outbox;
        // Who does not want to wait asks the store, away or not.
        let admission = self.breaker.admit();
        if admission.is_none() && may_wait {
            wanted.undecided()?;
            return self.append(queue, lock, wanted).await.map(Written::Queued);
        }
        let error = match self.within_deadline(&wanted.progress, direct).await {
            Err(error) if is_of_the_remote(&error) => error,
            other => {
                admission.into_iter().for_each(Admission::answered);
                return other.map(Written::Direct);
            }
        };
        let is_news = admission.is_some_and(Admission::failed);
        if !may_wait || wanted.entry.is_err() || wanted.undecided().is_err() {
            return Err(error);
        }
        tell(&error, is_news);
        self.append_doubtful(queue, lock, wanted, &error).await.map(Written::Queued)
    }

    /// Queues what may have arrived all the same.
    async fn append_doubtful(
        &self,
        queue: &Queue,
        lock: &KeyLock,
        wanted: Wanted,
        error: &Error,
    ) -> Result<Box<Queued>> {
        let queued = self.append(queue, lock, wanted).await.map_err(|e| e.with_fact("remote", error))?;
        if let Err(error) = queue.mark_entry(&queued.entry, Mark::Attempted).await {
            // It is queued. Without the mark it may be sent twice, with the same bytes.
            tracing::warn!(%error, "a queued write could not be marked as one that may have arrived");
        }
        Ok(queued)
    }

    /// Whether a put must not wait.
    pub(super) fn goes_directly(&self, options: &PutOptions) -> bool {
        options.write.unwrap_or(self.write) == WriteMode::Direct
            && options.on_remote_error.unwrap_or(self.on_error) == OnRemoteError::Raise
    }

    /// Whether something waits that has to go first.
    async fn comes_after(&self, queue: &Queue, wanted: &Wanted) -> Result<bool> {
        let Some(entry) = wanted.entry.as_ref().ok().filter(|entry| !entry.after.is_empty()) else {
            return Ok(false);
        };
        let (queue, destination, after) = (queue.clone(), self.destination.clone(), entry.after.clone());
        blocking(move || queue.any_below(&destination, &after)).await
    }

    /// Decides conditions by what waits at the keys; answers what is copied or moved. What comes after it in the queue
    /// needs no condition.
    async fn decide(&self, wanted: &mut Wanted) -> Result<Option<(u64, Option<Sha256>)>> {
        let Ok(entry) = &mut wanted.entry else { return Ok(None) };
        let mut seen = None;
        if let Some(from) = &entry.from {
            let missing = || Error::new(ErrorKind::NotFound, "there is no such object");
            let source = match self.see(from).await? {
                Seen::Gone => return Err(missing()),
                Seen::Object(object) => {
                    let source = self.metadata(&Key::listed(from), &object);
                    crate::expiry::check(&source)?;
                    check_read(&source, &wanted.source)?;
                    wanted.source = ReadConditions::default();
                    Some(source)
                }
                Seen::Remote(source) => {
                    match self.look(self.base.backend(), &Key::listed(&source.name)).await? {
                        Looked::Found(source) => Some(*source),
                        Looked::Missing => return Err(missing()),
                        Looked::Away => None,
                    }
                }
            };
            seen = source.map(|source| (source.size, source.sha256));
        }
        self.decide_condition(entry).await?;
        wanted.undecided()?;
        Ok(seen)
    }

    /// Looks whether a remote has an object.
    pub(super) async fn look(&self, remote: &Arc<dyn Backend>, key: &Key) -> Result<Looked> {
        let Some(admission) = self.breaker.admit() else { return Ok(Looked::Away) };
        let options = GetOptions::default();
        let looked = self.within_deadline(&Progress::new(), remote.head(key, &options)).await;
        if looked.as_ref().is_err_and(is_of_the_remote) {
            admission.failed();
            return Ok(Looked::Away);
        }
        admission.answered();
        match looked {
            Ok(found) => Ok(Looked::Found(Box::new(found))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Looked::Missing),
            Err(error) => Err(error),
        }
    }

    /// Decides the condition of a write by what waits at its key; one on what the remote has is left to it.
    pub(super) async fn decide_condition(&self, entry: &mut Entry) -> Result<()> {
        let condition = entry.headers.condition();
        if condition == WriteCondition::Always {
            return Ok(());
        }
        let existing = match self.see(&entry.key).await? {
            Seen::Remote(_) => return Ok(()),
            Seen::Gone => None,
            Seen::Object(object) => Some(self.metadata(&Key::listed(&entry.key), &object)),
        };
        match (entry.kind, &condition) {
            (Kind::Delete, WriteCondition::Matches(etag)) => {
                check_delete(existing.and_then(|object| object.etag).as_deref(), etag)?;
            }
            _ => check_write(existing.as_ref(), &condition)?,
        }
        (entry.headers.if_absent, entry.headers.if_match) = (false, None);
        Ok(())
    }

    /// Gives the remote up when nothing moved for so long.
    pub(super) async fn within_deadline<T>(
        &self,
        progress: &Progress,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let mut work = pin!(work);
        let mut moved = progress.moved();
        loop {
            match tokio::time::timeout(self.deadline, &mut work).await {
                Ok(done) => return done,
                Err(_) if progress.moved() > moved => moved = progress.moved(),
                Err(_) => {
                    let message = "the remote did not take the write in the time allowed";
                    return Err(Error::new(ErrorKind::Timeout, message)
                        .with_fact("remote_deadline", format_args!("{:?}", self.deadline)));
                }
            }
        }
    }

    pub(super) async fn append(&self, queue: &Queue, lock: &KeyLock, wanted: Wanted) -> Result<Box<Queued>> {
        let entry = wanted.entry?;
        let entry = match wanted.bytes {
            Bytes::None => queue.append_entry(lock, entry, Payload::Empty).await?,
            Bytes::Payload(payload) => queue.append_entry(lock, entry, payload).await?,
            Bytes::File(file) => {
                file.still_the_same()?;
                let file = file.handle().try_clone();
                let file = file.map_err(|e| Error::io("the file cannot be opened again", e))?;
                queue.append_file_entry(lock, entry, file).await?
            }
        };
        self.count();
        Ok(Box::new(Queued { entry, source: wanted.seen }))
    }

    pub(super) fn count(&self) {
        self.queued.fetch_add(1, Ordering::Relaxed);
    }

    /// The entry of a put.
    pub(super) fn entry_of(&self, key: &Key, options: &PutOptions) -> Result<Entry> {
        // What no store takes is refused before it is acknowledged.
        Carried::new(&options.attributes, &options.tags, options.acl)?;
        let mut entry = Entry::new(Kind::Put, self.destination.clone(), self.full(key)?)
            .with_headers(Headers::of(options)?);
        entry.nonce = options.nonce.clone().unwrap_or_default();
        entry.after = options.after.iter().map(|prefix| format!("{}{prefix}", self.root)).collect();
        Ok(entry)
    }

    /// Makes a put of any size directly, or queues it. `direct` is given the options that name the write.
    pub(crate) async fn put_bytes<T, F>(
        &self,
        key: &Key,
        bytes: Bytes,
        options: &PutOptions,
        direct: impl FnOnce(PutOptions) -> F,
    ) -> Result<Written<T>>
    where
        F: Future<Output = Result<T>>,
    {
        let progress = options.progress.as_ref().map(Progress::part).unwrap_or_default();
        let nonce = options.nonce.clone().unwrap_or_else(random_nonce);
        let options = PutOptions { progress: Some(progress.clone()), nonce: Some(nonce), ..options.clone() };
        let full = self.full(key)?;
        let (entry, source) = (self.entry_of(key, &options), ReadConditions::default());
        let (on_error, write) = (options.on_remote_error, options.write);
        let wishes = Wishes { on_error, write, local_copy: options.local_copy };
        let wanted = Wanted { entry, bytes, progress, keys: vec![full], wishes, source, seen: None };
        self.write(wanted, direct(options)).await.map_err(|e| e.with_key(key))
    }

    /// The receipt of what was queued.
    pub(crate) fn receipt(&self, key: &Key, entry: &Entry, start: Instant) -> Receipt {
        Receipt {
            key: key.clone(),
            size: entry.size,
            sha256: entry.sha256,
            composite: None,
            etag: Some(etag_of(entry.id)),
            version: None,
            state: State::Queued,
            outbox: Some(self.folder().to_owned()),
            verified: Verified::Local,
            attempts: 0,
            elapsed: start.elapsed(),
        }
    }
}

/// Says once that a store is away.
fn tell(error: &Error, is_news: bool) {
    match is_news {
        true => {
            tracing::warn!(%error, "the store did not take a write: it is queued, and so are those that follow");
        }
        false => tracing::debug!(%error, "the store did not take a write, which is queued"),
    }
}

/// Why a put that must not wait cannot go.
pub(super) fn stands_behind() -> Error {
    Error::new(ErrorKind::Conflict, "writes wait that have to go before this one, which must not wait")
        .with_hint("let them be sent first (`holdall outbox drain`)")
}

/// The `ETag` that an object has while it waits.
pub(super) fn etag_of(id: EntryId) -> String {
    format!("\"queued-{id}\"")
}

pub(super) fn random_nonce() -> String {
    format!("{:016x}{:016x}", crate::disk::unique(), crate::disk::unique())
}
