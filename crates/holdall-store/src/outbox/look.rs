//! What is read of a queue: what waits where, in which order, and what can be sent.

use super::commit::locked;
use super::commit::now;
use super::entry::{Destination, Entry, EntryId};
use super::mark::Mark;
use super::payload::Content;
use super::queue::Queue;
use super::table::{Pending, Slot, Standing};
use super::view::{Status, View};
use crate::error::{Error, ErrorKind, Result};

/// Where a reading of the entries that are ready goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    place: u64,
    key: String,
}

impl Cursor {
    /// Behind all keys of an entry's destination.
    pub(super) fn behind(pending: &Pending) -> Option<Self> {
        pending.place.checked_add(1).map(|place| Self { place, key: String::new() })
    }
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

/// An entry that can be sent now.
#[derive(Debug)]
pub(super) struct AtHead {
    pub(super) pending: Pending,
    pub(super) entry: Entry,
    /// Its bytes, where they lie beside it.
    pub(super) inline: Vec<u8>,
}

/// [`Ready`] with the bytes.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) entries: Vec<AtHead>,
    pub(super) damaged: usize,
    pub(super) next: Option<Cursor>,
}

impl Queue {
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

    /// Whether nothing waits at any of these keys, where that can be told at once, without reading the disk. `false` says
    /// nothing.
    pub(crate) fn surely_none_wait(&self, destination: &Destination, keys: &[&str]) -> bool {
        let place = destination.place();
        let Ok(view) = self.0.view.try_lock() else { return false };
        let is_fresh = view.is_fresh(&self.0.ground).unwrap_or(false);
        is_fresh && !keys.iter().any(|key| view.may_have(place, key))
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
        let found = self.ready_at(now(), after, (limit, u64::MAX))?;
        let entries = found.entries.into_iter().map(|ready| (ready.pending, ready.entry)).collect();
        Ok(Ready { entries, damaged: found.damaged, next: found.next })
    }

    /// The same at a moment, in milliseconds since 1970; `u64::MAX` is when all have had their pause. No more than so many
    /// entries, and no more after so many bytes.
    pub(super) fn ready_at(
        &self,
        moment: u64,
        after: Option<&Cursor>,
        (entries, bytes): (usize, u64),
    ) -> Result<Found> {
        let first = after.map_or(Slot::first(0, ""), |cursor| Slot::first(cursor.place, &cursor.key));
        let is_passed =
            |place: u64, key: &str| after.is_some_and(|cursor| cursor.place == place && cursor.key == key);
        self.look(|view| {
            let (mut found, mut size) = (Found::default(), 0);
            let mut queues = view.queues(&first)?;
            while let Some(queue) = queues.queue()? {
                if is_passed(queue.place, &queue.key) {
                    continue;
                }
                if let Some(head) = queue.waiting.into_iter().next().filter(Pending::is_own) {
                    match judge(view, head, moment) {
                        Ok(None) => {}
                        Ok(Some(ready)) => {
                            size += ready.entry.size;
                            found.entries.push(ready);
                        }
                        Err(error) if error.kind() == ErrorKind::Integrity => found.damaged += 1,
                        Err(error) => return Err(error),
                    }
                }
                if found.entries.len() >= entries || size >= bytes {
                    found.next = Some(Cursor { place: queue.place, key: queue.key.into() });
                    break;
                }
            }
            Ok(found)
        })
    }

    /// How entries stand now, given in the order of keys; none for one that is settled.
    pub(super) fn stand<'a>(
        &self,
        entries: impl ExactSizeIterator<Item = &'a Pending>,
    ) -> Result<Vec<Option<Pending>>> {
        let (count, mut entries) = (entries.len(), entries.peekable());
        let Some(first) = entries.peek().map(|pending| Slot::first(pending.place, &pending.key)) else {
            return Ok(Vec::new());
        };
        self.look(|view| {
            let (mut queues, mut standing) = (view.queues(&first)?, Vec::with_capacity(count));
            while entries.peek().is_some() {
                let queue = queues.queue()?;
                let own = queue.as_ref().map(|queue| (queue.place, &*queue.key));
                let is_past = |pending: &&Pending| own.is_none_or(|own| (pending.place, &*pending.key) < own);
                while entries.next_if(is_past).is_some() {
                    standing.push(None);
                }
                let is_own = |pending: &&Pending| own == Some((pending.place, &*pending.key));
                while let Some(pending) = entries.next_if(is_own) {
                    let mut waiting = queue.iter().flat_map(|queue| &queue.waiting);
                    standing.push(waiting.find(|waiting| waiting.id == pending.id).cloned());
                }
            }
            Ok(standing)
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
    pub(super) fn head(&self, destination: &Destination, key: &str) -> Result<Option<AtHead>> {
        let place = destination.place();
        self.look(|view| match view.waiting(place, key)?.into_iter().next().filter(Pending::is_own) {
            Some(head) => judge(view, head, u64::MAX),
            None => Ok(None),
        })
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

    /// Counts what is in the queue.
    ///
    /// # Errors
    ///
    /// As for [`Queue::waiting`].
    pub fn status(&self) -> Result<Status> {
        self.look(|view| view.status())
    }

    /// Entries and marks that are known of, as they were last looked at.
    pub(super) fn frames(&self) -> u64 {
        locked(&self.0.view).runs.values().map(|run| run.frames as u64).sum()
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
}

/// The entry at the head of its key's queue, if nothing keeps it.
fn judge(view: &View, head: Pending, moment: u64) -> Result<Option<AtHead>> {
    let place = head.place;
    if head.standing == Standing::Parked {
        return Ok(None);
    }
    let (entry, inline) = view.entry(head.entry)?;
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
    Ok(Some(AtHead { pending: head, entry, inline }))
}
