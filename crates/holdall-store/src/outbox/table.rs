//! What is known of frames without reading them, in the order of keys, and what of it waits.

use super::entry::{Entry, EntryId, Kind};
use super::frame::Sort;
use super::mark::{Mark, Marked};
use super::scan::Frame;
use crate::error::Result;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Where a frame stands in the order of all: by key, then by entry, the entry before its marks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot {
    pub(super) place: u64,
    pub(super) key: Box<str>,
    pub(super) id: EntryId,
    /// A mark's; an entry has none.
    pub(super) stamp: EntryId,
}

impl Slot {
    /// The first there can be of a key.
    pub(super) fn first(place: u64, key: &str) -> Self {
        Self { place, key: key.into(), id: EntryId::default(), stamp: EntryId::default() }
    }
}

/// What a frame means for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Put,
    Delete,
    Copied,
    Moved,
    /// The key is read by a copy of it.
    Read,
    /// The key is what is moved away.
    Left,
    Attempted,
    Retry,
    Parked,
    Done,
    Dropped,
}

const WHATS: [What; 11] = [
    What::Put,
    What::Delete,
    What::Copied,
    What::Moved,
    What::Read,
    What::Left,
    What::Attempted,
    What::Retry,
    What::Parked,
    What::Done,
    What::Dropped,
];

impl What {
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    pub(super) fn numbered(number: u8) -> Option<Self> {
        WHATS.get(usize::from(number)).copied()
    }

    fn of_mark(mark: &Mark) -> Self {
        match mark {
            Mark::Attempted => Self::Attempted,
            Mark::Retry { .. } => Self::Retry,
            Mark::Parked { .. } => Self::Parked,
            Mark::Done => Self::Done,
            Mark::Dropped => Self::Dropped,
        }
    }
}

/// What a frame is, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Note {
    pub(super) what: What,
    pub(super) segment: u64,
    pub(super) at: u64,
}

pub(super) type Row = (Slot, Note);
pub(super) type Table = BTreeMap<Slot, Note>;

/// The rows of a frame, and the highest sequence it speaks of; none for a frame that says nothing that is known.
pub(super) fn rows(segment: u64, frame: &Frame) -> Option<(Vec<Row>, u64)> {
    match frame.sort {
        Sort::Entry => {
            Entry::read(&frame.header).map(|entry| (of_entry(segment, frame.at, &entry), entry.id.sequence))
        }
        Sort::Mark => Marked::read(&frame.header)
            .map(|marked| (of_mark(segment, frame.at, &marked), marked.stamp.sequence)),
    }
}

pub(super) fn of_entry(segment: u64, at: u64, entry: &Entry) -> Vec<Row> {
    let place = entry.destination.place();
    let (own, read) = match entry.kind {
        Kind::Put => (What::Put, What::Read),
        Kind::Delete => (What::Delete, What::Read),
        Kind::Copy => (What::Copied, What::Read),
        Kind::Move => (What::Moved, What::Left),
    };
    let row = |(index, key): (usize, &str)| {
        let what = if index == 0 { own } else { read };
        (Slot { id: entry.id, ..Slot::first(place, key) }, Note { what, segment, at })
    };
    entry.keys().enumerate().map(row).collect()
}

pub(super) fn of_mark(segment: u64, at: u64, marked: &Marked) -> Vec<Row> {
    let what = What::of_mark(&marked.mark);
    let row = |key: &String| {
        let slot = Slot { id: marked.of, stamp: marked.stamp, ..Slot::first(marked.place, key) };
        (slot, Note { what, segment, at })
    };
    marked.keys.iter().map(row).collect()
}

/// What waits, and whether it may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It waits for its turn.
    Waiting,
    /// It waits for somebody to ask for it.
    Parked,
}

/// An entry of one key's queue that is not settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Which one.
    pub id: EntryId,
    /// The key in whose queue it stands.
    pub key: String,
    /// Whether it may go on.
    pub standing: Standing,
    /// Whether it may have reached the remote: it is sent again only after a look.
    pub attempted: bool,
    /// How many marks say so.
    pub(super) attempts: usize,
    pub(super) place: u64,
    pub(super) what: What,
    pub(super) entry: Note,
    /// The last mark.
    pub(super) mark: Option<Note>,
}

impl Pending {
    /// Whether the key's object is another one, or none, when this is done: not so where the key is only copied from.
    pub fn is_change(&self) -> bool {
        self.what != What::Read
    }

    /// Whether the key has no object when this is done.
    pub fn is_removal(&self) -> bool {
        matches!(self.what, What::Delete | What::Left)
    }

    /// Whether the entry is of this key, rather than one that reads it.
    pub(super) fn is_own(&self) -> bool {
        !matches!(self.what, What::Read | What::Left)
    }
}

/// The unsettled entries of one key, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyQueue {
    pub(super) place: u64,
    pub(super) key: Box<str>,
    pub(super) waiting: Vec<Pending>,
}

pub(super) type Rows<'a> = Box<dyn Iterator<Item = Result<Row>> + 'a>;

/// Rows of many runs as one, in order.
pub(super) struct Merge<'a> {
    runs: Vec<Rows<'a>>,
    heads: BinaryHeap<Reverse<(Row, usize)>>,
}

impl<'a> Merge<'a> {
    pub(super) fn new(mut runs: Vec<Rows<'a>>) -> Result<Self> {
        let mut heads = BinaryHeap::with_capacity(runs.len());
        for (index, run) in runs.iter_mut().enumerate() {
            if let Some(row) = run.next().transpose()? {
                heads.push(Reverse((row, index)));
            }
        }
        Ok(Self { runs, heads })
    }

    fn peek(&self) -> Option<&Slot> {
        self.heads.peek().map(|Reverse((row, _))| &row.0)
    }

    fn next(&mut self) -> Result<Option<Row>> {
        let Some(Reverse((row, index))) = self.heads.pop() else { return Ok(None) };
        if let Some(next) = self.runs[index].next().transpose()? {
            self.heads.push(Reverse((next, index)));
        }
        Ok(Some(row))
    }

    /// The next entry of a key with all that is known of it there.
    pub(super) fn group(&mut self) -> Result<Option<Vec<Row>>> {
        let Some(first) = self.next()? else { return Ok(None) };
        let mut rows = vec![first];
        while let Some(slot) = self.peek() {
            let own = &rows[0].0;
            if (slot.place, &slot.key, slot.id) != (own.place, &own.key, own.id) {
                break;
            }
            rows.extend(self.next()?);
        }
        Ok(Some(rows))
    }

    /// The next key that is known of, with what waits there; that may be nothing.
    pub(super) fn queue(&mut self) -> Result<Option<KeyQueue>> {
        let Some((place, key)) = self.peek().map(|slot| (slot.place, slot.key.clone())) else {
            return Ok(None);
        };
        let mut waiting = Vec::new();
        while self.peek().is_some_and(|slot| slot.place == place && slot.key == key)
            && let Some(rows) = self.group()?
        {
            waiting.extend(fold(&rows));
        }
        Ok(Some(KeyQueue { place, key, waiting }))
    }
}

/// An entry with its marks; none when it is settled, or only marks of it are left.
fn fold(rows: &[Row]) -> Option<Pending> {
    let (slot, entry) = rows.first().filter(|(slot, _)| slot.stamp == EntryId::default())?;
    let marks = || rows.iter().filter(|(slot, _)| slot.stamp != EntryId::default()).map(|(_, note)| *note);
    if marks().any(|note| matches!(note.what, What::Done | What::Dropped)) {
        return None;
    }
    let last = marks().next_back();
    let attempts = marks().filter(|note| note.what == What::Attempted).count();
    let is_parked = last.is_some_and(|note| note.what == What::Parked);
    Some(Pending {
        id: slot.id,
        key: slot.key.to_string(),
        standing: if is_parked { Standing::Parked } else { Standing::Waiting },
        attempted: attempts > 0,
        attempts,
        place: slot.place,
        what: entry.what,
        entry: *entry,
        mark: last,
    })
}
