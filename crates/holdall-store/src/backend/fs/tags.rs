//! Tags of objects that are there: they change with what is kept beside the bytes, and nothing else does.

use super::folder::{Folder, Opened};
use super::names::split;
use super::object::foreign;
use super::publish::{nonce, sidecar};
use super::read::missing;
use super::record::Record;
use crate::backend::carried::Carried;
use crate::backend::check_tags;
use crate::disk::fault;
use crate::error::Result;
use crate::key::Key;
use std::os::fd::OwnedFd;

impl Folder {
    /// The tags that are kept with an object.
    pub(super) fn tags(&self, key: &Key) -> Result<Vec<(String, String)>> {
        let at = self.root.for_reading()?.ok_or_else(missing)?;
        let (_, record) = self.existing(&at, key)?;
        Ok(record.map_or_else(Vec::new, |record| record.tags().to_vec()))
    }

    /// Replaces all tags of an object, at one moment: it has the old ones or these, after a power cut too.
    pub(super) fn set_tags(&self, key: &Key, tags: &[(String, String)]) -> Result<()> {
        check_tags(tags)?;
        let reading = self.root.for_reading()?.ok_or_else(missing)?;
        // Nothing is made in a folder for an object that is not there.
        self.existing(&reading, key)?;
        let at = self.root.for_writing()?;
        let _held = self.locks.hold(&self.root, &at, key.as_str())?;
        let (opened, record) = self.existing(&at, key)?;
        self.settle_name(&at, key)?;
        let record = match record {
            None if tags.is_empty() => return Ok(()),
            Some(record) => record,
            None => described_anew(key, &opened)?,
        };
        self.write_again(&at, key, &opened, record.tagged(tags))
    }

    /// Brings to the disk that the object has its key: whoever put it may not have come to it.
    fn settle_name(&self, at: &OwnedFd, key: &Key) -> Result<()> {
        let found = self.find(at, key)?.ok_or_else(missing)?;
        let settled = self.root.settle(at, split(&found.path).0, &found.folder);
        settled
            .and_then(|()| self.sync_folder(&found.folder, ""))
            .map(drop)
            .map_err(|e| fault("the object's name may not be on the disk", e))
    }

    /// Puts a record in the place of the one that an object's file has or that is a file of its own.
    fn write_again(&self, at: &OwnedFd, key: &Key, opened: &Opened, mut record: Record) -> Result<()> {
        let path = sidecar(key, opened.identity);
        let is_apart = Record::read(&opened.file, opened.identity)?.is_none() && self.has_sidecar(at, &path);
        if !is_apart && record.write(&opened.file)? {
            let failed = |e| fault("what belongs to the object may not be on the disk", e);
            return self.root.sync(&opened.file).map_err(failed);
        }
        record.name(key.as_str());
        self.put_sidecar(at, &path, &record)?;
        // The one that the file has comes first, and says the old until it is gone.
        Record::remove(&opened.file)?;
        self.root
            .sync(&opened.file)
            .map_err(|e| fault("what belongs to the object may not be on the disk", e))
    }
}

/// The record of an object that others put there, as it is read without one.
fn described_anew(key: &Key, opened: &Opened) -> Result<Record> {
    let carried = Carried::new(&foreign(key, &opened.file)?, &[], None)?;
    let mut record = Record::new(&carried, None, nonce());
    record.stamp(opened.identity);
    Ok(record)
}
