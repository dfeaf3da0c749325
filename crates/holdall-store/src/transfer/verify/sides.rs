//! The three sides in the order of paths: what is listed, what the manifest says, what the folder has.

use super::VerifyEvent;
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::{self, Expected, MANIFEST, Outcome, SUMS, Stopped, Trailer};
use crate::key::Key;
use crate::object::Metadata;
use crate::store::ObjectList;
use crate::transfer::Filter;
use crate::transfer::push::Walking;
use crate::transfer::walk::Entry;
use std::collections::VecDeque;
use std::fs::File;
use std::io::Seek;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::task::JoinHandle;

/// The manifest hands on so many files at once.
const BATCH: usize = 256;

/// What the sides have of one path.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) path: String,
    pub(super) listed: Option<Metadata>,
    pub(super) expected: Option<Expected>,
    pub(super) local: Local,
}

/// What the folder has of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Local {
    /// There is no folder to compare.
    NotAsked,
    Absent,
    /// A file of this size.
    File(u64),
}

/// All three, read as far as they are asked for.
pub(super) struct Sides {
    listing: Listing,
    manifest: Option<Described>,
    folder: Option<Folder>,
    filter: Filter,
    failures: Vec<VerifyEvent>,
}

struct Listing {
    list: ObjectList,
    prefix: String,
    ready: VecDeque<Metadata>,
    ended: bool,
    /// The manifest's own objects, which it does not describe.
    own: [Option<Metadata>; 2],
}

/// A manifest being read by a thread of its own.
pub(super) struct Described {
    files: Receiver<Vec<Expected>>,
    thread: Option<JoinHandle<Result<Outcome>>>,
    ready: VecDeque<Expected>,
    trailer: Option<Trailer>,
}

pub(super) struct Folder {
    walking: Walking,
    ready: VecDeque<(String, u64)>,
    ended: bool,
}

impl Sides {
    pub(super) fn new(
        list: ObjectList,
        prefix: &str,
        manifest: Option<Described>,
        folder: Option<Walking>,
        filter: Filter,
    ) -> Self {
        let listing = Listing {
            list,
            prefix: prefix.to_owned(),
            ready: VecDeque::new(),
            ended: false,
            own: [None, None],
        };
        let folder = folder.map(|walking| Folder { walking, ready: VecDeque::new(), ended: false });
        Self { listing, manifest, folder, filter, failures: Vec::new() }
    }

    /// What could not be seen so far.
    pub(super) fn failures(&mut self) -> Vec<VerifyEvent> {
        std::mem::take(&mut self.failures)
    }

    /// The next path that takes part; none after the last.
    ///
    /// # Errors
    ///
    /// Whatever keeps one of the sides from being read to its end.
    pub(super) async fn next(&mut self) -> Result<Option<Item>> {
        let is_described = self.manifest.is_some();
        loop {
            self.listing.fill(is_described, &mut self.failures).await?;
            let listed = self.listing.path();
            let expected = match &mut self.manifest {
                Some(manifest) => manifest.fill().await?.map(|file| file.path.as_str()),
                None => None,
            };
            let local = match &mut self.folder {
                Some(folder) => folder.fill(is_described, &mut self.failures).await?,
                None => None,
            };
            let Some(path) = [listed, expected, local].into_iter().flatten().min().map(str::to_owned) else {
                return Ok(None);
            };
            let item = self.take(path);
            if self.filter.takes(&item.path) {
                return Ok(Some(item));
            }
        }
    }

    fn take(&mut self, path: String) -> Item {
        let listed = if self.listing.path() == Some(&path) { self.listing.ready.pop_front() } else { None };
        let expected =
            self.manifest.as_mut().and_then(|manifest| manifest.ready.pop_front_if(|file| file.path == path));
        let local = match &mut self.folder {
            None => Local::NotAsked,
            Some(folder) => folder
                .ready
                .pop_front_if(|(name, _)| *name == path)
                .map_or(Local::Absent, |(_, size)| Local::File(size)),
        };
        Item { path, listed, expected, local }
    }

    /// What is to be judged when all paths were handed on: `SHA256SUMS`, by the manifest's end. The object that the
    /// manifest was listed as comes with it.
    pub(super) fn own(&mut self) -> Option<(Item, Option<Metadata>)> {
        let trailer = self.manifest.as_mut()?.trailer.take()?;
        let [manifest, sums] = std::mem::take(&mut self.listing.own);
        let item =
            Item { path: SUMS.to_owned(), listed: sums, expected: trailer.sums, local: Local::NotAsked };
        Some((item, manifest))
    }
}

impl Listing {
    async fn fill(&mut self, is_described: bool, failures: &mut Vec<VerifyEvent>) -> Result<()> {
        while self.ready.is_empty() && !self.ended {
            let Some(page) = self.list.next_page().await else {
                self.ended = true;
                return Ok(());
            };
            let page = page?;
            for error in page.failures {
                let name = error.key().unwrap_or(&self.prefix).to_owned();
                failures.push(VerifyEvent::Failed { name, error });
            }
            for object in page.objects {
                match object.key.as_str().strip_prefix(&self.prefix) {
                    Some(MANIFEST) if is_described => self.own[0] = Some(object),
                    Some(SUMS) if is_described => self.own[1] = Some(object),
                    // An empty object that marks a folder is no file.
                    Some(path) if object.size == 0 && (path.is_empty() || path.ends_with('/')) => {}
                    Some(_) => self.ready.push_back(object),
                    None => {}
                }
            }
        }
        Ok(())
    }

    fn path(&self) -> Option<&str> {
        self.ready.front().and_then(|object| object.key.as_str().strip_prefix(&self.prefix))
    }
}

impl Described {
    /// Begins to read a manifest.
    pub(super) fn start(mut file: File, key: Key) -> Self {
        let (sender, files) = channel(4);
        let thread = tokio::task::spawn_blocking(move || {
            file.rewind().map_err(|e| Error::io("the manifest cannot be read", e))?;
            let mut batch = Vec::with_capacity(BATCH);
            let outcome = manifest::read(file, &mut |file| {
                batch.push(file);
                if batch.len() < BATCH {
                    return Ok(());
                }
                sender.blocking_send(std::mem::take(&mut batch)).map_err(|_| Stopped)
            });
            let outcome = outcome.map_err(|e| e.with_key(&key))?;
            match sender.blocking_send(batch) {
                Ok(()) => Ok(outcome),
                Err(_) => Ok(Outcome::Stopped),
            }
        });
        Self { files, thread: Some(thread), ready: VecDeque::new(), trailer: None }
    }

    async fn fill(&mut self) -> Result<Option<&Expected>> {
        while self.ready.is_empty() {
            match self.files.recv().await {
                Some(batch) => self.ready = batch.into(),
                None => {
                    self.end().await?;
                    break;
                }
            }
        }
        Ok(self.ready.front())
    }

    async fn end(&mut self) -> Result<()> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let ended = thread.await;
        let ended = ended
            .map_err(|e| Error::new(ErrorKind::Cancelled, "the manifest's task ended").with_source(e))?;
        if let Outcome::Whole(trailer) = ended? {
            self.trailer = Some(trailer);
        }
        Ok(())
    }
}

impl Folder {
    async fn fill(&mut self, is_described: bool, failures: &mut Vec<VerifyEvent>) -> Result<Option<&str>> {
        while self.ready.is_empty() && !self.ended {
            let Some(batch) = self.walking.next().await? else {
                self.ended = true;
                break;
            };
            for entry in batch {
                match entry {
                    Entry::File { relative, .. } if is_described && manifest::is_own(&relative) => {}
                    Entry::File { relative, identity } => self.ready.push_back((relative, identity.size)),
                    Entry::Failed { path, error } => {
                        failures.push(VerifyEvent::Failed { name: path.display().to_string(), error });
                    }
                    Entry::Folder { .. } | Entry::Skipped { .. } => {}
                }
            }
        }
        Ok(self.ready.front().map(|(path, _)| path.as_str()))
    }
}
