//! Deletes objects, and the folders that they leave empty.

use super::folder::{Folder, Found};
use super::names::split;
use super::publish::sidecar;
use crate::disk::fault;
use crate::error::Result;
use crate::key::Key;
use crate::object::DeleteFailure;
use rustix::fs::{AtFlags, OFlags};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::os::fd::OwnedFd;

impl Folder {
    /// Deletes objects, and answers those that were not. What was not there is no failure.
    pub(super) fn delete(&self, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
        // There is nothing to delete where nothing can be read, and nothing is made for it.
        let Some(at) = self.root.for_reading()? else { return Ok(Vec::new()) };
        let mut failures = Vec::new();
        let mut touched = BTreeSet::new();
        for key in keys {
            if let Err(error) = self.delete_one(&at, key, &mut touched) {
                failures.push(DeleteFailure { key: key.clone(), error: error.with_key(key) });
            }
        }
        for folder in &touched {
            self.sync_folder(&at, folder)?;
        }
        for folder in touched.iter().rev() {
            self.root.prune(&at, folder);
        }
        Ok(failures)
    }

    fn delete_one(&self, at: &OwnedFd, key: &Key, touched: &mut BTreeSet<String>) -> Result<()> {
        if self.find(at, key)?.is_none() {
            return Ok(());
        }
        let _held = self.locks.hold(&self.root, at, key.as_str())?;
        // What is hidden behind a file of the same key goes first: it must not come to light.
        let odd = Some(self.odd(at, key.as_str()));
        let plain = self.can_be_path(at, key).then(|| key.as_str().to_owned());
        for path in odd.into_iter().chain(plain) {
            if let Some(found) = self.find_at(at, path)? {
                unlink(&found)?;
                self.remove_sidecar(at, &sidecar(key, found.identity));
                touched.insert(split(&found.path).0.to_owned());
            }
        }
        Ok(())
    }

    fn sync_folder(&self, at: &OwnedFd, path: &str) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        match crate::disk::open_beneath(at, path, flags).and_then(|folder| self.root.sync(&folder)) {
            // Removed meanwhile, and all in it; or something else has its name.
            Ok(()) | Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(()),
            Err(error) => Err(fault("the deletion may not be on the disk", error)),
        }
    }
}

fn unlink(found: &Found) -> Result<()> {
    match rustix::fs::unlinkat(&found.folder, split(&found.path).1, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(fault("the object cannot be deleted", error)),
    }
}
