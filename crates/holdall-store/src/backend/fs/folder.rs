//! The store as blocking calls see it, and where in it an object is.

use super::history::VERSIONS;
use super::lock::Locks;
use super::names::{ODD, is_path, odd, split};
use super::record::Identity;
use super::root::Root;
use crate::disk::{SEARCH, fault, open_beneath, unique};
use crate::error::{Error, Result};
use crate::key::{Key, MAX_KEY};
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::{self, Errno};
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A folder that is a store. Its calls block.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) root: Root,
    pub(super) locks: Locks,
    /// What its keys had before; none where this is that.
    pub(super) history: Option<Arc<Self>>,
}

/// An object's file, by its place.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the store.
    pub(super) path: String,
    /// The folder that it is in.
    pub(super) folder: OwnedFd,
    pub(super) identity: Identity,
    /// Who may do what with the file.
    pub(super) mode: Mode,
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Look {
    /// An object.
    Object(Found),
    /// Nothing, in this folder.
    Free(OwnedFd),
    /// Nothing, and no folder either; or something that is no object.
    None,
}

/// An object's file, open.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) identity: Identity,
}

/// How often an object may be replaced while it is being opened.
const REPLACED_WHILE_OPENED: u32 = 64;

/// How often an object must be missed to be missing, where one that is being replaced may be missed.
const MISSES: u32 = 3;

/// Waits until a renaming that is under way in a path's folder has ended. FUSE has replaced a file before the kernel
/// finds the new one by its name, and looking for a name that it does not know waits for that.
fn wait_for_renaming(at: &OwnedFd, path: &str) {
    if let Ok(folder) = open_beneath(at, split(path).0, SEARCH) {
        let unknown = format!(".holdall-{:016x}", unique());
        // What it answers says nothing.
        rustix::fs::statat(&folder, unknown, AtFlags::SYMLINK_NOFOLLOW).ok();
    }
}

/// Whether an answer of the file system means that there is no object at a path: nothing is there, or something that
/// is no file, or it can be no path here at all.
pub(super) fn is_no_object(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOENT
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::ISDIR
            | Errno::NXIO
            | Errno::NAMETOOLONG
            | Errno::ILSEQ
            | Errno::INVAL
            | Errno::XDEV
    )
}

impl Folder {
    pub(super) fn new(root: Root) -> Self {
        let history = Self { root: root.inside(VERSIONS), locks: Locks::default(), history: None };
        Self { root, locks: Locks::default(), history: Some(Arc::new(history)) }
    }

    /// The longest key, in bytes: a version's name has its key in it, and more.
    pub(super) fn longest_key(&self) -> usize {
        if self.history.is_some() { MAX_KEY } else { 2 * MAX_KEY + 32 }
    }

    /// The places that a key may be at, the first that has a file being it.
    fn places(&self, at: &OwnedFd, key: &Key) -> impl Iterator<Item = String> + use<> {
        let plain = self.can_be_path(at, key).then(|| key.as_str().to_owned());
        plain.into_iter().chain(Some(self.odd(at, key.as_str())))
    }

    /// Whether a key can be a path of its own here.
    pub(super) fn can_be_path(&self, at: &OwnedFd, key: &Key) -> bool {
        // FAT drops dots at the end of a name, and Windows blanks as well.
        let is_cut = |name: &str| name.ends_with(['.', ' ']);
        is_path(key.as_str()) && !(self.root.kind(at).folds_case && key.as_str().split('/').any(is_cut))
    }

    pub(super) fn odd(&self, at: &OwnedFd, key: &str) -> String {
        odd(key, self.root.kind(at).folds_case)
    }

    /// Looks for an object's file; its key's lock is held.
    pub(super) fn find(&self, at: &OwnedFd, key: &Key) -> Result<Option<Found>> {
        for path in self.places(at, key) {
            if let Some(found) = self.find_at(at, path)? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Looks for a file at a path.
    pub(super) fn find_at(&self, at: &OwnedFd, path: String) -> Result<Option<Found>> {
        Ok(match self.look_at(at, path, SEARCH)? {
            Look::Object(found) => Some(found),
            Look::Free(_) | Look::None => None,
        })
    }

    /// Looks for a file at a path, and opens the folder that it is in by these flags.
    pub(super) fn look_at(&self, at: &OwnedFd, path: String, flags: OFlags) -> Result<Look> {
        let failed = |e| fault("the object cannot be looked for", e);
        let (above, name) = split(&path);
        let folder = match open_beneath(at, above, flags) {
            Err(error) if is_no_object(error) => return Ok(Look::None),
            other => other.map_err(failed)?,
        };
        let stat = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(Look::Free(folder)),
            Err(error) if is_no_object(error) => return Ok(Look::None),
            other => other.map_err(failed)?,
        };
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile || !self.is_spelled(at, &path)? {
            return Ok(Look::None);
        }
        let mode = Mode::from_raw_mode(stat.st_mode) & (Mode::RWXU | Mode::RWXG | Mode::RWXO);
        Ok(Look::Object(Found { folder, identity: Identity::of_stat(&stat), mode, path }))
    }

    /// Opens an object's file for reading.
    pub(super) fn open(&self, at: &OwnedFd, key: &Key) -> Result<Option<Opened>> {
        let places: Vec<String> = self.places(at, key).collect();
        // A write may have taken the object from the second place to the first while they were looked at.
        let again = places.len() > 1;
        for path in places.iter().chain(places.first().filter(|_| again)) {
            if let Some(opened) = self.open_at(at, path)? {
                return Ok(Some(opened));
            }
        }
        Ok(None)
    }

    fn open_at(&self, at: &OwnedFd, path: &str) -> Result<Option<Opened>> {
        let Some(file) = self.open_file(at, path)? else { return Ok(None) };
        let metadata = file.metadata().map_err(|e| Error::io("the object cannot be looked at", e))?;
        if !metadata.is_file() {
            return Ok(None);
        }
        if !self.is_spelled(at, path)? {
            return Ok(None);
        }
        let identity = Identity::of(&file).map_err(|e| Error::io("the object cannot be looked at", e))?;
        Ok(Some(Opened { file, identity }))
    }

    fn open_file(&self, at: &OwnedFd, path: &str) -> Result<Option<File>> {
        // A FIFO would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let mut misses = 0;
        for _ in 0..REPLACED_WHILE_OPENED {
            let error = match open_beneath(at, path, flags) {
                Ok(file) => return Ok(Some(File::from(file))),
                Err(error) => error,
            };
            // FUSE opens what it found by the name, and has nothing where that was replaced in between.
            let is_lost = matches!(error, Errno::NOENT | Errno::STALE);
            if is_lost && !self.root.kind(at).lasting_inodes {
                wait_for_renaming(at, path);
            }
            // A device may refuse to be opened, and is no object all the same.
            if is_no_object(error) && !is_lost {
                return Ok(None);
            }
            if self.find_at(at, path.to_owned())?.is_none() {
                misses += 1;
                if misses == MISSES || self.root.kind(at).lasting_inodes {
                    return Ok(None);
                }
            } else if !is_lost {
                return Err(fault("the object cannot be opened", error));
            }
        }
        // It also remembers names for a while that are gone.
        Ok(None)
    }

    /// Whether all names of a path are there in exactly these letters, where the file system finds them by others too.
    fn is_spelled(&self, at: &OwnedFd, path: &str) -> Result<bool> {
        Ok(self.spelling(at, path)? == Spelling::Exact)
    }

    /// Whether a path is there, or its beginning, in these letters or others.
    pub(super) fn spelling(&self, at: &OwnedFd, path: &str) -> Result<Spelling> {
        // What is holdall's own is written so that no two names differ in case alone.
        if !self.root.kind(at).folds_case || path.is_empty() || path.starts_with(ODD) {
            return Ok(Spelling::Exact);
        }
        for (end, _) in path.match_indices('/').chain(Some((path.len(), ""))) {
            let (above, name) = split(&path[..end]);
            match spelling_of(at, above, name).map_err(|e| fault("the object's folder cannot be read", e))? {
                Spelling::Exact => {}
                other => return Ok(other),
            }
        }
        Ok(Spelling::Exact)
    }
}

/// How a name is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Exact,
    /// Something has the name in other letters.
    Other,
    /// Nothing has it.
    Absent,
}

fn spelling_of(at: &OwnedFd, above: &str, name: &str) -> io::Result<Spelling> {
    let folder = match open_beneath(at, above, OFlags::RDONLY | OFlags::DIRECTORY) {
        Err(error) if is_no_object(error) => return Ok(Spelling::Absent),
        other => other?,
    };
    match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Err(error) if is_no_object(error) => return Ok(Spelling::Absent),
        other => other?,
    };
    for entry in rustix::fs::Dir::new(folder)? {
        if entry?.file_name().to_bytes() == name.as_bytes() {
            return Ok(Spelling::Exact);
        }
    }
    Ok(Spelling::Other)
}
