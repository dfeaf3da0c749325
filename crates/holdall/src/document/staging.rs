//! Where a worker puts the documents that it fetches.

use super::documents::Documents;
use super::event::TARGET;
use super::reference::Reference;
use holdall_store::{Error, ErrorKind, Result};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A folder for the documents of a reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staging {
    /// The folder; it is there.
    pub folder: PathBuf,
    /// Whether it is for files to stay: below `local_dir`.
    pub is_local: bool,
}

impl Documents {
    /// Makes the folder that the documents of a reference are to be fetched into, of `needed` bytes together.
    ///
    /// Where documents are published it is below the setting `staging_dir`, and, where that has too little room, below
    /// `local_dir`, with a warning; where they are not, it is below `local_dir`. Room is looked at, not reserved: what
    /// others write meanwhile it cannot know.
    ///
    /// ```
    /// # use holdall::document::{Documents, Reference};
    /// # use holdall::{Settings, Store};
    /// let dir = tempfile::tempdir()?;
    /// let settings = Settings { staging_dir: Some(dir.path().to_owned()), ..Settings::default() };
    /// let documents = Documents::open(&Store::memory(), &settings)?;
    /// let staging = documents.stage(&Reference::parse("25/00284/F")?, 40 << 20)?;
    /// assert_eq!(staging.folder, dir.path().join("25_00284_F"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Full` where neither has room, `Io` for a folder that cannot be made, `Config` for a folder of temporary files
    /// that belongs to somebody else.
    pub fn stage(&self, reference: &Reference, needed: u64) -> Result<Staging> {
        if self.publishes() {
            let folder = self.staging_folder()?;
            let free = free(&folder)?;
            if free >= needed {
                return Ok(Staging { folder: make(&folder.join(reference.safe()))?, is_local: false });
            }
            tracing::warn!(
                target: TARGET,
                staging_dir = %folder.display(),
                free,
                needed,
                "too little room in the staging folder: the documents go to local_dir"
            );
        }
        let folder = make(&self.local_folder()?)?;
        let free = free(&folder)?;
        if free < needed {
            return Err(Error::new(ErrorKind::Full, "there is too little room for the documents")
                .with_fact("folder", folder.display())
                .with_fact("free", free)
                .with_fact("needed", needed)
                .with_hint("make room, or set HOLDALL_LOCAL_DIR to a folder of a larger disk"));
        }
        Ok(Staging { folder: make(&folder.join(reference.safe()))?, is_local: true })
    }

    fn staging_folder(&self) -> Result<PathBuf> {
        if let Some(folder) = &self.staging_dir {
            return make(&absolute(folder)?);
        }
        let user = rustix::process::getuid().as_raw();
        let folder = make(&absolute(&std::env::temp_dir().join(format!("holdall-documents-{user}")))?)?;
        // All users may write there: somebody else could have made it, to read what is fetched or to replace it.
        let found = std::fs::symlink_metadata(&folder).map_err(|e| of(&folder, e))?;
        if found.is_dir() && found.uid() == user {
            return Ok(folder);
        }
        Err(Error::new(
            ErrorKind::Config,
            "the folder for documents among the temporary files is not this user's",
        )
        .with_fact("folder", folder.display())
        .with_hint("set HOLDALL_STAGING_DIR"))
    }

    fn local_folder(&self) -> Result<PathBuf> {
        absolute(self.local_dir.as_deref().unwrap_or(Path::new("documents")))
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| of(path, e))
}

/// Makes a folder for this user alone, and those above it.
fn make(folder: &Path) -> Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| of(folder, e))?;
    Ok(folder.to_owned())
}

fn free(folder: &Path) -> Result<u64> {
    let room = rustix::fs::statvfs(folder).map_err(|e| of(folder, e.into()))?;
    Ok(room.f_bavail.saturating_mul(room.f_frsize))
}

fn of(folder: &Path, error: io::Error) -> Error {
    Error::io("the folder for documents cannot be used", error).with_fact("folder", folder.display())
}
