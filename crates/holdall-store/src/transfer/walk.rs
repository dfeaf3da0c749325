//! Walks a folder, entry by entry, in memory that follows its depth and not its size.

use super::landing::is_temporary;
use crate::error::{Error, ErrorKind};
use crate::key::RESERVED;
use std::fs::{FileType, ReadDir};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What the walk meets.
#[derive(Debug)]
pub(super) enum Entry {
    /// A regular file, and its path relative to the folder.
    File { path: PathBuf, relative: String },
    /// Left out, and why.
    Skipped { path: PathBuf, relative: String, reason: &'static str },
    /// Cannot be read or named.
    Failed { path: PathBuf, error: Error },
}

/// A walk under way.
pub(super) struct Walk {
    stack: Vec<Level>,
    follow: bool,
}

struct Level {
    entries: ReadDir,
    path: PathBuf,
    relative: String,
    /// Device and inode, to notice a link that leads back.
    id: (u64, u64),
}

impl Walk {
    pub(super) fn new(folder: &Path, follow: bool) -> io::Result<Self> {
        let mut walk = Self { stack: Vec::new(), follow };
        walk.enter(folder.to_owned(), String::new())?;
        Ok(walk)
    }

    fn enter(&mut self, path: PathBuf, relative: String) -> io::Result<()> {
        let metadata = std::fs::metadata(&path)?;
        let id = (metadata.dev(), metadata.ino());
        if self.stack.iter().any(|level| level.id == id) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "a symbolic link leads back to a folder above it",
            ));
        }
        self.stack.push(Level { entries: std::fs::read_dir(&path)?, path, relative, id });
        Ok(())
    }

    fn entry(&mut self, entry: io::Result<std::fs::DirEntry>) -> Option<Entry> {
        let level = self.stack.last()?;
        let entry = match entry {
            Ok(entry) => entry,
            Err(e) => return Some(failed(level.path.clone(), "the folder cannot be read", e)),
        };
        let path = entry.path();
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            let error =
                Error::new(ErrorKind::InvalidInput, "the file's name is not UTF-8 and cannot be a key");
            return Some(Entry::Failed { path, error });
        };
        let relative = match level.relative.as_str() {
            "" => name,
            folder => format!("{folder}/{name}"),
        };
        match entry.file_type() {
            Ok(kind) => self.visit(path, relative, kind),
            Err(e) => Some(failed(path, "the file cannot be looked at", e)),
        }
    }

    fn visit(&mut self, path: PathBuf, relative: String, kind: FileType) -> Option<Entry> {
        let kind = match kind.is_symlink() {
            false => kind,
            true if !self.follow => return Some(Entry::Skipped { path, relative, reason: "symbolic link" }),
            true => match std::fs::metadata(&path) {
                Ok(target) => target.file_type(),
                Err(e) => return Some(failed(path, "the symbolic link leads nowhere", e)),
            },
        };
        if kind.is_dir() && relative == RESERVED {
            return Some(own_folder(path, relative));
        }
        if kind.is_dir() {
            return match self.enter(path.clone(), relative) {
                Ok(()) => None,
                Err(e) => Some(failed(path, "the folder cannot be read", e)),
            };
        }
        if kind.is_file() && is_temporary(relative.rsplit('/').next().unwrap_or(&relative)) {
            return Some(Entry::Skipped { path, relative, reason: "a download under way" });
        }
        if kind.is_file() {
            return Some(Entry::File { path, relative });
        }
        Some(Entry::Skipped { path, relative, reason: "neither a file nor a folder" })
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
        Ok(None) | Err(_) => return Entry::Skipped { path, relative, reason: "holdall's own" },
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
            let level = self.stack.last_mut()?;
            match level.entries.next() {
                None => {
                    self.stack.pop();
                }
                Some(entry) => {
                    if let Some(found) = self.entry(entry) {
                        return Some(found);
                    }
                }
            }
        }
    }
}
