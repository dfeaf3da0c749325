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
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const SHARDS: usize = 256;
/// Nobody holds a lock nearly as long; one that was stopped in the middle of it does.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// The locks of a store, as far as this process has opened them.
#[derive(Debug)]
pub(super) struct Locks([Mutex<Option<File>>; SHARDS]);

impl Default for Locks {
    fn default() -> Self {
        Self([const { Mutex::new(None) }; SHARDS])
    }
}

/// A lock that is held until this is dropped.
#[derive(Debug)]
pub(super) struct Held<'a>(MutexGuard<'a, Option<File>>);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if let Some(file) = self.0.as_ref()
            && rustix::fs::flock(file, FlockOperation::Unlock).is_err()
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
        let shard = shard(key);
        // Before the queue of this process: those behind one who waits in vain do not begin anew.
        let deadline = Instant::now() + PATIENCE;
        let mut held = Held(self.0[usize::from(shard)].lock().unwrap_or_else(PoisonError::into_inner));
        loop {
            let file = match held.0.take() {
                Some(file) => file,
                None => open(root, at, shard)?,
            };
            wait(&file, deadline)?;
            if is_current(&file, at, shard)? {
                *held.0 = Some(file);
                return Ok(held);
            }
            if Instant::now() >= deadline {
                return Err(Error::new(ErrorKind::Timeout, "the store's lock keeps being replaced"));
            }
        }
    }
}

fn open(root: &Root, at: &OwnedFd, shard: u8) -> Result<File> {
    let folder = root.own(at, "lock")?;
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(folder, format!("{shard:02x}"), flags, Mode::from_raw_mode(0o666))
        .map(File::from)
        .map_err(|e| fault("the store's lock cannot be opened", e))
}

/// Whether a file is the store's lock still. Somebody may have removed it, or put another folder in the place of the
/// whole store: everybody else then locks another file.
fn is_current(file: &File, at: &OwnedFd, shard: u8) -> Result<bool> {
    let failed = |e| fault("the lock cannot be looked at", e);
    let ours = rustix::fs::fstat(file).map_err(failed)?;
    let path = format!("{RESERVED}/lock/{shard:02x}");
    match rustix::fs::statat(at, path, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok((stat.st_dev, stat.st_ino) == (ours.st_dev, ours.st_ino)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn wait(file: impl AsFd, deadline: Instant) -> Result<()> {
    let mut pause = Duration::from_micros(50);
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK | Errno::INTR) if Instant::now() < deadline => {
                std::thread::sleep(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(Errno::WOULDBLOCK) => {
                return Err(Error::new(ErrorKind::Timeout, "another process holds the store's lock")
                    .with_hint("look for a stopped process that writes to this store"));
            }
            Err(error) => return Err(fault("the store cannot be locked", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_holds_ends_in_a_timeout() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(file.path()).unwrap();
        let (theirs, ours) = (open(), open());
        rustix::fs::flock(&theirs, FlockOperation::LockExclusive).unwrap();
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(wait(&ours, soon).unwrap_err().kind(), ErrorKind::Timeout);
        drop(theirs);
        wait(&ours, soon).unwrap();
    }

    #[test]
    fn golden_shards() {
        // The FNV-1a hashes are af63dc4c8601ec8c and 85944171f73967e8.
        assert_eq!(shard("a"), 0xaf ^ 0x63 ^ 0xdc ^ 0x4c ^ 0x86 ^ 0x01 ^ 0xec ^ 0x8c);
        assert_eq!(shard("foobar"), 0x85 ^ 0x94 ^ 0x41 ^ 0x71 ^ 0xf7 ^ 0x39 ^ 0x67 ^ 0xe8);
    }
}
