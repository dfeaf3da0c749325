//! The folder that is watched: whether it is still the one, and whether the kernel tells of all changes in it.

use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use crate::transfer::push::folder_error;
use crate::url::Location;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder as it was when the watch began.
#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) path: PathBuf,
    id: (u64, u64),
}

impl Root {
    pub(super) fn of(path: &Path) -> Result<Self> {
        let metadata = std::fs::metadata(path).map_err(|e| folder_error(path, e))?;
        if !metadata.is_dir() {
            return Err(folder_error(path, std::io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { path: path.to_owned(), id: (metadata.dev(), metadata.ino()) })
    }

    /// Makes sure that the folder is there still: one that was unmounted is another.
    ///
    /// # Errors
    ///
    /// `NotFound` when it is not.
    pub(super) fn check(&self) -> Result<()> {
        match std::fs::metadata(&self.path) {
            Ok(now) if now.is_dir() && (now.dev(), now.ino()) == self.id => Ok(()),
            _ => Err(self.gone()),
        }
    }

    /// What is said when it went.
    pub(super) fn gone(&self) -> Error {
        Error::new(ErrorKind::NotFound, "the folder that is watched was moved, deleted or unmounted")
            .with_fact("path", self.path.display())
            .with_hint("nothing was deleted for it; watch the folder again when it is there")
    }
}

/// Makes sure that what is stored does not lie in the folder, to be stored again without end.
///
/// # Errors
///
/// `InvalidInput` when it does.
pub(super) fn refuse_own_destination(store: &Store, prefix: &str, dir: &Path) -> Result<()> {
    if store.backend().kind() != "folder" {
        return Ok(());
    }
    let Location::Folder(folder) = Location::parse(&store.location())? else { return Ok(()) };
    let (destination, dir) = (real(&folder.join(prefix)), real(dir));
    if !destination.starts_with(&dir) && !dir.starts_with(&destination) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::InvalidInput,
        "the store lies in the folder that is to be watched, or around it",
    )
    .with_fact("path", dir.display())
    .with_fact("destination", destination.display())
    .with_hint("keep the two apart: what is stored would be stored again without end"))
}

/// A path without links, as far as it is there.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => real(parent).join(name),
        _ => path.to_owned(),
    })
}

/// File systems that others change, too, without this kernel being told; by the number that `statfs` has for them.
const SHARED: [(u32, &str); 13] = [
    (0x6969, "nfs"),
    (0x517B, "smb"),
    (0xFE53_4D42, "smb2"),
    (0xFF53_4D42, "cifs"),
    (0x6573_5546, "fuse"),
    (0x0102_1997, "9p"),
    (0x00C3_6400, "ceph"),
    (0x5346_414F, "afs"),
    (0x6B41_4653, "afs"),
    (0x7375_7245, "coda"),
    (0x0BD0_0BD0, "lustre"),
    (0x0116_1970, "gfs2"),
    (0x7461_636F, "ocfs2"),
];

/// The name of a file system that the kernel does not tell all changes of.
pub(super) fn shared_file_system(path: &Path) -> Option<&'static str> {
    let stat = rustix::fs::statfs(path).ok()?;
    let kind = stat.f_type as u32;
    SHARED.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_in_the_folder_is_refused_and_one_beside_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let watched = dir.path().join("a b");
        std::fs::create_dir(&watched).unwrap();
        let check = |store: PathBuf, prefix: &str| {
            let store = Store::open_location(&Location::Folder(store), &crate::Settings::default()).unwrap();
            refuse_own_destination(&store, prefix, &watched).map_err(|error| error.kind())
        };
        assert_eq!(check(watched.join("store"), "p/"), Err(ErrorKind::InvalidInput));
        assert_eq!(check(dir.path().to_owned(), "a b/"), Err(ErrorKind::InvalidInput));
        assert_eq!(check(dir.path().to_owned(), ""), Err(ErrorKind::InvalidInput));
        assert_eq!(check(dir.path().to_owned(), "elsewhere/"), Ok(()));
        assert_eq!(check(dir.path().join("a bc"), ""), Ok(()));
    }

    #[test]
    fn a_folder_that_was_replaced_is_not_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watched");
        assert_eq!(Root::of(&path).unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::write(&path, "").unwrap();
        assert_eq!(Root::of(&path).unwrap_err().kind(), ErrorKind::InvalidInput);
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        let root = Root::of(&path).unwrap();
        root.check().unwrap();
        std::fs::rename(&path, dir.path().join("elsewhere")).unwrap();
        assert_eq!(root.check().unwrap_err().kind(), ErrorKind::NotFound);
        std::fs::create_dir(&path).unwrap();
        assert_eq!(root.check().unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(shared_file_system(dir.path()), None);
    }
}
