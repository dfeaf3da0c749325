//! Removes what interrupted writes left behind.

use super::folder::Folder;
use super::history::VERSIONS;
use super::publish::sidecar;
use super::record::Record;
use crate::disk::{fault, open_beneath};
use crate::error::{Error, Result};
use crate::key::Key;
use crate::object::{GcOptions, Leftover};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::time::{Duration, SystemTime};

const LISTED: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);
const TEMPORARIES: &str = ".holdall/tmp";
const RECORDS: &str = ".holdall/meta";

/// A file of holdall's own that is old enough.
struct Stale<'a> {
    folder: &'a OwnedFd,
    name: String,
    path: String,
    age: Duration,
    size: u64,
}

impl Stale<'_> {
    fn leftover(&self, kind: &'static str, removed: Result<()>) -> Leftover {
        let (name, size) = (self.path.clone(), Some(self.size));
        Leftover { kind, name, age: self.age, size, left: None, error: removed.err() }
    }

    fn remove(&self, options: &GcOptions) -> Result<()> {
        if options.dry_run {
            return Ok(());
        }
        match rustix::fs::unlinkat(self.folder, &*self.name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(fault("the leftover cannot be removed", error)),
        }
    }

    fn read(&self) -> Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(self.folder, &*self.name, flags, Mode::empty())
            .map_err(|e| fault("the record cannot be opened", e))?;
        let mut json = Vec::new();
        File::from(file).read_to_end(&mut json).map_err(|e| Error::io("the record cannot be read", e))?;
        Ok(json)
    }
}

impl Folder {
    /// Removes temporaries that nobody writes to, and records of objects that are gone.
    pub(super) fn gc(&self, options: &GcOptions) -> Result<Vec<Leftover>> {
        let Some(at) = self.root.for_reading()? else { return Ok(Vec::new()) };
        let mut left = self.gc_at(&at, options)?;
        if let (Some(history), Some(there)) = (self.history(), self.past_at(&at)?) {
            let own = history.gc_at(&there, options)?.into_iter();
            left.extend(own.map(|one| Leftover { name: format!("{VERSIONS}/{}", one.name), ..one }));
        }
        Ok(left)
    }

    fn gc_at(&self, at: &OwnedFd, options: &GcOptions) -> Result<Vec<Leftover>> {
        let mut left = sweep_temporaries(at, options)?;
        for shard in names(at, RECORDS)? {
            each_stale(at, &format!("{RECORDS}/{shard}"), options.older_than, |file| {
                match self.sweep_record(at, file, options) {
                    Ok(false) => {}
                    Ok(true) => left.push(file.leftover("record", Ok(()))),
                    Err(error) => left.push(file.leftover("record", Err(error))),
                }
            })?;
        }
        Ok(left)
    }

    /// Removes a record whose object is not there in the state that it speaks of; answers whether it was one.
    fn sweep_record(&self, at: &OwnedFd, file: &Stale<'_>, options: &GcOptions) -> Result<bool> {
        // A power cut may leave a file without its bytes, and no object has that as its record.
        let Some(key) = Record::key_of(&file.read()?) else { return file.remove(options).map(|()| true) };
        let key = Key::listed(&key);
        let _held = self.locks.hold(&self.root, at, key.as_str())?;
        let found = self.find(at, &key)?;
        if found.is_some_and(|found| sidecar(&key, found.identity) == file.path) {
            return Ok(false);
        }
        file.remove(options).map(|()| true)
    }
}

/// Removes files that never became objects and that nobody has written to for long.
pub(super) fn sweep_temporaries(at: &OwnedFd, options: &GcOptions) -> Result<Vec<Leftover>> {
    let mut left = Vec::new();
    each_stale(at, TEMPORARIES, options.older_than, |file| {
        left.push(file.leftover("temporary", file.remove(options)));
    })?;
    Ok(left)
}

/// Hands on each file of a folder that was not written to for long.
fn each_stale(
    at: &OwnedFd,
    path: &str,
    older_than: Duration,
    mut found: impl FnMut(&Stale<'_>),
) -> Result<()> {
    let Some(folder) = open(at, path)? else { return Ok(()) };
    for name in names(at, path)? {
        let stat = match rustix::fs::statat(&folder, &*name, AtFlags::SYMLINK_NOFOLLOW) {
            // Its owner has come to an end with it.
            Err(Errno::NOENT) => continue,
            other => {
                other.map_err(|e| fault("the leftover cannot be looked at", e).with_fact("path", path))?
            }
        };
        let age = super::record::Identity::of_stat(&stat).age(SystemTime::now());
        if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile && age >= older_than {
            let size = u64::try_from(stat.st_size).unwrap_or_default();
            found(&Stale { folder: &folder, path: format!("{path}/{name}"), name, age, size });
        }
    }
    Ok(())
}

pub(super) fn names(at: &OwnedFd, path: &str) -> Result<Vec<String>> {
    let failed = |e| fault("the store's own folder cannot be read", e);
    let Some(folder) = open(at, path)? else { return Ok(Vec::new()) };
    let mut names = Vec::new();
    for entry in Dir::read_from(&folder).map_err(failed)? {
        // holdall writes no other names.
        if let Ok(name) = entry.map_err(failed)?.file_name().to_str()
            && !matches!(name, "." | "..")
        {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

fn open(at: &OwnedFd, path: &str) -> Result<Option<OwnedFd>> {
    match open_beneath(at, path, LISTED) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        other => other.map(Some).map_err(|e| fault("the store's own folder cannot be opened", e)),
    }
}
