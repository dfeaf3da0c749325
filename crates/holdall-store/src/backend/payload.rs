//! Takes a put's bytes in, and holds a source to its word.

use crate::error::{Error, ErrorKind, Result};
use crate::{Payload, Sha256, Source};
use bytes::Bytes;
use futures_util::StreamExt;
use std::io;

/// A source's promise is not trusted with more memory than this before its bytes come.
const MAX_RESERVE: u64 = 1 << 20;

/// Takes all bytes into memory of the store's own: a caller's buffer may be a piece of a larger one, or lent.
///
/// # Errors
///
/// `Changed` for a source that is longer or shorter than it said, `Io` for one that cannot be read.
pub(crate) async fn take(payload: Payload) -> Result<Bytes> {
    match payload {
        Payload::Empty => Ok(Bytes::new()),
        Payload::Bytes(bytes) | Payload::Hashed(bytes, _) => Ok(Bytes::copy_from_slice(&bytes)),
        Payload::Source(source) => read(&*source).await,
    }
}

async fn read(source: &dyn Source) -> Result<Bytes> {
    let promised = source.len();
    let mut bytes = Vec::with_capacity(promised.min(MAX_RESERVE) as usize);
    let mut pieces = source.open();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(unreadable)?);
        if bytes.len() as u64 > promised {
            return Err(changed("the source grew while it was read", promised));
        }
    }
    if (bytes.len() as u64) < promised {
        return Err(changed("the source shrank while it was read", promised));
    }
    Ok(bytes.into())
}

/// The digest that bytes come with.
pub(crate) fn announced(payload: &Payload) -> Option<Sha256> {
    match payload {
        Payload::Empty | Payload::Bytes(_) => None,
        Payload::Hashed(_, digest) => Some(*digest),
        Payload::Source(source) => source.sha256(),
    }
}

/// Refuses bytes that do not have the digest they came with, as a server refuses a wrong signed payload.
pub(crate) fn check_digest(promised: Option<Sha256>, found: Option<Sha256>) -> Result<()> {
    match (promised, found) {
        (Some(promised), Some(found)) if promised != found => {
            Err(Error::new(ErrorKind::Integrity, "the bytes do not have the SHA-256 that was announced")
                .with_fact("announced", promised)
                .with_fact("found", found))
        }
        _ => Ok(()),
    }
}

pub(crate) fn changed(message: &str, promised: u64) -> Error {
    Error::new(ErrorKind::Changed, message).with_fact("bytes", promised)
}

pub(crate) fn unreadable(error: io::Error) -> Error {
    let message = "reading the payload failed";
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::new(ErrorKind::Changed, message).with_source(error),
        _ => Error::io(message, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SourceStream;
    use futures_util::stream;
    use std::sync::Arc;

    /// Says one length and gives pieces of another.
    struct Liar(u64, &'static [&'static str]);

    impl Source for Liar {
        fn len(&self) -> u64 {
            self.0
        }

        fn sha256(&self) -> Option<Sha256> {
            None
        }

        fn open(&self) -> SourceStream {
            let pieces = self.1.iter().map(|piece| match *piece {
                "cut" => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
                "denied" => Err(io::Error::from(io::ErrorKind::PermissionDenied)),
                piece => Ok(Bytes::from_static(piece.as_bytes())),
            });
            Box::pin(stream::iter(pieces.collect::<Vec<_>>()))
        }
    }

    #[tokio::test]
    async fn a_source_is_held_to_its_length() {
        let table: [(u64, &'static [&'static str], Result<&str, ErrorKind>); 6] = [
            (5, &["he", "", "llo"], Ok("hello")),
            (0, &[], Ok("")),
            (4, &["he", "llo"], Err(ErrorKind::Changed)),
            (6, &["he", "llo"], Err(ErrorKind::Changed)),
            (5, &["he", "cut"], Err(ErrorKind::Changed)),
            (5, &["he", "denied"], Err(ErrorKind::Io)),
        ];
        for (length, pieces, wanted) in table {
            let got = take(Payload::Source(Arc::new(Liar(length, pieces)))).await;
            assert_eq!(got.map_err(|e| e.kind()), wanted.map(Bytes::from), "{length} {pieces:?}");
        }
    }
}
