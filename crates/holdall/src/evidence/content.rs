//! Bytes of attachments, at hand or in a file, and their digest.

use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Result, Sha256};
use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file is hashed in pieces of this size.
const PIECE: usize = 1 << 20;

/// What is attached.
#[derive(Debug, Clone)]
pub enum Content {
    /// Bytes at hand.
    Bytes(Bytes),
    /// A file. It is read twice, once for its digest, and must not change meanwhile.
    File(PathBuf),
}

impl<T: Into<Bytes>> From<T> for Content {
    fn from(bytes: T) -> Self {
        Self::Bytes(bytes.into())
    }
}

/// What was found out of a content before the first byte of it is sent.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) size: u64,
    pub(super) sha256: Sha256,
    identity: Option<Identity>,
}

/// By what a file is recognised as one that nobody has changed.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            size: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

impl Measured {
    pub(super) async fn of(content: &Content) -> Result<Self> {
        match content {
            Content::Bytes(bytes) => {
                Ok(Self { size: bytes.len() as u64, sha256: holdall_store::sha256(bytes), identity: None })
            }
            Content::File(path) => {
                let path = path.clone();
                let measured = tokio::task::spawn_blocking(move || of_file(&path)).await;
                measured
                    .map_err(|e| Error::new(ErrorKind::Cancelled, "hashing was cancelled").with_source(e))?
            }
        }
    }

    /// Refuses a file that is not what it was.
    pub(super) fn still_the_same(&self, content: &Content) -> Result<()> {
        let (Content::File(path), Some(identity)) = (content, &self.identity) else { return Ok(()) };
        let now = std::fs::metadata(path).map_err(|e| unreadable(path, e))?;
        if Identity::of(&now) == *identity {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Changed, "the file changed while it was attached")
            .with_fact("path", path.display()))
    }
}

fn of_file(path: &Path) -> Result<Measured> {
    let looked = std::fs::metadata(path).map_err(|e| unreadable(path, e))?;
    // Opening a pipe would wait for its writer.
    if !looked.is_file() {
        return Err(
            Error::new(ErrorKind::InvalidInput, "this is no regular file").with_fact("path", path.display())
        );
    }
    let mut file = File::open(path).map_err(|e| unreadable(path, e))?;
    let before = file.metadata().map_err(|e| unreadable(path, e))?;
    let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
    let mut piece = vec![0; PIECE];
    let mut size = 0;
    loop {
        let read = file.read(&mut piece).map_err(|e| unreadable(path, e))?;
        if read == 0 {
            break;
        }
        digest.update(&piece[..read]);
        size += read as u64;
    }
    Ok(Measured { size, sha256: finished(digest), identity: Some(Identity::of(&before)) })
}

pub(super) fn finished(digest: ring::digest::Context) -> Sha256 {
    let mut out = [0; 32];
    out.copy_from_slice(digest.finish().as_ref());
    Sha256(out)
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    Error::io("the file cannot be read", error).with_fact("path", path.display())
}
