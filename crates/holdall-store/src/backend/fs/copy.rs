//! Copies objects inside the store, by sharing their blocks where the file system can.

use super::backend::FolderBackend;
use super::folder::{Folder, Opened};
use super::object::described;
use super::publish::Written;
use super::put::receipt;
use super::read::missing;
use crate::backend::carried::{Carried, check_onto_itself, copied_attributes, refuse_encryption};
use crate::backend::conditions::check_read;
use crate::disk::append;
use crate::error::{Error, ErrorKind, Result};
use crate::expiry;
use crate::key::Key;
use crate::object::{CopyOptions, Metadata};
use crate::receipt::Receipt;
use std::fs::File;
use std::sync::Arc;
use std::time::Instant;

/// Smaller objects are read: they are at hand already.
const COPIED: u64 = 1 << 20;

impl FolderBackend {
    pub(super) async fn copy_object(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Receipt> {
        let started = Instant::now();
        refuse_encryption(options.encryption.as_ref())?;
        check_onto_itself(from, to, options)?;
        let (from, options) = (from.clone(), options.clone());
        let copied = self.blocking(to, move |folder, to| folder.copy(&from, to, &options)).await?;
        Ok(receipt(copied, None, started))
    }
}

impl FolderBackend {
    /// Copies an object out of the store. One whose digest is recorded is read instead, so that it is checked.
    pub(super) async fn copy_out(&self, opened: &Metadata, into: &Arc<File>) -> Result<bool> {
        if opened.sha256.is_some() || opened.size < COPIED {
            return Ok(false);
        }
        let (etag, into) = (opened.etag.clone(), into.clone());
        self.blocking(&opened.key, move |folder, key| {
            let at = folder.root.for_reading()?.ok_or_else(missing)?;
            let source = folder.open(&at, key)?.ok_or_else(replaced)?;
            if Some(source.identity.etag(folder.root.kind(&at).lasting_inodes)) != etag {
                return Err(replaced());
            }
            copy_bytes(&source, &into).map(|()| true)
        })
        .await
    }
}

fn replaced() -> Error {
    Error::new(ErrorKind::Changed, "the object was replaced while it was read")
}

impl Folder {
    fn copy(&self, from: &Key, to: &Key, options: &CopyOptions) -> Result<Metadata> {
        let reading = self.root.for_reading()?.ok_or_else(missing)?;
        let (source, record) = self
            .existing_version(&reading, from, options.version.as_deref())
            .map_err(|e| e.with_key(from))?;
        let (attributes, sha256) = described(from, &source, record.as_ref())?;
        let metadata = self.metadata(&reading, from, source.identity, attributes, sha256);
        expiry::check(&metadata)?;
        check_read(&metadata, &options.conditions)?;
        // As on S3 the ACL does not go along: it belongs to the request.
        let attributes = copied_attributes(&metadata.attributes, options);
        let tags = options.tags.as_deref().or(record.as_ref().map(|r| r.tags())).unwrap_or_default();
        let carried = Carried::new(&attributes, tags, options.acl)?;
        let at = self.root.for_writing()?;
        let draft = self.begin(&at)?;
        copy_bytes(&source, draft.file())?;
        self.publish(&at, to, Written { draft, carried, sha256 }, &options.condition)
    }
}

/// Copies all bytes of a file that must not change meanwhile.
fn copy_bytes(source: &Opened, into: &File) -> Result<()> {
    if rustix::fs::ioctl_ficlone(into, &source.file).is_err() {
        append(&source.file, 0, source.identity.size, into)?;
    }
    let looked = |e| Error::io("the object cannot be looked at", e);
    let is_same = source.identity.is_of(&source.file).map_err(looked)?;
    if !is_same || into.metadata().map_err(looked)?.len() != source.identity.size {
        return Err(Error::new(ErrorKind::Changed, "the source was changed in place while it was copied"));
    }
    Ok(())
}
