//! A queue: one folder, as tasks and processes use it.

use super::commit::{Inbox, Job, locked, now, submit};
use super::entry::{Destination, Entry, EntryId, Kind};
use super::frame::MAX_INLINE;
use super::ground::{Ground, Options};
use super::lock::{DrainLock, KeyLock, Locks};
use super::mark::{Mark, Marked};
use super::payload::{self, Content, Placed, Spool};
use super::segment::Segment;
use super::table::{Pending, Slot, Standing};
use super::view::{Status, View};
use crate::Payload;
use crate::backend::payload::{announced, check_digest, take};
use crate::error::{Error, ErrorKind, Result};
use bytes::Bytes;
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

/// Where a reading of the entries that are ready goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    place: u64,
    key: String,
}

/// Entries that can be sent now.
#[derive(Debug, Default)]
pub struct Ready {
    /// Each the first of all keys that it concerns, in the order of keys.
    pub entries: Vec<(Pending, Entry)>,
    /// Entries that would be next and cannot be read.
    pub damaged: usize,
    /// Where the next reading begins; none after the last key.
    pub next: Option<Cursor>,
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

    /// Reads something of the queue as it is now, whoever wrote to it.
    pub(super) fn look<T>(&self, read: impl FnOnce(&mut View) -> Result<T>) -> Result<T> {
        let mut view = locked(&self.0.view);
        view.refresh(&self.0.ground)?;
        read(&mut view)
    }

    /// What waits at a key, in its order.
    ///
    /// # Errors
    ///
    /// `Integrity` for a damaged table, and what the file system says.
    pub fn waiting(&self, destination: &Destination, key: &str) -> Result<Vec<Pending>> {
        let place = destination.place();
        self.look(|view| view.waiting(place, key))
    }

    /// The last change that waits at a key: what a reader of it sees. None where the remote has what there is.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn latest(&self, destination: &Destination, key: &str) -> Result<Option<Pending>> {
        Ok(self.waiting(destination, key)?.into_iter().rev().find(Pending::is_change))
    }

    /// Whether anything waits below one of some prefixes.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn any_below(&self, destination: &Destination, prefixes: &[String]) -> Result<bool> {
        let (place, last) = (destination.place(), EntryId { sequence: u64::MAX, writer: u64::MAX });
        self.look(|view| view.any_before(place, prefixes, last))
    }

    /// Which of these keys have something that waits, in their order.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn which_wait(&self, destination: &Destination, keys: &[&str]) -> Result<Vec<bool>> {
        let place = destination.place();
        self.look(|view| keys.iter().map(|key| Ok(!view.waiting(place, key)?.is_empty())).collect())
    }

    /// The last change of each key that begins with a prefix and comes after a key, in their order: as many as asked for.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn page(
        &self,
        destination: &Destination,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Pending>> {
        let place = destination.place();
        let first = Slot::first(place, after.filter(|after| *after > prefix).unwrap_or(prefix));
        self.look(|view| {
            let mut queues = view.queues(&first)?;
            let mut found = Vec::new();
            while found.len() < limit
                && let Some(queue) = queues.queue()?
            {
                if queue.place != place || !queue.key.starts_with(prefix) {
                    break;
                }
                if after.is_none_or(|after| *queue.key > *after) {
                    found.extend(queue.waiting.into_iter().rev().find(Pending::is_change));
                }
            }
            Ok(found)
        })
    }

    /// Entries that can be sent now, as many as asked for: the first of all their keys, not parked, whose time has come
    /// and behind whatever they depend on.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn ready(&self, after: Option<&Cursor>, limit: usize) -> Result<Ready> {
        self.ready_at(now(), after, limit)
    }

    /// The same at a moment, in milliseconds since 1970; `u64::MAX` is when all have had their pause.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn ready_at(&self, moment: u64, after: Option<&Cursor>, limit: usize) -> Result<Ready> {
        let first = after.map_or(Slot::first(0, ""), |cursor| Slot::first(cursor.place, &cursor.key));
        let is_passed =
            |place: u64, key: &str| after.is_some_and(|cursor| cursor.place == place && cursor.key == key);
        self.look(|view| {
            let mut ready = Ready::default();
            let mut queues = view.queues(&first)?;
            while let Some(queue) = queues.queue()? {
                if is_passed(queue.place, &queue.key) {
                    continue;
                }
                if let Some(head) = queue.waiting.into_iter().next().filter(Pending::is_own) {
                    match judge(view, head, moment) {
                        Ok(entry) => ready.entries.extend(entry),
                        Err(error) if error.kind() == ErrorKind::Integrity => ready.damaged += 1,
                        Err(error) => return Err(error),
                    }
                }
                if ready.entries.len() >= limit {
                    ready.next = Some(Cursor { place: queue.place, key: queue.key.into() });
                    break;
                }
            }
            Ok(ready)
        })
    }

    /// Entries that wait, in the order of keys, from where the last page ended: as many as asked for, and a few more.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn walk(&self, after: Option<&Cursor>, limit: usize) -> Result<(Vec<Pending>, Option<Cursor>)> {
        let first = after.map_or(Slot::first(0, ""), |cursor| Slot::first(cursor.place, &cursor.key));
        self.look(|view| {
            let (mut queues, mut found) = (view.queues(&first)?, Vec::new());
            while let Some(queue) = queues.queue()? {
                if after.is_some_and(|after| (after.place, &*after.key) == (queue.place, &*queue.key)) {
                    continue;
                }
                found.extend(queue.waiting.into_iter().filter(Pending::is_own));
                if found.len() >= limit {
                    return Ok((found, Some(Cursor { place: queue.place, key: queue.key.into() })));
                }
            }
            Ok((found, None))
        })
    }

    /// The last mark of an entry; none where there is none yet.
    ///
    /// # Errors
    ///
    /// `Integrity` where it is damaged.
    pub fn last_mark(&self, pending: &Pending) -> Result<Option<Mark>> {
        let Some(pending) = self.again(pending)? else { return Ok(None) };
        let Some(note) = pending.mark else { return Ok(None) };
        self.look(|view| Ok(Some(view.mark(note)?.mark)))
    }

    /// An entry as it stands now; none where it is settled.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn again(&self, pending: &Pending) -> Result<Option<Pending>> {
        self.look(|view| view.find(pending.place, &pending.key, pending.id))
    }

    /// Whether an entry is not settled yet.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn waits(&self, pending: &Pending) -> Result<bool> {
        Ok(self.again(pending)?.is_some())
    }

    /// The first entry of a key, if it can be sent now whatever its pause.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`]; `Integrity` where it is damaged.
    pub(crate) fn head(&self, destination: &Destination, key: &str) -> Result<Option<(Pending, Entry)>> {
        let place = destination.place();
        self.look(|view| match view.waiting(place, key)?.into_iter().next().filter(Pending::is_own) {
            Some(head) => judge(view, head, u64::MAX),
            None => Ok(None),
        })
    }

    /// Removes the payload of an entry that is settled. Without this the next compaction does.
    pub(crate) fn release(&self, entry: &Entry) -> Result<()> {
        let Some(name) = &entry.file else { return Ok(()) };
        payload::remove(&self.0.ground, name)?;
        let mut view = locked(&self.0.view);
        view.payload_bytes = view.payload_bytes.saturating_sub(entry.size);
        Ok(())
    }

    /// The entry that waits.
    ///
    /// # Errors
    ///
    /// `Integrity` where it is damaged, `Changed` where it is settled and gone.
    pub fn entry(&self, pending: &Pending) -> Result<Entry> {
        self.at(pending, |entry, _| Ok(entry))
    }

    /// The bytes of an entry that waits.
    ///
    /// # Errors
    ///
    /// As for [`Queue::entry`].
    pub fn content(&self, pending: &Pending) -> Result<Content> {
        let ground = self.0.ground.clone();
        self.at(pending, |entry, inline| Content::open(&ground, &entry, inline))
    }

    /// Reads an entry where it is, or where it was brought since.
    fn at<T>(&self, pending: &Pending, read: impl FnOnce(Entry, Vec<u8>) -> Result<T>) -> Result<T> {
        self.look(|view| {
            let note = match view.runs.contains_key(&pending.entry.segment) {
                true => Some(pending.entry),
                false => view.find(pending.place, &pending.key, pending.id)?.map(|found| found.entry),
            };
            let gone = || Error::new(ErrorKind::Changed, "the entry is no longer queued");
            let (entry, inline) = view.entry(note.ok_or_else(gone)?)?;
            read(entry, inline)
        })
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
        let keys = entry.keys().map(str::to_owned).collect();
        let marked = Marked::new(entry.id, entry.destination.place(), keys, mark);
        submit(&self.0, Job::Mark(Box::new(marked)), None).await.map(drop)
    }

    /// Gives an entry up. What depends on it is parked first: it may be wrong without it.
    ///
    /// # Errors
    ///
    /// As for [`Queue::mark`].
    pub async fn drop_entry(&self, pending: &Pending) -> Result<()> {
        let (queue, id) = (self.clone(), pending.id);
        let dependents = payload::blocking(move || queue.dependents(id)).await?;
        for dependent in dependents {
            let why = format!("entry {id}, which it depends on, was dropped");
            self.mark_entry(&dependent, Mark::Parked { why }).await?;
        }
        self.mark(pending, Mark::Dropped).await
    }

    fn dependents(&self, id: EntryId) -> Result<Vec<Entry>> {
        let mut found = Vec::new();
        self.each(|view, pending| {
            let (entry, _) = view.entry(pending.entry)?;
            if entry.depends_on.iter().any(|depended| depended.id == id) {
                found.push(entry);
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Does something for every entry that waits.
    pub(super) fn each(&self, mut work: impl FnMut(&View, &Pending) -> Result<()>) -> Result<()> {
        self.look(|view| {
            let mut queues = view.queues(&Slot::first(0, ""))?;
            while let Some(queue) = queues.queue()? {
                for pending in queue.waiting.iter().filter(|pending| pending.is_own()) {
                    work(view, pending)?;
                }
            }
            Ok(())
        })
    }

    /// Ends the segment that this process writes to: the next group begins another one.
    pub(super) fn end_own_segment(&self) {
        let mut writer = locked(&self.0.writer);
        if writer.take().is_some() {
            locked(&self.0.view).leave(&self.0.ground);
        }
    }

    /// Counts what is in the queue.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn status(&self) -> Result<Status> {
        self.look(|view| view.status())
    }

    /// Counts the files that were set apart because they are damaged.
    ///
    /// # Errors
    ///
    /// What the file system says.
    pub fn quarantined(&self) -> Result<usize> {
        let failed = |e| crate::disk::fault("the outbox's quarantine cannot be listed", e);
        let mut count = 0;
        for entry in rustix::fs::Dir::read_from(&self.0.ground.quarantine).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            count += usize::from(!matches!(entry.file_name().to_bytes(), b"." | b".."));
        }
        Ok(count)
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

/// An entry with a name for its write, if it had none.
fn named(mut entry: Entry) -> Entry {
    if entry.nonce.is_empty() {
        entry.nonce = format!("{:016x}{:016x}", crate::disk::unique(), crate::disk::unique());
    }
    entry
}

/// The entry at the head of its key's queue, if nothing keeps it.
fn judge(view: &View, head: Pending, moment: u64) -> Result<Option<(Pending, Entry)>> {
    let place = head.place;
    if head.standing == Standing::Parked {
        return Ok(None);
    }
    let (entry, _) = view.entry(head.entry)?;
    for key in entry.keys().skip(1) {
        if view.waiting(place, key)?.first().is_some_and(|first| first.id != entry.id) {
            return Ok(None);
        }
    }
    for depended in &entry.depends_on {
        if view.waiting(place, &depended.key)?.iter().any(|pending| pending.id == depended.id) {
            return Ok(None);
        }
    }
    if view.any_before(place, &entry.after, entry.id)? {
        return Ok(None);
    }
    if let Some(mark) = head.mark
        && let Mark::Retry { not_before } = view.mark(mark)?.mark
        && not_before > moment
    {
        return Ok(None);
    }
    Ok(Some((head, entry)))
}
