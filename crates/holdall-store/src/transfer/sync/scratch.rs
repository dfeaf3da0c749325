//! Temporary files that nobody else sees.

use crate::disk::unique;
use crate::store::Store;
use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Where temporary files are made: in the user's state folder, else where the system has them, which may be memory.
#[derive(Debug, Clone, Default)]
pub(in crate::transfer) struct Scratch {
    folder: Option<PathBuf>,
}

impl Scratch {
    pub(in crate::transfer) fn new(folder: Option<&Path>) -> Self {
        Self { folder: folder.map(Path::to_owned) }
    }

    /// Makes a file without a name: it is gone with the process, however that ends.
    pub(in crate::transfer) fn file(&self) -> io::Result<File> {
        let Some(folder) = &self.folder else { return without_name(&std::env::temp_dir()) };
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.and_then(|()| without_name(folder)).or_else(|error| {
            tracing::debug!(%error, folder = %folder.display(), "temporary files are made elsewhere");
            without_name(&std::env::temp_dir())
        })
    }
}

/// Where a store's transfers have their temporary files.
pub(in crate::transfer) fn scratch_of(store: &Store) -> Scratch {
    Scratch::new(store.settings().index.as_deref())
}

fn without_name(folder: &Path) -> io::Result<File> {
    let (flags, mode) = (OFlags::RDWR | OFlags::CLOEXEC, Mode::RUSR | Mode::WUSR);
    match rustix::fs::openat(CWD, folder, flags | OFlags::TMPFILE, mode) {
        Ok(file) => Ok(file.into()),
        Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => {
            let path = folder.join(format!(".holdall-{:016x}.tmp", unique()));
            let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
            let file = rustix::fs::openat(CWD, &path, flags, mode)?;
            std::fs::remove_file(&path)?;
            Ok(file.into())
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn a_temporary_file_has_no_name_and_a_folder_that_cannot_be_made_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        for folder in [dir.path().join("made/here"), dir.path().join("file/below")] {
            let mut file = Scratch::new(Some(&folder)).file().unwrap();
            file.write_all(b"text").unwrap();
            file.rewind().unwrap();
            let mut text = String::new();
            file.read_to_string(&mut text).unwrap();
            assert_eq!(text, "text");
        }
        assert_eq!(std::fs::read_dir(dir.path().join("made/here")).unwrap().count(), 0);
    }
}
