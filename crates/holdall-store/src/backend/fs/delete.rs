//! Deletes objects, and the folders that they leave empty.

use super::folder::{Folder, Found};
use super::names::split;
use super::publish::sidecar;
use super::root::{Born, born};
use super::versions::Keeping;
use crate::backend::conditions::check_delete;
use crate::disk::{fault, open_beneath};
use crate::error::Result;
use crate::key::Key;
use crate::object::DeleteFailure;
use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, OwnedFd};

/// What is to be fsynced before a deletion is acknowledged.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Folders that names were taken from, and which they were.
    changed: BTreeMap<String, Option<Born>>,
    /// Folders that may have had a name which another process took from them and has not fsynced.
    doubtful: BTreeSet<String>,
}

impl Folder {
    /// Deletes objects, and answers those that were not. What was not there is no failure.
    pub(super) fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        // There is nothing to delete where nothing can be read, and nothing is made for it.
        let Some(at) = self.root.for_reading()? else { return Ok(Vec::new()) };
        let mut failures = Vec::new();
        let mut touched = Touched::default();
        if self.keeping(&at)? != Keeping::None {
            for key in keys {
                if let Err(error) = self.delete_kept(key, None) {
                    failures.push(DeleteFailure { key: key.clone(), error: error.with_key(key) });
                }
            }
            return Ok(failures);
        }
        for key in keys {
            if let Err(error) = self.delete_one(&at, key, None, &mut touched) {
                failures.push(DeleteFailure { key: key.clone(), error: error.with_key(key) });
            }
        }
        self.sync_and_prune(&at, &mut touched)?;
        Ok(failures)
    }

    /// Deletes an object, if it has this `ETag` when its turn comes, and answers whether there was one, and the version
    /// that says that it is gone, where versions are kept.
    pub(super) fn delete_alone(&self, key: &Key, if_match: Option<&str>) -> Result<(bool, Option<String>)> {
        let Some(at) = self.root.for_reading()? else { return Ok((missing(if_match)?, None)) };
        if self.keeping(&at)? != Keeping::None {
            let (existed, marker) = self.delete_kept(key, if_match)?;
            return Ok((existed, Some(marker)));
        }
        let mut touched = Touched::default();
        let existed = self.delete_one(&at, key, if_match, &mut touched)?;
        self.sync_and_prune(&at, &mut touched)?;
        Ok((existed, None))
    }

    /// Brings deletions to the disk, and removes folders that they left empty.
    pub(super) fn sync_and_prune(&self, at: &OwnedFd, touched: &mut Touched) -> Result<()> {
        self.sync_touched(at, touched)?;
        for folder in touched.changed.keys().rev() {
            self.root.prune(at, folder);
        }
        Ok(())
    }

    fn delete_one(
        &self,
        at: &OwnedFd,
        key: &Key,
        if_match: Option<&str>,
        touched: &mut Touched,
    ) -> Result<bool> {
        if self.find(at, key)?.is_none() {
            self.doubt(at, key, touched);
            return missing(if_match);
        }
        let _held = self.locks.hold(&self.root, at, key.as_str())?;
        if let Some(if_match) = if_match {
            let lasting = self.root.kind(at).lasting_inodes;
            let etag = self.find(at, key)?.map(|found| found.identity.etag(lasting));
            check_delete(etag.as_deref(), if_match)?;
        }
        self.delete_held(at, key, touched)
    }

    /// Notes that somebody may have deleted an object and not come to bring that to the disk.
    pub(super) fn doubt(&self, at: &OwnedFd, key: &Key, touched: &mut Touched) {
        let plain = self.can_be_path(at, key).then(|| key.as_str().to_owned());
        for path in plain.into_iter().chain(Some(self.odd(at, key.as_str()))) {
            touched.doubt(split(&path).0);
        }
    }

    /// Deletes an object whose key's lock is held, and answers whether there was one.
    pub(super) fn delete_held(&self, at: &OwnedFd, key: &Key, touched: &mut Touched) -> Result<bool> {
        let plain = self.can_be_path(at, key).then(|| key.as_str().to_owned());
        // What is hidden behind a file of the same key goes first, also from the disk: it must not come to light.
        let mut hidden: Option<Found> = None;
        for path in Some(self.odd(at, key.as_str())).into_iter().chain(plain) {
            let Some(found) = self.find_at(at, path)? else { continue };
            if let Some(hidden) = hidden {
                self.sync_folder(&hidden.folder, "").map_err(unsure)?;
            }
            self.unlink(at, key, &found, touched)?;
            hidden = Some(found);
        }
        Ok(hidden.is_some())
    }

    fn unlink(&self, at: &OwnedFd, key: &Key, found: &Found, touched: &mut Touched) -> Result<()> {
        let (above, name) = split(&found.path);
        let which = born(&found.folder).map_err(|e| fault("the folder cannot be looked at", e))?;
        match rustix::fs::unlinkat(&found.folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(fault("the object cannot be deleted", error)),
        }
        touched.change(above, which);
        let sidecar = sidecar(key, found.identity);
        if self.has_sidecar(at, &sidecar) {
            self.sync_folder(&found.folder, "").map_err(unsure)?;
            self.remove_sidecar(at, &sidecar);
        }
        Ok(())
    }

    fn sync_touched(&self, at: &OwnedFd, touched: &mut Touched) -> Result<()> {
        if !self.root.fsyncs() {
            return Ok(());
        }
        for (path, which) in touched.changed.clone() {
            match self.sync_folder(at, &path) {
                Ok(now) if now == which => {}
                // Removed meanwhile with all that was in it, and perhaps made again: that is in those above.
                Ok(_) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => touched.doubt(&path),
                Err(error) => return Err(unsure(error)),
            }
        }
        for path in &touched.doubtful {
            match self.sync_folder(at, path) {
                Ok(_)
                | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG | Errno::INVAL) => {}
                // Who may not read it has not deleted anything in it.
                Err(Errno::ACCESS | Errno::PERM | Errno::ROFS) => {}
                Err(error) => return Err(unsure(error)),
            }
        }
        Ok(())
    }

    /// Fsyncs a folder, and answers which it is.
    pub(super) fn sync_folder(&self, at: impl AsFd, path: &str) -> rustix::io::Result<Option<Born>> {
        let folder = open_beneath(at, path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        self.root.sync(&folder)?;
        born(&folder)
    }
}

impl Touched {
    fn change(&mut self, folder: &str, which: Option<Born>) {
        if self.changed.insert(folder.to_owned(), which).is_some_and(|before| before != which) {
            self.doubt(folder);
        }
    }

    /// Notes a folder and those above it.
    fn doubt(&mut self, folder: &str) {
        let mut path = folder;
        while self.doubtful.insert(path.to_owned()) && !path.is_empty() {
            path = split(path).0;
        }
    }
}

/// What a deletion of what is not there answers.
fn missing(if_match: Option<&str>) -> Result<bool> {
    if_match.map_or(Ok(()), |etag| check_delete(None, etag)).map(|()| false)
}

fn unsure(error: Errno) -> crate::Error {
    fault("the deletion may not be on the disk", error)
}
