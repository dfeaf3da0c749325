//! Where the bytes of a stream come from.

use super::buffers::Buffer;
use crate::error::{Error, ErrorKind, Result};
use std::io::{self, Read};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Something that gives bytes until its end.
pub(super) trait Feed: Send {
    /// Reads until a buffer has `size` bytes or there are no more.
    fn fill(&mut self, buffer: Buffer, size: usize) -> impl Future<Output = Result<Buffer>> + Send;
}

/// A reader that is waited for.
pub(super) struct Awaited<R>(pub(super) R);

impl<R: AsyncRead + Send + Unpin> Feed for Awaited<R> {
    async fn fill(&mut self, mut buffer: Buffer, size: usize) -> Result<Buffer> {
        while buffer.bytes.len() < size {
            let left = (size - buffer.bytes.len()) as u64;
            if (&mut self.0).take(left).read_buf(&mut buffer.bytes).await.map_err(unreadable)? == 0 {
                break;
            }
        }
        Ok(buffer)
    }
}

/// A reader that blocks: it fills each buffer on a thread where that disturbs nobody, and needs no thread in between.
pub(super) struct Blocking<R>(Option<R>);

impl<R: Read + Send + 'static> Blocking<R> {
    pub(super) fn new(reader: R) -> Self {
        Self(Some(reader))
    }
}

impl<R: Read + Send + 'static> Feed for Blocking<R> {
    async fn fill(&mut self, mut buffer: Buffer, size: usize) -> Result<Buffer> {
        let cancelled = || Error::new(ErrorKind::Cancelled, "reading was cancelled");
        let mut reader = self.0.take().ok_or_else(cancelled)?;
        let task = tokio::task::spawn_blocking(move || {
            let left = (size - buffer.bytes.len()) as u64;
            let read = reader.by_ref().take(left).read_to_end(&mut buffer.bytes);
            (reader, read.map(|_| buffer))
        });
        let (reader, read) = task.await.map_err(|e| cancelled().with_source(e))?;
        self.0 = Some(reader);
        read.map_err(unreadable)
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::io("the input cannot be read", error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::buffers::Buffers;

    const SIZE: usize = 1024;

    /// Gives a few bytes at a time, and at last a fault or an end.
    struct Drops {
        left: usize,
        fails: bool,
    }

    impl Read for Drops {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.left == 0 && self.fails {
                return Err(io::Error::other("the source is gone"));
            }
            let n = into.len().min(self.left).min(7);
            into[..n].fill(b'x');
            self.left -= n;
            Ok(n)
        }
    }

    async fn filled(feed: &mut impl Feed, size: usize) -> Result<usize> {
        let buffers = Buffers::new(1 << 20, 1 << 16, 1);
        let buffer = feed.fill(buffers.take(size).await, size).await?;
        assert!(buffer.bytes.iter().all(|byte| *byte == b'x'));
        assert_eq!(buffer.bytes.capacity(), size, "it is no larger than what it was counted as");
        Ok(buffer.bytes.len())
    }

    /// The sizes of all buffers until one is not full, and how it ended.
    async fn sizes(mut feed: impl Feed) -> (Vec<usize>, Option<ErrorKind>) {
        let mut sizes = Vec::new();
        loop {
            match filled(&mut feed, SIZE).await {
                Ok(SIZE) => sizes.push(SIZE),
                Ok(size) => return ([sizes, vec![size]].concat(), None),
                Err(error) => return (sizes, Some(error.kind())),
            }
        }
    }

    #[tokio::test]
    async fn both_kinds_fill_buffers_until_the_end_or_a_fault() {
        for (all, wanted) in [
            (0, vec![0]),
            (SIZE - 1, vec![SIZE - 1]),
            (2 * SIZE, vec![SIZE, SIZE, 0]),
            (2 * SIZE + 1, vec![SIZE, SIZE, 1]),
        ] {
            assert_eq!(sizes(Blocking::new(Drops { left: all, fails: false })).await, (wanted.clone(), None));
            assert_eq!(sizes(Awaited(&*vec![b'x'; all])).await, (wanted, None));
        }
        let failing = sizes(Blocking::new(Drops { left: SIZE + 5, fails: true })).await;
        assert_eq!(failing, (vec![SIZE], Some(ErrorKind::Io)));
    }
}
