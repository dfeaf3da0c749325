//! Writes an object to a file: small ones by one stream, large ones by ranges at once.

use super::landing::Temporary;
use super::plan::PartPlan;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object};
use crate::store::Store;
use crate::{Progress, Range};
use futures_util::StreamExt;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

impl Store {
    /// Writes an object to a file, which appears whole or not at all; large objects are read in ranges at once.
    ///
    /// # Errors
    ///
    /// `Changed` when the object is replaced while it is read, `Integrity` when its recorded digest does not match,
    /// `Full` without space. After an error the file is what it was before.
    pub async fn get_to_file(&self, key: &str, path: &Path, options: &GetOptions) -> Result<Metadata> {
        let key = Key::parse(key)?;
        let object = self.get_with(key.as_str(), options).await?;
        let temporary = Temporary::at(path)?;
        if let Some(progress) = &options.progress {
            progress.expect(object.range.end - object.range.start);
            progress.complete();
        }
        self.land(&key, object, temporary, options).await
    }

    /// Writes an opened object to a file begun.
    pub(super) async fn land(
        &self,
        key: &Key,
        object: Object,
        temporary: Temporary,
        options: &GetOptions,
    ) -> Result<Metadata> {
        let metadata = object.metadata.clone();
        let size = object.range.end - object.range.start;
        let progress = options.progress.as_ref().map(Progress::part);
        // Without an ETag nothing proves that ranges are of one object.
        let by_ranges = metadata.etag.is_some() && size >= 2 * self.settings().part_size;
        let whole = size == metadata.size;
        let result = if whole && self.backend().copy_to_file(&metadata, &temporary.file()).await? {
            if let Some(progress) = &progress {
                progress.add(size);
            }
            Ok(())
        } else if by_ranges {
            temporary.reserve(size)?;
            let options = GetOptions { progress, ..options.clone() };
            self.land_by_ranges(key, object, temporary.file(), &options).await
        } else {
            write_stream(object, &temporary.file(), 0, size, progress.as_ref()).await
        };
        result.map_err(|e| e.with_key(key))?;
        temporary.commit()?;
        Ok(metadata)
    }

    /// The stream that is open brings the first part; the others are asked for one by one, pinned to its `ETag`.
    async fn land_by_ranges(
        &self,
        key: &Key,
        object: Object,
        file: Arc<File>,
        options: &GetOptions,
    ) -> Result<()> {
        let begin = object.range.start;
        let limits = self.backend().limits();
        let plan = PartPlan::new(object.range.end - begin, self.settings().part_size, limits)?;
        let pinned = Pinned::of(&object.metadata, options);
        let mut tasks = JoinSet::new();
        let first = plan.range(0);
        let (into, progress) = (file.clone(), options.progress.clone());
        tasks.spawn(async move { write_stream(object, &into, 0, first.end, progress.as_ref()).await });
        let most = self.settings().concurrency.clamp(1, 8);
        for index in 1..plan.count() {
            while tasks.len() >= most {
                joined(tasks.join_next().await)?;
            }
            let (store, key, pinned, file, range) =
                (self.clone(), key.clone(), pinned.clone(), file.clone(), plan.range(index));
            tasks.spawn(async move { store.land_range(&key, &pinned, &file, begin, range).await });
        }
        while !tasks.is_empty() {
            joined(tasks.join_next().await)?;
        }
        Ok(())
    }

    async fn land_range(
        &self,
        key: &Key,
        pinned: &Pinned,
        file: &Arc<File>,
        begin: u64,
        range: std::ops::Range<u64>,
    ) -> Result<()> {
        let mut options = pinned.options.clone();
        options.range = Some(Range::Bounded { start: begin + range.start, end: begin + range.end });
        let object = match self.backend().get(key, &options).await {
            Err(error) if error.kind() == ErrorKind::Precondition => return Err(replaced()),
            other => other?,
        };
        let same = object.metadata.etag == pinned.etag && object.metadata.size == pinned.size;
        if !same {
            return Err(replaced());
        }
        let progress = pinned.options.progress.as_ref();
        write_stream(object, file, range.start, range.end - range.start, progress).await
    }
}

fn replaced() -> Error {
    Error::new(ErrorKind::Changed, "the object was replaced while it was read")
}

/// The object that all ranges must be of.
#[derive(Clone)]
struct Pinned {
    etag: Option<String>,
    size: u64,
    options: GetOptions,
}

impl Pinned {
    fn of(metadata: &Metadata, options: &GetOptions) -> Self {
        let mut options = options.clone();
        options.version = options.version.or_else(|| metadata.version.clone());
        options.conditions.if_match.clone_from(&metadata.etag);
        Self { etag: metadata.etag.clone(), size: metadata.size, options }
    }
}

fn joined(result: Option<std::result::Result<Result<()>, tokio::task::JoinError>>) -> Result<()> {
    match result {
        None => Ok(()),
        Some(Ok(result)) => result,
        Some(Err(error)) => Err(Error::new(ErrorKind::Cancelled, "a range's task ended").with_source(error)),
    }
}

/// Writes `len` bytes of a stream at an offset of a file.
async fn write_stream(
    mut object: Object,
    file: &File,
    offset: u64,
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
        file.write_all_at(&piece, offset + at).map_err(|e| Error::io("the file cannot be written", e))?;
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
