//! The store as blocking calls see it, and where in it an object is.

use super::lock::Locks;
use super::names::{is_path, odd, split};
use super::record::Identity;
use super::root::Root;
use crate::disk::{SEARCH, fault, open_beneath};
use crate::error::{Error, Result};
use crate::key::Key;
use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;

/// A folder that is a store. Its calls block.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) root: Root,
    pub(super) locks: Locks,
}

/// An object's file, by its place.
#[derive(Debug)]
pub(super) struct Found {
    /// Relative to the store.
    pub(super) path: String,
    /// The folder that it is in.
    pub(super) folder: OwnedFd,
    pub(super) identity: Identity,
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
    /// The places that a key may be at, the first that has a file being it.
    fn places(&self, at: &OwnedFd, key: &Key) -> impl Iterator<Item = String> + use<> {
        let key = key.as_str();
        let plain = is_path(key).then(|| key.to_owned());
        plain.into_iter().chain(Some(self.odd(at, key)))
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
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
            || !self.is_spelled(at, &folder, name)?
        {
            return Ok(Look::None);
        }
        Ok(Look::Object(Found { folder, identity: Identity::of_stat(&stat), path }))
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
        // A FIFO would wait for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = match open_beneath(at, path, flags) {
            Ok(file) => File::from(file),
            Err(error) if is_no_object(error) => return Ok(None),
            // A device may refuse to be opened, and is no object all the same.
            Err(error) => {
                return match self.find_at(at, path.to_owned())? {
                    None => Ok(None),
                    Some(_) => Err(fault("the object cannot be opened", error)),
                };
            }
        };
        let metadata = file.metadata().map_err(|e| Error::io("the object cannot be looked at", e))?;
        if !metadata.is_file() {
            return Ok(None);
        }
        if self.root.kind(at).folds_case {
            let (above, name) = split(path);
            let folder = open_beneath(at, above, SEARCH)
                .map_err(|e| fault("the object's folder cannot be opened", e))?;
            if !self.is_spelled(at, &folder, name)? {
                return Ok(None);
            }
        }
        let identity = Identity::of(&file).map_err(|e| Error::io("the object cannot be looked at", e))?;
        Ok(Some(Opened { file, identity }))
    }

    /// Whether a folder has a name in exactly these letters, where the file system finds it by others too.
    fn is_spelled(&self, at: &OwnedFd, folder: &OwnedFd, name: &str) -> Result<bool> {
        if !self.root.kind(at).folds_case {
            return Ok(true);
        }
        let failed = |e| fault("the object's folder cannot be read", e);
        for entry in rustix::fs::Dir::read_from(folder).map_err(failed)? {
            if entry.map_err(failed)?.file_name().to_bytes() == name.as_bytes() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
