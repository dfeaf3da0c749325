//! Files as sources: what they were when they were opened, and whether they stayed so.

use crate::Sha256;
use crate::backend::ReadAt;
use crate::backend::read_at::pass;
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{Checksum, ChecksumAlgorithm};
use rustix::buffer::spare_capacity;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io;
use std::ops::Range;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

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
    pub(crate) fn of(file: File, path: &Path) -> Result<Self> {
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

    pub(crate) fn handle(&self) -> &File {
        &self.file
    }

    pub(super) fn identity(&self) -> Identity {
        self.identity
    }

    /// The bytes of a range.
    pub(super) fn part(&self, range: Range<u64>) -> Arc<dyn ReadAt> {
        Arc::new(FilePart { file: self.clone(), range })
    }

    /// Reads the bytes from `start` until the buffer has `len` more.
    pub(crate) fn read_at(&self, into: &mut Vec<u8>, start: u64, len: usize) -> Result<()> {
        let end = into.len() + len;
        into.reserve_exact(len);
        while into.len() < end {
            let at = start + (len - (end - into.len())) as u64;
            if self.read_some(into, at)? == 0 {
                return Err(changed());
            }
        }
        // There may have been room for more.
        into.truncate(end);
        Ok(())
    }

    /// Reads all of it into a buffer that is empty.
    pub(crate) fn read_all(&self, into: &mut Vec<u8>) -> Result<()> {
        let size = self.size() as usize;
        // There is room for one byte more: a file that grew is told from one that did not.
        into.reserve_exact(size + 1);
        loop {
            let at = into.len() as u64;
            if self.read_some(into, at)? == 0 || into.len() >= size {
                break;
            }
        }
        if into.len() != size {
            return Err(changed());
        }
        self.still_the_same()
    }

    /// Reads as many bytes as a buffer has room for, or as there are.
    fn read_some(&self, into: &mut Vec<u8>, at: u64) -> Result<usize> {
        loop {
            match rustix::io::pread(&*self.file, spare_capacity(into), at) {
                Err(Errno::INTR) => {}
                read => return read.map_err(|e| read_error(e.into())),
            }
        }
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
        self.digest(0..self.size(), stop)
    }

    /// Hashes all of it as what it would be in parts of this size.
    pub(super) fn composite(&self, part_size: u64) -> Result<String> {
        let starts = (0..self.size().max(1)).step_by(usize::try_from(part_size.max(1)).unwrap_or(usize::MAX));
        let never = AtomicBool::new(false);
        let part = |start: u64| self.digest(start..(start + part_size).min(self.size()), &never);
        let parts = starts.map(part).collect::<Result<Vec<_>>>()?;
        Ok(crate::integrity::composite(parts.into_iter()))
    }

    fn digest(&self, range: Range<u64>, stop: &AtomicBool) -> Result<Sha256> {
        let part = FilePart { file: self.clone(), range };
        let checksums = pass(&part, &[ChecksumAlgorithm::Sha256], stop)?;
        let sha256 = checksums.first().and_then(Checksum::sha256);
        Ok(sha256.expect("it is the algorithm that was asked for"))
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

/// A range of a file.
struct FilePart {
    file: Opened,
    range: Range<u64>,
}

impl ReadAt for FilePart {
    fn len(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn read_at(&self, into: &mut Vec<u8>, start: u64, len: usize) -> Result<()> {
        self.file.read_at(into, self.range.start + start, len)
    }

    fn still_the_same(&self) -> Result<()> {
        self.file.still_the_same()
    }
}
