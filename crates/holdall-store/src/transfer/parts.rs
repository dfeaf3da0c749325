//! Sends an object in parts, several at once, and gives them back when it fails.

use super::buffers::Leave;
use super::resume::{Notes, Started, counted_again, may_go_on};
use crate::backend::{PartDigest, PartReceipt, ReadAt, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::Receipt;
use crate::{Progress, WriteCondition};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinSet;

/// An upload under way: parts are tasks of their own, so that all cores hash and send.
pub(super) struct PartSender {
    upload: Arc<dyn Upload>,
    tasks: JoinSet<Result<Done>>,
    /// Parts that an earlier process sent, by number.
    kept: BTreeMap<u32, PartReceipt>,
    /// Parts that an earlier process noted.
    noted: Vec<PartReceipt>,
    done: Vec<PartReceipt>,
    sent: u64,
    progress: Option<Progress>,
    notes: Option<Notes>,
}

/// A part's bytes.
pub(super) enum Part {
    AtHand(Bytes),
    /// Read where they lie, by the leave that is held.
    At(Arc<dyn ReadAt>, Leave),
}

impl Part {
    async fn are_of(&self, digest: &PartDigest) -> Result<bool> {
        match self {
            Self::AtHand(bytes) => Ok(digest.is_of(bytes)),
            Self::At(bytes, _) => digest.is_of_all(bytes.clone()).await,
        }
    }

    async fn send(self, upload: &dyn Upload, number: u32) -> Result<PartReceipt> {
        match self {
            Self::AtHand(bytes) => upload.put_part(number, bytes).await,
            Self::At(bytes, _held) => upload.put_part_at(number, bytes).await,
        }
    }
}

/// An object that the store has, and the notes of its upload.
pub(crate) struct Stored {
    pub(super) receipt: Receipt,
    notes: Option<Notes>,
}

impl Stored {
    pub(super) fn without_notes(receipt: Receipt) -> Self {
        Self { receipt, notes: None }
    }

    /// Whether a kill would lose what is known of it: an object in parts does not say what its bytes are.
    pub(super) fn was_noted(&self) -> bool {
        self.notes.is_some()
    }

    /// Removes the notes: from now on nobody goes on with the upload.
    pub(crate) fn end(self) -> Receipt {
        self.notes.into_iter().for_each(Notes::end);
        self.receipt
    }
}

/// A part that the store has.
enum Done {
    Sent(PartReceipt),
    /// By an earlier process, of the bytes that the source still has.
    Kept(PartReceipt),
}

impl PartSender {
    pub(super) fn new(started: Started, progress: Option<Progress>) -> Self {
        Self {
            upload: started.upload.into(),
            tasks: JoinSet::new(),
            kept: by_number(started.kept),
            noted: started.noted,
            done: Vec::new(),
            sent: 0,
            progress,
            notes: started.notes,
        }
    }

    fn note(&mut self, done: Done) {
        let part = match done {
            Done::Sent(part) => {
                self.notes.iter_mut().for_each(|notes| notes.note(&part));
                part
            }
            Done::Kept(part) => {
                self.progress.iter().for_each(|progress| progress.add(part.size));
                part
            }
        };
        self.sent += part.size;
        // A backend that sends nothing anywhere has counted nothing.
        if let Some(progress) = &self.progress {
            progress.reach(self.sent);
        }
        self.done.push(part);
    }

    /// Sends a part that `get` brings, unless the store has it, and takes note of those that are done.
    pub(super) fn send<F>(&mut self, number: u32, get: F) -> Result<()>
    where
        F: Future<Output = Result<Part>> + Send + 'static,
    {
        let (upload, kept) = (self.upload.clone(), self.kept.remove(&number));
        self.tasks.spawn(async move {
            let bytes = get.await?;
            // Times of files are not proof enough: a map of memory may change bytes under the same ones.
            match kept {
                Some(part) if bytes.are_of(&part.digest).await? => Ok(Done::Kept(part)),
                _ => bytes.send(&*upload, number).await.map(Done::Sent),
            }
        });
        while let Some(finished) = self.tasks.try_join_next() {
            self.note(joined(finished)?);
        }
        Ok(())
    }

    /// Waits until fewer than `most` parts are under way.
    pub(super) async fn room(&mut self, most: usize) -> Result<()> {
        while self.tasks.len() >= most.max(1) {
            if let Some(finished) = self.tasks.join_next().await {
                self.note(joined(finished)?);
            }
        }
        Ok(())
    }

    /// Begins again with all of the object's parts taken as sent, if an earlier process noted them all: while it was
    /// asked what the store has, its completion may have taken effect.
    pub(super) async fn begin_with_all(&mut self, count: u32) -> bool {
        if self.noted.len() != count as usize {
            return false;
        }
        self.tasks.shutdown().await;
        self.done.clear();
        self.sent = 0;
        self.progress = self.progress.as_ref().map(counted_again);
        self.kept = by_number(std::mem::take(&mut self.noted));
        true
    }

    /// Waits for all parts and makes the object; its notes are there until they are ended.
    pub(super) async fn complete(&mut self) -> Result<Stored> {
        while let Some(finished) = self.tasks.join_next().await {
            self.note(joined(finished)?);
        }
        self.done.sort_unstable_by_key(|part| part.number);
        let receipt = self.upload.complete(&self.done, &WriteCondition::Always).await?;
        Ok(Stored { receipt, notes: self.notes.take() })
    }

    /// Ends after a failure, which is what the caller gets to see: the parts stay for the next try where it may go on
    /// with them, else they are given back.
    pub(super) async fn fail(mut self, error: Error) -> Error {
        if self.notes.is_some() && may_go_on(&error) {
            while let Some(finished) = self.tasks.try_join_next() {
                if let Ok(done) = joined(finished) {
                    self.note(done);
                }
            }
            self.tasks.shutdown().await;
            return error;
        }
        self.give_back().await.into_iter().for_each(Notes::give_up);
        error
    }

    /// Gives the parts back; answers the notes.
    pub(super) async fn give_back(mut self) -> Option<Notes> {
        self.tasks.shutdown().await;
        // An object whose completion may have taken effect must not be touched; the parts of one that did not are
        // found by their age.
        let aborted = self.upload.abort().await;
        if let Err(abort) = &aborted {
            tracing::warn!(error = %abort, "parts of a failed upload may be left behind");
        }
        self.notes.take().map(|notes| notes.given_back(aborted.is_ok()))
    }
}

fn by_number(parts: Vec<PartReceipt>) -> BTreeMap<u32, PartReceipt> {
    parts.into_iter().map(|part| (part.number, part)).collect()
}

fn joined(result: std::result::Result<Result<Done>, tokio::task::JoinError>) -> Result<Done> {
    result.unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "a part's task ended").with_source(e)))
}
