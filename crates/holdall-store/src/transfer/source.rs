//! Files as sources: what they were when they were opened, and whether they stayed so.

use super::whole::finished;
use crate::error::{Error, ErrorKind, Result};
use crate::{Sha256, Source, SourceStream};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

/// Files are read in pieces of this size where not in parts.
const PIECE: usize = 256 * 1024;

/// The kernel's clock for times of files stands still for so long at most, and a little.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// The same where times are kept to the second, or to two.
const COARSE_TICK: Duration = Duration::from_secs(3);

/// A regular file, open, as it was when it was opened.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    file: Arc<File>,
    identity: Identity,
}

/// By what a file is recognised as one that nobody has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    pub(super) size: u64,
    pub(super) modified: (i64, i64),
    pub(super) changed: (i64, i64),
}

impl Identity {
    pub(super) fn of_stat(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            modified: (stat.st_mtime, stat.st_mtime_nsec as i64),
            changed: (stat.st_ctime, stat.st_ctime_nsec as i64),
        }
    }

    /// Whether a change after this moment would show: not while the clock may still give the same time.
    pub(super) fn is_settled(&self, now: SystemTime) -> bool {
        let is_coarse = self.modified.1 == 0 && self.changed.1 == 0;
        let latest = self.modified.max(self.changed);
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let age = since.as_nanos() as i128 - (i128::from(latest.0) * 1_000_000_000 + i128::from(latest.1));
        age >= (if is_coarse { COARSE_TICK } else { TICK }).as_nanos() as i128
    }

    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl Opened {
    /// Opens a regular file; with `follow` a symbolic link leads to one.
    pub(crate) fn open(path: &Path, follow: bool) -> Result<Self> {
        // A FIFO without a writer would block the open itself.
        let flags = rustix::fs::OFlags::NONBLOCK.union(rustix::fs::OFlags::CLOEXEC);
        let flags = if follow { flags } else { flags.union(rustix::fs::OFlags::NOFOLLOW) };
        let fault = |e: io::Error| open_error(path, e);
        let file = File::options().read(true).custom_flags(flags.bits() as i32).open(path).map_err(fault)?;
        Self::of(file, path)
    }

    /// Takes a file that is open.
    pub(super) fn of(file: File, path: &Path) -> Result<Self> {
        let metadata = file.metadata().map_err(|e| open_error(path, e))?;
        if metadata.is_dir() {
            return Err(Error::new(ErrorKind::InvalidInput, "this is a folder, not a file")
                .with_fact("path", path.display())
                .with_hint("use push for folders"));
        }
        if !metadata.is_file() {
            return Err(Error::new(ErrorKind::InvalidInput, "this is no regular file")
                .with_fact("path", path.display()));
        }
        Ok(Self { identity: Identity::of(&metadata), file: Arc::new(file) })
    }

    pub(crate) fn size(&self) -> u64 {
        self.identity.size
    }

    pub(super) fn handle(&self) -> &File {
        &self.file
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// Reads the bytes from `start` until the buffer has `len` more.
    pub(crate) fn read_at(&self, into: &mut Vec<u8>, start: u64, len: usize) -> Result<()> {
        let from = into.len();
        into.resize(from + len, 0);
        self.file.read_exact_at(&mut into[from..], start).map_err(read_error)
    }

    /// Reads all of it.
    pub(crate) fn read_all(&self) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(self.size() as usize);
        // One byte more is asked for: a file that grew is told from one that did not.
        (&*self.file).take(self.size() + 1).read_to_end(&mut bytes).map_err(read_error)?;
        if bytes.len() as u64 != self.size() {
            return Err(changed());
        }
        self.still_the_same()?;
        Ok(bytes.into())
    }

    /// Says whether the file is what it was when it was opened.
    pub(crate) fn still_the_same(&self) -> Result<()> {
        let now = self.file.metadata().map_err(|e| Error::io("file cannot be looked at", e))?;
        if Identity::of(&now) == self.identity { Ok(()) } else { Err(changed()) }
    }

    /// Hashes all of it.
    pub(crate) fn sha256(&self) -> Result<Sha256> {
        self.sha256_unless(&AtomicBool::new(false))
    }

    /// Hashes all of it, unless it is told to stop, which is an error.
    pub(super) fn sha256_unless(&self, stop: &AtomicBool) -> Result<Sha256> {
        let digest = self.digest(0..self.size(), stop)?;
        self.still_the_same()?;
        Ok(digest)
    }

    /// Hashes all of it as what it would be in parts of this size.
    pub(super) fn composite(&self, part_size: u64) -> Result<String> {
        let starts = (0..self.size().max(1)).step_by(usize::try_from(part_size.max(1)).unwrap_or(usize::MAX));
        let never = AtomicBool::new(false);
        let part = |start: u64| self.digest(start..(start + part_size).min(self.size()), &never);
        let parts = starts.map(part).collect::<Result<Vec<_>>>()?;
        self.still_the_same()?;
        Ok(crate::integrity::composite(parts.into_iter()))
    }

    fn digest(&self, range: std::ops::Range<u64>, stop: &AtomicBool) -> Result<Sha256> {
        let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
        let mut buffer = vec![0; PIECE];
        let mut at = range.start;
        while at < range.end {
            if stop.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Cancelled, "hashing was given up"));
            }
            let n = buffer.len().min((range.end - at) as usize);
            self.file.read_exact_at(&mut buffer[..n], at).map_err(read_error)?;
            digest.update(&buffer[..n]);
            at += n as u64;
        }
        Ok(finished(digest))
    }
}

fn changed() -> Error {
    Error::new(ErrorKind::Changed, "the file changed while it was read")
}

fn read_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => changed(),
        _ => Error::io("file cannot be read", error),
    }
}

fn open_error(path: &Path, error: io::Error) -> Error {
    let fault = match error.kind() {
        io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, "there is no such file").with_hint("check the path")
        }
        io::ErrorKind::PermissionDenied => {
            Error::new(ErrorKind::PermissionDenied, "the file may not be read")
                .with_hint("check the file's permissions and owner")
        }
        _ => Error::io("the file cannot be opened", error),
    };
    fault.with_fact("path", path.display())
}

/// A file that is sent while it is read, after it was hashed.
pub(crate) struct FileSource {
    pub(crate) file: Opened,
    pub(crate) sha256: Sha256,
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.file.size()
    }

    fn sha256(&self) -> Option<Sha256> {
        Some(self.sha256)
    }

    fn open(&self) -> SourceStream {
        let file = self.file.clone();
        Box::pin(futures_util::stream::try_unfold(0, move |at| {
            let file = file.clone();
            async move {
                let n = PIECE.min((file.size() - at) as usize);
                if n == 0 {
                    return Ok(None);
                }
                let read = move || {
                    let mut bytes = Vec::with_capacity(n);
                    file.read_at(&mut bytes, at, n)?;
                    // The last piece is held back when the file is not what was hashed: nothing is stored of it.
                    if at + n as u64 == file.size() {
                        file.still_the_same()?;
                    }
                    Ok::<_, Error>(bytes)
                };
                let bytes = tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?;
                let bytes = bytes.map_err(|e| io::Error::new(io::ErrorKind::UnexpectedEof, e))?;
                Ok(Some((Bytes::from(bytes), at + n as u64)))
            }
        }))
    }
}
