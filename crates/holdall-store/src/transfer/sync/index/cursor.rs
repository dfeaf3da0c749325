//! Reads the index in the order of keys.

use super::frames::Frames;
use crate::transfer::sync::entry::Record;
use crate::transfer::sync::{Entry, Sorted};
use std::io;
use std::iter::Peekable;

/// All that the index has, in the bytewise order of keys: of what was noted more than once, the last.
#[derive(Default)]
pub(in crate::transfer) struct Cursor {
    settled: Option<Frames>,
    noted: Option<Peekable<Sorted>>,
    next: [Option<Record>; 2],
}

impl Cursor {
    pub(super) fn new(settled: Option<Frames>, noted: Sorted) -> io::Result<Self> {
        let mut cursor = Self { settled, noted: Some(noted.peekable()), next: [None, None] };
        cursor.read_settled()?;
        cursor.read_noted()?;
        Ok(cursor)
    }

    fn read_settled(&mut self) -> io::Result<()> {
        let body = self.settled.as_mut().map_or(Ok(None), Frames::next)?;
        let record = body.and_then(|body| Record::decode(&body));
        // What does not come in order is not ours, and would keep the rest from being found.
        let before = self.next[0].take();
        let in_order = |record: &Record| before.as_ref().is_none_or(|before| before.key < record.key);
        self.next[0] = record.filter(in_order);
        if self.next[0].is_none() {
            self.settled = None;
        }
        Ok(())
    }

    fn read_noted(&mut self) -> io::Result<()> {
        self.next[1] = None;
        let Some(noted) = &mut self.noted else { return Ok(()) };
        while let Some(bytes) = noted.next().transpose()? {
            let (key, rest) = split(&bytes)?;
            let is_last = |next: &io::Result<Vec<u8>>| {
                next.as_ref().is_ok_and(|next| split(next).is_ok_and(|(other, _)| other == key))
            };
            if !noted.peek().is_some_and(is_last) {
                self.next[1] = Record::decode(rest);
                return Ok(());
            }
        }
        Ok(())
    }

    /// The next record, of both; one that says to forget is handed on where asked for.
    pub(super) fn next(&mut self) -> io::Result<Option<Record>> {
        let [settled, noted] = &self.next;
        let (takes_settled, takes_noted) = match (settled, noted) {
            (None, None) => return Ok(None),
            (Some(_), None) => (true, false),
            (None, Some(_)) => (false, true),
            (Some(settled), Some(noted)) => (settled.key <= noted.key, noted.key <= settled.key),
        };
        let mut taken = None;
        if takes_settled {
            taken.clone_from(&self.next[0]);
            self.read_settled()?;
        }
        if takes_noted {
            taken = self.next[1].take();
            self.read_noted()?;
        }
        Ok(taken)
    }

    fn key(&self) -> Option<&str> {
        self.next.iter().flatten().map(|record| record.key.as_str()).min()
    }

    /// What the index has of a key. Keys are asked for in order; those passed over are handed on.
    ///
    /// An index that cannot be read ends there: what would follow is unknown.
    pub(in crate::transfer) fn find(&mut self, key: &str, mut passed: impl FnMut(&str)) -> Option<Entry> {
        while self.key().is_some_and(|next| next <= key) {
            match self.next() {
                Ok(Some(record)) if record.key == key => return record.entry,
                Ok(Some(Record { key, entry: Some(_) })) => passed(&key),
                Ok(_) => {}
                Err(error) => {
                    tracing::info!(%error, "the index cannot be read to its end");
                    *self = Self::default();
                }
            }
        }
        None
    }

    /// Hands on all keys that are left.
    pub(in crate::transfer) fn rest(&mut self, mut passed: impl FnMut(&str)) {
        while let Ok(Some(record)) = self.next() {
            if record.entry.is_some() {
                passed(&record.key);
            }
        }
    }
}

/// A noted record: its key, and behind a NUL and the number of the note what was noted.
fn split(bytes: &[u8]) -> io::Result<(&[u8], &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0).filter(|end| end + 9 <= bytes.len());
    let end = end.ok_or(io::ErrorKind::InvalidData)?;
    Ok((&bytes[..end], &bytes[end + 9..]))
}
