//! What is said of an object: by its record, or by the file where there is none.

use super::folder::{Folder, Opened, is_no_object};
use super::record::{Identity, Record};
use crate::backend::conditions::whole_second;
use crate::content_type::{SNIFF, content_type_of};
use crate::disk::fault;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::object::Metadata;
use crate::{Attributes, Sha256};
use rustix::fs::OFlags;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

impl Identity {
    /// The `ETag` of a file in this state: another inode, size or time is another one.
    pub(super) fn etag(self, lasting_inodes: bool) -> String {
        let inode = if lasting_inodes { self.inode } else { 0 };
        let mut etag = String::with_capacity(3 * 16 + 4);
        for (mark, number) in [('"', inode), ('-', self.modified.cast_unsigned()), ('-', self.size)] {
            etag.push(mark);
            push_hex(&mut etag, number);
        }
        etag.push('"');
        etag
    }

    fn modified(self) -> SystemTime {
        let since = Duration::from_nanos(self.modified.unsigned_abs());
        if self.modified < 0 { UNIX_EPOCH - since } else { UNIX_EPOCH + since }
    }

    pub(super) fn last_modified(self) -> SystemTime {
        whole_second(self.modified())
    }

    /// How long it has not been written to; nothing for a file of the future.
    pub(super) fn age(self, now: SystemTime) -> Duration {
        now.duration_since(self.modified()).unwrap_or_default()
    }
}

/// Writes a number in hex without leading zeros: a listing has three for each object, and `format!` takes longer.
fn push_hex(text: &mut String, number: u64) {
    let digits = (64 - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..digits).rev() {
        let digit = (number >> (4 * place)) & 0xf;
        text.push(char::from(b"0123456789abcdef"[digit as usize]));
    }
}

impl Folder {
    /// What a head answers.
    pub(super) fn metadata(
        &self,
        at: &OwnedFd,
        key: &Key,
        identity: Identity,
        attributes: Attributes,
        sha256: Option<Sha256>,
    ) -> Metadata {
        Metadata {
            key: key.clone(),
            size: identity.size,
            etag: Some(identity.etag(self.root.kind(at).lasting_inodes)),
            last_modified: Some(identity.last_modified()),
            version: None,
            attributes,
            sha256,
            nonce: None,
            read_from: crate::ReadFrom::Store,
            expires: None,
        }
    }

    /// Opens an object with what is kept of it.
    pub(super) fn open_described(&self, at: &OwnedFd, key: &Key) -> Result<Option<(Opened, Option<Record>)>> {
        loop {
            let Some(opened) = self.open(at, key)? else { return Ok(None) };
            if let Some(record) = Record::read(&opened.file, opened.identity)? {
                return Ok(Some((opened, Some(record))));
            }
            match self.read_sidecar(at, key, opened.identity)? {
                Some(record) => return Ok(Some((opened, Some(record)))),
                // The record of an object that was replaced meanwhile went with it.
                None if self.was_replaced(at, key, opened.identity)? => {}
                None => return Ok(Some((opened, None))),
            }
        }
    }

    fn was_replaced(&self, at: &OwnedFd, key: &Key, identity: Identity) -> Result<bool> {
        if !self.has_sidecars(at)? {
            return Ok(false);
        }
        Ok(self.find(at, key)?.is_none_or(|found| found.identity != identity))
    }

    fn has_sidecars(&self, at: &OwnedFd) -> Result<bool> {
        match crate::disk::open_beneath(at, ".holdall/meta", OFlags::PATH) {
            Ok(_) => Ok(true),
            Err(error) if is_no_object(error) => Ok(false),
            Err(error) => Err(fault("what is kept of the object cannot be looked for", error)),
        }
    }
}

/// What a file of somebody else's is, by its name and its first bytes.
pub(super) fn foreign(key: &Key, file: &File) -> Result<Attributes> {
    let by_name = content_type_of(key.name(), b"");
    let content_type = if by_name == crate::content_type::BINARY {
        let mut first = [0; SNIFF];
        let n = file.read_at(&mut first, 0).map_err(|e| Error::io("the object cannot be read", e))?;
        content_type_of(key.name(), &first[..n])
    } else {
        by_name
    };
    Ok(Attributes { content_type: Some(content_type), ..Attributes::default() })
}

/// Attributes and digest of an object.
pub(super) fn described(
    key: &Key,
    opened: &Opened,
    record: Option<&Record>,
) -> Result<(Attributes, Option<Sha256>)> {
    match record {
        Some(record) => Ok((record.attributes(), record.sha256())),
        None => Ok((foreign(key, &opened.file)?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_inode_time_and_size() {
        let etag = |inode, modified, size, lasting| Identity { inode, modified, size }.etag(lasting);
        assert_eq!(etag(0x1f, 1_700_000_000_123_456_789, 0, true), "\"1f-17979cfe3d85cd15-0\"");
        assert_eq!(etag(7, -1, 4096, false), "\"0-ffffffffffffffff-1000\"");
        assert_eq!(etag(u64::MAX, 0, u64::MAX, true), "\"ffffffffffffffff-0-ffffffffffffffff\"");
    }
}
