//! The way of an object inside a store or between two, for `cp` and `mv`.

use crate::app::App;
use crate::target::Target;
use bytes::Bytes;
use futures_util::StreamExt;
use holdall::{
    CopyOptions, Error, ErrorKind, GetOptions, Key, Location, Metadata, Object, ObjectStream, Prefix,
    Progress, PutOptions, ReadConditions, Receipt, Result, Store, WriteCondition,
};
use serde::Serialize;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// Where an object is and where it is to be.
pub(super) struct Route {
    pub(super) from: End,
    pub(super) to: End,
    /// Both ends are in one store, which copies by itself.
    pub(super) inside: bool,
}

/// A key in a store.
pub(super) struct End {
    pub(super) store: Store,
    pub(super) key: String,
    /// The key as it was given, where the store is the bucket around it.
    pub(super) shown: String,
}

/// What a copy answered, and who made it.
pub(super) struct Copied {
    pub(super) receipt: Receipt,
    /// The store itself, so that tags went along.
    pub(super) by_the_store: bool,
}

/// What would be done.
#[derive(Serialize)]
struct PlannedRecord<'a> {
    source: &'a str,
    key: &'a str,
    size: u64,
    dry_run: bool,
}

impl Route {
    /// Reads the two ends; a destination that is a folder gets the source's last name.
    pub(super) fn parse(source: &str, destination: &str, app: &mut App) -> Result<Self> {
        let source = Target::parse(source)?;
        let destination = Target::parse(destination)?;
        let destination =
            if destination.is_folder() { destination.with_name(source.file_name()?) } else { destination };
        let (from, to) = (app.store(&source)?, app.store(&destination)?);
        let inside = from.settings().store == to.settings().store;
        if !inside && let Some(bucket) = shared_bucket(&from, &to) {
            let bucket = app.store_at(Some(&bucket))?;
            let end = |store: &Store, shown: String| End {
                key: below_prefix(store, &shown),
                store: bucket.clone(),
                shown,
            };
            return Ok(Self { from: end(&from, source.key), to: end(&to, destination.key), inside: true });
        }
        let end = |store, key: String| End { store, shown: key.clone(), key };
        Ok(Self { from: end(from, source.key), to: end(to, destination.key), inside })
    }

    /// Copies the object, which must still be the one that was seen.
    ///
    /// The store does it where both ends are in it. An object that is too large for that, or a condition that the store
    /// decides for puts and not for copies, makes it a stream.
    ///
    /// # Errors
    ///
    /// `Changed` when it is another; `Precondition` when the destination does not fulfil the condition.
    pub(super) async fn copy(
        &self,
        seen: Option<&Metadata>,
        condition: WriteCondition,
        progress: Option<Progress>,
    ) -> Result<Copied> {
        let most = self.from.store.backend().limits().max_put;
        let mut by_the_store = self.inside && seen.is_none_or(|object| object.size <= most);
        let mut copied = None;
        if by_the_store {
            copied = match self.inside_store(seen, &condition).await {
                Err(error)
                    if error.kind() == ErrorKind::Unsupported && condition != WriteCondition::Always =>
                {
                    None
                }
                other => Some(other?),
            };
            by_the_store = copied.is_some();
        }
        let receipt = match copied {
            Some(receipt) => receipt,
            None => self.streamed(seen, condition, progress).await?,
        };
        Ok(Copied { receipt: Receipt { key: Key::parse(&self.to.shown)?, ..receipt }, by_the_store })
    }

    async fn inside_store(&self, seen: Option<&Metadata>, condition: &WriteCondition) -> Result<Receipt> {
        let conditions = pinned(seen);
        let free = *condition == WriteCondition::Always && conditions.if_match.is_some();
        let options = CopyOptions { conditions, condition: condition.clone(), ..CopyOptions::default() };
        match self.from.store.copy(&self.from.key, &self.to.key, &options).await {
            Err(error) if error.kind() == ErrorKind::Precondition && free => Err(as_changed(error)),
            Err(error) if error.kind() == ErrorKind::Precondition => Err(self.why_not(error).await),
            other => other,
        }
    }

    /// Of the condition on the source and the one on the copy the answer does not say which failed.
    async fn why_not(&self, error: Error) -> Error {
        match self.to.store.exists(&self.to.key).await {
            Ok(true) => Error::new(ErrorKind::Precondition, "there is an object already")
                .with_key(&self.to.shown)
                .with_source(error),
            _ => error,
        }
    }

    async fn streamed(
        &self,
        seen: Option<&Metadata>,
        condition: WriteCondition,
        progress: Option<Progress>,
    ) -> Result<Receipt> {
        let put = PutOptions { condition, progress, ..PutOptions::default() };
        let options = GetOptions { conditions: pinned(seen), ..GetOptions::default() };
        let object = self.from.store.get_with(&self.from.key, &options).await.map_err(as_changed)?;
        // A server may answer whatever the condition says.
        if seen.is_some_and(|seen| differs(seen, &object.metadata)) {
            return Err(changed(&self.from.shown));
        }
        stream(object, &self.to.store, &self.to.key, put).await
    }

    /// Says what would be done.
    pub(super) fn print_plan(&self, object: &Metadata, verb: &str, app: &mut App) -> io::Result<()> {
        let (source, key, size) = (&*self.from.shown, &*self.to.shown, object.size);
        if app.globals.json {
            return app.out.json(&PlannedRecord { source, key, size, dry_run: true });
        }
        app.out.name(key)?;
        app.report.summary(&format!("would {verb} {}", crate::text::bytes(size)));
        Ok(())
    }
}

/// The condition that the source is still the one that was seen.
fn pinned(seen: Option<&Metadata>) -> ReadConditions {
    ReadConditions { if_match: seen.and_then(|seen| seen.etag.clone()), ..ReadConditions::default() }
}

/// Whether what is there now is not what was there before.
pub(super) fn differs(before: &Metadata, now: &Metadata) -> bool {
    let identity =
        |object: &Metadata| (object.etag.clone(), object.size, object.last_modified, object.version.clone());
    identity(before) != identity(now)
}

/// The source is no longer what was to be copied.
pub(super) fn changed(key: &str) -> Error {
    Error::new(ErrorKind::Changed, "the source was replaced meanwhile").with_key(key)
}

/// A condition that only pins the source fails when that was replaced.
fn as_changed(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Precondition => {
            Error::new(ErrorKind::Changed, "the source was replaced while it was copied").with_source(error)
        }
        _ => error,
    }
}

/// The bucket that both stores are prefixes of.
fn shared_bucket(from: &Store, to: &Store) -> Option<Location> {
    match (&from.settings().store, &to.settings().store) {
        (Some(Location::S3 { bucket, .. }), Some(Location::S3 { bucket: other, .. })) if bucket == other => {
            Some(Location::S3 { bucket: bucket.clone(), prefix: Prefix::default() })
        }
        _ => None,
    }
}

/// The name in its bucket of a store's key.
fn below_prefix(store: &Store, key: &str) -> String {
    match &store.settings().store {
        Some(Location::S3 { prefix, .. }) if !prefix.as_str().is_empty() && !key.is_empty() => {
            format!("{prefix}/{key}")
        }
        _ => key.to_owned(),
    }
}

/// Sends an object's bytes to another store while they come.
async fn stream(object: Object, to: &Store, key: &str, options: PutOptions) -> Result<Receipt> {
    let expected = object.metadata.sha256;
    let size = object.metadata.size;
    let mut attributes = object.metadata.attributes;
    // One service's classes mean nothing to another.
    attributes.storage_class = None;
    let options = PutOptions { attributes, ..options };
    let mut reader = ObjectReader::new(object.stream);
    let result = to.put_reader(key, &mut reader, Some(size), &options).await;
    let receipt = match reader.error {
        // The reader can say only that reading failed; this is why.
        Some(error) => return Err(error),
        None => result?,
    };
    let same = expected.is_none() || receipt.sha256.is_none() || receipt.sha256 == expected;
    if receipt.size != size || !same {
        return Err(Error::new(ErrorKind::Integrity, "the copy differs from its source")
            .with_key(key)
            .with_fact("size", receipt.size)
            .with_fact("expected", size));
    }
    Ok(receipt)
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
    use holdall::Settings;
    use tokio::io::AsyncReadExt;

    fn at(url: &str) -> Store {
        let store = Some(Location::parse(url).unwrap());
        let settings = Settings { store, no_sign_request: true, ..Settings::default() };
        Store::from_settings(&settings).unwrap()
    }

    #[test]
    fn two_prefixes_of_a_bucket_share_it() {
        let shared = |from, to| shared_bucket(&at(from), &at(to)).map(|bucket| bucket.to_string());
        assert_eq!(shared("s3://b/p", "s3://b"), Some("s3://b".to_owned()));
        assert_eq!(shared("s3://a", "s3://b"), None);
        assert_eq!(shared("memory://x", "memory://x"), None);
    }

    #[test]
    fn an_empty_key_stays_empty_below_a_prefix() {
        for (store, key, full) in [("s3://b/p", "k", "p/k"), ("s3://b/p", "", ""), ("s3://b", "/k", "/k")] {
            assert_eq!(below_prefix(&at(store), key), full);
        }
    }

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
