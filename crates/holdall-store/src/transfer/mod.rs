//! Moves bytes between a store and files, streams and folders.

use crate::backend::Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{GetOptions, Metadata, PutOptions};
use crate::receipt::Receipt;
use crate::store::Store;
use bytes::Bytes;
use std::path::{Path, PathBuf};
use tokio::io::AsyncRead;

/// Placeholder of the bounded pool of part buffers.
#[derive(Debug)]
pub(crate) struct Buffers {}

impl Buffers {
    pub(crate) fn new(_memory: u64, _part_size: u64) -> Self {
        Self {}
    }
}

pub(crate) fn goes_in_parts(_store: &Store, _size: u64, _options: &PutOptions) -> bool {
    false
}

pub(crate) async fn put_bytes_in_parts(
    _store: &Store,
    _key: &Key,
    _bytes: Bytes,
    _options: &PutOptions,
) -> Result<Receipt> {
    Err(Error::new(ErrorKind::Unsupported, "in parts"))
}

/// How a folder is pushed.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// Which files.
    pub filter: Filter,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
    /// Follow symbolic links; else they are skipped and reported.
    pub follow_symlinks: bool,
    /// How each object is put.
    pub put: PutOptions,
}

/// How a prefix is pulled.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// Which keys, by their name relative to the prefix.
    pub filter: Filter,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
}

/// Which relative paths take part: those that match an include (or there is none) and no exclude. Globs: `*` and `?`
/// stay within a name, `**` crosses folders; a pattern without a slash matches the last name.
#[derive(Debug, Clone, Default)]
pub struct Filter {}

impl Filter {
    /// Reads patterns.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a pattern that is none.
    pub fn new<S: AsRef<str>>(_include: &[S], _exclude: &[S]) -> Result<Self> {
        Ok(Self {})
    }

    /// Whether a relative path takes part.
    pub fn takes(&self, _path: &str) -> bool {
        true
    }
}

/// What happened to one file or object of a folder's transfer.
#[derive(Debug)]
#[non_exhaustive]
pub enum TreeEvent {
    /// A file was stored.
    Pushed {
        /// The file.
        path: PathBuf,
        /// Its receipt.
        receipt: Receipt,
    },
    /// An object was written to a file.
    Pulled {
        /// The file.
        path: PathBuf,
        /// The object.
        metadata: Metadata,
    },
    /// Would be moved, were this not a dry run.
    Planned {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Bytes.
        size: u64,
    },
    /// Left out on purpose: a symbolic link, a socket, a folder's own marker object.
    Skipped {
        /// The file, or the key of an object.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Failed; the rest goes on.
    Failed {
        /// The file, or the key of an object.
        name: String,
        /// Why.
        error: Error,
    },
}

/// What a folder's transfer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TreeSummary {
    /// Files or objects moved (or planned).
    pub done: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Left out on purpose.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
}

impl Store {
    /// Stores a file: by one request below the multipart threshold, else in parts.
    ///
    /// # Errors
    ///
    /// `Io` for a file that cannot be read (`InvalidInput` for a folder), `Changed` for one that grows, shrinks or is
    /// modified while it is read. After an error the key has what it had before.
    pub async fn put_file(&self, _key: &str, _path: &Path, _options: &PutOptions) -> Result<Receipt> {
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Stores what a reader gives until its end, of unknown length, in flat memory.
    ///
    /// `expected` sets the parts' size so that they suffice; without it an object of more than 10,000 parts of the
    /// set size is `InvalidInput` as soon as that is known, and nothing stays behind.
    pub async fn put_reader<R>(
        &self,
        _key: &str,
        _reader: R,
        _expected: Option<u64>,
        _options: &PutOptions,
    ) -> Result<Receipt>
    where
        R: AsyncRead + Send + Unpin,
    {
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Writes an object to a file, which appears whole or not at all; large objects are read in ranges at once.
    ///
    /// # Errors
    ///
    /// `Changed` when the object is replaced while it is read, `Integrity` when its recorded digest does not match,
    /// `Full` without space.
    pub async fn get_to_file(&self, _key: &str, _path: &Path, _options: &GetOptions) -> Result<Metadata> {
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Stores all files below a folder under `prefix`, to which their relative paths are appended as they are.
    ///
    /// Every file gives one event. One that fails does not stop the rest.
    ///
    /// # Errors
    ///
    /// Only what concerns the whole: a folder that is not there, a store that cannot be used.
    pub async fn push(
        &self,
        _dir: &Path,
        _prefix: &str,
        _options: &PushOptions,
        _on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<TreeSummary> {
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }

    /// Writes all objects that begin with `prefix` below a folder, at the rest of their keys.
    ///
    /// A key that climbs out, is no file name, or claims the place of another is an error of its own, and the rest
    /// goes on.
    pub async fn pull(
        &self,
        _prefix: &str,
        _dir: &Path,
        _options: &PullOptions,
        _on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<TreeSummary> {
        Err(Error::new(ErrorKind::Unsupported, "not yet"))
    }
}

#[allow(unused)]
fn _uses(_: &dyn Backend) {}
