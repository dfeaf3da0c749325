//! `holdall cp`

use super::{Outcome, put};
use crate::app::App;
use crate::target::Target;
use bytes::Bytes;
use clap::Args;
use futures_util::StreamExt;
use holdall::{
    CopyOptions, Error, ErrorKind, Location, Object, ObjectStream, Prefix, PutOptions, Receipt, Result, Store,
};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

const AFTER: &str = "\
Within one bucket the server copies. Between two the bytes are streamed through, content
headers and user metadata go along, and tags do not.

Examples:
  holdall cp runs/7/report.pdf published/
  holdall cp s3://results/a.bin s3://archive/2024/a.bin";

/// Copies an object
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Cp {
    /// The key to copy
    source: String,
    /// The copy's key, or PREFIX/ to which the last name is appended
    #[arg(value_name = "KEY|PREFIX/")]
    destination: String,
}

impl Cp {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let source = Target::parse(&self.source)?;
        let destination = Target::parse(&self.destination)?;
        let destination =
            if destination.is_folder() { destination.with_name(source.file_name()?) } else { destination };
        let (from, to) = (app.store(&source)?, app.store(&destination)?);
        let receipt = if from.settings().store == to.settings().store {
            from.copy(&source.key, &destination.key, &CopyOptions::default()).await?
        } else if let Some(bucket) = shared_bucket(&from, &to) {
            let (from, to) = (below_prefix(&from, &source.key), below_prefix(&to, &destination.key));
            app.store_at(Some(&bucket))?.copy(&from, &to, &CopyOptions::default()).await?
        } else {
            stream(from.get(&source.key).await?, &to, &destination.key).await?
        };
        put::print(&receipt, app)
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
async fn stream(object: Object, to: &Store, key: &str) -> Result<Receipt> {
    let expected = object.metadata.sha256;
    let size = object.metadata.size;
    let mut attributes = object.metadata.attributes;
    // One service's classes mean nothing to another.
    attributes.storage_class = None;
    let options = PutOptions { attributes, ..PutOptions::default() };
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
