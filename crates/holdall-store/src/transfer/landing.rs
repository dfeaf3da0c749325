//! Where pulled files land: whole or not at all, and never outside of their folder.
//!
//! Every folder on the way is opened by its own name, relative to the one before and without following symbolic
//! links, so that no key and no link placed meanwhile leads out.

use super::source::Identity;
use crate::disk::{Draft, Holding, MAX_NAME, enter, fault as disk_fault};
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

/// A folder that files land in.
#[derive(Debug)]
pub(crate) struct Landing {
    root: Arc<OwnedFd>,
    /// The folder of the last file: files of one folder come one after another.
    last: Mutex<Option<(String, Arc<OwnedFd>)>>,
}

/// A key as a path below a folder: names that a file can have, none of which climbs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SafePath(String);

impl SafePath {
    /// Checks a relative key.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a key that is absolute, climbs, has an empty or too long name, or ends in a slash.
    pub(crate) fn parse(relative: &str) -> Result<Self> {
        for name in relative.split('/') {
            let fault = match name {
                "" => "key has an empty name between slashes and cannot be a file",
                "." | ".." => "key has a name that climbs and cannot be a file",
                _ if name.len() > MAX_NAME => "key has a name too long for a file",
                _ if name.contains('\0') => "key holds a NUL byte and cannot be a file",
                _ => continue,
            };
            return Err(Error::new(ErrorKind::InvalidInput, fault));
        }
        Ok(Self(relative.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    fn split(&self) -> (&str, &str) {
        self.0.rsplit_once('/').unwrap_or(("", &self.0))
    }
}

fn fault(message: &str, error: Errno) -> Error {
    match error {
        Errno::NOTDIR | Errno::LOOP | Errno::ISDIR => Error::new(
            ErrorKind::Conflict,
            format!("{message}: a file, a folder or a symbolic link is in its place"),
        )
        .with_source(io::Error::from(error)),
        _ => disk_fault(message, error),
    }
}

impl Landing {
    /// Opens a folder, making it where it is not there.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::io("the folder cannot be made", e).with_fact("path", folder.display()))?;
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let root = rustix::fs::openat(CWD, folder, flags, Mode::empty())
            .map_err(|e| fault("the folder cannot be opened", e).with_fact("path", folder.display()))?;
        Ok(Self { root: Arc::new(root), last: Mutex::new(None) })
    }

    /// Makes the folders of a path and answers the last.
    pub(crate) fn folder(&self, path: &str) -> Result<Arc<OwnedFd>> {
        if path.is_empty() {
            return Ok(self.root.clone());
        }
        if let Some((known, folder)) = self.last.lock().unwrap_or_else(PoisonError::into_inner).as_ref()
            && known == path
        {
            return Ok(folder.clone());
        }
        let mut at = self.root.clone();
        for name in path.split('/') {
            at = Arc::new(enter(&at, name).map_err(|e| fault("the folder of the file cannot be made", e))?);
        }
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((path.to_owned(), at.clone()));
        Ok(at)
    }

    /// Begins a file.
    pub(crate) fn begin(&self, path: &SafePath) -> Result<Temporary> {
        let (folder, name) = path.split();
        Temporary::new(self.folder(folder)?, name)
    }
}

/// A file being written. Dropped before [`Temporary::commit`] it goes away.
#[derive(Debug)]
pub(crate) struct Temporary {
    folder: Arc<OwnedFd>,
    name: String,
    draft: Draft,
    landed: Landed,
}

/// What a file was when it was given its name, as long as nobody else can have changed it since.
#[derive(Debug, Clone, Default)]
pub(crate) struct Landed(Arc<OnceLock<Identity>>);

impl Landed {
    pub(super) fn identity(&self) -> Option<Identity> {
        self.0.get().copied()
    }
}

/// Gives a file that nobody else has a time that no later write gives it: the clock of files stands still for a while,
/// and a change in that while would not show.
fn mark(file: &File) -> io::Result<Identity> {
    let modified = file.metadata()?.modified()?;
    file.set_modified(modified - Duration::from_nanos(1))?;
    Ok(Identity::of(&file.metadata()?))
}

const PREFIX: &str = ".holdall-";
const SUFFIX: &str = ".part";

/// Where a file has its name until it is whole, on file systems that need one.
fn holding(folder: &Arc<OwnedFd>) -> Holding {
    Holding { folder: folder.clone(), prefix: PREFIX, suffix: SUFFIX }
}

/// Whether a file may be one that is being written by this or another process.
pub(super) fn is_temporary(relative: &str) -> bool {
    let name = relative.rsplit('/').next().unwrap_or_default();
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

impl Temporary {
    fn new(folder: Arc<OwnedFd>, name: &str) -> Result<Self> {
        let draft = Draft::begin(&*folder, || Ok(holding(&folder)))
            .map_err(|e| fault("the file cannot be made", e))?;
        Ok(Self { folder, name: name.to_owned(), draft, landed: Landed::default() })
    }

    /// Begins a file at a path of the caller's.
    pub(crate) fn at(path: &Path) -> Result<Self> {
        let whole = |e: Error| e.with_fact("path", path.display());
        let invalid = |message: &str| whole(Error::new(ErrorKind::InvalidInput, message));
        let name = path.file_name().ok_or_else(|| invalid("the path names no file"))?;
        let name = name.to_str().ok_or_else(|| invalid("the path is not UTF-8"))?;
        if path.is_dir() {
            return Err(invalid("the path is a folder"));
        }
        let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
        let folder = rustix::fs::openat(CWD, parent, flags, Mode::empty())
            .map_err(|e| whole(fault("the folder of the file cannot be opened", e)))?;
        Self::new(Arc::new(folder), name).map_err(whole)
    }

    pub(crate) fn file(&self) -> Arc<File> {
        self.draft.file().clone()
    }

    /// Claims the space, so that a lack of it is known before the download and not after.
    pub(crate) fn reserve(&self, size: u64) -> Result<()> {
        if size == 0 {
            return Ok(());
        }
        match rustix::fs::fallocate(&**self.draft.file(), rustix::fs::FallocateFlags::empty(), 0, size) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => Ok(()),
            Err(error) => Err(Error::io("there is no room for the file", error.into())),
        }
    }

    /// Where it is said what the file is once it has its name.
    pub(super) fn landed(&self) -> Landed {
        self.landed.clone()
    }

    /// Gives the file its name.
    pub(crate) fn commit(mut self) -> Result<()> {
        let marked = mark(self.draft.file()).map_err(|e| Error::io("the file's time cannot be set", e))?;
        let named = match self.draft.publish_new(&*self.folder, &self.name) {
            Err(Errno::EXIST) => {
                self.draft.publish_over(&*self.folder, &self.name, || Ok(holding(&self.folder)))
            }
            other => other,
        };
        named.map_err(|e| fault("the file cannot be given its name", e))?;
        if let Ok(metadata) = self.draft.file().metadata() {
            let now = Identity::of(&metadata);
            if (Identity { changed: marked.changed, ..now }) == marked {
                self.landed.0.get_or_init(|| now);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn keys_that_climb_or_are_no_names_are_refused() {
        let long = "n".repeat(256);
        for key in ["", "..", "a/../../b", "/etc/passwd", "a//b", "a/", "./a", "a\0b", &long] {
            assert_eq!(SafePath::parse(key).unwrap_err().kind(), ErrorKind::InvalidInput, "{key:?}");
        }
        for key in ["a", "a/b.c", "...", "..a", ".hidden", "a\nb", "é"] {
            assert!(SafePath::parse(key).is_ok(), "{key:?}");
        }
    }

    #[test]
    fn a_symbolic_link_does_not_lead_out() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::os::unix::fs::symlink(outside.path(), inside.path().join("link")).unwrap();
        let landing = Landing::open(inside.path()).unwrap();
        let error = landing.begin(&SafePath::parse("link/file").unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_in_the_files_own_place_is_replaced_not_followed() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = outside.path().join("target");
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, inside.path().join("file")).unwrap();
        let temporary =
            Landing::open(inside.path()).unwrap().begin(&SafePath::parse("file").unwrap()).unwrap();
        (&*temporary.file()).write_all(b"new").unwrap();
        temporary.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(std::fs::read_to_string(inside.path().join("file")).unwrap(), "new");
    }

    #[test]
    fn a_file_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(Temporary::at(&folder.path().join("x")).unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
