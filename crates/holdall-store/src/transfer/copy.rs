//! Copies objects from one store to another: by the server where both are at one service, else through here.

use super::feed::Awaited;
use crate::backend::is_one_service;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{CopyOptions, GetOptions, Metadata, ObjectStream, PutOptions};
use crate::receipt::Receipt;
use crate::store::Store;
use crate::telemetry::{Direction, Watch};
use crate::{ReadConditions, WriteCondition};
use bytes::Bytes;
use futures_util::StreamExt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Which way an object went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Way {
    /// It got another key and is the same object.
    Renamed,
    /// The store or the service copied it by itself.
    Copied,
    /// Its bytes came through here.
    Streamed,
}

/// What a copy to another store answers.
#[derive(Debug, Clone)]
pub struct Copied {
    /// What the destination answered.
    pub receipt: Receipt,
    /// Which way the object went.
    pub way: Way,
    /// The source's tags are the copy's too, or were replaced as asked. False where they could not be read or kept, so
    /// that they did not go along, if there were any.
    pub tags_kept: bool,
}

impl Store {
    /// Copies an object to a key of another store, or of this one.
    ///
    /// One service copies by itself, objects beyond 5 GiB in parts. Between others, and under a condition that is
    /// decided for puts and not for copies, the bytes are streamed through here in flat memory. Attributes go along
    /// either way, and tags where both ends have them; [`Copied::tags_kept`] tells. The storage class does inside one
    /// service, of which alone it means something.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::{CopyOptions, Store};
    ///
    /// let (here, there) = (Store::memory(), Store::memory());
    /// here.put("a.txt", "hello").await?;
    /// here.copy_to("a.txt", &there, "b.txt", &CopyOptions::default()).await?;
    /// assert_eq!(there.get("b.txt").await?.bytes().await?, "hello");
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Store::copy`], and what reading or writing says.
    pub async fn copy_to(&self, from: &str, to: &Store, key: &str, options: &CopyOptions) -> Result<Copied> {
        let (from, key) = (Key::parse(from)?, Key::parse(key)?);
        let watch = Watch::begin(Direction::Copy, to, key.as_str()).from(self, &from);
        let copied = Errand { from: self, source: &from, to, key: &key, options, seen: None }.run().await;
        watch.end(copied.map_err(|e| e.with_key(&from)))
    }

    /// Whether another store is known to be this one, so that a key means the same object in both.
    pub fn is_same_place(&self, other: &Store) -> bool {
        Arc::ptr_eq(self.backend(), other.backend()) || self.backend().is_same_place(other.backend().as_ref())
    }
}

/// A copy to be made.
pub(super) struct Errand<'a> {
    pub(super) from: &'a Store,
    pub(super) source: &'a Key,
    pub(super) to: &'a Store,
    pub(super) key: &'a Key,
    pub(super) options: &'a CopyOptions,
    /// What the source must still be.
    pub(super) seen: Option<&'a Metadata>,
}

impl Errand<'_> {
    pub(super) async fn run(&self) -> Result<Copied> {
        let free = self.options.condition == WriteCondition::Always;
        match Box::pin(self.by_the_store()).await {
            Ok(Some(receipt)) => Ok(Copied { receipt, way: Way::Copied, tags_kept: true }),
            Ok(None) => Box::pin(self.through_here()).await,
            // What is decided for no copy may be for a put.
            Err(error) if error.kind() == ErrorKind::Unsupported && !free => {
                Box::pin(self.through_here()).await
            }
            Err(error) => Err(error),
        }
    }

    /// Has the store copy, where it can.
    async fn by_the_store(&self) -> Result<Option<Receipt>> {
        let options = CopyOptions { keep_storage_class: true, ..self.options.clone() };
        let copied = if self.from.is_same_place(self.to) {
            self.to.copy_key(self.source, self.key, &options).await.map(Some)
        } else {
            let options = self.to.copy_options(self.key, &options)?;
            self.to.backend().copy_from(self.from.backend().as_ref(), self.source, self.key, &options).await
        };
        match copied {
            Err(error) if error.kind() == ErrorKind::Precondition => Err(self.why_not(error).await),
            other => other,
        }
    }

    fn look(&self) -> GetOptions {
        let (conditions, version) = (self.options.conditions.clone(), self.options.version.clone());
        GetOptions { conditions, version, ..GetOptions::default() }
    }

    /// Of the condition on the source and the one on the copy the answer does not say which failed.
    async fn why_not(&self, error: Error) -> Error {
        let only_pinned = self.options.condition == WriteCondition::Always && self.seen.is_some();
        if only_pinned {
            return changed(self.source).with_source(error);
        }
        let is_taken = self.options.condition == WriteCondition::Absent
            && self.to.exists(self.key.as_str()).await.unwrap_or(false);
        if !is_taken {
            return error;
        }
        Error::new(ErrorKind::Precondition, "there is an object already")
            .with_key(self.key)
            .with_source(error)
    }

    async fn through_here(&self) -> Result<Copied> {
        let tags = match &self.options.tags {
            Some(tags) => Some(tags.clone()),
            None => self.tags().await?,
        };
        let tagged = tags.as_ref().is_some_and(|tags| !tags.is_empty());
        let unasked = self.options.tags.is_none();
        let streamed = |receipt, tags_kept| Copied { receipt, way: Way::Streamed, tags_kept };
        match self.stream(tags.clone().unwrap_or_default()).await {
            // The destination keeps no tags, which nobody asked for by name.
            Err(error) if error.kind() == ErrorKind::Unsupported && tagged && unasked => {
                Ok(streamed(self.stream(Vec::new()).await?, false))
            }
            other => Ok(streamed(other?, tags.is_some())),
        }
    }

    /// The source's tags; none where it cannot be found out whether there are any.
    async fn tags(&self) -> Result<Option<Vec<(String, String)>>> {
        match self.from.tags(self.source.as_str()).await {
            Ok(tags) => Ok(Some(tags)),
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends the source's bytes while they come.
    async fn stream(&self, tags: Vec<(String, String)>) -> Result<Receipt> {
        let opened = self.from.get_with(self.source.as_str(), &self.look()).await;
        let object = opened.map_err(|error| match error.kind() {
            ErrorKind::Precondition if self.seen.is_some() => changed(self.source).with_source(error),
            _ => error,
        })?;
        // A server may answer whatever the condition says.
        if self.seen.is_some_and(|seen| !seen.is_same_object(&object.metadata)) {
            return Err(changed(self.source));
        }
        let (size, sha256) = (object.metadata.size, object.metadata.sha256);
        let put = self.put(object.metadata, tags);
        let mut reader = ObjectReader::new(object.stream);
        let result = Box::pin(self.to.put_stream(self.key, Awaited(&mut reader), Some(size), &put)).await;
        let receipt = match reader.error {
            // The reader can say only that reading failed; this is why.
            Some(error) => return Err(error),
            None => result?,
        };
        let same = sha256.is_none() || receipt.sha256.is_none() || receipt.sha256 == sha256;
        if receipt.size != size || !same {
            return Err(Error::new(ErrorKind::Integrity, "the copy differs from its source")
                .with_key(self.key)
                .with_fact("size", receipt.size)
                .with_fact("expected", size));
        }
        Ok(receipt)
    }

    fn put(&self, source: Metadata, tags: Vec<(String, String)>) -> PutOptions {
        let options = self.options;
        let expires = source.expires.filter(|_| options.attributes.is_none());
        let mut attributes = options.attributes.clone().unwrap_or(source.attributes);
        let is_own = options.attributes.is_some()
            || is_one_service(self.from.backend().as_ref(), self.to.backend().as_ref());
        // One service's classes mean nothing to another.
        attributes.storage_class = attributes.storage_class.filter(|_| is_own);
        PutOptions {
            attributes,
            tags,
            acl: options.acl,
            encryption: options.encryption.clone(),
            condition: options.condition.clone(),
            progress: options.progress.clone(),
            expires,
            ..PutOptions::default()
        }
    }
}

/// The condition that the source is still the one that was seen.
pub(super) fn pinned(seen: &Metadata) -> ReadConditions {
    ReadConditions { if_match: seen.etag.clone(), ..ReadConditions::default() }
}

/// The source is no longer what was to be copied.
pub(super) fn changed(key: &Key) -> Error {
    Error::new(ErrorKind::Changed, "the source was replaced meanwhile").with_key(key)
}

/// Reads an object's stream, and keeps the error that ends it.
struct ObjectReader {
    stream: ObjectStream,
    piece: Bytes,
    error: Option<Error>,
}

impl ObjectReader {
    fn new(stream: ObjectStream) -> Self {
        Self { stream, piece: Bytes::new(), error: None }
    }
}

impl AsyncRead for ObjectReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.piece.is_empty() {
            match ready!(self.stream.poll_next_unpin(context)) {
                Some(Ok(piece)) => self.piece = piece,
                Some(Err(error)) => {
                    self.error = Some(error);
                    return Poll::Ready(Err(io::Error::other("the source cannot be read")));
                }
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = self.piece.len().min(into.remaining());
        into.put_slice(&self.piece.split_to(length));
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    fn reader(pieces: Vec<Result<Bytes>>) -> ObjectReader {
        ObjectReader::new(Box::pin(futures_util::stream::iter(pieces)))
    }

    #[tokio::test]
    async fn pieces_of_any_size_are_read_in_order() {
        let mut reader = reader(vec![Ok("ab".into()), Ok(Bytes::new()), Ok("cde".into())]);
        let mut all = Vec::new();
        reader.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, b"abcde");
    }

    #[tokio::test]
    async fn why_the_source_failed_is_kept() {
        let broken = Error::new(ErrorKind::Incomplete, "body ended early");
        let mut reader = reader(vec![Ok("ab".into()), Err(broken)]);
        assert!(reader.read_to_end(&mut Vec::new()).await.is_err());
        assert_eq!(reader.error.unwrap().kind(), ErrorKind::Incomplete);
    }
}
