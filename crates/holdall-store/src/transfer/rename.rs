//! Moves objects: nothing is deleted that is not whole at its new place, and nothing that became another meanwhile.

use super::copy::{Copied, Errand, Way, changed, pinned};
use crate::backend::source_kept;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{CopyOptions, DeleteOptions, Metadata, MoveOptions, Object};
use crate::receipt::{Receipt, Verified};
use crate::store::Store;
use crate::telemetry::{Direction, Watch};
use bytes::Bytes;
use futures_util::StreamExt;

/// What a move answers.
#[derive(Debug, Clone)]
pub struct Moved {
    /// What the destination answered.
    pub receipt: Receipt,
    /// Which way the object went.
    pub way: Way,
    /// The source went under the condition that it is still what was moved, decided by the store itself. Else it was
    /// looked at once more right before it was deleted, and a write in between is lost.
    pub atomic: bool,
    /// As for [`Copied::tags_kept`].
    pub tags_kept: bool,
}

impl Store {
    /// Gives an object another key, with its attributes, tags and storage class.
    ///
    /// In memory and in a folder no byte is copied. On S3 the object is copied by the server, pinned to what was looked
    /// at, and deleted under the same condition. Whoever reads meanwhile finds it at one key at least; a process that
    /// is killed in between leaves it at both. In a folder it keeps its time, elsewhere it has that of the move. In a
    /// bucket that keeps versions the source's stay: to delete the newest one for good would bring the one before it
    /// to light.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::{MoveOptions, Store};
    ///
    /// let store = Store::memory();
    /// store.put("draft.txt", "hello").await?;
    /// let moved = store.rename("draft.txt", "final.txt", &MoveOptions::default()).await?;
    /// assert!(moved.atomic && !store.exists("draft.txt").await?);
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key onto itself; `NotFound` for the source; `Precondition` for a condition that does not
    /// hold; `Changed` when the source is replaced meanwhile. The source is there after every error. One with the fact
    /// `copied_to` says that the destination has the object too.
    pub async fn rename(&self, from: &str, to: &str, options: &MoveOptions) -> Result<Moved> {
        self.move_to(from, self, to, options).await
    }

    /// Moves an object to a key of another store, or of this one.
    ///
    /// The copy is made as [`Store::copy_to`] does and looked at. Bytes that passed through here and that nobody has
    /// checked are read again at both ends before the source is deleted.
    ///
    /// # Errors
    ///
    /// As for [`Store::rename`] and [`Store::copy_to`]; `Integrity` for a copy that differs. `InvalidInput` also for two
    /// objects that cannot be told apart: two names of stores may mean one place.
    pub async fn move_to(&self, from: &str, to: &Store, key: &str, options: &MoveOptions) -> Result<Moved> {
        let (source, key) = (Key::parse(from)?, Key::parse(key)?);
        let watch = Watch::begin(Direction::Move, to, key.as_str()).from(self, &source);
        let moved = Move { from: self, source: &source, to, key: &key, options }.run().await;
        watch.end(moved.map_err(|e| e.with_key(&source)))
    }
}

/// A move to be made.
struct Move<'a> {
    from: &'a Store,
    source: &'a Key,
    to: &'a Store,
    key: &'a Key,
    options: &'a MoveOptions,
}

impl Move<'_> {
    async fn run(&self) -> Result<Moved> {
        let inside = self.from.is_same_place(self.to);
        if inside && self.source == self.key {
            return Err(Error::new(ErrorKind::InvalidInput, "source and destination are the same object"));
        }
        if inside
            && let Some(receipt) = self.from.backend().rename(self.source, self.key, self.options).await?
        {
            return Ok(Moved { receipt, way: Way::Renamed, atomic: true, tags_kept: true });
        }
        let seen = self.look().await?;
        if !inside {
            self.refuse_what_looks_the_same(&seen).await?;
        }
        let copied = self.copy(&seen).await?;
        self.verify(&seen, &copied).await?;
        let atomic = self.remove_source(&seen).await.map_err(|error| source_kept(error, self.key))?;
        let Copied { receipt, way, tags_kept } = copied;
        Ok(Moved { receipt, way, atomic, tags_kept })
    }

    async fn look(&self) -> Result<Metadata> {
        let seen = self.from.head(self.source.as_str()).await?;
        match &self.options.if_match {
            Some(etag) if seen.etag.as_deref() != Some(etag) => {
                Err(Error::new(ErrorKind::Precondition, "the object has another ETag"))
            }
            _ => Ok(seen),
        }
    }

    /// Two names of stores may mean one place, such as a folder and one above it. There the copy would be the source.
    async fn refuse_what_looks_the_same(&self, seen: &Metadata) -> Result<()> {
        match self.to.head(self.key.as_str()).await {
            Ok(there) if seen.is_same_object(&there) => {
                Err(Error::new(ErrorKind::InvalidInput, "source and destination cannot be told apart")
                    .with_hint("if they are two objects, delete the destination or use cp"))
            }
            Err(error) if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::BucketNotFound) => {
                Err(error)
            }
            _ => Ok(()),
        }
    }

    async fn copy(&self, seen: &Metadata) -> Result<Copied> {
        let options = CopyOptions {
            conditions: pinned(seen),
            condition: self.options.condition.clone(),
            progress: self.options.progress.clone(),
            ..CopyOptions::default()
        };
        let Self { from, source, to, key, .. } = *self;
        Box::pin(Errand { from, source, to, key, options: &options, seen: Some(seen) }.run()).await
    }

    /// Looks at the copy; bytes that nobody has checked on their way are compared with the source's.
    async fn verify(&self, seen: &Metadata, copied: &Copied) -> Result<()> {
        let receipt = &copied.receipt;
        let copy = self.to.head(self.key.as_str()).await?;
        let same_digest = copy.sha256.is_none() || seen.sha256.is_none() || copy.sha256 == seen.sha256;
        let same_etag = copy.etag.is_none() || receipt.etag.is_none() || copy.etag == receipt.etag;
        if !same_etag {
            return Err(Error::new(
                ErrorKind::Changed,
                "the copy was replaced before it was verified, and the source is kept",
            )
            .with_key(self.key));
        }
        let unchecked = receipt.verified == Verified::None && copied.way == Way::Streamed;
        if copy.size == seen.size && same_digest && (!unchecked || Box::pin(self.same_bytes()).await?) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Integrity, "the copy differs from its source, which is kept")
            .with_key(self.key)
            .with_fact("size", copy.size)
            .with_fact("expected", seen.size))
    }

    async fn same_bytes(&self) -> Result<bool> {
        let mut source = Pieces::of(self.from.get(self.source.as_str()).await?);
        let mut copy = Pieces::of(self.to.get(self.key.as_str()).await?);
        loop {
            let (one, other) = (source.peek().await?, copy.peek().await?);
            let length = one.len().min(other.len());
            if length == 0 {
                return Ok(one.is_empty() && other.is_empty());
            }
            if one[..length] != other[..length] {
                return Ok(false);
            }
            source.skip(length);
            copy.skip(length);
        }
    }

    /// Deletes the source if it is still what was copied, and answers whether the store decided that itself. That
    /// somebody else deleted it meanwhile is as good.
    async fn remove_source(&self, seen: &Metadata) -> Result<bool> {
        // An ETag alone is the same for the same bytes, whatever else of the object is another.
        if !self.is_unchanged(seen).await? {
            return Ok(true);
        }
        if seen.etag.is_some() {
            let options = DeleteOptions { if_match: seen.etag.clone(), ..DeleteOptions::default() };
            match self.from.delete_key(self.source, &options).await {
                Ok(_) => return Ok(true),
                Err(error) => match error.kind() {
                    ErrorKind::NotFound => return Ok(true),
                    ErrorKind::Precondition => return Err(changed(self.source)),
                    // To find out what the server can do takes a while the first time.
                    ErrorKind::Unsupported if !self.is_unchanged(seen).await? => return Ok(true),
                    ErrorKind::Unsupported => {}
                    _ => return Err(error),
                },
            }
        }
        self.from.delete_key(self.source, &DeleteOptions::default()).await.map(|_| false)
    }

    /// Whether the source is there and what it was.
    ///
    /// # Errors
    ///
    /// `Changed` where it is another by now.
    async fn is_unchanged(&self, seen: &Metadata) -> Result<bool> {
        match self.from.head(self.source.as_str()).await {
            Ok(now) if seen.is_same_object(&now) => Ok(true),
            Ok(_) => Err(changed(self.source)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// An object's bytes in pieces that can be used up in part.
struct Pieces {
    object: Object,
    piece: Bytes,
}

impl Pieces {
    fn of(object: Object) -> Self {
        Self { object, piece: Bytes::new() }
    }

    /// The next bytes; none at the end.
    async fn peek(&mut self) -> Result<Bytes> {
        while self.piece.is_empty() {
            match self.object.stream.next().await {
                Some(piece) => self.piece = piece?,
                None => break,
            }
        }
        Ok(self.piece.clone())
    }

    fn skip(&mut self, length: usize) {
        self.piece = self.piece.slice(length..);
    }
}
