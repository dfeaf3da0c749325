//! Sends what waits to where it goes, each key's entries in their order.
//!
//! Delivery is at least once: an entry that may have arrived is looked for before it is sent again, by the name of its
//! write. What the remote refuses for good is parked, with all behind it; what it cannot take now waits for a pause.
//! Entries are never given up.

mod background;
mod claim;
mod send;

pub use background::Draining;

use super::breaker::Breaker;
use super::commit::locked;
use super::entry::{Destination, Entry, EntryId};
use super::lock::DrainLock;
use super::look::Cursor;
use super::payload::blocking;
use super::queue::Queue;
use super::table::Pending;
use crate::Progress;
use crate::backend::s3::S3Backend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::receipt::Receipt;
use crate::settings::Settings;
use crate::store::Store;
use claim::{Batch, Claim, Sendable};
use send::{Fate, send, settle};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tokio::task::{JoinError, JoinHandle, JoinSet};

/// After so many settled entries room is given back, or a quarter of the queue where that is more; and at the end.
const COMPACT_AFTER: u64 = 32 << 10;

/// Where entries of a destination are sent.
#[derive(Debug, Clone)]
pub struct Remote {
    store: Store,
    breaker: Arc<Breaker>,
}

impl Remote {
    /// A store without a prefix and without an outbox.
    pub fn new(store: Store) -> Self {
        Self { store, breaker: Arc::default() }
    }

    pub(crate) fn of(store: Store, breaker: Arc<Breaker>) -> Self {
        Self { store, breaker }
    }
}

/// When entries are sent that failed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pauses {
    /// When their pause is over.
    #[default]
    Kept,
    /// Now, once: somebody asks for it.
    Ended,
}

/// What became of an entry.
#[derive(Debug)]
pub enum Delivery {
    /// The remote has it, as the receipt of a put, a copy or a move says.
    Sent(Option<Box<Receipt>>),
    /// An earlier try had arrived.
    Found,
    /// The remote refused it: it waits for somebody.
    Parked(Error),
    /// It is tried again later.
    Later(Error),
    /// It cannot be read any more.
    Damaged(Error),
}

/// What a drain did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Drained {
    /// Entries that the remote took.
    pub sent: u64,
    /// Entries that an earlier try had brought there.
    pub found: u64,
    /// Bytes of both.
    pub bytes: u64,
    /// Entries that were refused.
    pub parked: u64,
    /// Entries that wait for another try.
    pub later: u64,
    /// Entries that cannot be read.
    pub damaged: u64,
    /// Entries of other endpoints, which are not sent from here.
    pub foreign: u64,
}

impl Drained {
    fn settled(&self) -> u64 {
        self.sent + self.found
    }
}

type Each<'a> = dyn FnMut(&Entry, &Delivery) + Send + 'a;
type Remotes = dyn Fn(&Destination) -> Result<Option<Remote>> + Send + Sync;

/// Drains a queue.
#[derive(Clone)]
pub struct Drainer {
    queue: Queue,
    remotes: Arc<Remotes>,
    lanes: usize,
    prefix: String,
}

impl fmt::Debug for Drainer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drainer").field("queue", &self.queue).finish_non_exhaustive()
    }
}

impl Drainer {
    /// A drainer of a queue. `remotes` answers where entries of a destination go; none where that is not known here.
    pub fn new(
        queue: Queue,
        remotes: impl Fn(&Destination) -> Result<Option<Remote>> + Send + Sync + 'static,
        lanes: usize,
    ) -> Self {
        Self { queue, remotes: Arc::new(remotes), lanes: lanes.max(1), prefix: String::new() }
    }

    /// A drainer by settings: entries of their endpoint are sent, to whatever bucket they go.
    pub fn of(queue: Queue, settings: &Settings) -> Self {
        let (settings, lanes) = (settings.clone(), settings.concurrency);
        let known: Mutex<HashMap<Destination, Option<Remote>>> = Mutex::default();
        let remotes = move |destination: &Destination| {
            let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(remote) = known.get(destination) {
                return Ok(remote.clone());
            }
            let backend = S3Backend::open(&destination.bucket, &Prefix::default(), &settings)?;
            let is_ours = backend.destination() == *destination;
            let remote =
                is_ours.then(|| Remote::new(Store::with_backend(Arc::new(backend), settings.clone())));
            known.insert(destination.clone(), remote.clone());
            Ok(remote)
        };
        Self::new(queue, remotes, lanes)
    }

    /// Only keys that begin with this, as the bucket knows them.
    pub fn below(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sends everything that can be sent, and tells of each entry. One drains at a time.
    ///
    /// # Errors
    ///
    /// `Conflict` when somebody else drains. `Unreachable`, `Timeout` or `Throttled` when a remote was away and entries
    /// wait for it; `Credentials`, `Config` or `BucketNotFound` when one cannot be used at all. What keeps the outbox
    /// itself from being read or written. Whatever was sent before that counts.
    pub async fn drain(
        &self,
        pauses: Pauses,
        mut each: impl FnMut(&Entry, &Delivery) + Send,
    ) -> Result<Drained> {
        let Some(lock) = self.queue.try_drain()? else {
            return Err(Error::new(ErrorKind::Conflict, "somebody else drains this outbox")
                .with_fact("folder", self.queue.folder().display()));
        };
        let (lock, start) = (Arc::new(lock), Instant::now());
        let mut run = Run::new(self, pauses);
        let ended = run.all(&lock, &mut each).await;
        crate::telemetry::drained(self.queue.folder(), start, &run.drained, ended.as_ref().err());
        if run.drained.settled() > 0 {
            run.compact(&lock).await?;
        }
        ended.map(|()| run.drained)
    }
}

/// What is at a key after it was drained.
pub(crate) enum AtKey {
    /// Nothing waits. The receipt is that of the last put that was sent.
    Clean(Option<Box<Receipt>>),
    Waits,
    /// This entry was refused for good, and is parked.
    Refused(Box<Pending>, Error),
}

/// Sends what waits at one key, whoever drains besides.
pub(crate) async fn drain_key(
    queue: &Queue,
    remote: &Remote,
    (destination, key): (&Destination, &str),
    progress: &Progress,
) -> Result<AtKey> {
    let mut last = None;
    loop {
        let (queued, destination, key) = (queue.clone(), destination.clone(), key.to_owned());
        let look = move || match queued.head(&destination, &key)? {
            Some(ready) => Ok(Err(ready)),
            None => Ok(Ok(queued.waiting(&destination, &key)?.is_empty())),
        };
        let ready = match blocking(look).await? {
            Ok(true) => return Ok(AtKey::Clean(last)),
            Ok(false) => return Ok(AtKey::Waits),
            Err(ready) => ready,
        };
        let claimed = match Claim::wait(queue, Sendable { ready, remote: remote.clone() }).await {
            Err(error) if error.kind() == ErrorKind::Timeout => return Ok(AtKey::Waits),
            claimed => claimed?,
        };
        let Some(mut claim) = claimed else {
            // Somebody else sent it.
            last = None;
            continue;
        };
        match send(queue, &mut claim, Some(progress)).await? {
            Fate::Arrived(delivery) => {
                settle(queue, std::iter::once(&claim)).await?;
                last = match delivery {
                    Delivery::Sent(receipt) => receipt,
                    _ => None,
                };
            }
            Fate::Stays(Delivery::Parked(error)) => {
                return Ok(AtKey::Refused(Box::new(claim.pending), error));
            }
            Fate::Stays(_) | Fate::Away(_) => return Ok(AtKey::Waits),
        }
    }
}

/// What one drain sends.
struct Wanted {
    drainer: Drainer,
    pauses: Pauses,
    /// Entries that were tried and still wait: this drain does not try them again.
    tried: Mutex<HashSet<EntryId>>,
    /// Endpoints that are away: all that goes there would wait for nothing.
    away: Mutex<BTreeMap<String, Error>>,
}

impl Wanted {
    fn is_wanted(&self, entry: &Entry) -> bool {
        entry.key.starts_with(&self.drainer.prefix)
            && !locked(&self.tried).contains(&entry.id)
            && !self.is_away(entry)
    }

    fn is_away(&self, entry: &Entry) -> bool {
        locked(&self.away).contains_key(&entry.destination.endpoint)
    }
}

/// One drain.
struct Run {
    wanted: Arc<Wanted>,
    drained: Drained,
    /// How many entries are settled when room is given back next.
    next_compaction: u64,
}

/// What became of an entry that could be sent.
enum Tried {
    Claimed(Box<Claim>, Fate),
    /// Somebody else settled it.
    Gone,
    /// Somebody else still sends it.
    Busy(Box<Entry>, Error),
}

/// What the remote has, and nobody was told yet.
type Arrived = Vec<(Claim, Delivery)>;

/// A walk over all keys of the queue.
#[derive(Default)]
struct Round {
    claims: VecDeque<Claim>,
    looking: Option<JoinHandle<Result<Batch>>>,
    cursor: Option<Cursor>,
    is_over: bool,
    lanes: JoinSet<Result<Tried>>,
    arrived: Arrived,
    settling: Option<JoinHandle<Result<Arrived>>>,
    settled: u64,
}

impl Run {
    fn new(drainer: &Drainer, pauses: Pauses) -> Self {
        let (tried, away) = Default::default();
        let wanted = Arc::new(Wanted { drainer: drainer.clone(), pauses, tried, away });
        let next_compaction = COMPACT_AFTER.max(drainer.queue.frames() / 4);
        Self { wanted, drained: Drained::default(), next_compaction }
    }

    async fn all(&mut self, lock: &Arc<DrainLock>, each: &mut Each<'_>) -> Result<()> {
        // What stood behind what was sent is found by the next round.
        while self.round(lock, each).await? > 0 {}
        std::mem::take(&mut *locked(&self.wanted.away)).into_values().next().map_or(Ok(()), Err)
    }

    /// Goes once over all keys; answers how many entries were settled.
    async fn round(&mut self, lock: &Arc<DrainLock>, each: &mut Each<'_>) -> Result<u64> {
        let mut round = Round::default();
        self.drained.foreign = 0;
        loop {
            self.go_on(&mut round);
            let Round { looking, lanes, settling, .. } = &mut round;
            tokio::select! {
                Some(batch) = next_of(looking) => {
                    round.looking = None;
                    self.take(&mut round, ended(batch)??);
                }
                Some(settled) = next_of(settling) => {
                    round.settling = None;
                    for (claim, delivery) in ended(settled)?? {
                        round.settled += 1;
                        self.note(&claim.entry, &delivery, each);
                    }
                }
                Some(lane) = lanes.join_next() => match ended(lane)?? {
                    Tried::Gone => round.settled += 1,
                    Tried::Claimed(claim, Fate::Arrived(delivery)) => round.arrived.push((*claim, delivery)),
                    Tried::Claimed(claim, Fate::Stays(delivery)) => {
                        self.note_left(&claim.entry, &delivery, each);
                    }
                    Tried::Busy(entry, error) => self.note_left(&entry, &Delivery::Later(error), each),
                    Tried::Claimed(claim, Fate::Away(error)) => {
                        locked(&self.wanted.away).entry(claim.entry.destination.endpoint).or_insert(error);
                    }
                },
                else => return Ok(round.settled),
            }
            if self.drained.settled() >= self.next_compaction {
                self.compact(lock).await?;
            }
        }
    }

    /// Begins whatever can be begun: entries are looked for, sent and settled at the same time.
    fn go_on(&self, round: &mut Round) {
        let (wanted, queue) = (&self.wanted, &self.wanted.drainer.queue);
        let lanes = wanted.drainer.lanes;
        while round.lanes.len() < lanes
            && let Some(mut claim) = round.claims.pop_front()
        {
            if wanted.is_wanted(&claim.entry) {
                let queue = queue.clone();
                round.lanes.spawn(async move {
                    let fate = send(&queue, &mut claim, None).await?;
                    Ok(Tried::Claimed(Box::new(claim), fate))
                });
            }
        }
        if !round.is_over && round.looking.is_none() && round.claims.len() < lanes {
            let (wanted, cursor) = (wanted.clone(), round.cursor.take());
            round.looking = Some(tokio::spawn(async move { claim::look(&wanted, cursor).await }));
        }
        if !round.arrived.is_empty() && round.settling.is_none() {
            let (queue, arrived) = (queue.clone(), std::mem::take(&mut round.arrived));
            round.settling = Some(tokio::spawn(async move {
                settle(&queue, arrived.iter().map(|(claim, _)| claim)).await?;
                Ok(arrived)
            }));
        }
    }

    fn take(&mut self, round: &mut Round, batch: Batch) {
        round.is_over = batch.next.is_none();
        round.cursor = batch.next;
        round.claims.extend(batch.claims);
        // What stood behind them may be sent now.
        round.settled += batch.gone as u64;
        self.drained.foreign += batch.foreign;
        for found in batch.contested {
            let queue = self.wanted.drainer.queue.clone();
            round.lanes.spawn(async move { send_after_others(&queue, found).await });
        }
    }

    /// Takes note of an entry that was tried and waits on.
    fn note_left(&mut self, entry: &Entry, delivery: &Delivery, each: &mut Each<'_>) {
        locked(&self.wanted.tried).insert(entry.id);
        self.note(entry, delivery, each);
    }

    /// Takes note of what became of an entry.
    fn note(&mut self, entry: &Entry, delivery: &Delivery, each: &mut Each<'_>) {
        let (count, is_settled) = match delivery {
            Delivery::Sent(_) => (&mut self.drained.sent, true),
            Delivery::Found => (&mut self.drained.found, true),
            Delivery::Parked(_) => (&mut self.drained.parked, false),
            Delivery::Later(_) => (&mut self.drained.later, false),
            Delivery::Damaged(_) => (&mut self.drained.damaged, false),
        };
        *count += 1;
        self.drained.bytes += if is_settled { entry.size } else { 0 };
        each(entry, delivery);
    }

    async fn compact(&mut self, lock: &Arc<DrainLock>) -> Result<()> {
        let (queue, lock) = (self.wanted.drainer.queue.clone(), lock.clone());
        let frames = blocking(move || queue.compact(&lock).map(|_| queue.frames())).await?;
        self.next_compaction = self.drained.settled() + COMPACT_AFTER.max(frames / 4);
        Ok(())
    }
}

/// Waits for who sends an entry now, and sends it where that did not.
async fn send_after_others(queue: &Queue, found: Sendable) -> Result<Tried> {
    let entry = found.ready.entry.clone();
    let mut claim = match Claim::wait(queue, found).await {
        Err(error) if error.kind() == ErrorKind::Timeout => return Ok(Tried::Busy(Box::new(entry), error)),
        claimed => match claimed? {
            Some(claim) => claim,
            None => return Ok(Tried::Gone),
        },
    };
    let fate = send(queue, &mut claim, None).await?;
    Ok(Tried::Claimed(Box::new(claim), fate))
}

/// Waits for a task, if there is one.
async fn next_of<T>(task: &mut Option<JoinHandle<T>>) -> Option<std::result::Result<T, JoinError>> {
    match task {
        Some(task) => Some(task.await),
        None => None,
    }
}

fn ended<T>(task: std::result::Result<T, JoinError>) -> Result<T> {
    task.map_err(|e| Error::new(ErrorKind::Cancelled, "an entry's task ended").with_source(e))
}
