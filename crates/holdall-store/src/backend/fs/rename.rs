//! Moves objects inside the store without copying a byte.
//!
//! The file gets its new name before it loses the old one, and the new one is on the disk by then: whatever happens
//! meanwhile, the object is there under one of them or both. `rename(2)` would be one call, but not every file system
//! brings its two halves to the disk together.

use super::backend::FolderBackend;
use super::delete::Touched;
use super::folder::{Folder, Opened};
use super::publish::{Named, Sealed, is_coarse};
use super::put::receipt;
use super::read::missing;
use super::record::Record;
use super::versions::Keeping;
use crate::backend::conditions::check_delete;
use crate::backend::source_kept;
use crate::disk::{Draft, fault};
use crate::error::{Error, Result};
use crate::expiry;
use crate::key::Key;
use crate::object::{Metadata, MoveOptions};
use crate::receipt::Receipt;
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::time::Instant;

impl FolderBackend {
    pub(super) async fn rename_object(
        &self,
        from: &Key,
        to: &Key,
        options: &MoveOptions,
    ) -> Result<Option<Receipt>> {
        let started = Instant::now();
        let (to, options) = (to.clone(), options.clone());
        let renamed = self.blocking(from, move |folder, from| folder.rename(from, &to, &options)).await?;
        Ok(renamed.map(|metadata| receipt(metadata, None, started)))
    }
}

impl Folder {
    fn rename(&self, from: &Key, to: &Key, options: &MoveOptions) -> Result<Option<Metadata>> {
        let reading = self.root.for_reading()?.ok_or_else(missing)?;
        if self.find(&reading, from)?.is_none() {
            return Err(missing());
        }
        let at = self.root.for_writing()?;
        // A version is the file that its key has, and stays it.
        if self.keeping(&at)? != Keeping::None {
            return Ok(None);
        }
        let _held = self.locks.hold_both(&self.root, &at, [from.as_str(), to.as_str()])?;
        let opened = self.open(&at, from)?.ok_or_else(missing)?;
        let identity = opened.identity;
        if let Some(etag) = &options.if_match {
            check_delete(Some(&identity.etag(self.root.kind(&at).lasting_inodes)), etag)?;
        }
        let Some((record, mut sealed)) = self.as_it_is(&at, opened, to)? else { return Ok(None) };
        expiry::check(&self.metadata(&at, from, identity, record.attributes(), None))?;
        let Named { folder, replaced } = match self.name(&at, to, &mut sealed, &options.condition) {
            // Whoever may read a file need not be allowed to give it names.
            Err(error) if is_refused(&error) => return Ok(None),
            other => other.map_err(|e| e.with_key(to))?,
        };
        self.root.sync(&folder).map_err(|e| fault("the object's name may not be on the disk", e))?;
        if let Some(old) = replaced.filter(|old| self.has_sidecar(&at, old)) {
            self.remove_sidecar(&at, &old);
        }
        let mut touched = Touched::default();
        self.delete_held(&at, from, &mut touched)
            .and_then(|_| self.sync_and_prune(&at, &mut touched))
            .map_err(|error| source_kept(error, to))?;
        Ok(Some(self.metadata(&at, to, identity, record.attributes(), record.sha256())))
    }

    /// The object as one that only wants its name; none where it takes more than that: a record in a file of its own is
    /// by the key, a foreign file's type is by its name, and where inodes or times do not tell objects apart a file must
    /// be another one to be seen as one.
    fn as_it_is(&self, at: &OwnedFd, opened: Opened, to: &Key) -> Result<Option<(Record, Sealed)>> {
        let Opened { file, identity } = opened;
        let Some(record) = Record::read(&file, identity)? else { return Ok(None) };
        let coarse = |identity| !self.root.kind(at).lasting_inodes || is_coarse(identity);
        let there = self.find(at, to)?.map(|found| found.identity);
        if coarse(identity) || there.is_some_and(|there| coarse(there) || there.inode == identity.inode) {
            return Ok(None);
        }
        let Some(draft) = Draft::of(file) else { return Ok(None) };
        Ok(Some((record.clone(), Sealed::carrying(draft, identity, record))))
    }
}

fn is_refused(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    let errno = source.and_then(Errno::from_io_error);
    matches!(errno, Some(Errno::PERM | Errno::MLINK | Errno::OPNOTSUPP))
}
