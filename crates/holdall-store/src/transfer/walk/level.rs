//! The names of one folder in order, whatever their number.

use super::Manner;
use crate::transfer::sync::{Sorted, Sorter};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};
use rustix::io::Errno;
use rustix::path::Arg;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

/// How much of a folder is read by one call.
const READ: usize = 64 * 1024;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Other,
    /// It could not be looked at.
    Unknown,
}

impl Kind {
    const ALL: [Self; 5] = [Self::File, Self::Folder, Self::Link, Self::Other, Self::Unknown];

    fn of(kind: FileType) -> Self {
        match kind {
            FileType::RegularFile => Self::File,
            FileType::Directory => Self::Folder,
            FileType::Symlink => Self::Link,
            _ => Self::Other,
        }
    }
}

/// A folder under way.
pub(super) struct Level {
    pub(super) at: OwnedFd,
    /// With a slash at its end, but that of the top is empty.
    pub(super) relative: String,
    /// Device and inode, to notice a link that leads back.
    pub(super) id: (u64, u64),
    names: Sorted,
}

pub(super) fn open(at: impl AsFd, name: impl Arg, follow: bool) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let flags = if follow { flags } else { flags | OFlags::NOFOLLOW };
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?)
}

pub(super) fn look(at: &OwnedFd, name: &[u8], follow: bool) -> Result<Stat, Errno> {
    rustix::fs::statat(at, name, if follow { AtFlags::empty() } else { AtFlags::SYMLINK_NOFOLLOW })
}

impl Level {
    /// Reads and sorts a folder's names, and answers what kept it from reading more of them.
    ///
    /// # Errors
    ///
    /// What keeps the names from being sorted.
    pub(super) fn read(
        at: OwnedFd,
        id: (u64, u64),
        relative: String,
        manner: &Manner,
        bound: usize,
    ) -> io::Result<(Self, Option<io::Error>)> {
        let mut sorter = Sorter::new(bound, manner.scratch.clone());
        let mut buffer = vec![MaybeUninit::uninit(); READ];
        let mut entries = RawDir::new(&at, &mut buffer);
        let mut fault = None;
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                // It was empty, and somebody removed it since it was opened.
                Err(Errno::NOENT) => break,
                Err(error) => {
                    fault = Some(error.into());
                    break;
                }
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let kind = kind_of(&at, name, entry.file_type(), manner.follow);
            let slash: &[u8] = if kind == Kind::Folder { b"/" } else { b"" };
            // No name has a NUL: behind it nothing counts for the order.
            sorter.push(&[name, slash, &[0, kind as u8]])?;
        }
        Ok((Self { at, relative, id, names: sorter.sorted()? }, fault))
    }

    pub(super) fn size(&self) -> usize {
        self.names.size()
    }
}

impl Iterator for Level {
    type Item = io::Result<(Vec<u8>, Kind)>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = self.names.next()?;
        Some(record.map(|mut record| {
            let kind = record.pop().and_then(|kind| Kind::ALL.get(usize::from(kind))).copied();
            record.pop();
            (record, kind.unwrap_or(Kind::Unknown))
        }))
    }
}

fn kind_of(at: &OwnedFd, name: &[u8], listed: FileType, follow: bool) -> Kind {
    match listed {
        FileType::Symlink if !follow => Kind::Link,
        FileType::Symlink | FileType::Unknown => look(at, name, follow)
            .map_or(Kind::Unknown, |stat| Kind::of(FileType::from_raw_mode(stat.st_mode))),
        kind => Kind::of(kind),
    }
}
