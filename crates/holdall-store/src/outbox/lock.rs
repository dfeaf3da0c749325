//! One writer at a time for each key, one drainer at a time for a queue, whatever task or process it is of.
//!
//! The kernel gives a lock back when its holder ends, however that happens.

use super::entry::Destination;
use super::ground::Ground;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A write holds its key's lock until it is decided, which for a large one takes as long as it is sent. Somebody who was
/// stopped holds it longer.
const PATIENCE: Duration = Duration::from_secs(600);
/// What the names of key locks begin with.
const WRITE: &str = "write-";
const SEND: &str = "send-";
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Locks of keys: a file for each key that somebody writes to, there for as long as it is locked.
///
/// Tasks of one process come one after the other; processes try again and again.
#[derive(Debug)]
pub(super) struct Locks {
    prefix: &'static str,
    turns: Arc<Turns>,
}

/// Whose turn it is among this process's tasks, by key.
type Turns = std::sync::Mutex<HashMap<u64, Arc<Mutex<()>>>>;

impl Locks {
    fn new(prefix: &'static str) -> Self {
        Self { prefix, turns: Arc::default() }
    }

    /// Of those who write to keys.
    pub(super) fn of_writers() -> Self {
        Self::new(WRITE)
    }

    /// Of those who send what waits: writers go on meanwhile.
    pub(super) fn of_senders() -> Self {
        Self::new(SEND)
    }
}

/// The right to write to keys, directly or through the queue, until this is dropped.
#[derive(Debug)]
pub struct KeyLock {
    pub(super) place: u64,
    keys: BTreeSet<String>,
    held: Right,
}

/// What keeps the locks held: by the one who asked for them, and by what that one began.
pub(super) type Right = Arc<Vec<Held>>;

/// One lock; the file's is given back before the turn.
#[derive(Debug)]
pub(super) struct Held(
    #[allow(dead_code, reason = "it is held, not read")] NamedLock,
    #[allow(dead_code, reason = "it is held, not read")] Turn,
);

/// A locked file, which loses its name before it is unlocked: whoever gets a lock of a file without a name takes another
/// one.
#[derive(Debug)]
struct NamedLock {
    ground: Arc<Ground>,
    name: String,
    #[allow(dead_code, reason = "it is held, not read")]
    file: File,
}

impl Drop for NamedLock {
    fn drop(&mut self) {
        if let Err(error) = rustix::fs::unlinkat(&self.ground.lock, &self.name, AtFlags::empty()) {
            tracing::debug!(name = self.name, %error, "a lock of the outbox is left behind");
        }
    }
}

/// Removes the files of locks that were left by who was killed.
pub(super) fn sweep(ground: &Ground) -> Result<()> {
    let failed = |e| fault("the outbox's locks cannot be listed", e);
    for entry in rustix::fs::Dir::read_from(&ground.lock).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy();
        if !name.starts_with(WRITE) && !name.starts_with(SEND) {
            continue;
        }
        let file = open(ground, &name)?;
        if try_lock(&file, FlockOperation::NonBlockingLockExclusive)? && is_named(&file)? {
            rustix::fs::unlinkat(&ground.lock, &*name, AtFlags::empty()).map_err(failed)?;
        }
    }
    Ok(())
}

/// A task's turn at a key.
#[derive(Debug)]
struct Turn {
    turns: Arc<Turns>,
    hash: u64,
    guard: Option<OwnedMutexGuard<()>>,
}

impl Turn {
    async fn wait(turns: &Arc<Turns>, hash: u64) -> Result<Self> {
        let queue = all(turns).entry(hash).or_default().clone();
        let mut turn = Self { turns: turns.clone(), hash, guard: None };
        turn.guard = Some(tokio::time::timeout(PATIENCE, queue.lock_owned()).await.map_err(|_| too_long())?);
        Ok(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = all(&self.turns);
        self.guard = None;
        // Nobody waits who has not taken the queue of this key, which is done under the same lock.
        if turns.get(&self.hash).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            turns.remove(&self.hash);
        }
    }
}

fn all(turns: &Turns) -> MutexGuard<'_, HashMap<u64, Arc<Mutex<()>>>> {
    turns.lock().unwrap_or_else(PoisonError::into_inner)
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
fn hash(place: u64, key: &str) -> u64 {
    let digest = crate::sha256(format!("{place:016x}{key}").as_bytes());
    u64::from_be_bytes(digest.0[..8].try_into().expect("a digest has more than eight bytes"))
}

impl Locks {
    /// Waits for the locks of keys. Everybody takes them in the same order, so that nobody waits for ever.
    pub(super) async fn hold(
        &self,
        ground: &Arc<Ground>,
        destination: &Destination,
        keys: &[&str],
    ) -> Result<KeyLock> {
        let place = destination.place();
        let hashes: BTreeSet<u64> = keys.iter().map(|key| hash(place, key)).collect();
        let deadline = Instant::now() + PATIENCE;
        let mut held = Vec::with_capacity(hashes.len());
        for hash in hashes {
            let turn = Turn::wait(&self.turns, hash).await?;
            let file = take(ground, format!("{}{hash:016x}", self.prefix), deadline).await?;
            held.push(Held(file, turn));
        }
        Ok(KeyLock { place, keys: keys.iter().map(|key| (*key).to_owned()).collect(), held: Arc::new(held) })
    }
}

async fn take(ground: &Arc<Ground>, name: String, deadline: Instant) -> Result<NamedLock> {
    let mut pause = Duration::from_micros(50);
    loop {
        let file = open(ground, &name)?;
        if try_lock(&file, FlockOperation::NonBlockingLockExclusive)? {
            // Who had it before removed the file: everybody else locks another one.
            if is_named(&file)? {
                return Ok(NamedLock { ground: ground.clone(), name, file });
            }
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
