//! The folder as what holds a store: made, and deleted when there is nothing in it.

use super::backend::{FolderBackend, run};
use super::root::Root;
use crate::backend::not_empty;
use crate::error::{Error, ErrorKind, Result};
use crate::key::RESERVED;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

/// What holdall keeps in a store's own folder. Anything else there is not its own to delete.
const OWN: [&str; 7] = ["format", "lock", "meta", "odd", "tmp", "versioning", "versions"];

impl FolderBackend {
    pub(super) async fn folder_exists(&self) -> Result<bool> {
        let folder = self.shared();
        run(move || {
            let path = folder.root.path();
            match fs::metadata(path) {
                Ok(found) => Ok(found.is_dir()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(named(Error::io("the store's folder cannot be looked at", error), path)),
            }
        })
        .await
    }

    pub(super) async fn create_folder(&self) -> Result<()> {
        let folder = self.shared();
        run(move || {
            let path = folder.root.path();
            if path.symlink_metadata().is_ok() {
                let error = Error::new(ErrorKind::AlreadyExists, "there is such a folder already");
                return Err(named(error, path));
            }
            folder.root.for_writing().map(drop)
        })
        .await
    }

    pub(super) async fn remove_folder(&self) -> Result<()> {
        let folder = self.shared();
        run(move || remove(&folder.root)).await
    }
}

/// Deletes the folder if there is nothing in it but holdall's own, and there no object and nothing half-written.
fn remove(root: &Root) -> Result<()> {
    let path = root.path();
    if root.for_reading()?.is_none() {
        return Err(named(Error::new(ErrorKind::BucketNotFound, "there is no such folder"), path));
    }
    let failed = |error| named(Error::io("the store's folder cannot be deleted", error), path);
    let names = names(path).map_err(failed)?;
    if names.iter().any(|name| name != RESERVED) {
        return Err(named(not_empty(), path));
    }
    if !names.is_empty() {
        let own = path.join(RESERVED);
        check_own(&own).map_err(failed)?.map_err(|error| named(error, path))?;
        fs::remove_dir_all(&own).map_err(failed)?;
    }
    match fs::remove_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
            Err(named(not_empty().with_source(error), path))
        }
        other => other.map_err(failed),
    }
}

/// Looks for what must not be deleted in a store's own folder.
fn check_own(own: &Path) -> io::Result<Result<()>> {
    let is_folder = own.symlink_metadata()?.is_dir();
    if !is_folder || names(own)?.iter().any(|name| OWN.iter().all(|known| name != known)) {
        return Ok(Err(Error::new(
            ErrorKind::Conflict,
            "its .holdall/ has something in it that is not holdall's",
        )));
    }
    let versions = own.join("versions");
    if holds_file(&own.join("odd"))? || holds_version(&versions)? {
        return Ok(Err(not_empty()));
    }
    if holds_file(&own.join("tmp"))? {
        let error =
            Error::new(ErrorKind::Conflict, "something is being written to it, or was left half-written");
        return Ok(Err(error.with_hint("when nobody writes to it any more, remove what is left with `gc`")));
    }
    Ok(Ok(()))
}

fn names(path: &Path) -> io::Result<Vec<OsString>> {
    fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect()
}

/// Whether there is a version, or a mark that an object was deleted.
fn holds_version(versions: &Path) -> io::Result<bool> {
    if !versions.try_exists()? {
        return Ok(false);
    }
    let is_any = names(versions)?.iter().any(|name| name != RESERVED);
    Ok(is_any || holds_file(&versions.join(RESERVED).join("odd"))?)
}

/// Whether there is anything below a folder but folders.
fn holds_file(path: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        other => other?,
    };
    for entry in entries {
        let entry = entry?;
        if !entry.file_type()?.is_dir() || holds_file(&entry.path())? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn named(error: Error, path: &Path) -> Error {
    error.with_fact("path", path.display())
}
