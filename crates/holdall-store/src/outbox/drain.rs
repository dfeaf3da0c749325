//! Sends what waits to where it goes, each key's entries in their order.
//!
//! Delivery is at least once: an entry that may have arrived is looked for before it is sent again, by the name of its
//! write. What the remote refuses for good is parked, with all behind it; what it cannot take now waits for a pause.
//! Entries are never given up.

mod background;
mod send;

pub use background::Draining;

use super::breaker::Breaker;
use super::commit::now;
use super::entry::{Destination, Entry, EntryId};
use super::lock::DrainLock;
use super::look::Cursor;
use super::mark::Mark;
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
use send::{Fate, send};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// So many entries are looked up at once.
const BATCH: usize = 256;
/// After so many settled entries room is given back, and at the end.
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
        let lock = Arc::new(lock);
        let mut run = Run::new(self, pauses);
        let ended = run.all(&lock, &mut each).await;
        run.compact(&lock).await?;
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
            Some(head) => Ok(Err(head)),
            None => Ok(Ok(queued.waiting(&destination, &key)?.is_empty())),
        };
        let (pending, entry) = match blocking(look).await? {
            Ok(true) => return Ok(AtKey::Clean(last)),
            Ok(false) => return Ok(AtKey::Waits),
            Err(head) => head,
        };
        match send(queue, remote, (&pending, &entry, false), Some(progress)).await? {
            Fate::Settled(Delivery::Sent(receipt)) => last = receipt,
            Fate::Settled(Delivery::Found) => last = None,
            Fate::Settled(Delivery::Parked(error)) => return Ok(AtKey::Refused(Box::new(pending), error)),
            // Somebody else sent it.
            Fate::Gone => last = None,
            Fate::Settled(_) | Fate::Away(_) => return Ok(AtKey::Waits),
        }
    }
}

/// One drain.
struct Run<'a> {
    drainer: &'a Drainer,
    pauses: Pauses,
    drained: Drained,
    /// Entries that were tried and still wait: this drain does not try them again.
    tried: HashSet<EntryId>,
    /// Endpoints that are away: all that goes there would wait for nothing.
    away: BTreeMap<String, Error>,
    compacted: u64,
}

/// An entry that can be sent, and where it goes.
struct Found {
    pending: Pending,
    entry: Entry,
    remote: Remote,
    /// This drain marked it as attempted, which it was not before.
    is_marked: bool,
}

/// A walk over all keys of the queue.
#[derive(Default)]
struct Round {
    found: VecDeque<Found>,
    cursor: Option<Cursor>,
    is_over: bool,
    lanes: JoinSet<(Entry, Result<Fate>)>,
    settled: u64,
}

impl<'a> Run<'a> {
    fn new(drainer: &'a Drainer, pauses: Pauses) -> Self {
        let (drained, tried, away) = Default::default();
        Self { drainer, pauses, drained, tried, away, compacted: 0 }
    }

    async fn all(&mut self, lock: &Arc<DrainLock>, each: &mut Each<'_>) -> Result<()> {
        // What stood behind what was sent is found by the next round.
        while self.round(lock, each).await? > 0 {}
        std::mem::take(&mut self.away).into_values().next().map_or(Ok(()), Err)
    }

    /// Goes once over all keys; answers how many entries were settled.
    async fn round(&mut self, lock: &Arc<DrainLock>, each: &mut Each<'_>) -> Result<u64> {
        let mut round = Round::default();
        self.drained.foreign = 0;
        loop {
            while round.lanes.len() < self.drainer.lanes
                && let Some(found) = self.next(&mut round).await?
            {
                self.begin(&mut round.lanes, found);
            }
            let Some(joined) = round.lanes.join_next().await else { return Ok(round.settled) };
            let (entry, fate) = joined
                .map_err(|e| Error::new(ErrorKind::Cancelled, "an entry's task ended").with_source(e))?;
            round.settled += u64::from(self.note(&entry, fate?, each));
            if self.drained.settled() >= self.compacted + COMPACT_AFTER {
                self.compact(lock).await?;
            }
        }
    }

    /// The next entry that can be sent; none after the last key.
    async fn next(&mut self, round: &mut Round) -> Result<Option<Found>> {
        loop {
            match round.found.pop_front() {
                Some(found) if self.is_left(&found.entry) => {}
                Some(found) => return Ok(Some(found)),
                None if round.is_over => return Ok(None),
                None => self.look(round).await?,
            }
        }
    }

    fn is_left(&self, entry: &Entry) -> bool {
        !entry.key.starts_with(&self.drainer.prefix)
            || self.tried.contains(&entry.id)
            || self.away.contains_key(&entry.destination.endpoint)
    }

    /// Looks for entries that can go, and marks them as attempted, all with one fsync.
    async fn look(&mut self, round: &mut Round) -> Result<()> {
        let moment = match self.pauses {
            Pauses::Kept => now(),
            Pauses::Ended => u64::MAX,
        };
        let (queue, cursor) = (self.drainer.queue.clone(), round.cursor.take());
        let ready = blocking(move || queue.ready_at(moment, cursor.as_ref(), BATCH)).await?;
        round.is_over = ready.next.is_none();
        round.cursor = ready.next;
        for (pending, entry) in ready.entries {
            if self.is_left(&entry) {
                continue;
            }
            match (self.drainer.remotes)(&entry.destination)? {
                Some(remote) => round.found.push_back(Found { pending, entry, remote, is_marked: false }),
                None => self.drained.foreign += 1,
            }
        }
        let queue = &self.drainer.queue;
        let marks = round.found.iter_mut().filter(|found| !found.pending.attempted).map(|found| async {
            queue.mark_entry(&found.entry, Mark::Attempted).await?;
            found.is_marked = true;
            Ok(())
        });
        futures_util::future::try_join_all(marks).await.map(drop)
    }

    fn begin(&self, lanes: &mut JoinSet<(Entry, Result<Fate>)>, found: Found) {
        let queue = self.drainer.queue.clone();
        lanes.spawn(async move {
            let Found { pending, entry, remote, is_marked } = found;
            let fate = send(&queue, &remote, (&pending, &entry, is_marked), None).await;
            (entry, fate)
        });
    }

    /// Takes note of what became of an entry; answers whether it is settled.
    fn note(&mut self, entry: &Entry, fate: Fate, each: &mut Each<'_>) -> bool {
        let delivery = match fate {
            Fate::Settled(delivery) => delivery,
            Fate::Gone => return true,
            Fate::Away(error) => {
                self.away.entry(entry.destination.endpoint.clone()).or_insert(error);
                return false;
            }
        };
        let (count, is_settled) = match &delivery {
            Delivery::Sent(_) => (&mut self.drained.sent, true),
            Delivery::Found => (&mut self.drained.found, true),
            Delivery::Parked(_) => (&mut self.drained.parked, false),
            Delivery::Later(_) => (&mut self.drained.later, false),
            Delivery::Damaged(_) => (&mut self.drained.damaged, false),
        };
        *count += 1;
        if is_settled {
            self.drained.bytes += entry.size;
        } else {
            self.tried.insert(entry.id);
        }
        each(entry, &delivery);
        is_settled
    }

    async fn compact(&mut self, lock: &Arc<DrainLock>) -> Result<()> {
        if self.drained.settled() == self.compacted {
            return Ok(());
        }
        self.compacted = self.drained.settled();
        let (queue, lock) = (self.drainer.queue.clone(), lock.clone());
        blocking(move || queue.compact(&lock)).await.map(drop)
    }
}
