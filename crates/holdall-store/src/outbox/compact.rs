//! Brings segments into order: what waits in them goes to another one, what is settled goes away.
//!
//! Nothing goes before what still needs it is on the disk elsewhere. A mark that settles an entry outlives the entry: it
//! is written again as long as the entry may come back with a power cut, and let go once the entry is known to be gone.

use super::commit::locked;
use super::entry::EntryId;
use super::frame;
use super::ground::Ground;
use super::lock::{DrainLock, Exclusive};
use super::payload;
use super::queue::Queue;
use super::segment::{self, Segment, log_name, table_name};
use super::table::{Note, Row, Slot, What};
use super::view::View;
use crate::disk::fault;
use crate::error::{Error, ErrorKind, Result};
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

/// So much is written at once.
const CHUNK: usize = 4 << 20;

/// What was brought into order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments that went away.
    pub segments: usize,
    /// Bytes that were given back.
    pub bytes: u64,
    /// Entries that could not be read, and are not in the queue any more.
    pub lost: usize,
}

/// Segments that nobody writes to, locked.
pub(super) type Chosen = BTreeMap<u64, File>;

/// What becomes of segments whose entries are elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Removed,
    Quarantined,
}

impl Queue {
    /// Gives back the room of what is settled. Writers go on meanwhile.
    ///
    /// # Errors
    ///
    /// `Full` where what waits cannot be written elsewhere first, `Conflict` where the lock is no longer the queue's, and
    /// what the file system says. Nothing is lost by any of them.
    pub fn compact(&self, lock: &DrainLock) -> Result<Compacted> {
        lock.demand()?;
        let chosen = self.look(|view| {
            let live = live(view)?;
            let is_worth =
                |segment: u64, frames: usize| live.get(&segment).copied().unwrap_or(0) * 2 <= frames;
            choose(&self.0.ground, view, |run| run.damaged == 0 && is_worth(run.segment, run.frames))
        })?;
        let done = self.replace(&chosen, Fate::Removed)?;
        match self.tidy_payloads() {
            // Their room comes back after a repair.
            Err(error) if error.kind() == ErrorKind::Integrity => {
                tracing::warn!(%error, "payloads of the outbox are left");
            }
            other => other?,
        }
        Ok(done)
    }

    /// Writes what waits in segments to another one, and does away with them.
    pub(super) fn replace(&self, chosen: &Chosen, fate: Fate) -> Result<Compacted> {
        if chosen.is_empty() {
            return Ok(Compacted::default());
        }
        let ground = &self.0.ground;
        // What is not there now does not come back with a power cut.
        rustix::fs::fsync(&ground.queue).map_err(|e| fault("the outbox may not be on the disk", e))?;
        let (kept, lost, bytes) = self.look(|view| {
            let mut copy = Copy { ground, view, chosen, into: None, bytes: Vec::new(), lost: 0 };
            copy.all()?;
            let bytes = chosen.keys().filter_map(|number| view_end(copy.view, *number)).sum::<u64>();
            let lost = copy.lost;
            Ok((copy.end()?, lost, bytes))
        })?;
        // Somebody may want to look at what cannot be read here.
        let fate = if lost > 0 { Fate::Quarantined } else { fate };
        let written = kept.as_ref().map_or(0, |segment| segment.end);
        // The new segment is anybody's from here on.
        drop(kept);
        remove(ground, chosen, fate)?;
        Ok(Compacted { segments: chosen.len(), bytes: bytes.saturating_sub(written), lost })
    }

    /// Removes payloads that no entry names.
    fn tidy_payloads(&self) -> Result<()> {
        let ground = &self.0.ground;
        let named = self.named_payloads()?;
        let mut left = Vec::new();
        for (name, _) in payload::list(ground)? {
            if !named.contains(&name)
                && let Some(lock) = payload::lock(ground, &name)?
            {
                left.push((name, lock));
            }
        }
        // Locked now, none of them gets an entry any more; one may have got it just before.
        let named = self.named_payloads()?;
        for (name, _) in left.iter().filter(|(name, _)| !named.contains(name)) {
            payload::remove(ground, name)?;
        }
        let bytes = payload::list(ground)?.iter().map(|(_, size)| size).sum();
        locked(&self.0.view).payload_bytes = bytes;
        Ok(())
    }

    fn named_payloads(&self) -> Result<BTreeSet<String>> {
        let mut named = BTreeSet::new();
        self.each(|view, pending| match view.entry(pending.entry) {
            Ok((entry, _)) => {
                named.extend(entry.file);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::Integrity => Err(Error::new(
                ErrorKind::Integrity,
                "what is no longer needed cannot be told while an entry is damaged",
            )),
            Err(error) => Err(error),
        })?;
        Ok(named)
    }
}

fn view_end(view: &View, number: u64) -> Option<u64> {
    view.runs.get(&number).map(|run| run.end)
}

/// How many frames of each segment are entries that wait.
fn live(view: &View) -> Result<BTreeMap<u64, usize>> {
    let mut live = BTreeMap::new();
    let mut queues = view.queues(&Slot::first(0, ""))?;
    while let Some(queue) = queues.queue()? {
        for pending in queue.waiting.iter().filter(|pending| pending.is_own()) {
            *live.entry(pending.entry.segment).or_default() += 1;
        }
    }
    Ok(live)
}

/// Locks the segments that are wanted and that nobody writes to.
pub(super) fn choose(
    ground: &Ground,
    view: &View,
    is_wanted: impl Fn(&super::run::Run) -> bool,
) -> Result<Chosen> {
    let mut chosen = Chosen::new();
    for run in view.runs.values().filter(|run| view.own != Some(run.segment) && is_wanted(run)) {
        let Some(file) = segment::open(ground, run.segment)? else { continue };
        if let Some(file) = segment::lock(file)?
            // Somebody may have appended in the moment before.
            && (run.is_torn || segment::length(&file)? <= run.end.max(segment::HEAD))
        {
            chosen.insert(run.segment, file);
        }
    }
    Ok(chosen)
}

/// Writes again what is still needed.
struct Copy<'a> {
    ground: &'a Ground,
    view: &'a View,
    chosen: &'a Chosen,
    into: Option<Segment>,
    bytes: Vec<u8>,
    lost: usize,
}

impl Copy<'_> {
    fn all(&mut self) -> Result<()> {
        let mut all = self.view.queues(&Slot::first(0, ""))?;
        while let Some(rows) = all.group()? {
            for note in self.needed(&rows) {
                self.frame(note)?;
            }
        }
        Ok(())
    }

    /// What of an entry and its marks has to be written again.
    fn needed(&self, rows: &[Row]) -> Vec<Note> {
        let is_chosen = |note: &Note| self.chosen.contains_key(&note.segment);
        let (entries, marks): (Vec<&Row>, Vec<&Row>) =
            rows.iter().partition(|(slot, _)| slot.stamp == EntryId::default());
        // A row of the key that is read says the same as that of the entry's own.
        let own = entries
            .iter()
            .map(|(_, note)| *note)
            .filter(|note| !matches!(note.what, What::Read | What::Left));
        let own: Vec<Note> = own.collect();
        let Some(first) = own.first() else { return Vec::new() };
        let is_settled = |(_, note): &&&Row| matches!(note.what, What::Done | What::Dropped);
        if let Some((_, settled)) = marks.iter().find(is_settled) {
            let together = own.iter().all(|note| note.segment == settled.segment);
            let is_concerned = is_chosen(settled) || own.iter().any(is_chosen);
            return if together || !is_concerned { Vec::new() } else { vec![*settled] };
        }
        if !own.iter().any(is_chosen) && !marks.iter().any(|(_, note)| is_chosen(note)) {
            return Vec::new();
        }
        let attempted = marks.iter().find(|(_, note)| note.what == What::Attempted);
        let marks: BTreeSet<Note> =
            attempted.into_iter().chain(marks.last()).map(|(_, note)| *note).collect();
        let stays = own.iter().any(|note| !is_chosen(note));
        let entry = if stays { None } else { Some(*first) };
        entry.into_iter().chain(marks).collect()
    }

    fn frame(&mut self, note: Note) -> Result<()> {
        let frame = match self.view.frame(note) {
            Err(error) if error.kind() == ErrorKind::Integrity => {
                self.lost +=
                    usize::from(matches!(note.what, What::Put | What::Delete | What::Copied | What::Moved));
                return Ok(());
            }
            other => other?,
        };
        let segment = match self.into.take() {
            Some(segment) => segment,
            None => Segment::make(self.ground)?,
        };
        let place = (segment.number, segment.end + self.bytes.len() as u64);
        self.into = Some(segment);
        frame::write(&mut self.bytes, place, frame.sort, &frame.header, &frame.payload)?;
        if self.bytes.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        let Some(segment) = &mut self.into else { return Ok(()) };
        // Where it fails, what was written says nothing that the old segments do not say.
        segment.append(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    fn end(mut self) -> Result<Option<Segment>> {
        self.flush()?;
        Ok(self.into)
    }
}

/// Does away with segments whose entries are on the disk elsewhere. Their tables go first: one without its segment would
/// tell of entries that are lost.
fn remove(ground: &Ground, chosen: &Chosen, fate: Fate) -> Result<()> {
    let failed = |e| fault("a segment of the outbox cannot be removed", e);
    let synced = || rustix::fs::fsync(&ground.queue).map_err(failed);
    let _exclusive = Exclusive::hold(ground)?;
    for number in chosen.keys() {
        unless_gone(rustix::fs::unlinkat(&ground.queue, table_name(*number), AtFlags::empty()))
            .map_err(failed)?;
    }
    synced()?;
    for number in chosen.keys() {
        let name = log_name(*number);
        let gone = match fate {
            Fate::Removed => rustix::fs::unlinkat(&ground.queue, &name, AtFlags::empty()),
            Fate::Quarantined => rustix::fs::renameat(&ground.queue, &name, &ground.quarantine, &name),
        };
        unless_gone(gone).map_err(failed)?;
    }
    if fate == Fate::Quarantined {
        rustix::fs::fsync(&ground.quarantine).map_err(failed)?;
    }
    synced()
}

fn unless_gone(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    if result == Err(Errno::NOENT) { Ok(()) } else { result }
}
