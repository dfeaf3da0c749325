//! Bytes that are read where they lie, in small pieces: memory does not follow how many are sent.

use crate::error::{Error, ErrorKind, Result};
use crate::{Sha256, Source, SourceStream};
use bytes::Bytes;
use holdall_s3::{Checksum, ChecksumAlgorithm, Running};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Bytes are read in pieces of this size: they stay in a core's cache while they are hashed or sent.
pub(crate) const PIECE: u64 = 256 * 1024;

/// Bytes that can be read at any place, as often as needed.
pub trait ReadAt: Send + Sync {
    /// How many there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds the `len` bytes from `start` on to a buffer.
    ///
    /// # Errors
    ///
    /// `Changed` where there are not so many any more, `Io` where they cannot be read.
    fn read_at(&self, into: &mut Vec<u8>, start: u64, len: usize) -> Result<()>;

    /// Says whether the bytes are what they were.
    ///
    /// # Errors
    ///
    /// `Changed`.
    fn still_the_same(&self) -> Result<()>;
}

/// Reads all bytes.
pub(crate) fn read_all(bytes: &dyn ReadAt) -> Result<Bytes> {
    let mut all = Vec::new();
    bytes.read_at(&mut all, 0, bytes.len() as usize)?;
    bytes.still_the_same()?;
    Ok(all.into())
}

/// Computes checksums of all bytes in one pass, where that disturbs nobody. Dropped, it is given up.
pub(crate) async fn checksums_of(
    bytes: Arc<dyn ReadAt>,
    algorithms: Vec<ChecksumAlgorithm>,
) -> Result<Vec<Checksum>> {
    if algorithms.is_empty() {
        return Ok(Vec::new());
    }
    let stop = Stop(Arc::new(AtomicBool::new(false)));
    let told = stop.0.clone();
    let task = tokio::task::spawn_blocking(move || pass(&*bytes, &algorithms, &told));
    let cancelled = |e| Error::new(ErrorKind::Cancelled, "hashing was cancelled").with_source(e);
    task.await.map_err(cancelled)?
}

struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Computes checksums of all bytes in one pass, unless it is told to stop, which is an error.
pub(crate) fn pass(
    bytes: &dyn ReadAt,
    algorithms: &[ChecksumAlgorithm],
    stop: &AtomicBool,
) -> Result<Vec<Checksum>> {
    let mut running: Vec<Running> = algorithms.iter().map(|algorithm| Running::new(*algorithm)).collect();
    let (mut piece, mut at) = (Vec::with_capacity(PIECE.min(bytes.len()) as usize), 0);
    while at < bytes.len() {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "hashing was given up"));
        }
        let len = PIECE.min(bytes.len() - at);
        piece.clear();
        bytes.read_at(&mut piece, at, len as usize)?;
        running.iter_mut().for_each(|running| running.update(&piece));
        at += len;
    }
    bytes.still_the_same()?;
    Ok(running.into_iter().map(Running::finish).collect())
}

/// Bytes that are read while they are sent, with checksums that were computed before.
///
/// They are read on the spot: the pass before has brought them into the kernel's cache.
pub(crate) struct Checked {
    pub(crate) bytes: Arc<dyn ReadAt>,
    pub(crate) checksums: Vec<Checksum>,
}

impl Source for Checked {
    fn len(&self) -> u64 {
        self.bytes.len()
    }

    fn sha256(&self) -> Option<Sha256> {
        self.checksums.iter().find_map(Checksum::sha256)
    }

    fn checksum(&self, algorithm: ChecksumAlgorithm) -> Option<Checksum> {
        self.checksums.iter().find(|checksum| checksum.algorithm == algorithm).cloned()
    }

    fn open(&self) -> SourceStream {
        let bytes = self.bytes.clone();
        Box::pin(futures_util::stream::try_unfold(0, move |at| {
            let bytes = bytes.clone();
            async move {
                let len = PIECE.min(bytes.len() - at);
                if len == 0 {
                    return Ok(None);
                }
                let piece = piece(&*bytes, at, len).map_err(told)?;
                Ok(Some((piece, at + len)))
            }
        }))
    }
}

/// A fault as the one who sends takes it: bytes that are not what they were are told from those that cannot be read.
fn told(error: Error) -> io::Error {
    match error.kind() {
        ErrorKind::Changed => io::Error::new(io::ErrorKind::UnexpectedEof, error),
        _ => io::Error::other(error),
    }
}

fn piece(bytes: &dyn ReadAt, at: u64, len: u64) -> Result<Bytes> {
    let mut piece = Vec::with_capacity(len as usize);
    bytes.read_at(&mut piece, at, len as usize)?;
    // The last piece is held back when the bytes are not what was hashed: nothing is stored of them.
    if at + len == bytes.len() {
        bytes.still_the_same()?;
    }
    Ok(piece.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;

    /// So many bytes, which change after so many readings.
    struct Counted {
        len: u64,
        left: std::sync::atomic::AtomicI64,
    }

    impl ReadAt for Counted {
        fn len(&self) -> u64 {
            self.len
        }

        fn read_at(&self, into: &mut Vec<u8>, start: u64, len: usize) -> Result<()> {
            self.left.fetch_sub(1, Ordering::SeqCst);
            into.extend((start..start + len as u64).map(|n| (n % 251) as u8));
            Ok(())
        }

        fn still_the_same(&self) -> Result<()> {
            match self.left.load(Ordering::SeqCst) {
                ..0 => Err(Error::new(ErrorKind::Changed, "it changed")),
                _ => Ok(()),
            }
        }
    }

    fn counted(len: u64, readings: i64) -> Arc<dyn ReadAt> {
        Arc::new(Counted { len, left: readings.into() })
    }

    #[tokio::test]
    async fn pieces_are_all_the_bytes_and_checksums_are_of_them() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 7] {
            let bytes = counted(len, 100);
            let all: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let algorithms = ChecksumAlgorithm::ALL.to_vec();
            let checksums = checksums_of(bytes.clone(), algorithms.clone()).await.unwrap();
            assert!(checksums.iter().cloned().eq(algorithms.iter().map(|algorithm| algorithm.compute(&all))));
            let checked = Checked { bytes: bytes.clone(), checksums };
            assert_eq!(checked.sha256(), Some(crate::sha256(&all)));
            for _ in 0..2 {
                let pieces: Vec<Bytes> = checked.open().try_collect().await.unwrap();
                assert_eq!(pieces.concat(), all);
            }
            assert_eq!(read_all(&*bytes).unwrap(), all);
        }
    }

    #[tokio::test]
    async fn bytes_that_change_are_held_back() {
        let bytes = counted(2 * PIECE, 3);
        let checksums = checksums_of(bytes.clone(), vec![ChecksumAlgorithm::Crc32c]).await.unwrap();
        let mut pieces = Checked { bytes: bytes.clone(), checksums }.open();
        assert_eq!(pieces.try_next().await.unwrap().unwrap().len() as u64, PIECE);
        let held_back = pieces.try_next().await.unwrap_err();
        assert_eq!(held_back.kind(), io::ErrorKind::UnexpectedEof);
        let unreadable = told(Error::io("it cannot be read", io::Error::other("a bad sector")));
        assert_eq!(unreadable.kind(), io::ErrorKind::Other, "a disk that fails changed nothing");
        let found = checksums_of(bytes.clone(), vec![ChecksumAlgorithm::Sha256]).await;
        assert_eq!(found.unwrap_err().kind(), ErrorKind::Changed);
        assert_eq!(read_all(&*bytes).unwrap_err().kind(), ErrorKind::Changed);
    }
}
