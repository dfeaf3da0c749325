//! Reads objects and what is known of them.

use super::backend::FolderBackend;
use super::folder::{Folder, Opened};
use super::object::described;
use super::record::{Identity, Record};
use crate::backend::conditions::check_read;
use crate::backend::ranges::{check_form, resolve};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::check_for;
use crate::key::Key;
use crate::object::{GetOptions, Metadata, Object, ObjectStream};
use crate::{Encryption, Sha256};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use std::fs::File;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

/// Bytes come in pieces of at most this size.
const PIECE: u64 = 256 * 1024;

impl FolderBackend {
    pub(super) async fn get_object(&self, key: &Key, options: &GetOptions) -> Result<Object> {
        check_form(options.range)?;
        let options = options.clone();
        self.blocking(key, move |folder, key| folder.get(key, &options)).await
    }

    pub(super) async fn head_object(&self, key: &Key, options: &GetOptions) -> Result<Metadata> {
        let options = options.clone();
        self.blocking(key, move |folder, key| Ok(folder.look(key, &options)?.metadata)).await
    }
}

/// An object that was found and may be read.
struct Looked {
    opened: Opened,
    metadata: Metadata,
}

impl Folder {
    fn look(&self, key: &Key, options: &GetOptions) -> Result<Looked> {
        let at = self.root.for_reading()?.ok_or_else(missing)?;
        let (opened, record) = self.existing_version(&at, key, options.version.as_deref())?;
        // S3 ignores the other kinds on a read and refuses a key that the object was not encrypted with.
        if let Some(Encryption::Customer(_)) = options.encryption {
            let message = "the object is not encrypted with a customer's key";
            return Err(Error::new(ErrorKind::InvalidInput, message));
        }
        let (attributes, sha256) = described(key, &opened, record.as_ref())?;
        let version = self.version(&at, opened.identity)?;
        let metadata = self.metadata(&at, key, opened.identity, attributes, sha256);
        let metadata = Metadata { version, ..metadata };
        check_for(&metadata, options)?;
        check_read(&metadata, &options.conditions)?;
        Ok(Looked { opened, metadata })
    }

    pub(super) fn existing(&self, at: &OwnedFd, key: &Key) -> Result<(Opened, Option<Record>)> {
        self.open_described(at, key)?.ok_or_else(missing)
    }

    /// An object, or a version of it.
    pub(super) fn existing_version(
        &self,
        at: &OwnedFd,
        key: &Key,
        version: Option<&str>,
    ) -> Result<(Opened, Option<Record>)> {
        match version {
            Some(version) => self.open_version(at, key, version),
            None => self.existing(at, key),
        }
    }

    fn get(&self, key: &Key, options: &GetOptions) -> Result<Object> {
        let Looked { opened, metadata } = self.look(key, options)?;
        let range = resolve(options.range, metadata.size)?;
        let whole = range == (0..metadata.size);
        let expected = metadata.sha256.filter(|_| whole);
        let mut reading = Reading {
            digest: expected.map(|_| ring::digest::Context::new(&ring::digest::SHA256)),
            expected,
            left: range.clone(),
            file: opened.file,
            identity: opened.identity,
        };
        // Opening and reading a small object is one hop to where blocking is allowed, not two.
        let first = if range.is_empty() { None } else { Some(reading.next()?) };
        Ok(Object { metadata, range, attempts: 1, stream: reading.stream(first) })
    }
}

pub(super) fn missing() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such object")
}

/// An object's file while it is read: it stays the same one when the object is replaced.
struct Reading {
    file: File,
    identity: Identity,
    left: Range<u64>,
    digest: Option<ring::digest::Context>,
    expected: Option<Sha256>,
}

impl Reading {
    /// Reads the next piece; the last one is held back when the file is not what it was.
    fn next(&mut self) -> Result<Bytes> {
        let len = (self.left.end - self.left.start).min(PIECE);
        let mut piece = BytesMut::zeroed(len as usize);
        self.file.read_exact_at(&mut piece, self.left.start).map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => changed(),
            _ => Error::io("the object cannot be read", e),
        })?;
        self.left.start += len;
        if let Some(digest) = &mut self.digest {
            digest.update(&piece);
        }
        if self.left.is_empty() {
            self.check_end()?;
        }
        Ok(piece.freeze())
    }

    fn check_end(&mut self) -> Result<()> {
        let is_same = self.identity.is_of(&self.file);
        if !is_same.map_err(|e| Error::io("the object cannot be looked at", e))? {
            return Err(changed());
        }
        let found = self.digest.take().map(digest_of);
        match self.expected {
            Some(expected) if found != Some(expected) => {
                Err(Error::new(ErrorKind::Integrity, "the object does not have its recorded SHA-256")
                    .with_fact("recorded", expected))
            }
            _ => Ok(()),
        }
    }

    fn stream(self, first: Option<Bytes>) -> ObjectStream {
        Box::pin(stream::try_unfold((self, first), |(mut reading, first)| async move {
            if let Some(piece) = first {
                return Ok(Some((piece, (reading, None))));
            }
            if reading.left.is_empty() {
                return Ok(None);
            }
            let read = tokio::task::spawn_blocking(move || (reading.next(), reading)).await;
            let (piece, reading) =
                read.map_err(|e| Error::new(ErrorKind::Cancelled, "reading was cancelled").with_source(e))?;
            Ok(Some((piece?, (reading, None))))
        }))
    }
}

fn digest_of(digest: ring::digest::Context) -> Sha256 {
    let mut found = Sha256([0; 32]);
    found.0.copy_from_slice(digest.finish().as_ref());
    found
}

fn changed() -> Error {
    Error::new(ErrorKind::Changed, "the object's file was changed in place while it was read")
}
