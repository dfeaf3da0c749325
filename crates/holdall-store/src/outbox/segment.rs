//! A file that one process appends to: a head of its own, then frames.

use super::ground::Ground;
use crate::disk::{fault, unique};
use crate::error::{Error, Result};
use holdall_s3::crc32c;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;

/// The bytes before the first frame.
pub(super) const HEAD: u64 = 32;
const MAGIC: &[u8; 14] = b"holdall.outbox";
const VERSION: u16 = 1;

/// A segment's name.
pub(super) fn log_name(segment: u64) -> String {
    format!("{segment:016x}.log")
}

/// The name of the table of a segment that nobody appends to any more.
pub(super) fn table_name(segment: u64) -> String {
    format!("{segment:016x}.table")
}

pub(super) fn head(segment: u64) -> [u8; HEAD as usize] {
    let mut head = [0; HEAD as usize];
    head[..14].copy_from_slice(MAGIC);
    head[14..16].copy_from_slice(&VERSION.to_le_bytes());
    head[16..24].copy_from_slice(&segment.to_le_bytes());
    let crc = crc32c(&head[..24]);
    head[24..28].copy_from_slice(&crc.to_le_bytes());
    head
}

/// Which segments there are, and whether each has a table and a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Files {
    pub(super) log: bool,
    pub(super) table: bool,
}

/// Lists the segments of a folder; answers how many files there are besides.
pub(super) fn list(folder: &OwnedFd) -> Result<(BTreeMap<u64, Files>, usize)> {
    let failed = |e: Errno| fault("the outbox cannot be listed", e);
    let mut found: BTreeMap<u64, Files> = BTreeMap::new();
    let mut foreign = 0;
    for entry in rustix::fs::Dir::read_from(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy();
        let number = |digits: &str| u64::from_str_radix(digits, 16).ok().filter(|_| digits.len() == 16);
        match name.split_once('.').map(|(digits, kind)| (number(digits), kind)) {
            Some((Some(segment), "log")) => found.entry(segment).or_default().log = true,
            Some((Some(segment), "table")) => found.entry(segment).or_default().table = true,
            Some((Some(_), "new")) => {}
            _ if name == "." || name == ".." => {}
            _ => foreign += 1,
        }
    }
    Ok((found, foreign))
}

/// Opens a segment to be read; none when it is not there.
pub(super) fn open(ground: &Ground, segment: u64) -> Result<Option<File>> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::openat(&ground.queue, log_name(segment), flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(fault("a segment of the outbox cannot be opened", error)),
    }
}

/// A segment that this process alone appends to, for as long as it has this.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) number: u64,
    pub(super) file: Arc<File>,
    /// Behind the last frame that is on the disk.
    pub(super) end: u64,
    pub(super) frames: usize,
}

impl Segment {
    /// Makes a segment; it is on the disk, with its name, when this returns.
    pub(super) fn make(ground: &Ground) -> Result<Self> {
        let failed = |e| fault("a segment of the outbox cannot be made", e);
        let number = unique();
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file: File = rustix::fs::openat(&ground.queue, log_name(number), flags, Mode::RUSR | Mode::WUSR)
            .map_err(failed)?
            .into();
        rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive).map_err(failed)?;
        let begun = begin(ground, &file, number);
        if begun.is_err()
            && let Err(error) = rustix::fs::unlinkat(&ground.queue, log_name(number), AtFlags::empty())
        {
            tracing::warn!(segment = number, %error, "an empty segment is left behind");
        }
        begun?;
        Ok(Self { number, file: Arc::new(file), end: HEAD, frames: 0 })
    }

    /// Takes up a segment that its process left whole; none where another process has it, or has removed it.
    pub(super) fn take_up(ground: &Ground, number: u64, end: u64, frames: usize) -> Result<Option<Self>> {
        let Some(file) = open(ground, number)? else { return Ok(None) };
        let segment = lock(file)?.map(|file| Self { number, file: Arc::new(file), end, frames });
        match segment {
            // Somebody appended to it in the moment before it was locked, or left something half written.
            Some(segment) if length(&segment.file)? != end => Ok(None),
            other => Ok(other),
        }
    }

    /// Writes frames behind the last, and answers when they are on the disk.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let unsynced = |e| Error::io("what was written to the outbox may not be on the disk", e);
        self.file
            .write_all_at(bytes, self.end)
            .map_err(|e| Error::io("the outbox cannot be written to", e))?;
        self.file.sync_data().map_err(unsynced)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Takes back what was written behind the last frame; answers whether that could be done.
    pub(super) fn cut_back(&self) -> bool {
        match self.file.set_len(self.end) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(segment = log_name(self.number), %error, "a segment cannot be cut back");
                false
            }
        }
    }

    /// Whether it still has its name.
    pub(super) fn is_named(&self) -> Result<bool> {
        let looked = self.file.metadata();
        let looked = looked.map_err(|e| Error::io("a segment of the outbox cannot be looked at", e))?;
        Ok(looked.nlink() > 0)
    }
}

fn begin(ground: &Ground, file: &File, number: u64) -> Result<()> {
    let failed = |e| Error::io("a segment of the outbox cannot be written", e);
    file.write_all_at(&head(number), 0).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    rustix::fs::fsync(&ground.queue).map_err(|e| fault("a segment of the outbox cannot be named", e))
}

/// Locks a segment unless somebody has it, or it has been removed.
pub(super) fn lock(file: File) -> Result<Option<File>> {
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(None),
        other => other.map_err(|e| fault("a segment of the outbox cannot be locked", e))?,
    }
    let looked = file.metadata().map_err(|e| Error::io("a segment of the outbox cannot be looked at", e))?;
    Ok((looked.nlink() > 0).then_some(file))
}

pub(super) fn length(file: &File) -> Result<u64> {
    let looked = file.metadata().map_err(|e| Error::io("a segment of the outbox cannot be looked at", e))?;
    Ok(looked.len())
}
