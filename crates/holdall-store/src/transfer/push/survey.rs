//! Goes through a folder and what is listed of it at once, and finds out what may have to be sent.

use super::{Job, Push};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::is_own;
use crate::object::Metadata;
use crate::receipt::State;
use crate::store::Store;
use crate::transfer::source::Identity;
use crate::transfer::sync::Entry as Indexed;
use crate::transfer::sync::{Covering, Cursor, Digest, Listed, Surplus, Verdict, judge, scratch_of};
use crate::transfer::walk::{Entry, Manner, Walk};
use crate::transfer::{Compare, PushOptions, TreeEvent};
use std::path::Path;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

/// The walk hands on so many entries at once.
const BATCH: usize = 256;

/// A folder being walked by a thread of its own, which ends when nobody listens any more.
pub(in crate::transfer) struct Walking {
    entries: Receiver<Vec<Entry>>,
    thread: JoinHandle<()>,
}

impl Walking {
    pub(in crate::transfer) fn start(walk: Walk) -> Self {
        let (sender, entries) = channel(4);
        let thread = tokio::task::spawn_blocking(move || {
            let mut walk = walk.fuse();
            loop {
                let batch: Vec<Entry> = walk.by_ref().take(BATCH).collect();
                if batch.is_empty() || sender.blocking_send(batch).is_err() {
                    return;
                }
            }
        });
        Self { entries, thread }
    }

    /// The next entries; none after the last.
    ///
    /// # Errors
    ///
    /// When the walk ended before its end: what was seen is then not all.
    pub(in crate::transfer) async fn next(&mut self) -> Result<Option<Vec<Entry>>> {
        if let Some(batch) = self.entries.recv().await {
            return Ok(Some(batch));
        }
        let ended = (&mut self.thread).await;
        ended
            .map_err(|e| Error::new(ErrorKind::Cancelled, "the folder's walk ended early").with_source(e))?;
        Ok(None)
    }
}

/// Begins the walk of a folder to be pushed.
///
/// # Errors
///
/// What keeps the folder itself from being read.
pub(in crate::transfer) fn walk(store: &Store, dir: &Path, options: &PushOptions) -> Result<Walking> {
    let manner = Manner {
        filter: options.filter.clone(),
        follow: options.follow_symlinks,
        scratch: scratch_of(store),
    };
    Ok(Walking::start(Walk::new(dir, manner).map_err(|e| folder_error(dir, e))?))
}

pub(in crate::transfer) fn folder_error(dir: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let fault = match error.kind() {
        Io::NotFound => {
            Error::new(ErrorKind::NotFound, "there is no such folder").with_hint("check the path")
        }
        Io::NotADirectory => {
            Error::new(ErrorKind::InvalidInput, "this is a file, not a folder").with_hint("use put for files")
        }
        Io::PermissionDenied => Error::new(ErrorKind::PermissionDenied, "the folder may not be read")
            .with_hint("check the folder's permissions and owner"),
        _ => Error::io("the folder cannot be read", error),
    };
    fault.with_fact("path", dir.display())
}

pub(in crate::transfer) struct Survey {
    push: Arc<Push>,
    cursor: Cursor,
    listed: Listed,
    /// What is at the source and is no object: what may be below it at the destination stays.
    protected: Covering,
    surplus: Surplus,
}

impl Survey {
    pub(in crate::transfer) fn new(push: Arc<Push>, cursor: Cursor) -> Self {
        let deletes = push.options.delete.is_some();
        let mut listed = Listed::new(&push.store, &push.prefix, deletes);
        if push.options.compare == Compare::Nothing && !deletes {
            listed.end();
        }
        let surplus = Surplus::new(scratch_of(&push.store));
        Self { push, cursor, listed, protected: Covering::default(), surplus }
    }

    /// Goes through all of it, as fast as lanes take what is to be sent.
    pub(in crate::transfer) async fn run(mut self, mut walking: Walking) -> Result<()> {
        let push = self.push.clone();
        let seen = self.all(&mut walking).await;
        // Whatever ended it: lanes send what was found.
        push.jobs.end();
        seen?;
        if let Some(progress) = &self.push.options.put.progress {
            progress.complete();
        }
        *self.push.surplus.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.surplus);
        Ok(())
    }

    async fn all(&mut self, walking: &mut Walking) -> Result<()> {
        while let Some(batch) = walking.next().await? {
            for entry in batch {
                self.entry(entry).await?;
            }
            tokio::task::yield_now().await;
        }
        self.rest().await
    }

    async fn entry(&mut self, entry: Entry) -> Result<()> {
        match entry {
            Entry::File { relative, identity } => return self.file(relative, identity).await,
            // An object that marks a folder which is there stays.
            Entry::Folder { relative } => self.keep(&relative).await?,
            Entry::Skipped { relative, reason } => {
                self.keep(&relative).await?;
                self.protected.add(&relative);
                if self.push.options.filter.takes(&relative) {
                    let name = self.push.dir.join(relative).display().to_string();
                    self.push.events.add(TreeEvent::Skipped { name, reason }).await;
                }
            }
            Entry::Failed { path, error } => {
                self.push.events.add(TreeEvent::failed(path.display(), error)).await
            }
        }
        Ok(())
    }

    /// Sees to it that an object of this name is no surplus.
    async fn keep(&mut self, relative: &str) -> Result<()> {
        if self.push.options.delete.is_some() && self.look_up(relative).await?.is_some() {
            self.surplus.count_there();
        }
        Ok(())
    }

    async fn file(&mut self, relative: String, identity: Identity) -> Result<()> {
        if self.push.options.manifest && is_own(&relative) {
            return Ok(());
        }
        self.surplus.count_wanted(1);
        let push = self.push.clone();
        let entry = self.cursor.find(&relative, |key| push.forget(key));
        let listed = self.look_up(&relative).await?;
        if listed.is_some() {
            self.surplus.count_there();
        }
        let unasked = if self.listed.is_away() { State::Queued } else { State::Stored };
        let state = listed.as_ref().map_or(unasked, |listed| State::of(listed.read_from));
        let verdict = match &entry {
            // Nobody can say what the store has of it now: it had it, and this file did not change since.
            Some(known) if listed.is_none() && self.listed.is_away() && known.file == identity => {
                Verdict::Unchanged
            }
            _ => judge(push.options.compare, &identity, listed.as_ref(), entry.as_ref()),
        };
        match verdict {
            Verdict::Unchanged if self.is_described(&relative, &identity, entry.as_ref())? => {
                let (key, size) = (format!("{}{relative}", push.prefix), identity.size);
                push.watch(&key).unchanged(size);
                push.events.add(TreeEvent::Unchanged { key, size, state, elapsed: Duration::ZERO }).await;
                return Ok(());
            }
            Verdict::Move => push.expect(identity.size),
            Verdict::Unchanged | Verdict::Hash(_) | Verdict::Ask => {}
        }
        let etag = listed.and_then(|listed| listed.etag);
        push.jobs.add(Job { relative, seen: identity, verdict, etag, state }).await;
        Ok(())
    }

    /// Says what an unchanged file is, where that is wanted; answers whether it could be done without reading it.
    fn is_described(&self, relative: &str, file: &Identity, entry: Option<&Indexed>) -> Result<bool> {
        let sha256 = entry.and_then(|entry| match entry.digest {
            Some(Digest::Whole(sha256)) => Some(sha256),
            _ => None,
        });
        let described =
            self.push.describe_unread(relative, file.size, sha256, entry.map(|entry| &entry.etag));
        // What keeps it from being opened here shows again, and is told, where it is read.
        Ok(described.unwrap_or(false))
    }

    /// Looks for an object at the destination; those before it that nobody asked for are surplus.
    async fn look_up(&mut self, relative: &str) -> Result<Option<Metadata>> {
        let Self { push, listed, protected, surplus, .. } = self;
        let deletes = push.options.delete.is_some();
        let mut passed = |name: &str, size| match deletes {
            true => not_wanted(push, protected, surplus, name, size),
            false => Ok(()),
        };
        match listed.find(relative, &mut passed).await {
            Err(error) if !deletes && goes_without(push, &error) => {
                listed.end();
                Ok(None)
            }
            Err(error) if is_not_there_yet(push, &error) => {
                listed.end();
                Ok(None)
            }
            other => other,
        }
    }

    /// Reads what is left of the index and, where it matters, of the listing.
    async fn rest(&mut self) -> Result<()> {
        let Self { push, listed, protected, surplus, cursor, .. } = self;
        cursor.rest(|key| push.forget(key));
        if push.options.delete.is_none() {
            return Ok(());
        }
        let mut passed = |name: &str, size| not_wanted(push, protected, surplus, name, size);
        match listed.rest(&mut passed).await {
            Err(error) if is_not_there_yet(push, &error) => {}
            other => other?,
        }
        for error in listed.failures() {
            let name = error.key().unwrap_or(&push.prefix).to_owned();
            push.events.add(TreeEvent::failed(name, error)).await;
        }
        Ok(())
    }
}

/// Notes an object that the folder has no file for, unless something stands in the file's place.
fn not_wanted(
    push: &Push,
    protected: &mut Covering,
    surplus: &mut Surplus,
    name: &str,
    size: u64,
) -> Result<()> {
    let is_kept = push.options.manifest && is_own(name);
    if name.is_empty() || is_kept || !push.options.filter.takes(name) {
        return Ok(());
    }
    if protected.covers(name) {
        surplus.count_there();
        return Ok(());
    }
    surplus.push(name, size)
}

/// Whether everything is to be sent because what is there is not said.
fn goes_without(push: &Push, error: &Error) -> bool {
    let refused = matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported);
    if refused {
        tracing::warn!(%error, prefix = push.prefix, "what is there cannot be listed: everything is sent");
    }
    refused
}

/// Whether the store is a folder that the first put makes.
fn is_not_there_yet(push: &Push, error: &Error) -> bool {
    error.kind() == ErrorKind::BucketNotFound && !push.store.is_remote()
}

impl Push {
    /// Forgets a file that is not there any more.
    fn forget(&self, key: &str) {
        if let Some(log) = &self.log
            && self.options.filter.takes(key)
        {
            log.forget(key);
        }
    }
}
