//! The index of a destination: which files are known to have the bytes of which objects.
//!
//! Two files for each pair of a folder and a prefix, and for each shard of such a pair, below the index's folder: entries
//! in the order of their keys (`.index`), and what was found since, as it came (`.log`), which is also what is locked.
//! Both begin with `holdall.index` and the form's version, and say what they are of. Records carry a checksum; the first
//! that is not whole ends the reading. Nothing is fsynced and nothing in it is believed alone: an entry counts only for a
//! file that is still the same and an object that is still listed so.

mod cursor;
mod frames;
mod log;

pub(in crate::transfer) use cursor::Cursor;
pub(in crate::transfer) use log::Log;

use super::Scratch;
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use crate::transfer::Shard;
use crate::transfer::journal::NoteFile;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What is sorted in memory before it goes to a temporary file.
const SORTED: usize = 4 << 20;

/// The two sides that an index is of, or a shard of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transfer) struct Place(String);

impl Place {
    /// None for a store whose URL does not tell it from others.
    ///
    /// # Errors
    ///
    /// What keeps the folder's own path from being found.
    pub(in crate::transfer) fn new(
        store: &Store,
        prefix: &str,
        dir: &Path,
        shard: Option<Shard>,
    ) -> io::Result<Option<Self>> {
        if !matches!(store.backend().kind(), "s3" | "folder") {
            return Ok(None);
        }
        let endpoint = store.settings().endpoint.as_ref().map(ToString::to_string);
        let dir = dir.canonicalize()?;
        let sides = format!("{:?}", (endpoint, store.location(), prefix, dir));
        Ok(Some(Self(match shard {
            Some(shard) => format!("{sides} {shard}"),
            None => sides,
        })))
    }

    fn name(&self) -> String {
        crate::sha256(self.0.as_bytes()).to_hex()[..40].to_owned()
    }
}

/// Opens the index of a place; none while another process has it.
///
/// # Errors
///
/// What keeps it from being read or written.
pub(in crate::transfer) fn open(
    folder: &Path,
    place: &Place,
    scratch: &Scratch,
) -> io::Result<Option<(Cursor, Log)>> {
    let name = |ending: &str| format!("{}.{ending}", place.name());
    let Some(file) = NoteFile::make(folder, &name("log"))? else { return Ok(None) };
    let path = |ending: &str| -> PathBuf { folder.join(name(ending)) };
    let log =
        Log::new(Arc::new(file.into_file()), path("index"), path("new"), place.clone(), scratch.clone())?;
    let cursor = log.cursor()?;
    Ok(Some((cursor, log)))
}

/// Opens the index of a folder and a prefix, where there is one that can be had.
///
/// What keeps it from being used is logged: then files are compared by digest.
///
/// # Errors
///
/// `Cancelled` when the runtime ends.
pub(in crate::transfer) async fn open_index(
    store: &Store,
    prefix: &str,
    dir: &Path,
    shard: Option<Shard>,
) -> Result<(Cursor, Option<Log>)> {
    let Some(folder) = store.settings().index.clone() else { return Ok(Default::default()) };
    let place = match Place::new(store, prefix, dir, shard) {
        Ok(Some(place)) => place,
        Ok(None) => return Ok(Default::default()),
        Err(error) => {
            tracing::debug!(%error, "there is no index of a folder that cannot be found");
            return Ok(Default::default());
        }
    };
    let opened = tokio::task::spawn_blocking(move || {
        let opened = open(&folder, &place, &Scratch::new(Some(&folder)));
        opened.inspect_err(|error| {
            tracing::info!(%error, folder = %folder.display(), "no index: files are compared without it");
        })
    });
    let opened = opened.await;
    Ok(
        match opened.map_err(|e| Error::new(ErrorKind::Cancelled, "the index's task ended").with_source(e))? {
            Ok(Some((cursor, log))) => (cursor, Some(log)),
            Ok(None) => {
                tracing::debug!("another process has the index: files are compared without it");
                Default::default()
            }
            Err(_) => Default::default(),
        },
    )
}

#[cfg(test)]
mod tests;
