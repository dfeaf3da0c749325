//! Sends an object in parts, several at once, and gives them back when it fails.

use crate::backend::{PartReceipt, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::receipt::Receipt;
use crate::{Progress, WriteCondition};
use bytes::Bytes;
use std::sync::Arc;
use tokio::task::JoinSet;

/// An upload under way: parts are tasks of their own, so that all cores hash and send.
pub(super) struct PartSender {
    upload: Arc<dyn Upload>,
    tasks: JoinSet<Result<PartReceipt>>,
    done: Vec<PartReceipt>,
    sent: u64,
    progress: Option<Progress>,
}

impl PartSender {
    pub(super) fn new(upload: Box<dyn Upload>, progress: Option<Progress>) -> Self {
        Self { upload: upload.into(), tasks: JoinSet::new(), done: Vec::new(), sent: 0, progress }
    }

    fn note(&mut self, part: PartReceipt) {
        self.sent += part.size;
        // A backend that sends nothing anywhere has counted nothing.
        if let Some(progress) = &self.progress {
            progress.reach(self.sent);
        }
        self.done.push(part);
    }

    /// Sends a part that `read` brings, and takes note of those that are done.
    pub(super) fn send<F>(&mut self, number: u32, read: F) -> Result<()>
    where
        F: Future<Output = Result<Bytes>> + Send + 'static,
    {
        let upload = self.upload.clone();
        self.tasks.spawn(async move { upload.put_part(number, read.await?).await });
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

    /// Waits for all parts and makes the object.
    pub(super) async fn complete(&mut self) -> Result<Receipt> {
        while let Some(finished) = self.tasks.join_next().await {
            self.note(joined(finished)?);
        }
        self.done.sort_unstable_by_key(|part| part.number);
        self.upload.complete(&self.done, &WriteCondition::Always).await
    }

    /// Gives the parts back after a failure, which is what the caller gets to see.
    pub(super) async fn fail(mut self, error: Error) -> Error {
        self.tasks.shutdown().await;
        // An object whose completion may have taken effect must not be touched; the parts of one that did not are
        // found by their age.
        if let Err(abort) = self.upload.abort().await {
            tracing::warn!(error = %abort, "parts of a failed upload may be left behind");
        }
        error
    }
}

fn joined(result: std::result::Result<Result<PartReceipt>, tokio::task::JoinError>) -> Result<PartReceipt> {
    result.unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "a part's task ended").with_source(e)))
}
