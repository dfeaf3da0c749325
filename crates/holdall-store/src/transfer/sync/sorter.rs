//! Sorts any number of records in bounded memory: what does not fit is sorted in runs, which are merged as they are read.

use super::Scratch;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// What a reader of one run holds of it.
const READ: usize = 16 * 1024;

/// Takes records of bytes in any order.
#[derive(Debug)]
pub(in crate::transfer) struct Sorter {
    held: Held,
    bound: usize,
    scratch: Scratch,
    file: Option<File>,
    runs: Vec<Range<u64>>,
}

/// Records in memory.
#[derive(Debug, Default)]
struct Held {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
struct Span {
    /// The first eight bytes in which the records differ: most comparisons end with them.
    head: u64,
    start: u32,
    len: u32,
}

impl Held {
    fn size(&self) -> usize {
        self.bytes.len() + self.spans.len() * size_of::<Span>()
    }

    fn record(&self, span: &Span) -> &[u8] {
        &self.bytes[span.start as usize..][..span.len as usize]
    }

    fn sort(&mut self) {
        let shared = self.shared();
        let mut spans = std::mem::take(&mut self.spans);
        for span in &mut spans {
            let rest = &self.record(span)[shared..];
            let mut head = [0; 8];
            let n = rest.len().min(8);
            head[..n].copy_from_slice(&rest[..n]);
            span.head = u64::from_be_bytes(head);
        }
        spans.sort_unstable_by(|a, b| match a.head.cmp(&b.head) {
            Ordering::Equal => self.record(a).cmp(self.record(b)),
            other => other,
        });
        self.spans = spans;
    }

    /// How many first bytes all records share.
    fn shared(&self) -> usize {
        let Some(first) = self.spans.first().map(|span| self.record(span)) else { return 0 };
        self.spans.iter().fold(first.len(), |shared, span| {
            let record = self.record(span);
            let most = shared.min(record.len());
            (0..most).find(|n| record[*n] != first[*n]).unwrap_or(most)
        })
    }
}

impl Sorter {
    /// Holds up to `bound` bytes in memory, and some more for the record that passes it.
    pub(in crate::transfer) fn new(bound: usize, scratch: Scratch) -> Self {
        Self { held: Held::default(), bound, scratch, file: None, runs: Vec::new() }
    }

    /// Adds a record, given in pieces, of less than 4 GiB.
    pub(in crate::transfer) fn push(&mut self, pieces: &[&[u8]]) -> io::Result<()> {
        let start = self.held.bytes.len();
        pieces.iter().for_each(|piece| self.held.bytes.extend_from_slice(piece));
        let len = self.held.bytes.len() - start;
        self.held.spans.push(Span { head: 0, start: start as u32, len: len as u32 });
        if self.held.size() > self.bound { self.spill() } else { Ok(()) }
    }

    /// Writes what is held as a run.
    fn spill(&mut self) -> io::Result<()> {
        self.held.sort();
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(self.scratch.file()?),
        };
        let start = self.runs.last().map_or(0, |run| run.end);
        let (mut at, mut buffer) = (start, Vec::with_capacity(2 * READ));
        for span in &self.held.spans {
            buffer.extend_from_slice(&span.len.to_le_bytes());
            buffer.extend_from_slice(self.held.record(span));
            if buffer.len() >= READ {
                file.write_all_at(&buffer, at)?;
                at += buffer.len() as u64;
                buffer.clear();
            }
        }
        file.write_all_at(&buffer, at)?;
        self.runs.push(start..at + buffer.len() as u64);
        self.held.bytes.clear();
        self.held.spans.clear();
        Ok(())
    }

    /// Ends the adding.
    pub(in crate::transfer) fn sorted(mut self) -> io::Result<Sorted> {
        if self.file.is_some() && !self.held.spans.is_empty() {
            self.spill()?;
        }
        let Some(file) = self.file.map(Arc::new) else {
            self.held.sort();
            // What a folder needed to be read is not kept while the folders in it are.
            self.held.bytes.shrink_to_fit();
            self.held.spans.shrink_to_fit();
            return Ok(Sorted { held: self.held, next: 0, runs: BinaryHeap::new() });
        };
        let mut runs = BinaryHeap::with_capacity(self.runs.len());
        for range in self.runs {
            let mut run = Run { file: file.clone(), range, buffer: Vec::new(), at: 0, record: Vec::new() };
            if run.advance()? {
                runs.push(Reverse(run));
            }
        }
        Ok(Sorted { held: Held::default(), next: 0, runs })
    }
}

/// Records in order.
#[derive(Debug)]
pub(in crate::transfer) struct Sorted {
    held: Held,
    next: usize,
    runs: BinaryHeap<Reverse<Run>>,
}

impl Sorted {
    /// The bytes of memory that it takes.
    pub(in crate::transfer) fn size(&self) -> usize {
        self.held.size() + self.runs.len() * READ
    }
}

impl Iterator for Sorted {
    type Item = io::Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(span) = self.held.spans.get(self.next) {
            self.next += 1;
            return Some(Ok(self.held.record(span).to_vec()));
        }
        let mut first = self.runs.peek_mut()?;
        let record = std::mem::take(&mut first.0.record);
        match first.0.advance() {
            Ok(true) => {}
            Ok(false) => {
                PeekMut::pop(first);
            }
            Err(error) => {
                drop(first);
                self.runs.clear();
                return Some(Err(error));
            }
        }
        Some(Ok(record))
    }
}

/// A run being read; its order among others is that of its next record.
#[derive(Debug)]
struct Run {
    file: Arc<File>,
    /// What was not read yet.
    range: Range<u64>,
    buffer: Vec<u8>,
    at: usize,
    record: Vec<u8>,
}

impl Run {
    /// Reads the next record; answers whether there is one.
    fn advance(&mut self) -> io::Result<bool> {
        self.record.clear();
        if self.at == self.buffer.len() && self.range.is_empty() {
            return Ok(false);
        }
        let mut len = [0; 4];
        self.read(&mut len)?;
        let mut record = vec![0; u32::from_le_bytes(len) as usize];
        self.read(&mut record)?;
        self.record = record;
        Ok(true)
    }

    fn read(&mut self, mut into: &mut [u8]) -> io::Result<()> {
        while !into.is_empty() {
            if self.at == self.buffer.len() {
                let n = (self.range.end - self.range.start).min(READ as u64) as usize;
                self.buffer.resize(n, 0);
                self.at = 0;
                self.file.read_exact_at(&mut self.buffer, self.range.start)?;
                self.range.start += n as u64;
            }
            let n = into.len().min(self.buffer.len() - self.at);
            if n == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            into[..n].copy_from_slice(&self.buffer[self.at..self.at + n]);
            self.at += n;
            into = &mut into[n..];
        }
        Ok(())
    }
}

impl PartialEq for Run {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record
    }
}

impl Eq for Run {}

impl PartialOrd for Run {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Run {
    fn cmp(&self, other: &Self) -> Ordering {
        self.record.cmp(&other.record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(records: &[Vec<u8>], bound: usize) -> (Vec<Vec<u8>>, usize) {
        let mut sorter = Sorter::new(bound, Scratch::default());
        for record in records {
            let (a, b) = record.split_at(record.len() / 2);
            sorter.push(&[a, b]).unwrap();
        }
        let sorted = sorter.sorted().unwrap();
        let runs = sorted.runs.len();
        (sorted.map(Result::unwrap).collect(), runs)
    }

    #[test]
    fn more_than_fits_goes_through_runs_and_less_does_not() {
        let records: Vec<Vec<u8>> = (0..2000_u32).map(|n| (n * 7919 % 2000).to_be_bytes().to_vec()).collect();
        let mut wanted = records.clone();
        wanted.sort();
        let (all, runs) = sorted(&records, 1 << 20);
        assert!(all == wanted && runs == 0, "{runs}");
        let (all, runs) = sorted(&records, 4000);
        assert!(all == wanted && runs == 10, "{runs}");
    }

    #[test]
    fn a_record_longer_than_what_is_read_at_once_is_whole() {
        let records = vec![vec![7; 3 * READ + 5], vec![7; READ], Vec::new()];
        let (all, runs) = sorted(&records, 0);
        assert_eq!(runs, 3);
        assert!(all == [records[2].clone(), records[1].clone(), records[0].clone()]);
    }

    proptest! {
        #[test]
        fn any_records_come_in_order(
            records in prop::collection::vec(prop::collection::vec(0_u8..4, 0..12), 0..200),
            bound in 0_usize..600,
        ) {
            let mut wanted = records.clone();
            wanted.sort();
            prop_assert_eq!(sorted(&records, bound).0, wanted);
        }
    }
}
