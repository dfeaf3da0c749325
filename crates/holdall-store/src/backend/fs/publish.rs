//! The one place where a write takes effect.

use super::folder::{Folder, Found, Look, Spelling, is_no_object};
use super::lock::Held;
use super::names::split;
use super::record::{Identity, Record};
use super::root::{PATIENCE, as_errno};
use super::versions::Keeping;
use crate::backend::carried::Carried;
use crate::backend::conditions::check_write;
use crate::disk::{Draft, SEARCH, fault, open_beneath};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::Metadata;
use crate::{Attributes, Sha256, WriteCondition, sha256};
use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT};
use rustix::io::{self, Errno};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// FAT knows times to two seconds.
const COARSEST: i64 = 2_000_000_000;

/// How often a file's time is set before it counts as one that cannot be.
const STAMPS: u32 = 16;

/// An object whose bytes are written and that nobody can see yet.
pub(super) struct Written {
    pub(super) draft: Draft,
    pub(super) carried: Carried,
    pub(super) sha256: Option<Sha256>,
}

/// A written object that is on the disk.
pub(super) struct Sealed {
    draft: Draft,
    identity: Identity,
    record: Record,
    /// The object's file carries its record.
    carries: bool,
    /// The record's own file, where the object's cannot carry it.
    sidecar: Option<String>,
}

/// Where a key is, or is to be.
enum Place {
    /// Its object.
    Taken(Found),
    /// A path that no object has, and its folder where that is there.
    Free { path: String, folder: Option<OwnedFd> },
}

/// An object that can be seen under its name.
pub(super) struct Named {
    /// The folder that the name is in.
    pub(super) folder: OwnedFd,
    /// Where the record of the object that had the name is, if it is a file of its own.
    pub(super) replaced: Option<String>,
}

impl Sealed {
    /// An object whose file carries its record, as it is.
    pub(super) fn carrying(draft: Draft, identity: Identity, record: Record) -> Self {
        Self::again(draft, identity, record, true)
    }

    /// An object as it is, whose file may carry its record.
    pub(super) fn again(draft: Draft, identity: Identity, record: Record, carries: bool) -> Self {
        Self { draft, identity, record, carries, sidecar: None }
    }
}

impl Folder {
    /// Begins an object.
    pub(super) fn begin(&self, at: &OwnedFd) -> Result<Draft> {
        Draft::begin(at, || self.root.holding(at)).map_err(|e| fault("the object cannot be begun", e))
    }

    /// Gives an object its key, if the condition holds at that moment.
    ///
    /// When this answers, the object is as safe as the settings ask for. After an error the key has what it had.
    pub(super) fn publish(
        &self,
        at: &OwnedFd,
        key: &Key,
        written: Written,
        condition: &WriteCondition,
    ) -> Result<Metadata> {
        self.publish_held(at, key, written, condition, None)
    }

    /// The same by somebody who may hold the key's lock already.
    pub(super) fn publish_held(
        &self,
        at: &OwnedFd,
        key: &Key,
        written: Written,
        condition: &WriteCondition,
        held: Option<Held<'_>>,
    ) -> Result<Metadata> {
        let Written { draft, carried, sha256 } = written;
        let keeping = self.keeping(at)?;
        let passing = keeping == Keeping::Lasting;
        let record = Record { passing, ..Record::new(&carried, sha256, nonce()) };
        let mut sealed = self.seal(draft, record)?;
        let held = match held {
            Some(held) => held,
            None => self.locks.hold(&self.root, at, key.as_str())?,
        };
        self.keep_before_write(at, key, keeping)?;
        let named = self.name(at, key, &mut sealed, condition);
        if named.is_err()
            && let Some(sidecar) = &sealed.sidecar
        {
            self.remove_sidecar(at, sidecar);
        }
        let Named { folder, replaced } = named?;
        let replaced = replaced.filter(|old| self.has_sidecar(at, old));
        // A sidecar goes under the lock, since a later object of the key may have one of the same name.
        let held = if replaced.is_some() { Some(held) } else { None };
        self.root.sync(&folder).map_err(|e| fault("the object's name may not be on the disk", e))?;
        if let Some(old) = replaced {
            self.remove_sidecar(at, &old);
        }
        drop(held);
        let version = self.version_among(at, keeping, sealed.identity);
        Ok(Metadata { version, ..self.metadata(at, key, sealed.identity, carried.attributes, sha256) })
    }

    /// Writes what belongs to the object beside its bytes, and brings all of it to the disk.
    fn seal(&self, draft: Draft, record: Record) -> Result<Sealed> {
        let identity = stamp(draft.file(), now())?;
        let mut sealed = Sealed { identity, draft, record, carries: false, sidecar: None };
        self.settle(&mut sealed)?;
        Ok(sealed)
    }

    fn settle(&self, sealed: &mut Sealed) -> Result<()> {
        sealed.record.stamp(sealed.identity);
        sealed.carries = sealed.record.write(sealed.draft.file())?;
        self.root.sync(sealed.draft.file()).map_err(|e| fault("the object cannot be brought to the disk", e))
    }

    /// Decides and names; the key's lock is held.
    pub(super) fn name(
        &self,
        at: &OwnedFd,
        key: &Key,
        sealed: &mut Sealed,
        condition: &WriteCondition,
    ) -> Result<Named> {
        let mut plain_is_taken = !self.can_be_path(at, key);
        for _ in 0..PATIENCE {
            let place = self.place(at, key, plain_is_taken)?;
            let existing = match &place {
                Place::Taken(found) => Some(found),
                Place::Free { .. } => None,
            };
            let known = existing.map(|found| self.known(at, key, found.identity));
            check_write(known.as_ref(), condition)?;
            self.tell_apart(at, sealed, existing)?;
            if !sealed.carries {
                self.write_sidecar(at, key, sealed)?;
            }
            let is_new = existing.is_none();
            match self.take(at, key, sealed, place) {
                Ok(named) => return Ok(named),
                // The folder went away, or the file that was to be replaced did.
                Err(Errno::NOENT) => {}
                Err(Errno::ISDIR | Errno::NOTDIR | Errno::LOOP) if !is_new => {}
                // Something that is no object has the name, or a name on the way.
                Err(Errno::EXIST) if is_new => {
                    plain_is_taken |= self.is_taken(at, key.as_str())? && !self.root.clear(at, key.as_str());
                }
                Err(Errno::XDEV) => return Err(mounted()),
                Err(error) if is_new && !plain_is_taken && is_no_object(error) => plain_is_taken = true,
                Err(error) => return Err(fault("the object cannot be given its name", error)),
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others keep changing the object's folder"))
    }

    /// Where an object is, or is to be.
    fn place(&self, at: &OwnedFd, key: &Key, plain_is_taken: bool) -> Result<Place> {
        let flags = self.root.opened_for_names();
        let mut free = None;
        if !plain_is_taken {
            match self.look_at(at, key.as_str().to_owned(), flags)? {
                Look::Object(found) => return Ok(Place::Taken(found)),
                Look::Free(folder) => free = Some(folder),
                Look::None => {}
            }
        }
        let odd = self.odd(at, key.as_str());
        if let Look::Object(found) = self.look_at(at, odd.clone(), flags)? {
            return Ok(Place::Taken(found));
        }
        let path = if plain_is_taken { odd } else { key.as_str().to_owned() };
        Ok(Place::Free { path, folder: free })
    }

    /// Gives the object its name.
    fn take(&self, at: &OwnedFd, key: &Key, sealed: &mut Sealed, place: Place) -> io::Result<Named> {
        match place {
            Place::Taken(old) => {
                let (above, name) = split(&old.path);
                self.root.settle(at, above, &old.folder)?;
                keep_mode(sealed.draft.file(), old.mode)?;
                sealed.draft.publish_over(&old.folder, name, || self.root.holding(at))?;
                // Nothing may fail any more: the object can be seen.
                let replaced = Some(sidecar(key, old.identity));
                Ok(Named { folder: old.folder, replaced })
            }
            Place::Free { path, folder } => {
                let (above, name) = split(&path);
                self.refuse_alias(at, above)?;
                let folder = match folder {
                    Some(folder) => {
                        self.root.settle(at, above, &folder)?;
                        folder
                    }
                    None => {
                        let folder = self.root.folder(at, above)?;
                        // Others may have made it meanwhile in other letters.
                        self.refuse_alias(at, above)?;
                        folder
                    }
                };
                let named = sealed.draft.publish_new(&folder, name);
                if named.is_err() {
                    self.root.prune(at, above);
                }
                named.map(|()| Named { folder, replaced: None })
            }
        }
    }

    /// Refuses a folder that is there under a name of other letters: its files have other keys.
    fn refuse_alias(&self, at: &OwnedFd, folder: &str) -> io::Result<()> {
        match self.spelling(at, folder).map_err(as_errno)? {
            Spelling::Other => Err(Errno::NOTDIR),
            Spelling::Exact | Spelling::Absent => Ok(()),
        }
    }

    /// What a condition needs to know of an object.
    fn known(&self, at: &OwnedFd, key: &Key, identity: Identity) -> Metadata {
        self.metadata(at, key, identity, Attributes::default(), None)
    }

    /// Where inodes do not tell two files apart, their times must; and two records that are files of their own. Where
    /// times are coarse an inode comes back within one of them, so that time must go on with every write.
    fn tell_apart(&self, at: &OwnedFd, sealed: &mut Sealed, existing: Option<&Found>) -> Result<()> {
        let Some(existing) = existing.map(|found| found.identity) else { return Ok(()) };
        let lasting = self.root.kind(at).lasting_inodes && sealed.carries;
        let mut modified = existing.modified;
        let mut tries = 0;
        while sealed.identity.etag(lasting) == existing.etag(lasting)
            || (is_coarse(sealed.identity)
                && is_coarse(existing)
                && sealed.identity.modified <= existing.modified)
        {
            tries += 1;
            if tries > STAMPS {
                return Err(no_times());
            }
            modified = modified.saturating_add(COARSEST);
            sealed.identity = stamp(sealed.draft.file(), modified)?;
            self.settle(sealed)?;
        }
        Ok(())
    }

    /// Whether something that is no object is at a path.
    fn is_taken(&self, at: &OwnedFd, path: &str) -> Result<bool> {
        let (above, name) = split(path);
        let is_there = open_beneath(at, above, SEARCH)
            .is_ok_and(|folder| rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok());
        Ok(is_there && self.find_at(at, path.to_owned())?.is_none())
    }

    /// Reads the record of an object whose file cannot carry it.
    pub(super) fn read_sidecar(&self, at: &OwnedFd, key: &Key, identity: Identity) -> Result<Option<Record>> {
        let path = sidecar(key, identity);
        let file = match open_beneath(at, &path, OFlags::RDONLY | OFlags::NONBLOCK) {
            Err(error) if is_no_object(error) => return Ok(None),
            other => other.map_err(|e| fault("what is kept of the object cannot be opened", e))?,
        };
        let mut json = Vec::new();
        File::from(file)
            .read_to_end(&mut json)
            .map_err(|e| Error::io("what is kept of the object cannot be read", e))?;
        Record::parse(&json, identity)
    }

    /// Writes the record of an object that cannot carry it. Under the lock, and before the object can be seen: no
    /// object is ever without its record, and none has another's.
    fn write_sidecar(&self, at: &OwnedFd, key: &Key, sealed: &mut Sealed) -> Result<()> {
        let path = sidecar(key, sealed.identity);
        if sealed.sidecar.as_ref() == Some(&path) {
            return Ok(());
        }
        if let Some(stale) = sealed.sidecar.take() {
            self.remove_sidecar(at, &stale);
        }
        sealed.record.name(key.as_str());
        self.put_sidecar(at, &path, &sealed.record)?;
        sealed.sidecar = Some(path);
        Ok(())
    }

    pub(super) fn put_sidecar(&self, at: &OwnedFd, path: &str, record: &Record) -> Result<()> {
        let failed = |e| fault("what belongs to the object cannot be kept", e);
        let (above, name) = split(path);
        let folder = self.root.folder(at, above).map_err(failed)?;
        let mut draft = self.begin(at)?;
        (&**draft.file())
            .write_all(&record.to_json())
            .map_err(|e| Error::io("what belongs to the object cannot be kept", e))?;
        self.root.sync(draft.file()).map_err(failed)?;
        draft.publish_over(&folder, name, || self.root.holding(at)).map_err(failed)?;
        self.root.sync(&folder).map_err(failed)
    }

    pub(super) fn has_sidecar(&self, at: &OwnedFd, path: &str) -> bool {
        open_beneath(at, path, OFlags::PATH).is_ok()
    }

    /// Removes a sidecar, where there is one; that its object is gone must be on the disk, for if the object came back
    /// after a power cut it would be without its record. One that stays says nothing of any file, and `gc` removes it.
    pub(super) fn remove_sidecar(&self, at: &OwnedFd, path: &str) {
        let (above, name) = split(path);
        if let Ok(folder) = open_beneath(at, above, SEARCH)
            && let Err(error) = rustix::fs::unlinkat(folder, name, AtFlags::empty())
            && error != Errno::NOENT
        {
            tracing::debug!(path, %error, "a record that is no longer needed is left behind");
        }
    }
}

fn no_times() -> Error {
    Error::new(ErrorKind::Unsupported, "this file system does not set a file's time when it is told to")
        .with_hint("here an object cannot be told from the one whose place it takes; use another file system")
}

/// Whether a time may be one that the file system has rounded.
pub(super) fn is_coarse(identity: Identity) -> bool {
    identity.modified % 1_000_000 == 0
}

/// Gives an object the permissions of the one whose place it takes: what was closed to others stays so.
fn keep_mode(file: &File, mode: Mode) -> io::Result<()> {
    match rustix::fs::fchmod(file, mode) {
        // Some file systems have no permissions of their own.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::INVAL) => Ok(()),
        other => other,
    }
}

fn mounted() -> Error {
    Error::new(ErrorKind::Unsupported, "another file system is mounted inside the store")
        .with_hint("open the mounted folder as a store of its own")
}

/// Where the record of an object is whose file cannot carry it: by its key, and by which bytes it speaks of.
pub(super) fn sidecar(key: &Key, identity: Identity) -> String {
    let hash = sha256(key.as_str().as_bytes()).to_hex();
    format!(".holdall/meta/{}/{hash}-{:x}-{:x}", &hash[..2], identity.modified, identity.size)
}

/// Sets a file's time of modification, and reads what the file system made of it.
fn stamp(file: &File, modified: i64) -> Result<Identity> {
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
        last_modification: Timespec {
            tv_sec: modified.div_euclid(1_000_000_000),
            tv_nsec: modified.rem_euclid(1_000_000_000),
        },
    };
    rustix::fs::futimens(file, &times).map_err(|e| fault("the object's time cannot be set", e))?;
    Identity::of(file).map_err(|e| Error::io("the object cannot be looked at", e))
}

/// Nanoseconds since 1970, as the clock has them: the kernel's own times of files go in steps of milliseconds, and two
/// files of one size within a step would look the same.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// A name for a write that no other has: what the system's randomness gave this process, and a count.
pub(super) fn nonce() -> u128 {
    static FIRST: LazyLock<u128> = LazyLock::new(|| {
        use ring::rand::{SecureRandom, SystemRandom};
        let mut bytes = [0; 16];
        SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
        u128::from_ne_bytes(bytes)
    });
    static COUNT: AtomicU64 = AtomicU64::new(0);
    FIRST.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed).into())
}
