//! One writer at a time for each key, one drainer at a time for a queue, whatever task or process it is of.
//!
//! The kernel gives a lock back when its holder ends, however that happens.

use super::commit::locked;
use super::entry::Destination;
use super::ground::Ground;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// A write holds its key's lock until it is decided, which for a large one takes as long as it is sent. Somebody who was
/// stopped holds it longer.
const PATIENCE: Duration = Duration::from_secs(600);
const LONGEST_PAUSE: Duration = Duration::from_millis(10);

/// Locks of keys: each is one byte of a file that has none, at the place that the key's hash says.
///
/// Tasks of one process come one after the other; processes try again and again.
#[derive(Debug)]
pub(super) struct Locks {
    name: &'static str,
    /// Locks are those of an open file: all of this queue's are of this one.
    file: std::sync::Mutex<Option<Arc<File>>>,
    turns: Arc<Turns>,
}

/// Whose turn it is among this process's tasks, by key.
type Turns = std::sync::Mutex<HashMap<u64, Arc<Mutex<()>>>>;

/// The right to write to keys, directly or through the queue, until this is dropped.
#[derive(Debug)]
pub struct KeyLock {
    pub(super) place: u64,
    keys: BTreeSet<String>,
    held: Right,
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

/// What keeps the locks held: by the one who asked for them, and by what that one began.
pub(super) type Right = Arc<Vec<Held>>;

/// One lock; the file's is given back before the turn.
#[derive(Debug)]
pub(super) struct Held(
    #[allow(dead_code, reason = "it is held, not read")] Byte,
    #[allow(dead_code, reason = "it is held, not read")] Turn,
);

/// A byte of a file that is locked.
#[derive(Debug)]
struct Byte {
    file: Arc<File>,
    at: u64,
}

impl Byte {
    /// Locks it unless somebody has it who opened the file for himself.
    fn try_lock(file: &Arc<File>, at: u64) -> Result<Option<Self>> {
        match set_lock(file, libc::F_WRLCK, at) {
            Ok(()) => Ok(Some(Self { file: file.clone(), at })),
            Err(Errno::AGAIN | Errno::ACCESS | Errno::INTR) => Ok(None),
            Err(error) => Err(fault("a key of the outbox cannot be locked", error)),
        }
    }
}

impl Drop for Byte {
    fn drop(&mut self) {
        if let Err(error) = set_lock(&self.file, libc::F_UNLCK, self.at) {
            tracing::warn!(%error, "a key of the outbox stays locked until this process ends");
        }
    }
}

/// Locks or unlocks one byte, without waiting. The lock is the open file's ("open file description lock"), not the
/// process's: threads and other openings of the file meet it, and it goes with the last handle, however that happens.
fn set_lock(file: &File, kind: libc::c_int, at: u64) -> rustix::io::Result<()> {
    let lock = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: at as libc::off_t,
        l_len: 1,
        l_pid: 0,
    };
    #[allow(unsafe_code, reason = "the crate for calls of the kernel has no safe form of this one")]
    // SAFETY: the descriptor is open as long as `file` is, and the kernel reads one whole `flock` behind the pointer.
    let done = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) };
    let last = || std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    if done == 0 { Ok(()) } else { Err(Errno::from_raw_os_error(last())) }
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
        let (mut turn, queue) = Self::begin(turns, hash);
        turn.guard = Some(tokio::time::timeout(PATIENCE, queue.lock_owned()).await.map_err(|_| too_long())?);
        Ok(turn)
    }

    fn try_take(turns: &Arc<Turns>, hash: u64) -> Option<Self> {
        let (mut turn, queue) = Self::begin(turns, hash);
        turn.guard = Some(queue.try_lock_owned().ok()?);
        Some(turn)
    }

    fn begin(turns: &Arc<Turns>, hash: u64) -> (Self, Arc<Mutex<()>>) {
        let queue = locked(turns).entry(hash).or_default().clone();
        (Self { turns: turns.clone(), hash, guard: None }, queue)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut turns = locked(&self.turns);
        self.guard = None;
        // Nobody waits who has not taken the queue of this key, which is done under the same lock.
        if turns.get(&self.hash).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            turns.remove(&self.hash);
        }
    }
}

/// The place of a key's lock: 62 bits, as the kernel counts bytes of a file with a sign. Every version of holdall must
/// come to the same one.
fn hash(place: u64, key: &str) -> u64 {
    let digest = crate::sha256(format!("{place:016x}{key}").as_bytes());
    u64::from_be_bytes(digest.0[..8].try_into().expect("a digest has more than eight bytes")) >> 2
}

/// The hashes of keys. Everybody takes them in this order, so that nobody waits for ever.
fn hashes(place: u64, keys: &[&str]) -> BTreeSet<u64> {
    keys.iter().map(|key| hash(place, key)).collect()
}

fn lock_of(place: u64, keys: &[&str], held: Vec<Held>) -> KeyLock {
    KeyLock { place, keys: keys.iter().map(|key| (*key).to_owned()).collect(), held: Arc::new(held) }
}

impl Locks {
    /// Those of who write to keys.
    pub(super) fn of_writers() -> Self {
        Self { name: "write", file: std::sync::Mutex::default(), turns: Arc::default() }
    }

    /// Those of who send what waits: writers go on meanwhile.
    pub(super) fn of_senders() -> Self {
        Self { name: "send", ..Self::of_writers() }
    }

    /// Waits for the locks of keys.
    pub(super) async fn hold(
        &self,
        ground: &Ground,
        destination: &Destination,
        keys: &[&str],
    ) -> Result<KeyLock> {
        let place = destination.place();
        let deadline = Instant::now() + PATIENCE;
        let mut held = Vec::with_capacity(keys.len());
        for hash in hashes(place, keys) {
            let turn = Turn::wait(&self.turns, hash).await?;
            let mut pause = Duration::from_micros(50);
            let byte = loop {
                if let Some(byte) = self.try_byte(ground, hash)? {
                    break byte;
                }
                if Instant::now() >= deadline {
                    return Err(too_long());
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            };
            held.push(Held(byte, turn));
        }
        Ok(lock_of(place, keys, held))
    }

    /// Takes the locks of keys, unless somebody has one of them.
    pub(super) fn try_hold(
        &self,
        ground: &Ground,
        destination: &Destination,
        keys: &[&str],
    ) -> Result<Option<KeyLock>> {
        let place = destination.place();
        let mut held = Vec::with_capacity(keys.len());
        for hash in hashes(place, keys) {
            let Some(turn) = Turn::try_take(&self.turns, hash) else { return Ok(None) };
            let Some(byte) = self.try_byte(ground, hash)? else { return Ok(None) };
            held.push(Held(byte, turn));
        }
        Ok(Some(lock_of(place, keys, held)))
    }

    fn try_byte(&self, ground: &Ground, hash: u64) -> Result<Option<Byte>> {
        let file = self.file(ground)?;
        match Byte::try_lock(&file, hash)? {
            // Somebody removed the file: everybody else locks another one.
            Some(_) if !is_named(&file)? => {
                *locked(&self.file) = None;
                Ok(None)
            }
            other => Ok(other),
        }
    }

    fn file(&self, ground: &Ground) -> Result<Arc<File>> {
        let mut file = locked(&self.file);
        match &*file {
            Some(file) => Ok(file.clone()),
            None => Ok(file.insert(Arc::new(open(ground, self.name)?)).clone()),
        }
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
