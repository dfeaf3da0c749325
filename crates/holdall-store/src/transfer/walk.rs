//! Walks a folder in the bytewise order of relative keys, in memory that follows neither its size nor its depth.

mod level;

use super::Filter;
use super::landing::is_temporary;
use super::source::Identity;
use super::sync::Scratch;
use crate::error::{Error, ErrorKind};
use crate::key::RESERVED;
use level::{Kind, Level};
use rustix::fs::{AtFlags, FileType};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

/// What the walk meets.
#[derive(Debug)]
pub(super) enum Entry {
    /// A regular file that the filter takes.
    File { relative: String, identity: Identity },
    /// A folder, with a slash at its end; what is in it follows.
    Folder { relative: String },
    /// Left out, and why.
    Skipped { relative: String, reason: &'static str },
    /// Cannot be read or named.
    Failed { path: PathBuf, error: Error },
}

/// How a folder is walked.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    pub(super) filter: Filter,
    /// Follow symbolic links.
    pub(super) follow: bool,
    /// Where names go that do not fit into memory.
    pub(super) scratch: Scratch,
}

/// What the names of all folders under way may take, and the least that one of them has.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    all: usize,
    one: usize,
}

const BOUNDS: Bounds = Bounds { all: 4 << 20, one: 64 << 10 };

/// A walk under way. A folder sorts with its slash, as S3 sorts the keys in it.
pub(super) struct Walk {
    root: PathBuf,
    stack: Vec<Level>,
    pending: VecDeque<Entry>,
    manner: Manner,
    bounds: Bounds,
}

impl Walk {
    pub(super) fn new(folder: &Path, manner: Manner) -> io::Result<Self> {
        Self::bounded(folder, manner, BOUNDS)
    }

    fn bounded(folder: &Path, manner: Manner, bounds: Bounds) -> io::Result<Self> {
        let at = level::open(rustix::fs::CWD, folder, true)?;
        let mut walk =
            Self { root: folder.to_owned(), stack: Vec::new(), pending: VecDeque::new(), manner, bounds };
        walk.enter(at, String::new())?;
        Ok(walk)
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    fn enter(&mut self, at: std::os::fd::OwnedFd, relative: String) -> io::Result<()> {
        let held: usize = self.stack.iter().map(Level::size).sum();
        let bound = self.bounds.all.saturating_sub(held).max(self.bounds.one);
        let stat = rustix::fs::fstat(&at)?;
        let id = (stat.st_dev, stat.st_ino);
        if self.stack.iter().any(|level| level.id == id) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a symbolic link leads back to a folder above it",
            ));
        }
        let (level, fault) = Level::read(at, id, relative, &self.manner, bound)?;
        if let Some(fault) = fault {
            let path = self.path(&level.relative);
            self.pending.push_back(failed(path, "the folder cannot be read", fault));
        }
        self.stack.push(level);
        Ok(())
    }

    fn visit(&mut self, name: &[u8], kind: Kind) -> Option<Entry> {
        let level = self.stack.last()?;
        let Ok(name) = std::str::from_utf8(name) else {
            use std::os::unix::ffi::OsStrExt;
            let path = self.path(&level.relative).join(std::ffi::OsStr::from_bytes(name));
            let error =
                Error::new(ErrorKind::InvalidInput, "the file's name is not UTF-8 and cannot be a key");
            return Some(Entry::Failed { path, error });
        };
        let relative = format!("{}{name}", level.relative);
        match kind {
            Kind::Folder => self.folder(name, relative),
            Kind::File => self.file(name, relative),
            Kind::Link => Some(Entry::Skipped { relative, reason: "symbolic link" }),
            Kind::Other => Some(Entry::Skipped { relative, reason: "neither a file nor a folder" }),
            Kind::Unknown => Some(self.unknown(name, &relative)),
        }
    }

    fn folder(&mut self, name: &str, relative: String) -> Option<Entry> {
        let bare = relative.trim_end_matches('/');
        if bare == RESERVED {
            return Some(own_folder(self.path(bare), bare.to_owned()));
        }
        let level = self.stack.last()?;
        let opened = level::open(&level.at, name.trim_end_matches('/'), self.manner.follow);
        match opened.and_then(|at| self.enter(at, relative.clone())) {
            Ok(()) => Some(Entry::Folder { relative }),
            Err(e) => Some(failed(self.path(bare), "the folder cannot be read", e)),
        }
    }

    fn file(&self, name: &str, relative: String) -> Option<Entry> {
        if !self.manner.filter.takes(&relative) {
            return None;
        }
        if is_temporary(name) {
            return Some(Entry::Skipped { relative, reason: "a download under way" });
        }
        let stat = match level::look(&self.stack.last()?.at, name.as_bytes(), self.manner.follow) {
            Ok(stat) => stat,
            Err(e) => return Some(failed(self.path(&relative), "the file cannot be looked at", e.into())),
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            let error = Error::new(ErrorKind::Changed, "it became something else while the folder was read");
            return Some(Entry::Failed { path: self.path(&relative), error });
        }
        Some(Entry::File { relative, identity: Identity::of_stat(&stat) })
    }

    /// Says why it was not known what a name stands for.
    fn unknown(&self, name: &str, relative: &str) -> Entry {
        let at = self.stack.last().map(|level| &level.at);
        let again = at.map_or(Err(Errno::NOENT), |at| level::look(at, name.as_bytes(), self.manner.follow));
        let is_link = at.is_some_and(|at| {
            let stat = rustix::fs::statat(at, name, AtFlags::SYMLINK_NOFOLLOW);
            stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Symlink)
        });
        let message =
            if is_link { "the symbolic link leads nowhere" } else { "the file cannot be looked at" };
        let error = again.err().map_or_else(|| io::ErrorKind::NotFound.into(), io::Error::from);
        failed(self.path(relative), message, error)
    }
}

/// What is said of the folder that a store keeps for itself: objects in it whose keys can be no path are not left out
/// in silence.
fn own_folder(path: PathBuf, relative: String) -> Entry {
    match std::fs::read_dir(path.join("odd")).map(|mut entries| entries.next()) {
        Ok(Some(_)) => {}
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return failed(path, "what a store keeps for itself cannot be looked at", error);
        }
        Ok(None) | Err(_) => return Entry::Skipped { relative, reason: "holdall's own" },
    }
    let message = "this folder is a store, and objects in it have keys that are no paths";
    let hint = "copy these one by one with cp, from file:///… to the other store";
    Entry::Failed { path, error: Error::new(ErrorKind::InvalidInput, message).with_hint(hint) }
}

fn failed(path: PathBuf, message: &str, error: io::Error) -> Entry {
    Entry::Failed { path, error: Error::io(message, error) }
}

impl Iterator for Walk {
    type Item = Entry;

    fn next(&mut self) -> Option<Entry> {
        loop {
            if let Some(entry) = self.pending.pop_front() {
                return Some(entry);
            }
            let level = self.stack.last_mut()?;
            match level.next() {
                None => {
                    self.stack.pop();
                }
                Some(Ok((name, kind))) => {
                    if let Some(found) = self.visit(&name, kind) {
                        return Some(found);
                    }
                }
                Some(Err(e)) => {
                    let path = self.root.join(&level.relative);
                    self.stack.pop();
                    return Some(failed(path, "the folder's names cannot be sorted", e));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
