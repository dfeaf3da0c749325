//! A file without a name, until it is whole.

use super::unique;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, RenameFlags};
use rustix::io::{self, Errno};
use std::fs::File;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, LazyLock};

/// Names need `/proc`; where it is not mounted, drafts have names from the start.
static CAN_NAME_LATER: LazyLock<bool> = LazyLock::new(|| std::path::Path::new("/proc/self/fd").exists());

/// A place for names that nobody is to see: a folder of the same file system, and how a name there begins and ends.
#[derive(Debug, Clone)]
pub(crate) struct Holding {
    pub(crate) folder: Arc<OwnedFd>,
    pub(crate) prefix: &'static str,
    pub(crate) suffix: &'static str,
}

impl Holding {
    /// A name there that nobody else has.
    pub(crate) fn name(&self) -> String {
        format!("{}{:016x}{}", self.prefix, unique(), self.suffix)
    }
}

/// A file being written. Dropped before it was given a name, it is gone, unless it is to stay ([`Draft::stay`]).
///
/// On Linux it has no name at all, so that nothing is left of it whatever happens (`O_TMPFILE`); on file systems that
/// cannot do so it lies in its [`Holding`] until then.
#[derive(Debug)]
pub(crate) struct Draft {
    file: Arc<File>,
    held: Option<(Holding, String)>,
    stays: bool,
}

impl Draft {
    /// Begins a file on the file system of a folder.
    pub(crate) fn begin(
        folder: impl AsFd,
        holding: impl FnOnce() -> io::Result<Holding>,
    ) -> io::Result<Self> {
        let mode = Mode::from_raw_mode(0o666);
        if *CAN_NAME_LATER {
            let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
            match rustix::fs::openat(folder, ".", flags, mode) {
                Ok(file) => return Ok(Self { file: Arc::new(file.into()), held: None, stays: false }),
                Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {}
                Err(error) => return Err(error),
            }
        }
        let holding = holding()?;
        let name = holding.name();
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDWR;
        let file = rustix::fs::openat(&*holding.folder, &name, flags, mode)?;
        Ok(Self { file: Arc::new(file.into()), held: Some((holding, name)), stays: false })
    }

    /// Takes up a file that another process left in a holding, open.
    pub(crate) fn left(file: File, holding: Holding, name: String) -> Self {
        Self { file: Arc::new(file), held: Some((holding, name)), stays: true }
    }

    /// Its name in its holding, where it has one.
    pub(crate) fn held(&self) -> Option<&str> {
        self.held.as_ref().map(|(_, name)| name.as_str())
    }

    /// Lets it lie under a name of its holding, for another process to take up: from now on it stays when it is
    /// dropped.
    pub(crate) fn stay(&mut self, holding: Holding, name: String) -> io::Result<()> {
        if self.held.is_none() {
            self.link(&*holding.folder, &name)?;
            self.held = Some((holding, name));
        }
        self.stays = true;
        Ok(())
    }

    /// Lets it go when it is dropped, though it was to stay.
    pub(crate) fn give_up(&mut self) {
        self.stays = false;
    }

    /// Whether the name in its holding is still this file's.
    pub(crate) fn is_in_place(&self) -> io::Result<bool> {
        let Some((holding, held)) = &self.held else { return Ok(true) };
        let own = rustix::fs::fstat(&*self.file)?;
        match rustix::fs::statat(&*holding.folder, held, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(false),
            other => other.map(|there| (there.st_dev, there.st_ino) == (own.st_dev, own.st_ino)),
        }
    }

    /// Takes a file that has a name, to give it another besides; none where that cannot be done by the file alone.
    pub(crate) fn of(file: File) -> Option<Self> {
        CAN_NAME_LATER.then(|| Self { file: Arc::new(file), held: None, stays: false })
    }

    /// The open file.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Gives it a name that must be free; `EEXIST` where it is not. Decided by the file system, whoever takes the name;
    /// but on those that have neither links nor such a renaming (some of FUSE), only between those who hold one lock.
    pub(crate) fn publish_new(&mut self, folder: impl AsFd, name: &str) -> io::Result<()> {
        let Some((holding, held)) = &self.held else { return self.link(folder, name) };
        let (from, folder) = (holding.folder.as_fd(), folder.as_fd());
        match rustix::fs::renameat_with(from, held, folder, name, RenameFlags::NOREPLACE) {
            Err(error @ (Errno::INVAL | Errno::NOSYS)) => {
                match rustix::fs::linkat(from, held, folder, name, AtFlags::empty()) {
                    Ok(()) => rustix::fs::unlinkat(from, held, AtFlags::empty())?,
                    Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => {
                        rename_to_free(error, (from, held), (folder, name))?;
                    }
                    Err(error) => return Err(error),
                }
            }
            other => other?,
        }
        self.held = None;
        Ok(())
    }

    /// Gives it a name, in the place of whatever file has it.
    pub(crate) fn publish_over(
        &mut self,
        folder: impl AsFd,
        name: &str,
        holding: impl FnOnce() -> io::Result<Holding>,
    ) -> io::Result<()> {
        if self.held.is_none() {
            let holding = holding()?;
            let held = holding.name();
            self.link(&*holding.folder, &held)?;
            self.held = Some((holding, held));
        }
        if let Some((holding, held)) = &self.held {
            rustix::fs::renameat(&*holding.folder, held, folder, name)?;
        }
        self.held = None;
        Ok(())
    }

    fn link(&self, folder: impl AsFd, name: &str) -> io::Result<()> {
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        rustix::fs::linkat(CWD, path, folder, name, AtFlags::SYMLINK_FOLLOW)
    }
}

/// Looks whether a name is free, and renames to it. A name that cannot be at all is refused as it was `before`.
fn rename_to_free(before: Errno, from: (BorrowedFd<'_>, &str), to: (BorrowedFd<'_>, &str)) -> io::Result<()> {
    match rustix::fs::statat(to.0, to.1, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(_) => Err(Errno::EXIST),
        Err(Errno::NOENT) => rustix::fs::renameat(from.0, from.1, to.0, to.1),
        Err(Errno::INVAL) => Err(before),
        Err(error) => Err(error),
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some((holding, held)) = self.held.as_ref().filter(|_| !self.stays)
            && let Err(error) = rustix::fs::unlinkat(&*holding.folder, held, AtFlags::empty())
        {
            tracing::warn!(name = held, %error, "a temporary file is left behind");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::SEARCH;
    use std::io::Write;
    use std::path::Path;

    fn holding(folder: &Path) -> Holding {
        let folder = rustix::fs::openat(CWD, folder, SEARCH, Mode::empty()).unwrap();
        Holding { folder: Arc::new(folder), prefix: ".held-", suffix: ".part" }
    }

    /// Drafts as they are here, and as they are where files need names.
    fn both(folder: &Path) -> [Draft; 2] {
        let held = holding(folder);
        let name = held.name();
        let file = File::create_new(folder.join(&name)).unwrap();
        let named = Draft { file: Arc::new(file), held: Some((held.clone(), name)), stays: false };
        let unnamed =
            Draft::begin(&*held.folder, || panic!("this file system has files without names")).unwrap();
        [unnamed, named]
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_draft_appears_once_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let at = holding(folder.path());
        for (n, mut draft) in both(folder.path()).into_iter().enumerate() {
            (&**draft.file()).write_all(b"new").unwrap();
            let name = format!("file{n}");
            draft.publish_new(&*at.folder, &name).unwrap();
            assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), b"new");
        }
        assert_eq!(names(folder.path()), ["file0", "file1"]);
    }

    #[test]
    fn a_name_that_is_taken_is_refused_or_replaced_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let at = holding(folder.path());
        for mut draft in both(folder.path()) {
            std::fs::write(folder.path().join("taken"), "old").unwrap();
            assert_eq!(draft.publish_new(&*at.folder, "taken").unwrap_err(), Errno::EXIST);
            assert_eq!(std::fs::read(folder.path().join("taken")).unwrap(), b"old");
            (&**draft.file()).write_all(b"new").unwrap();
            draft.publish_over(&*at.folder, "taken", || Ok(holding(folder.path()))).unwrap();
            assert_eq!(std::fs::read(folder.path().join("taken")).unwrap(), b"new");
        }
        drop(both(folder.path()));
        assert_eq!(names(folder.path()), ["taken"]);
    }

    #[test]
    fn without_links_a_free_name_is_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        let at = holding(folder.path());
        let (from, to) = ((at.folder.as_fd(), "held"), (at.folder.as_fd(), "name"));
        std::fs::write(folder.path().join("held"), "new").unwrap();
        rename_to_free(Errno::INVAL, from, to).unwrap();
        std::fs::write(folder.path().join("held"), "newer").unwrap();
        assert_eq!(rename_to_free(Errno::INVAL, from, to).unwrap_err(), Errno::EXIST);
        assert_eq!(std::fs::read(folder.path().join("name")).unwrap(), b"new");
    }

    #[test]
    fn a_draft_that_stays_is_there_until_it_is_given_up_or_named() {
        let folder = tempfile::tempdir().unwrap();
        for (n, mut draft) in both(folder.path()).into_iter().enumerate() {
            let at = holding(folder.path());
            let name = draft.held().map_or_else(|| at.name(), str::to_owned);
            draft.stay(at.clone(), name.clone()).unwrap();
            (&**draft.file()).write_all(b"half").unwrap();
            drop(draft);
            assert_eq!(std::fs::read(folder.path().join(&name)).unwrap(), b"half");
            let file = File::options().write(true).open(folder.path().join(&name)).unwrap();
            let mut again = Draft::left(file, at.clone(), name.clone());
            assert!(again.is_in_place().unwrap());
            if n == 0 {
                again.give_up();
            } else {
                again.publish_new(&*at.folder, "file").unwrap();
            }
            drop(again);
            assert!(!folder.path().join(name).exists());
        }
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_name_that_another_file_took_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let at = holding(folder.path());
        let [mut draft, _] = both(folder.path());
        draft.stay(at.clone(), "held".to_owned()).unwrap();
        std::fs::rename(folder.path().join("held"), folder.path().join("moved")).unwrap();
        assert!(!draft.is_in_place().unwrap());
        std::os::unix::fs::symlink("moved", folder.path().join("held")).unwrap();
        assert!(!draft.is_in_place().unwrap());
    }
}
