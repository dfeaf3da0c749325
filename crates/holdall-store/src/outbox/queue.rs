//! A queue: one folder, as tasks and processes use it.

use super::commit::{Inbox, Job, locked, submit};
use super::entry::{Destination, Entry, EntryId, Kind};
use super::frame::MAX_INLINE;
use super::ground::{Ground, Options};
use super::kept::Kept;
use super::lock::{DrainLock, KeyLock, Locks};
use super::mark::{Mark, Marked};
use super::payload::{self, Placed, Spool};
use super::segment::Segment;
use super::table::Pending;
use super::view::View;
use crate::Payload;
use crate::backend::payload::{announced, check_digest, take};
use crate::error::{Error, ErrorKind, Result};
use crate::settings::Settings;
use crate::transfer::Opened;
use bytes::Bytes;
use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// A durable queue of writes in a folder, shared by whoever opens it. A clone is the same queue.
#[derive(Debug, Clone)]
pub struct Queue(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) ground: Arc<Ground>,
    locks: Locks,
    senders: Locks,
    pub(super) view: Mutex<View>,
    /// Taken before the view where both are.
    pub(super) writer: Mutex<Option<Segment>>,
    pub(super) inbox: Mutex<Inbox>,
}

impl Queue {
    /// Opens a folder, and makes it where it is not there. Damage in it is counted and stops nothing.
    ///
    /// # Errors
    ///
    /// `Config` for a folder in memory, `PermissionDenied` for one that is not this user's alone, `Unsupported` for one
    /// that a later version made, and what the file system says.
    pub fn open(options: Options) -> Result<Self> {
        let ground = Arc::new(Ground::open(options)?);
        let mut view = View::default();
        view.refresh(&ground)?;
        view.payload_bytes = payload::list(&ground)?.iter().map(|(_, size)| size).sum();
        view.seal_the_left(&ground)?;
        Ok(Self(Arc::new(Inner {
            ground,
            locks: Locks::of_writers(),
            senders: Locks::of_senders(),
            view: Mutex::new(view),
            writer: Mutex::new(None),
            inbox: Mutex::new(Inbox::default()),
        })))
    }

    /// Opens a folder that is there already; none where it is not, and nothing is made.
    ///
    /// # Errors
    ///
    /// As for [`Queue::open`].
    pub fn open_existing(options: Options) -> Result<Option<Self>> {
        match std::fs::symlink_metadata(options.folder.join("format")) {
            Ok(_) => Self::open(options).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("the outbox cannot be looked at", error)
                .with_fact("folder", options.folder.display())),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0.ground.options.folder
    }

    /// Waits for the right to write to keys of a destination, directly or through the queue.
    ///
    /// # Errors
    ///
    /// `Timeout` when somebody holds it for a minute, and what the file system says.
    pub async fn lock(&self, destination: &Destination, keys: &[&str]) -> Result<KeyLock> {
        self.0.locks.hold(&self.0.ground, destination, keys).await
    }

    /// Waits for the right to send what waits at a key. Writers go on meanwhile.
    ///
    /// # Errors
    ///
    /// As for [`Queue::lock`].
    pub(crate) async fn lock_to_send(&self, entry: &Entry) -> Result<KeyLock> {
        let keys: Vec<&str> = entry.keys().collect();
        self.0.senders.hold(&self.0.ground, &entry.destination, &keys).await
    }

    /// The same right at once, unless somebody has it.
    pub(super) fn try_lock_to_send(&self, entry: &Entry) -> Result<Option<KeyLock>> {
        let keys: Vec<&str> = entry.keys().collect();
        self.0.senders.try_hold(&self.0.ground, &entry.destination, &keys)
    }

    /// Puts an entry behind all others of its keys. When this returns, it is on the disk.
    ///
    /// Given up before that, it may be there or not; the lock is held until that is decided.
    ///
    /// # Errors
    ///
    /// `Full` beyond a bound, `InvalidInput` without the lock of all its keys, `Changed` and `Integrity` for a payload
    /// that is not what it says, `Io` where the disk fails. Nothing that was acknowledged before is harmed.
    pub async fn append(&self, lock: &KeyLock, entry: Entry, payload: Payload) -> Result<EntryId> {
        Ok(self.append_entry(lock, entry, payload).await?.id)
    }

    /// The same; answers the entry as it was written.
    pub(crate) async fn append_entry(&self, lock: &KeyLock, entry: Entry, payload: Payload) -> Result<Entry> {
        self.demand_right(lock, &entry)?;
        if payload.len() > MAX_INLINE as u64 {
            self.demand_room(payload.len())?;
            let placed = self.place(payload).await?;
            return self.append_placed(lock, entry, placed).await;
        }
        let promised = announced(&payload);
        let bytes = take(payload).await?;
        let sha256 = (entry.kind == Kind::Put).then(|| crate::sha256(&bytes));
        check_digest(promised, sha256)?;
        let mut entry = named(entry.holding(bytes.len() as u64, sha256, None));
        entry.id = submit(&self.0, Job::Entry(Box::new(entry.clone()), bytes), Some(lock.right())).await?;
        Ok(entry)
    }

    /// The same with the bytes of a file, which are shared where the file system can.
    ///
    /// # Errors
    ///
    /// As for [`Queue::append`]; `Changed` where the file was written to meanwhile.
    pub async fn append_file(&self, lock: &KeyLock, entry: Entry, file: File) -> Result<EntryId> {
        Ok(self.append_file_entry(lock, entry, file).await?.id)
    }

    pub(crate) async fn append_file_entry(&self, lock: &KeyLock, entry: Entry, file: File) -> Result<Entry> {
        self.demand_right(lock, &entry)?;
        let size = file.metadata().map_err(|e| Error::io("the file cannot be looked at", e))?.len();
        self.demand_room(size)?;
        let ground = self.0.ground.clone();
        let placed = payload::blocking(move || payload::file(&ground, &file)).await?;
        self.append_placed(lock, entry, placed).await
    }

    /// Begins to take bytes in parts.
    pub(crate) async fn spool(&self) -> Result<Spool> {
        self.demand_room(0)?;
        let ground = self.0.ground.clone();
        payload::blocking(move || Spool::begin(&ground)).await
    }

    /// Puts an entry whose bytes are parts of what was spooled behind all others of its keys.
    ///
    /// # Errors
    ///
    /// As for [`Queue::append`].
    pub(crate) async fn append_spooled(
        &self,
        lock: &KeyLock,
        entry: Entry,
        spool: Arc<Spool>,
        parts: Vec<std::ops::Range<u64>>,
    ) -> Result<Entry> {
        self.demand_right(lock, &entry)?;
        self.demand_room(parts.iter().map(|part| part.end - part.start).sum())?;
        let ground = self.0.ground.clone();
        let placed = payload::blocking(move || spool.place(&ground, &parts)).await?;
        self.append_placed(lock, entry, placed).await
    }

    async fn place(&self, payload: Payload) -> Result<Placed> {
        let ground = self.0.ground.clone();
        match payload {
            Payload::Source(source) => payload::stream(&ground, &*source).await,
            other => {
                let promised = announced(&other);
                let bytes = other.at_hand().unwrap_or_default();
                let placed = payload::blocking(move || payload::bytes(&ground, &bytes)).await?;
                check_digest(promised, Some(placed.sha256))?;
                Ok(placed)
            }
        }
    }

    pub(super) async fn append_placed(&self, lock: &KeyLock, entry: Entry, placed: Placed) -> Result<Entry> {
        let mut entry = named(entry.holding(placed.size, Some(placed.sha256), Some(placed.name.clone())));
        // A task of its own: if the caller gives up, the file must not go while the entry may yet be written.
        let (inner, right) = (self.0.clone(), lock.right());
        let appended = tokio::spawn(async move {
            let job = Job::Entry(Box::new(entry.clone()), Bytes::new());
            entry.id = submit(&inner, job, Some(right)).await?;
            locked(&inner.view).payload_bytes += placed.size;
            placed.keep();
            Ok(entry)
        });
        appended.await.map_err(|_| Error::new(ErrorKind::Cancelled, "the runtime is shutting down"))?
    }

    fn demand_right(&self, lock: &KeyLock, entry: &Entry) -> Result<()> {
        entry.check()?;
        let place = entry.destination.place();
        match entry.keys().find(|key| !lock.has(place, key)) {
            None => Ok(()),
            Some(key) => {
                let message = "a key is queued only by whoever holds its lock";
                Err(Error::new(ErrorKind::InvalidInput, message).with_key(key))
            }
        }
    }

    fn demand_room(&self, more: u64) -> Result<()> {
        locked(&self.0.view).demand_room(&self.0.ground, more)
    }

    /// The bytes of an entry that has a file of them.
    pub(crate) fn payload_of(&self, entry: &Entry) -> Result<Opened> {
        let file = payload::Content::open(&self.0.ground, entry, Vec::new())?.file()?;
        let missing = || Error::new(ErrorKind::Integrity, "an entry of the outbox has no file of its own");
        Opened::of(file.ok_or_else(missing)?, Path::new("outbox"))
    }

    /// Removes the payload of an entry that is settled. Without this the next compaction does.
    pub(crate) fn release(&self, entry: &Entry) -> Result<()> {
        let Some(name) = &entry.file else { return Ok(()) };
        payload::remove(&self.0.ground, name)?;
        let mut view = locked(&self.0.view);
        view.payload_bytes = view.payload_bytes.saturating_sub(entry.size);
        Ok(())
    }

    /// Says what became of an entry. It is on the disk when this returns: not before then does a settled entry's key count
    /// as free.
    ///
    /// # Errors
    ///
    /// `Integrity` where the entry is damaged, `Io` where the disk fails.
    pub async fn mark(&self, pending: &Pending, mark: Mark) -> Result<()> {
        let queue = self.clone();
        let of = pending.clone();
        let entry = payload::blocking(move || queue.entry(&of)).await?;
        self.mark_entry(&entry, mark).await
    }

    pub(crate) async fn mark_entry(&self, entry: &Entry, mark: Mark) -> Result<()> {
        self.mark_entries([(entry, mark)]).await
    }

    /// The same of many, with one write to the disk.
    pub(super) async fn mark_entries(&self, marks: impl IntoIterator<Item = (&Entry, Mark)>) -> Result<()> {
        let marked = |(entry, mark): (&Entry, Mark)| {
            let keys = entry.keys().map(str::to_owned).collect();
            Marked::new(entry.id, entry.destination.place(), keys, mark)
        };
        let marks: Vec<Marked> = marks.into_iter().map(marked).collect();
        match marks.is_empty() {
            true => Ok(()),
            false => submit(&self.0, Job::Marks(marks), None).await.map(drop),
        }
    }

    /// Gives an entry up, with its copy on this machine. What depends on it is parked first: it may be wrong without it.
    ///
    /// # Errors
    ///
    /// As for [`Queue::mark`].
    pub async fn drop_entry(&self, pending: &Pending) -> Result<()> {
        self.drop_entries(std::slice::from_ref(pending)).await
    }

    /// Gives entries up, all with one look at what depends on them.
    ///
    /// # Errors
    ///
    /// As for [`Queue::mark`] and [`Queue::lock`]; those before the one that failed are given up.
    pub async fn drop_entries(&self, dropped: &[Pending]) -> Result<()> {
        let (queue, all) = (self.clone(), dropped.to_vec());
        for (dependent, id) in payload::blocking(move || queue.dependents(&all)).await? {
            let why = format!("entry {id}, which it depends on, was dropped");
            self.mark_entry(&dependent, Mark::Parked { why }).await?;
        }
        for pending in dropped {
            let (queue, of) = (self.clone(), pending.clone());
            let entry = payload::blocking(move || queue.entry(&of)).await?;
            // Its copy goes first, and before anybody else writes to the key.
            let _lock = self.lock(&entry.destination, &[&entry.key]).await?;
            let (folder, settings) = (self.folder(), Settings::default());
            Kept::new(folder, &entry.destination, &settings).give_up(&entry).await?;
            self.mark_entry(&entry, Mark::Dropped).await?;
        }
        Ok(())
    }

    /// What depends on some entries and is none of them, each with the first that it depends on.
    fn dependents(&self, dropped: &[Pending]) -> Result<Vec<(Entry, EntryId)>> {
        let (mut found, dropped) = (Vec::new(), Dropped::new(dropped));
        self.each(|view, pending| {
            if dropped.ids.contains(&pending.id) {
                return Ok(());
            }
            match view.entry(pending.entry) {
                // Nobody can say what it depends on, and it is not sent.
                Err(error) if error.kind() == ErrorKind::Integrity => {}
                entry => {
                    let (entry, _) = entry?;
                    let needed = dropped.needed(&entry);
                    found.extend(needed.map(|needed| (entry, needed)));
                }
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Ends the segment that this process writes to: the next group begins another one.
    pub(super) fn end_own_segment(&self) {
        let mut writer = locked(&self.0.writer);
        if writer.take().is_some() {
            locked(&self.0.view).leave(&self.0.ground);
        }
    }

    /// Takes the right to drain, unless somebody has it.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn try_drain(&self) -> Result<Option<DrainLock>> {
        DrainLock::try_hold(&self.0.ground)
    }
}

/// Entries that are given up, to find those that may be wrong without them.
struct Dropped<'a> {
    ids: HashSet<EntryId>,
    /// The earliest of each key.
    earliest: BTreeMap<(u64, &'a str), EntryId>,
}

impl<'a> Dropped<'a> {
    fn new(dropped: &'a [Pending]) -> Self {
        let mut earliest = BTreeMap::new();
        for pending in dropped {
            let known = earliest.entry((pending.place, &*pending.key)).or_insert(pending.id);
            *known = pending.id.min(*known);
        }
        Self { ids: dropped.iter().map(|pending| pending.id).collect(), earliest }
    }

    /// The first that an entry depends on, reads, or is to come after.
    fn needed(&self, entry: &Entry) -> Option<EntryId> {
        let place = entry.destination.place();
        let is_earlier = |id: &EntryId| *id < entry.id;
        let named = entry.depends_on.iter().map(|depended| depended.id).find(|id| self.ids.contains(id));
        let read = || self.earliest.get(&(place, entry.from.as_deref()?)).copied().filter(is_earlier);
        let before = || {
            let below = entry.after.iter().flat_map(|prefix| {
                let keys = self.earliest.range((place, prefix.as_str())..);
                keys.take_while(move |((of, key), _)| *of == place && key.starts_with(prefix.as_str()))
            });
            below.map(|(_, id)| *id).find(is_earlier)
        };
        named.or_else(read).or_else(before)
    }
}

/// An entry with a name for its write, if it had none.
fn named(mut entry: Entry) -> Entry {
    if entry.nonce.is_empty() {
        entry.nonce = format!("{:016x}{:016x}", crate::disk::unique(), crate::disk::unique());
    }
    entry
}
