//! Says what is known to be at the destination of a folder, without a look there.

use super::manifest::Inventory;
use super::survey::walk;
use super::{Push, whole_of};
use crate::Sha256;
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::is_own;
use crate::transfer::source::Opened;
use crate::transfer::sync::{Cursor, Digest, Entry as Indexed, Log};
use crate::transfer::walk::Entry;
use crate::transfer::{TreeEvent, TreeSummary};
use std::sync::Arc;

impl Push {
    /// Refuses a folder and a store of which nothing can be said.
    pub(in crate::transfer) async fn check_recap(&self) -> Result<()> {
        if self.log.is_none() {
            let message = "a manifest is kept current by the index of what was stored, and there is none";
            return Err(Error::new(ErrorKind::Unsupported, message).with_hint(
                "use a bucket or a folder, set `index`, and let no other process push or watch the same",
            ));
        }
        Inventory::begin(&self.store, &self.dir, &self.options).await.map(drop)
    }

    /// Writes the manifest of the files that the folder has and the index knows to be stored, as they were stored: a file
    /// that was changed since is described as its object is.
    ///
    /// # Errors
    ///
    /// What keeps the folder or the index from being read to their ends, or the documents from being written.
    pub(in crate::transfer) async fn recap(
        &self,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<()> {
        let inventory = Inventory::begin(&self.store, &self.dir, &self.options).await?;
        let push = Arc::new(Self { inventory, ..self.again() });
        let mut cursor = push.cursor().await?;
        let mut walking = walk(&push.store, &push.dir, &push.options)?;
        while let Some(batch) = walking.next().await? {
            for entry in batch {
                match entry {
                    Entry::File { relative, .. } if is_own(&relative) => {}
                    Entry::File { relative, .. } => {
                        if let Some(known) = cursor.find(&relative, |_| ()) {
                            push.describe_known(&relative, known).await?;
                        }
                    }
                    Entry::Failed { path, error } => return Err(error.with_fact("path", path.display())),
                    Entry::Folder { .. } | Entry::Skipped { .. } => {}
                }
            }
            tokio::task::yield_now().await;
        }
        push.write_manifest(&mut TreeSummary::default(), on_event).await
    }

    async fn describe_known(&self, relative: &str, known: Indexed) -> Result<()> {
        let sha256 = match &known.digest {
            Some(Digest::Whole(sha256)) => *sha256,
            _ => match self.digest_of(relative, &known).await {
                Some(sha256) => sha256,
                // It was changed since it was stored: it is stored again, and described then.
                None => return Ok(()),
            },
        };
        match self.describe_unread(relative, known.file.size, Some(sha256), Some(&known.etag)) {
            // It went since it was seen.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Reads a file that is still as it was stored, and takes note of its digest.
    async fn digest_of(&self, relative: &str, known: &Indexed) -> Option<Sha256> {
        let file = Opened::open(&self.dir.join(relative), self.options.follow_symlinks).ok()?;
        let is_stored = file.identity() == known.file;
        let sha256 = if is_stored { whole_of(&file, None).await.ok()? } else { return None };
        if let Some(log) = &self.log {
            log.note(relative, Indexed { digest: Some(Digest::Whole(sha256)), ..known.clone() });
        }
        Some(sha256)
    }

    /// The index from its front, brought into order where there is much to bring.
    pub(in crate::transfer) async fn cursor(&self) -> Result<Cursor> {
        let log = self.log.clone();
        let read = tokio::task::spawn_blocking(move || {
            let Some(log) = &log else { return Cursor::default() };
            log.settle();
            Log::cursor(log).unwrap_or_else(|error| {
                tracing::info!(%error, "the index cannot be read: files are compared without it");
                Cursor::default()
            })
        });
        read.await.map_err(|e| Error::new(ErrorKind::Cancelled, "the index's task ended").with_source(e))
    }
}
