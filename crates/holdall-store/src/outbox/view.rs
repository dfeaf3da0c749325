//! What this process knows of the queue, and how it learns what others did.

use super::entry::{Entry, EntryId};
use super::ground::{Ground, Options};
use super::lock::Shared;
use super::mark::Marked;
use super::payload;
use super::run::{Run, open_table};
use super::scan::{Frame, frame_at};
use super::segment::{self, Segment};
use super::stamp::Stamp;
use super::table::{KeyQueue, Merge, Note, Pending, Row, Slot, Standing};
use crate::error::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is in a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Entries that are not settled.
    pub entries: u64,
    /// Of them parked ones.
    pub parked: u64,
    /// Bytes that the queue takes.
    pub bytes: u64,
    /// Files of entries.
    pub segments: usize,
    /// Places that were entries or marks and cannot be read any more.
    pub damaged: usize,
    /// Files whose last write was cut off, and may never have been acknowledged.
    pub torn: usize,
    /// Files whose entries somebody removed.
    pub missing: usize,
    /// Files that are not the queue's.
    pub foreign: usize,
    /// The first of the entries.
    pub oldest: Option<EntryId>,
}

#[derive(Debug, Default)]
pub(super) struct View {
    pub(super) runs: BTreeMap<u64, Run>,
    pub(super) payload_bytes: u64,
    missing: usize,
    foreign: usize,
    highest: u64,
    /// The folder's time before it was listed.
    stamp: Option<Stamp>,
    /// The segment that this process appends to.
    pub(super) own: Option<u64>,
}

impl View {
    /// Learns what others did since: what was acknowledged before this was called is known after it.
    pub(super) fn refresh(&mut self, ground: &Ground) -> Result<()> {
        let stamp = Stamp::of(ground)?;
        if stamp.is_some() && stamp == self.stamp {
            let own = self.own;
            self.runs.values_mut().filter(|run| own != Some(run.segment)).try_for_each(Run::catch_up)?;
        } else {
            let is_past = stamp.is_some_and(Stamp::is_past);
            self.list(ground)?;
            self.stamp = stamp.filter(|_| is_past);
        }
        self.highest = self.runs.values().map(|run| run.highest).max().unwrap_or(0).max(self.highest);
        Ok(())
    }

    /// Whether nobody else wrote anything since this was refreshed, as far as that can be told at once.
    pub(super) fn is_fresh(&self, ground: &Ground) -> Result<bool> {
        let stamp = Stamp::of(ground)?;
        if stamp.is_none() || stamp != self.stamp {
            return Ok(false);
        }
        for run in self.runs.values().filter(|run| self.own != Some(run.segment)) {
            if run.is_behind()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn list(&mut self, ground: &Ground) -> Result<()> {
        // Whoever replaces segments by others does it under this lock: a listing in between could miss both.
        let _shared = Shared::hold(ground)?;
        let (files, foreign) = segment::list(&ground.queue)?;
        self.foreign = foreign;
        self.missing = files.values().filter(|files| !files.log).count();
        self.runs.retain(|segment, _| files.get(segment).is_some_and(|files| files.log));
        for (segment, files) in files.iter().filter(|(_, files)| files.log) {
            if self.own != Some(*segment) {
                self.look(ground, *segment, files.table)?;
            }
        }
        Ok(())
    }

    fn look(&mut self, ground: &Ground, number: u64, has_table: bool) -> Result<()> {
        let run = match self.runs.entry(number) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(new) => match segment::open(ground, number)? {
                Some(file) => new.insert(Run::new(number, Arc::new(file))),
                None => return Ok(()),
            },
        };
        if has_table
            && !run.is_sealed()
            && let Some(table) = open_table(ground, number)?
            && run.load(table)?
        {
            return Ok(());
        }
        run.catch_up()
    }

    /// Begins with a segment that this process made.
    pub(super) fn begin(&mut self, ground: &Ground, segment: &Segment) -> Result<()> {
        // Opened again: a copy of the segment's own file would hold its lock for as long as this is known.
        let gone = || Error::new(ErrorKind::Changed, "a segment of the outbox was removed as it was made");
        let file = segment::open(ground, segment.number)?.ok_or_else(gone)?;
        self.runs.insert(segment.number, Run::new(segment.number, Arc::new(file)));
        self.own = Some(segment.number);
        Ok(())
    }

    /// Takes in what this process wrote to its segment.
    pub(super) fn wrote(&mut self, segment: &Segment, frames: Vec<(Vec<Row>, u64)>) {
        if let Some(run) = self.runs.get_mut(&segment.number) {
            frames.into_iter().for_each(|(rows, sequence)| run.add(rows, sequence));
            run.end = segment.end;
        }
    }

    /// Ends this process's segment, which has enough.
    pub(super) fn leave(&mut self, ground: &Ground) {
        if let Some(run) = self.own.take().and_then(|own| self.runs.get_mut(&own)) {
            seal(run, ground);
        }
    }

    /// Ends this process's segment behind the last frame that is known to be on the disk.
    pub(super) fn abandon(&mut self, ground: &Ground, segment: &Segment) {
        let is_cut = segment.cut_back();
        if let Some(run) = self.own.take().and_then(|own| self.runs.get_mut(&own)) {
            run.is_torn |= !is_cut;
            seal(run, ground);
        }
    }

    /// Segments that can be gone on with, if nobody has them: whole, and with room.
    pub(super) fn left_whole(&self, options: &Options) -> Vec<(u64, u64, usize)> {
        let is_fit = |run: &&Run| {
            let is_whole = !run.is_sealed() && !run.is_torn && run.damaged == 0;
            is_whole && run.end < options.segment_bytes && run.frames < options.segment_frames
        };
        self.runs.values().filter(is_fit).map(|run| (run.segment, run.end, run.frames)).collect()
    }

    /// Ends segments that nobody writes to and nobody will.
    pub(super) fn seal_the_left(&mut self, ground: &Ground) -> Result<()> {
        let fit: Vec<u64> = self.left_whole(&ground.options).into_iter().map(|(number, ..)| number).collect();
        let own = self.own;
        let is_left =
            |run: &&mut Run| !run.is_sealed() && own != Some(run.segment) && !fit.contains(&run.segment);
        for run in self.runs.values_mut().filter(is_left) {
            let Some(file) = segment::open(ground, run.segment)? else { continue };
            if let Some(_locked) = segment::lock(file)? {
                run.catch_up()?;
                seal(run, ground);
            }
        }
        Ok(())
    }

    /// Names what is written next: later than everything that is known.
    pub(super) fn next_id(&mut self, writer: u64, after: u64) -> EntryId {
        self.highest = self.highest.max(after) + 1;
        EntryId { sequence: self.highest, writer }
    }

    /// Bytes that the queue takes.
    pub(super) fn used(&self) -> u64 {
        self.runs.values().map(|run| run.end).sum::<u64>() + self.payload_bytes
    }

    /// Refuses what would take more than the queue may have. Others may have given payloads up since they were counted:
    /// they are counted again before it is said that there is no room.
    pub(super) fn demand_room(&mut self, ground: &Ground, more: u64) -> Result<()> {
        match ground.demand_room(self.used(), more) {
            Err(error) if error.kind() == ErrorKind::Full => {
                self.payload_bytes = payload::list(ground)?.iter().map(|(_, size)| size).sum();
                ground.demand_room(self.used(), more)
            }
            other => other,
        }
    }

    /// All queues of keys from a place of their order on.
    pub(super) fn queues(&self, first: &Slot) -> Result<Merge<'_>> {
        Merge::new(self.runs.values().map(|run| run.rows_from(first)).collect())
    }

    /// Whether a key may have rows, without a look at the disk.
    pub(super) fn may_have(&self, place: u64, key: &str) -> bool {
        self.runs.values().any(|run| run.may_have(place, key))
    }

    /// What waits at a key.
    pub(super) fn waiting(&self, place: u64, key: &str) -> Result<Vec<Pending>> {
        let first = Slot::first(place, key);
        let runs = self.runs.values().filter(|run| run.may_have(place, key));
        let found = Merge::new(runs.map(|run| run.rows_from(&first)).collect())?.queue()?;
        let is_of_key = |queue: &KeyQueue| queue.place == place && *queue.key == *key;
        Ok(found.filter(is_of_key).map(|queue| queue.waiting).unwrap_or_default())
    }

    /// Whether anything waits below one of some prefixes that was queued before an entry.
    pub(super) fn any_before(&self, place: u64, prefixes: &[String], id: EntryId) -> Result<bool> {
        for prefix in prefixes {
            let mut queues = self.queues(&Slot::first(place, prefix))?;
            while let Some(queue) = queues.queue()?
                && queue.place == place
                && queue.key.starts_with(prefix.as_str())
            {
                if queue.waiting.iter().any(|pending| pending.is_own() && pending.id < id) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What waits at a key of whatever destination under a name.
    pub(super) fn find(&self, place: u64, key: &str, id: EntryId) -> Result<Option<Pending>> {
        Ok(self.waiting(place, key)?.into_iter().find(|pending| pending.id == id))
    }

    /// Reads an entry and the bytes that lie beside it.
    ///
    /// # Errors
    ///
    /// `Integrity` where it is damaged.
    pub(super) fn entry(&self, note: Note) -> Result<(Entry, Vec<u8>)> {
        let frame = self.frame(note)?;
        let entry = Entry::read(&frame.header).ok_or_else(damaged)?;
        Ok((entry, frame.payload))
    }

    pub(super) fn mark(&self, note: Note) -> Result<Marked> {
        Marked::read(&self.frame(note)?.header).ok_or_else(damaged)
    }

    pub(super) fn frame(&self, note: Note) -> Result<Frame> {
        let run = self.runs.get(&note.segment).ok_or_else(|| {
            Error::new(ErrorKind::Changed, "the outbox was brought into order while it was read")
        })?;
        frame_at(&run.log, note.segment, note.at).map_err(|error| match error.kind() {
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::UnexpectedEof => damaged(),
            _ => Error::io("an entry of the outbox cannot be read", error),
        })
    }

    /// What is known without looking at entries.
    pub(super) fn status_of_files(&self) -> Status {
        Status {
            bytes: self.used(),
            segments: self.runs.len(),
            damaged: self.runs.values().map(|run| run.damaged).sum(),
            torn: self.runs.values().filter(|run| run.is_torn).count(),
            missing: self.missing,
            foreign: self.foreign,
            ..Status::default()
        }
    }

    pub(super) fn status(&self) -> Result<Status> {
        let mut status = self.status_of_files();
        let mut queues = self.queues(&Slot::first(0, ""))?;
        while let Some(queue) = queues.queue()? {
            for pending in queue.waiting.iter().filter(|pending| pending.is_own()) {
                status.entries += 1;
                status.parked += u64::from(pending.standing == Standing::Parked);
                status.oldest = Some(status.oldest.map_or(pending.id, |oldest| oldest.min(pending.id)));
            }
        }
        Ok(status)
    }
}

pub(super) fn damaged() -> Error {
    Error::new(ErrorKind::Integrity, "an entry of the outbox is damaged")
        .with_hint("`holdall outbox repair` sets it apart, so that the others go on")
}

/// A table is a matter of speed: where it cannot be written, the segment is read again.
fn seal(run: &mut Run, ground: &Ground) {
    if let Err(error) = run.seal(ground) {
        tracing::warn!(segment = segment::log_name(run.segment), %error, "a segment has no table");
    }
}
