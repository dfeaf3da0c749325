//! One writer at a time for each key, one drainer at a time for a queue, whatever task or process it is of.
//!
//! The kernel gives a lock back when its holder ends, however that happens.

use super::entry::Destination;
use super::ground::Ground;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::collections::BTreeSet;
use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard};

const SHARDS: usize = 256;
/// A key is locked while one write is decided, which its own deadline ends. Somebody who was stopped holds it longer.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Locks of keys, as far as this process has opened them.
#[derive(Debug)]
pub(super) struct Locks {
    prefix: &'static str,
    shards: [Arc<Mutex<Option<File>>>; SHARDS],
}

impl Locks {
    fn new(prefix: &'static str) -> Self {
        Self { prefix, shards: std::array::from_fn(|_| Arc::new(Mutex::new(None))) }
    }

    /// Of those who write to keys.
    pub(super) fn of_writers() -> Self {
        Self::new("")
    }

    /// Of those who send what waits: writers go on meanwhile.
    pub(super) fn of_senders() -> Self {
        Self::new("send-")
    }
}

/// The right to write to keys, directly or through the queue, until this is dropped.
///
/// Some other keys wait with them: there are 256 locks for all.
#[derive(Debug)]
pub struct KeyLock {
    pub(super) place: u64,
    keys: BTreeSet<String>,
    held: Right,
}

/// What keeps the locks held: by the one who asked for them, and by what that one began.
pub(super) type Right = Arc<Vec<Held>>;

/// One lock.
#[derive(Debug)]
pub(super) struct Held(OwnedMutexGuard<Option<File>>);

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(file) = self.0.as_ref()
            && rustix::fs::flock(file, FlockOperation::Unlock).is_err()
        {
            // Closed, it is given back all the same.
            *self.0 = None;
        }
    }
}

impl KeyLock {
    /// Keeps the locks held for a write that its caller may give up.
    pub(super) fn right(&self) -> Right {
        self.held.clone()
    }

    /// Whether it is of a key of a destination.
    pub(super) fn has(&self, place: u64, key: &str) -> bool {
        !self.held.is_empty() && self.place == place && self.keys.contains(key)
    }
}

/// Every version of holdall must come to the same lock.
fn shard(place: u64, key: &str) -> u8 {
    crate::sha256(format!("{place:016x}{key}").as_bytes()).0[0]
}

impl Locks {
    /// Waits for the locks of keys. Everybody takes them in the same order, so that nobody waits for ever.
    pub(super) async fn hold(
        &self,
        ground: &Ground,
        destination: &Destination,
        keys: &[&str],
    ) -> Result<KeyLock> {
        let place = destination.place();
        let shards: BTreeSet<u8> = keys.iter().map(|key| shard(place, key)).collect();
        let deadline = Instant::now() + PATIENCE;
        let mut held = Vec::with_capacity(shards.len());
        for shard in shards {
            let guard = self.shards[usize::from(shard)].clone();
            let guard = tokio::time::timeout(PATIENCE, guard.lock_owned()).await.map_err(|_| too_long())?;
            held.push(take(ground, &format!("{}{shard:02x}", self.prefix), guard, deadline).await?);
        }
        Ok(KeyLock { place, keys: keys.iter().map(|key| (*key).to_owned()).collect(), held: Arc::new(held) })
    }
}

async fn take(
    ground: &Ground,
    name: &str,
    mut guard: OwnedMutexGuard<Option<File>>,
    deadline: Instant,
) -> Result<Held> {
    let mut pause = Duration::from_micros(50);
    loop {
        let file = match guard.as_ref() {
            Some(file) => file,
            None => guard.insert(open(ground, name)?),
        };
        if try_lock(file, FlockOperation::NonBlockingLockExclusive)? {
            // Somebody may have removed the file: everybody else then locks another one.
            if is_named(file)? {
                return Ok(Held(guard));
            }
            *guard = None;
            continue;
        }
        if Instant::now() >= deadline {
            return Err(too_long());
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn too_long() -> Error {
    Error::new(ErrorKind::Timeout, "another process holds a lock of the outbox")
        .with_hint("look for a stopped process that uses this outbox")
}

fn open(ground: &Ground, name: &str) -> Result<File> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    rustix::fs::openat(&ground.lock, name, flags, Mode::RUSR | Mode::WUSR)
        .map(File::from)
        .map_err(|e| fault("a lock of the outbox cannot be opened", e))
}

fn is_named(file: &File) -> Result<bool> {
    let stat = rustix::fs::fstat(file).map_err(|e| fault("a lock of the outbox cannot be looked at", e))?;
    Ok(stat.st_nlink > 0)
}

fn try_lock(file: &File, how: FlockOperation) -> Result<bool> {
    match rustix::fs::flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK | Errno::INTR) => Ok(false),
        Err(error) => Err(fault("the outbox cannot be locked", error)),
    }
}

/// The right to drain a queue and to bring it into order, until this is dropped.
#[derive(Debug)]
pub struct DrainLock(File);

impl DrainLock {
    /// Takes it unless somebody has it.
    pub(super) fn try_hold(ground: &Ground) -> Result<Option<Self>> {
        for _ in 0..2 {
            let file = open(ground, "drain")?;
            if !try_lock(&file, FlockOperation::NonBlockingLockExclusive)? {
                return Ok(None);
            }
            if is_named(&file)? {
                return Ok(Some(Self(file)));
            }
        }
        Ok(None)
    }

    /// Whether it is still the one that everybody else meets.
    pub(super) fn demand(&self) -> Result<()> {
        if is_named(&self.0)? {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, "somebody removed the outbox's lock of the drainer"))
    }
}

/// A moment in which the set of segments stays as it is, shared by all who look at it.
#[derive(Debug)]
pub(super) struct Shared(#[allow(dead_code, reason = "it is held, not read")] File);

impl Shared {
    /// Waits for it. Somebody holds the other one for some calls only, unless he was stopped in the middle of them.
    pub(super) fn hold(ground: &Ground) -> Result<Self> {
        let file = open(ground, "segments")?;
        let deadline = Instant::now() + PATIENCE;
        while !try_lock(&file, FlockOperation::NonBlockingLockShared)? {
            if Instant::now() >= deadline {
                return Err(too_long());
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        Ok(Self(file))
    }
}

/// A moment in which one process replaces segments by others.
#[derive(Debug)]
pub(super) struct Exclusive(#[allow(dead_code, reason = "it is held, not read")] File);

impl Exclusive {
    pub(super) fn hold(ground: &Ground) -> Result<Self> {
        let file = open(ground, "segments")?;
        loop {
            match rustix::fs::flock(&file, FlockOperation::LockExclusive) {
                Err(Errno::INTR) => {}
                other => {
                    return other.map(|()| Self(file)).map_err(|e| fault("the outbox cannot be locked", e));
                }
            }
        }
    }
}
