//! A document's file: which one it is, and that it goes only while it is the same.

use holdall_store::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What tells a file from one that took its place or that was written since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) size: u64,
    pub(super) modified_ns: i64,
    pub(super) inode: u64,
}

/// Looks at a document's file; none where nothing has the name.
///
/// # Errors
///
/// `InvalidInput` for a symbolic link, a folder or a device: deleting it would not delete the document.
pub(super) fn look(path: &Path) -> Result<Option<Identity>> {
    let found = match std::fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(of("the document's file cannot be looked at", path, error)),
    };
    if !found.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "the document is not a file")
            .with_fact("path", format_args!("{path:?}"))
            .with_hint("name the file itself, not a link or a folder"));
    }
    let modified_ns = found.mtime().saturating_mul(1_000_000_000).saturating_add(found.mtime_nsec());
    Ok(Some(Identity { size: found.size(), modified_ns, inode: found.ino() }))
}

/// Looks at a file that has to be there.
///
/// # Errors
///
/// Also `NotFound`.
pub(super) fn demand(path: &Path) -> Result<Identity> {
    look(path)?.ok_or_else(|| {
        Error::new(ErrorKind::NotFound, "the document's file is not there")
            .with_fact("path", format_args!("{path:?}"))
            .with_hint("fetch it again, then run the job again")
    })
}

/// Deletes a file while it is the one that was uploaded; that it has gone already is no error.
///
/// # Errors
///
/// `Changed` for another one: it stays.
pub(super) fn delete(path: &Path, uploaded: Identity) -> Result<()> {
    match look(path)? {
        None => Ok(()),
        Some(found) if found == uploaded => match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(of("the document's file cannot be deleted", path, error))
            }
            _ => Ok(()),
        },
        Some(_) => {
            Err(Error::new(ErrorKind::Changed, "the document's file was changed after its upload and stays")
                .with_fact("path", format_args!("{path:?}"))
                .with_hint("run the job again: what it has now is uploaded and ingested"))
        }
    }
}

fn of(message: &str, path: &Path, error: io::Error) -> Error {
    Error::io(message, error).with_fact("path", format_args!("{path:?}"))
}
