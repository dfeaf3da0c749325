//! The files of a folder that is pulled to, as they are.

use crate::disk::{SEARCH, open_beneath};
use crate::error::{Error, Result};
use crate::transfer::landing::SafePath;
use crate::transfer::source::{Identity, Opened};
use crate::transfer::sync::Digest;
use crate::transfer::upload::blocking;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::SystemTime;

/// A folder, open. No symbolic link in it is followed.
pub(super) struct Local {
    root: OwnedFd,
}

/// A file that was found to have the bytes it should.
pub(super) struct Compared {
    /// What it was, if a change after that would show.
    pub(super) settled: Option<Identity>,
}

impl Local {
    /// Opens a folder; none when it is not there.
    pub(super) fn open(dir: &Path) -> Result<Option<Self>> {
        match rustix::fs::openat(CWD, dir, SEARCH, Mode::empty()) {
            Ok(root) => Ok(Some(Self { root })),
            Err(Errno::NOENT) => Ok(None),
            Err(e) => {
                Err(Error::io("the folder cannot be opened", e.into()).with_fact("path", dir.display()))
            }
        }
    }

    /// What the regular file at a relative key is; none when there is none.
    pub(super) fn look(&self, relative: &str) -> Option<Identity> {
        let file = open_beneath(&self.root, SafePath::parse(relative).ok()?.as_str(), OFlags::PATH).ok()?;
        let stat = rustix::fs::fstat(file).ok()?;
        (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile).then(|| Identity::of_stat(&stat))
    }

    /// Reads a file; none when it has other bytes, or cannot be read: then it is to be replaced.
    pub(super) async fn compare(&self, relative: &str, digest: &Digest) -> Option<Compared> {
        let file = open_beneath(&self.root, relative, OFlags::RDONLY | OFlags::NONBLOCK).ok()?;
        let file = Opened::of(File::from(file), Path::new(relative)).ok()?;
        let (identity, digest) = (file.identity(), digest.clone());
        let is_settled = identity.is_settled(SystemTime::now());
        let same = blocking(file.size(), move || digest.is_of(&file)).await.ok()?;
        same.then_some(Compared { settled: is_settled.then_some(identity) })
    }

    /// Deletes a file.
    pub(super) fn delete(&self, relative: &str) -> Result<()> {
        let (folder, name) = relative.rsplit_once('/').unwrap_or(("", relative));
        let delete = || {
            let folder = open_beneath(&self.root, folder, SEARCH)?;
            rustix::fs::unlinkat(folder, name, AtFlags::empty())
        };
        match delete() {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(e) => Err(crate::disk::fault("the file cannot be deleted", e)),
        }
    }

    /// Removes a folder and those above it, as far as they are empty and `may_go`.
    pub(super) fn remove_empty(&self, relative: &str, may_go: impl Fn(&str) -> bool) -> Result<()> {
        let mut path = relative;
        while !path.is_empty() && may_go(path) {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            let remove = || {
                let above = open_beneath(&self.root, above, SEARCH)?;
                rustix::fs::unlinkat(above, name, AtFlags::REMOVEDIR)
            };
            match remove() {
                Ok(()) | Err(Errno::NOENT) => path = above,
                // Something is in it.
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(()),
                Err(e) => return Err(crate::disk::fault("the empty folder cannot be removed", e)),
            }
        }
        Ok(())
    }
}
