//! Where pulled files land: whole or not at all, and never outside of their folder.
//!
//! Every folder on the way is opened by its own name, relative to the one before and without following symbolic
//! links, so that no key and no link placed meanwhile leads out.

use super::journal::Held;
use super::source::Identity;
use crate::disk::{Draft, Holding, MAX_NAME, enter, fault as disk_fault};
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

/// How the names of temporary files begin and end.
const PREFIX: &str = ".holdall-";
const SUFFIX: &str = ".part";

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

    /// The place of a file, whose folders are made.
    pub(crate) fn spot(&self, path: &SafePath) -> Result<Spot> {
        let (folder, name) = path.split();
        Ok(Spot { folder: self.folder(folder)?, name: name.to_owned(), landed: Landed::default() })
    }
}

/// A place for a file: an open folder, and a name in it.
#[derive(Debug, Clone)]
pub(crate) struct Spot {
    folder: Arc<OwnedFd>,
    name: String,
    landed: Landed,
}

/// What a file was when it was given its name, where that is asked for and as long as nobody else can have changed it
/// since.
#[derive(Debug, Clone, Default)]
struct Landed(Option<Arc<OnceLock<Identity>>>);

/// How much older than now a file is made whose changes must show: the kernel's clock of files goes in steps of up to
/// 10 ms, and a change within the step would not.
const STEP: Duration = Duration::from_millis(20);

/// Gives a file that nobody else has a time that no later write gives it.
fn mark(file: &File) -> io::Result<SystemTime> {
    let time = SystemTime::now() - STEP;
    file.set_modified(time)?;
    Ok(time)
}

impl Spot {
    /// The place of a path of the caller's.
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
        Ok(Self { folder: Arc::new(folder), name: name.to_owned(), landed: Landed::default() })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What the file was when it was given this name, as long as nobody else can have changed it since.
    pub(super) fn landed(&self) -> Option<Identity> {
        self.landed.0.as_ref()?.get().copied()
    }

    /// The same place, of which [`Spot::landed`] will tell.
    pub(super) fn told(mut self) -> Self {
        self.landed = Landed(Some(Arc::default()));
        self
    }

    /// The folder's path from the root; none where the system does not say it in UTF-8.
    pub(crate) fn folder_path(&self) -> Option<String> {
        let path = std::fs::read_link(format!("/proc/self/fd/{}", self.folder.as_raw_fd())).ok()?;
        path.into_os_string().into_string().ok()
    }

    /// Where a file has its name until it is whole, where it needs one.
    fn holding(&self) -> Holding {
        Holding { folder: self.folder.clone(), prefix: PREFIX, suffix: SUFFIX }
    }

    /// Begins the file.
    pub(crate) fn begin(&self) -> Result<Temporary> {
        let draft = Draft::begin(&*self.folder, || Ok(self.holding()))
            .map_err(|e| fault("the file cannot be made", e))?;
        Ok(Temporary { spot: self.clone(), draft })
    }

    /// Takes up the file that an earlier process left; none unless it is the very one. It is removed if it has another
    /// name besides, or if somebody made it longer than `most`.
    pub(crate) fn take_up(&self, held: &Held, most: u64) -> Option<Temporary> {
        let file = open_held(&self.folder, held)?;
        let metadata = file.metadata().ok()?;
        let draft = Draft::left(file, self.holding(), held.temporary.clone());
        let temporary = Temporary { spot: self.clone(), draft };
        if metadata.nlink() != 1 || metadata.len() > most {
            temporary.give_up();
            return None;
        }
        Some(temporary)
    }
}

/// Whether a file has a name that only temporary files have.
pub(crate) fn is_temporary(name: &str) -> bool {
    let digits = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    digits.is_some_and(|digits| {
        digits.len() == 16 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// Opens the temporary file of notes, if it is what they say: by its name, a regular file, its user's, the very one.
pub(super) fn open_held(folder: &OwnedFd, held: &Held) -> Option<File> {
    if !is_temporary(&held.temporary) {
        return None;
    }
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, &*held.temporary, flags, Mode::empty()).ok()?);
    let metadata = file.metadata().ok()?;
    let is_it = metadata.is_file() && (metadata.dev(), metadata.ino()) == (held.device, held.inode);
    (is_it && metadata.uid() == rustix::process::geteuid().as_raw()).then_some(file)
}

/// A file being written. Dropped before [`Temporary::commit`] it goes away, unless it is to stay.
#[derive(Debug)]
pub(crate) struct Temporary {
    spot: Spot,
    draft: Draft,
}

impl Temporary {
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

    /// By what it will be known again once it stays.
    pub(crate) fn held(&self) -> io::Result<Held> {
        let metadata = self.draft.file().metadata()?;
        let temporary = self.draft.held().map_or_else(|| self.spot.holding().name(), str::to_owned);
        Ok(Held { temporary, device: metadata.dev(), inode: metadata.ino() })
    }

    /// Lets it lie under its temporary name from now on, whatever becomes of this process.
    pub(crate) fn stay(&mut self, held: &Held) -> io::Result<()> {
        Ok(self.draft.stay(self.spot.holding(), held.temporary.clone())?)
    }

    /// Removes it, though it was to stay; a file of others that took its name is left.
    pub(crate) fn give_up(mut self) {
        if self.draft.is_in_place().unwrap_or(false) {
            self.draft.give_up();
        }
    }

    /// Gives the file its name once its bytes are safe, and makes the name safe too.
    pub(crate) fn commit_safely(&mut self) -> Result<()> {
        let unsafe_still = |e: io::Error| Error::io("the file cannot be made safe", e);
        self.draft.file().sync_all().map_err(unsafe_still)?;
        self.commit()?;
        rustix::fs::fsync(&*self.spot.folder).map_err(|e| unsafe_still(e.into()))
    }

    /// Gives the file its name.
    pub(crate) fn commit(&mut self) -> Result<()> {
        let unnamed = |e| fault("the file cannot be given its name", e);
        if !self.draft.is_in_place().map_err(unnamed)? {
            let message = "the temporary file was moved or replaced while it was written";
            return Err(Error::new(ErrorKind::Changed, message));
        }
        let told = self.spot.landed.0.as_ref().map(|landed| Ok((landed, mark(self.draft.file())?)));
        let told = told.transpose().map_err(|e| Error::io("the file's time cannot be set", e))?;
        let (folder, name) = (&*self.spot.folder, &self.spot.name);
        match self.draft.publish_new(folder, name) {
            Err(Errno::EXIST) => self.draft.publish_over(folder, name, || Ok(self.spot.holding())),
            other => other,
        }
        .map_err(unnamed)?;
        if let Some((landed, time)) = told
            && let Ok(metadata) = self.draft.file().metadata()
            && metadata.modified().is_ok_and(|modified| modified == time)
        {
            landed.get_or_init(|| Identity::of(&metadata));
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
        let error = landing.spot(&SafePath::parse("link/file").unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_in_the_files_own_place_is_replaced_not_followed() {
        let (inside, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let target = outside.path().join("target");
        std::fs::write(&target, "precious").unwrap();
        std::os::unix::fs::symlink(&target, inside.path().join("file")).unwrap();
        let landing = Landing::open(inside.path()).unwrap();
        let mut temporary = landing.spot(&SafePath::parse("file").unwrap()).unwrap().begin().unwrap();
        (&*temporary.file()).write_all(b"new").unwrap();
        temporary.commit().unwrap();
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(std::fs::read_to_string(inside.path().join("file")).unwrap(), "new");
    }

    #[test]
    fn a_file_given_up_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(Spot::at(&folder.path().join("x")).unwrap().begin().unwrap());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    /// A file that stays, half-written.
    fn left(folder: &Path) -> (Spot, Held) {
        let spot = Spot::at(&folder.join("file")).unwrap();
        let mut temporary = spot.begin().unwrap();
        let held = temporary.held().unwrap();
        temporary.stay(&held).unwrap();
        (&*temporary.file()).write_all(b"half").unwrap();
        (spot, held)
    }

    #[test]
    fn a_file_that_stayed_is_taken_up_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let (spot, held) = left(folder.path());
        assert!(folder.path().join(&held.temporary).exists());
        let mut again = spot.take_up(&held, 4).unwrap();
        assert_eq!(again.held().unwrap(), held);
        again.commit().unwrap();
        drop(again);
        assert_eq!(std::fs::read(folder.path().join("file")).unwrap(), b"half");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_the_very_file_is_taken_up() {
        let folder = tempfile::tempdir().unwrap();
        let (spot, held) = left(folder.path());
        let at = folder.path().join(&held.temporary);
        for other in [
            Held { inode: held.inode + 1, ..held.clone() },
            Held { device: held.device + 1, ..held.clone() },
            Held { temporary: "file".to_owned(), ..held.clone() },
            Held { temporary: format!("./{}", held.temporary), ..held.clone() },
        ] {
            assert!(spot.take_up(&other, 4).is_none(), "{other:?}");
        }
        let aside = folder.path().join("aside");
        std::fs::rename(&at, &aside).unwrap();
        assert!(spot.take_up(&held, 4).is_none(), "it is gone");
        std::os::unix::fs::symlink("aside", &at).unwrap();
        assert!(spot.take_up(&held, 4).is_none(), "a link leads to it");
        std::fs::rename(&aside, &at).unwrap();
        assert!(spot.take_up(&held, 4).is_some());
    }

    #[test]
    fn a_file_that_stayed_and_is_of_no_use_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let (spot, held) = left(folder.path());
        assert!(spot.take_up(&held, 3).is_none(), "it is too long");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let (spot, held) = left(folder.path());
        std::fs::hard_link(folder.path().join(&held.temporary), folder.path().join("second")).unwrap();
        assert!(spot.take_up(&held, 4).is_none(), "somebody else has it too");
        assert_eq!(std::fs::read(folder.path().join("second")).unwrap(), b"half");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_temporary_that_was_replaced_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let (spot, held) = left(folder.path());
        let mut again = spot.take_up(&held, 4).unwrap();
        std::fs::remove_file(folder.path().join(&held.temporary)).unwrap();
        std::fs::write(folder.path().join(&held.temporary), "other").unwrap();
        assert_eq!(again.commit().unwrap_err().kind(), ErrorKind::Changed);
        assert!(!folder.path().join("file").exists());
    }

    #[test]
    fn only_names_of_temporaries_are_taken_for_such() {
        assert!(is_temporary(".holdall-0123456789abcdef.part"));
        for name in [".holdall-.part", "holdall-0123456789abcdef.part", ".holdall-0123456789abcdeg.part", "a"]
        {
            assert!(!is_temporary(name), "{name}");
        }
    }
}
