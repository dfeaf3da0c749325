//! What is found out of bytes while they pass: their size, their digest, whether they are UTF-8.

use holdall_store::Sha256;
use ring::digest::{Context, SHA256};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// What was found out so far.
#[derive(Clone)]
pub(super) struct Seen {
    size: u64,
    digest: Context,
    utf8: Utf8,
}

/// What was found out in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    pub(super) is_utf8: bool,
}

impl Seen {
    pub(super) fn new() -> Self {
        Self { size: 0, digest: Context::new(&SHA256), utf8: Utf8::default() }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        self.digest.update(bytes);
        self.utf8.update(bytes);
    }

    pub(super) fn finish(self) -> Found {
        let mut sha256 = [0; 32];
        sha256.copy_from_slice(self.digest.finish().as_ref());
        Found { size: self.size, sha256: Sha256(sha256), is_utf8: self.utf8.is_whole() }
    }

    /// What is found out of bytes at hand.
    pub(super) fn of(bytes: &[u8]) -> Found {
        let is_utf8 = std::str::from_utf8(bytes).is_ok();
        Found { size: bytes.len() as u64, sha256: holdall_store::sha256(bytes), is_utf8 }
    }
}

/// Whether pieces, put together, are UTF-8.
#[derive(Clone, Default)]
struct Utf8 {
    /// The beginning of a character that the last piece cut.
    tail: Vec<u8>,
    is_broken: bool,
}

impl Utf8 {
    fn update(&mut self, mut bytes: &[u8]) {
        // A character has four bytes at most.
        while !self.tail.is_empty() && !self.is_broken {
            let Some((first, rest)) = bytes.split_first() else { return };
            self.tail.push(*first);
            bytes = rest;
            match std::str::from_utf8(&self.tail) {
                Ok(_) => self.tail.clear(),
                Err(error) => self.is_broken = error.error_len().is_some(),
            }
        }
        if self.is_broken {
            return;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            self.is_broken = error.error_len().is_some();
            self.tail = bytes[error.valid_up_to()..].to_vec();
        }
    }

    fn is_whole(&self) -> bool {
        !self.is_broken && self.tail.is_empty()
    }
}

/// A reader that looks at what passes. Only what was found out when it has ended counts.
pub(super) struct Hashing<R> {
    reader: R,
    seen: Arc<Mutex<Seen>>,
}

impl<R> Hashing<R> {
    pub(super) fn new(reader: R) -> (Self, Arc<Mutex<Seen>>) {
        let seen = Arc::new(Mutex::new(Seen::new()));
        (Self { reader, seen: seen.clone() }, seen)
    }
}

/// What a reader's end has found out.
pub(super) fn found(seen: &Mutex<Seen>) -> Found {
    seen.lock().unwrap_or_else(PoisonError::into_inner).clone().finish()
}

impl<R: AsyncRead + Unpin> AsyncRead for Hashing<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.reader).poll_read(context, buffer))?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_in_pieces_are_what_they_are_as_a_whole() {
        for bytes in
            ["a\u{e9}\u{20ac}\u{1f600}z".as_bytes(), b"\xff", b"ab\xe2\x82", b"\xe2\x28\xa1", b"", b"\x80a"]
        {
            for size in 1..=5 {
                let mut seen = Seen::new();
                bytes.chunks(size).for_each(|piece| seen.update(piece));
                assert_eq!(seen.finish(), Seen::of(bytes), "{bytes:?} by {size}");
            }
        }
    }
}
