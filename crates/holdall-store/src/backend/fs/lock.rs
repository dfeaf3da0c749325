//! One writer at a time for each key, whatever task or process it is of.
//!
//! The lock of a key is one of 256 files under `.holdall/lock/`, by the key's hash. It is held while a write is decided
//! and named, never while bytes are written. The kernel gives it back when its holder ends, however that happens.

use super::root::Root;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use crate::key::RESERVED;
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

const SHARDS: usize = 256;
/// Nobody holds a lock nearly as long; one that was stopped in the middle of it does.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// The locks of a store, as far as this process has opened them.
#[derive(Debug)]
pub(super) struct Locks([Mutex<Option<Lock>>; SHARDS]);

impl Default for Locks {
    fn default() -> Self {
        Self([const { Mutex::new(None) }; SHARDS])
    }
}

/// A lock's file, and which it is: device and inode.
#[derive(Debug)]
struct Lock {
    file: File,
    id: (u64, u64),
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held<'a>(MutexGuard<'a, Option<Lock>>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(lock) = self.0.as_ref()
            && rustix::fs::flock(&lock.file, FlockOperation::Unlock).is_err()
        {
            // Closed, it is given back all the same.
            *self.0 = None;
        }
    }
}

/// FNV-1a, folded to a byte: every version of holdall must come to the same lock.
pub(super) fn shard(key: &str) -> u8 {
    let hash = key.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hash.to_be_bytes().into_iter().fold(0, |all, byte| all ^ byte)
}

impl Locks {
    /// Waits for the lock of a key.
    ///
    /// # Errors
    ///
    /// `Timeout` when somebody holds it for a minute; whatever keeps the lock's file from being made.
    pub(super) fn hold(&self, root: &Root, at: &OwnedFd, key: &str) -> Result<Held<'_>> {
        self.hold_until(root, at, key, Instant::now() + PATIENCE)
    }

    fn hold_until(&self, root: &Root, at: &OwnedFd, key: &str, deadline: Instant) -> Result<Held<'_>> {
        let shard = shard(key);
        let mut held = Held(self.of(shard).lock().unwrap_or_else(PoisonError::into_inner));
        let mut pause = Duration::from_micros(50);
        while !held.take(root, at, shard)? {
            if Instant::now() >= deadline {
                return Err(Error::new(ErrorKind::Timeout, "another process holds the store's lock")
                    .with_hint("look for a stopped process that writes to this store"));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Ok(held)
    }

    /// Waits for the locks of two keys. Everybody who takes two takes the lower one first, so that nobody waits for ever.
    pub(super) fn hold_both(
        &self,
        root: &Root,
        at: &OwnedFd,
        keys: [&str; 2],
    ) -> Result<(Held<'_>, Option<Held<'_>>)> {
        let [mut first, mut second] = keys;
        if shard(second) < shard(first) {
            (first, second) = (second, first);
        }
        let held = self.hold(root, at, first)?;
        let other = match shard(first) == shard(second) {
            true => None,
            false => Some(self.hold(root, at, second)?),
        };
        Ok((held, other))
    }

    /// Takes the lock of a key unless somebody has it.
    pub(super) fn try_hold(&self, root: &Root, at: &OwnedFd, key: &str) -> Result<Option<Held<'_>>> {
        let shard = shard(key);
        let mut held = match self.of(shard).try_lock() {
            Ok(guard) => Held(guard),
            Err(TryLockError::Poisoned(guard)) => Held(guard.into_inner()),
            Err(TryLockError::WouldBlock) => return Ok(None),
        };
        Ok(held.take(root, at, shard)?.then_some(held))
    }

    fn of(&self, shard: u8) -> &Mutex<Option<Lock>> {
        &self.0[usize::from(shard)]
    }
}

impl Held<'_> {
    /// Takes the lock, unless another process has it.
    fn take(&mut self, root: &Root, at: &OwnedFd, shard: u8) -> Result<bool> {
        // The second time the file is the one that is there now.
        for _ in 0..2 {
            let lock = match self.0.as_ref() {
                Some(lock) => lock,
                None => self.0.insert(open(root, at, shard)?),
            };
            match rustix::fs::flock(&lock.file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK | Errno::INTR) => return Ok(false),
                Err(error) => return Err(fault("the store cannot be locked", error)),
            }
            if is_current(lock, at, shard)? {
                return Ok(true);
            }
            *self.0 = None;
        }
        Ok(false)
    }
}

fn open(root: &Root, at: &OwnedFd, shard: u8) -> Result<Lock> {
    let failed = |e| fault("the store's lock cannot be opened", e);
    let folder = root.own(at, "lock")?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let mode = Mode::from_raw_mode(0o666);
    let file = rustix::fs::openat(folder, format!("{shard:02x}"), flags, mode).map_err(failed)?;
    let id = id_of(&rustix::fs::fstat(&file).map_err(failed)?);
    Ok(Lock { file: file.into(), id })
}

#[allow(clippy::unnecessary_cast, reason = "the fields' types differ between architectures")]
fn id_of(stat: &rustix::fs::Stat) -> (u64, u64) {
    (stat.st_dev as u64, stat.st_ino as u64)
}

/// Whether a file is the store's lock still. Somebody may have removed it, or put another folder in the place of the
/// whole store: everybody else then locks another file.
fn is_current(lock: &Lock, at: &OwnedFd, shard: u8) -> Result<bool> {
    let path = format!("{RESERVED}/lock/{shard:02x}");
    match rustix::fs::statat(at, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(id_of(&stat) == lock.id),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
        Err(error) => Err(fault("the lock cannot be looked at", error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_holds_ends_in_a_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path().to_owned(), crate::Fsync::None, false);
        let at = root.for_writing().unwrap();
        // Locks of two openings exclude each other as those of two processes do.
        let (theirs, ours) = (Locks::default(), Locks::default());
        let held = theirs.hold(&root, &at, "a").unwrap();
        assert!(ours.try_hold(&root, &at, "a").unwrap().is_none());
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(ours.hold_until(&root, &at, "a", soon).unwrap_err().kind(), ErrorKind::Timeout);
        drop(held);
        ours.hold_until(&root, &at, "a", soon).unwrap();
    }

    #[test]
    fn both_locks_of_two_keys_are_held_and_one_that_they_share_is_held_once() {
        let folder = tempfile::tempdir().unwrap();
        let root = Root::new(folder.path().to_owned(), crate::Fsync::None, false);
        let at = root.for_writing().unwrap();
        let (theirs, ours) = (Locks::default(), Locks::default());
        let twin = (0..).map(|n| n.to_string()).find(|key| shard(key) == shard("a")).unwrap();
        for keys in [["a", "foobar"], ["foobar", "a"], ["a", &*twin]] {
            let held = theirs.hold_both(&root, &at, keys).unwrap();
            assert!(keys.iter().all(|key| ours.try_hold(&root, &at, key).unwrap().is_none()), "{keys:?}");
            drop(held);
            assert!(keys.iter().all(|key| ours.try_hold(&root, &at, key).unwrap().is_some()), "{keys:?}");
        }
    }

    #[test]
    fn golden_shards() {
        // The FNV-1a hashes are af63dc4c8601ec8c and 85944171f73967e8.
        assert_eq!(shard("a"), 0xaf ^ 0x63 ^ 0xdc ^ 0x4c ^ 0x86 ^ 0x01 ^ 0xec ^ 0x8c);
        assert_eq!(shard("foobar"), 0x85 ^ 0x94 ^ 0x41 ^ 0x71 ^ 0xf7 ^ 0x39 ^ 0x67 ^ 0xe8);
    }
}
