//! Fetches the ranges of an object into a file, several at once, all of them of one object.

use super::arrival::Arrival;
use super::plan::PartPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object};
use crate::store::Store;
use crate::{Progress, Range};
use futures_util::StreamExt;
use holdall_s3::{ChecksumAlgorithm, Running};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Kept ranges are read again in pieces of this size.
const PIECE: usize = 256 * 1024;

/// What is fetched into which file.
pub(super) struct Wanted {
    pub(super) key: Key,
    pub(super) file: Arc<File>,
    /// Where the plan begins in the object.
    pub(super) begin: u64,
    pub(super) plan: PartPlan,
    /// The object that all ranges must be of.
    pub(super) pinned: Pinned,
    /// Whether checksums of the ranges are wanted, because they are noted.
    pub(super) sums: bool,
}

/// The object that all ranges must be of.
pub(super) struct Pinned {
    etag: Option<String>,
    size: u64,
    options: GetOptions,
}

impl Pinned {
    pub(super) fn of(metadata: &Metadata, options: &GetOptions) -> Self {
        let mut options = options.clone();
        options.version = options.version.or_else(|| metadata.version.clone());
        options.conditions.if_match.clone_from(&metadata.etag);
        Self { etag: metadata.etag.clone(), size: metadata.size, options }
    }
}

/// A range that the file has.
enum Done {
    /// Now, with its checksum where it is wanted.
    Fetched(u32, Option<String>),
    /// From an earlier process.
    Kept,
}

/// Ranges under way: tasks of their own, so that all cores receive and write.
struct Fetcher<'a> {
    store: &'a Store,
    wanted: Arc<Wanted>,
    arrival: &'a mut Arrival,
    tasks: JoinSet<Result<Done>>,
}

/// Brings all ranges that a file does not have, and takes note of those that are done. One of them may come by a stream
/// that is open at its beginning, and may go on behind it.
///
/// # Errors
///
/// `Changed` when the object is replaced meanwhile.
pub(super) async fn fetch_ranges(
    store: &Store,
    wanted: Wanted,
    arrival: &mut Arrival,
    opened: Option<(u32, Object)>,
) -> Result<()> {
    let mut fetcher = Fetcher { store, wanted: Arc::new(wanted), arrival, tasks: JoinSet::new() };
    let result = fetcher.run(opened).await;
    fetcher.stop().await;
    result
}

impl Fetcher<'_> {
    async fn run(&mut self, opened: Option<(u32, Object)>) -> Result<()> {
        let most = self.store.settings().concurrency.clamp(1, 8);
        let first = opened.as_ref().map(|(index, _)| *index);
        if let Some((index, object)) = opened {
            let wanted = self.wanted.clone();
            self.tasks.spawn(async move { wanted.write(object, index).await });
        }
        for index in (0..self.wanted.plan.count()).filter(|index| Some(*index) != first) {
            while self.tasks.len() >= most {
                self.join().await?;
            }
            let (store, wanted) = (self.store.clone(), self.wanted.clone());
            let kept = self.arrival.written.remove(&index);
            self.tasks.spawn(async move { wanted.bring(&store, index, kept).await });
        }
        while !self.tasks.is_empty() {
            self.join().await?;
        }
        Ok(())
    }

    async fn join(&mut self) -> Result<()> {
        if let Some(finished) = self.tasks.join_next().await {
            self.note(joined(finished)?);
        }
        Ok(())
    }

    fn note(&mut self, done: Done) {
        if let (Some(notes), Done::Fetched(index, Some(sum))) = (&mut self.arrival.notes, done) {
            notes.note(&self.wanted.plan.range(index), sum);
        }
    }

    /// Takes note of what was done before a failure, and ends the rest.
    async fn stop(mut self) {
        while let Some(finished) = self.tasks.try_join_next() {
            if let Ok(done) = joined(finished) {
                self.note(done);
            }
        }
        self.tasks.shutdown().await;
    }
}

impl Wanted {
    /// Makes sure that the file has a range.
    async fn bring(self: Arc<Self>, store: &Store, index: u32, kept: Option<String>) -> Result<Done> {
        let Some(sum) = kept else { return self.fetch(store, index).await };
        if self.clone().has(index, sum).await? {
            let range = self.plan.range(index);
            self.count(range.end - range.start);
            return Ok(Done::Kept);
        }
        tracing::debug!(key = %self.key, index, "the file does not have the range that was noted");
        self.fetch(store, index).await
    }

    /// Whether the file still has what was noted: somebody, or a power cut, may have changed it since.
    async fn has(self: Arc<Self>, index: u32, sum: String) -> Result<bool> {
        let read = move || match sum_of(&self.file, self.plan.range(index)) {
            Ok(found) => Ok(found == sum),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(Error::io("the temporary file cannot be read", error)),
        };
        let joined = tokio::task::spawn_blocking(read).await;
        joined
            .unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "reading was cancelled").with_source(e)))
    }

    async fn fetch(&self, store: &Store, index: u32) -> Result<Done> {
        let range = self.plan.range(index);
        let mut options = self.pinned.options.clone();
        options.range = Some(Range::Bounded { start: self.begin + range.start, end: self.begin + range.end });
        let object = match store.backend().get(&self.key, &options).await {
            Err(error) if error.kind() == ErrorKind::Precondition => return Err(replaced()),
            other => other?,
        };
        let same = object.metadata.etag == self.pinned.etag && object.metadata.size == self.pinned.size;
        if !same {
            return Err(replaced());
        }
        self.write(object, index).await
    }

    /// Writes a range that a stream has at its beginning.
    async fn write(&self, object: Object, index: u32) -> Result<Done> {
        let range = self.plan.range(index);
        let mut sum = self.sums.then(|| Running::new(ChecksumAlgorithm::Crc64Nvme));
        let into = Into { file: &self.file, offset: range.start, sum: sum.as_mut() };
        write_stream(object, into, range.end - range.start, self.pinned.options.progress.as_ref()).await?;
        Ok(Done::Fetched(index, sum.map(|sum| sum.finish().value)))
    }

    fn count(&self, bytes: u64) {
        if let Some(progress) = &self.pinned.options.progress {
            progress.add(bytes);
        }
    }
}

fn replaced() -> Error {
    Error::new(ErrorKind::Changed, "the object was replaced while it was read")
}

fn joined(result: std::result::Result<Result<Done>, tokio::task::JoinError>) -> Result<Done> {
    result.unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "a range's task ended").with_source(e)))
}

/// The checksum of a range of a file.
fn sum_of(file: &File, range: std::ops::Range<u64>) -> std::io::Result<String> {
    let mut sum = Running::new(ChecksumAlgorithm::Crc64Nvme);
    let mut buffer = vec![0; PIECE];
    let mut at = range.start;
    while at < range.end {
        let n = buffer.len().min(usize::try_from(range.end - at).unwrap_or(usize::MAX));
        file.read_exact_at(&mut buffer[..n], at)?;
        sum.update(&buffer[..n]);
        at += n as u64;
    }
    Ok(sum.finish().value)
}

/// Where a stream is written, and what is computed of it on the way.
pub(super) struct Into<'a> {
    pub(super) file: &'a File,
    pub(super) offset: u64,
    pub(super) sum: Option<&'a mut Running>,
}

/// Writes `len` bytes of a stream at an offset of a file.
pub(super) async fn write_stream(
    mut object: Object,
    mut into: Into<'_>,
    len: u64,
    progress: Option<&Progress>,
) -> Result<()> {
    let mut at = 0;
    while at < len {
        let Some(piece) = object.stream.next().await else {
            return Err(Error::new(ErrorKind::Incomplete, "the object ended early"));
        };
        let mut piece = piece?;
        piece.truncate(usize::try_from(len - at).unwrap_or(usize::MAX));
        if let Some(sum) = &mut into.sum {
            sum.update(&piece);
        }
        crate::disk::write_at(into.file, &piece, into.offset + at)
            .map_err(|e| Error::io("the file cannot be written", e))?;
        at += piece.len() as u64;
        if let Some(progress) = progress {
            progress.add(piece.len() as u64);
        }
    }
    // Only at its end does the stream say whether the digest is right.
    if at == object.range.end - object.range.start
        && let Some(more) = object.stream.next().await
    {
        more?;
    }
    Ok(())
}
