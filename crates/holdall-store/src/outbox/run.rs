//! The table of one segment: in memory while frames are appended, a sorted file from then on.
//!
//! The file is made of the segment and can be made again: it is not fsynced, and one that is not whole is none. It has
//! blocks (u32 length, u32 CRC-32C, bytes), first one that says what it is of, then rows in order.

use super::entry::EntryId;
use super::filter::Filter;
use super::ground::Ground;
use super::scan::{Found, Scan};
use super::segment::{HEAD, length, table_name};
use super::table::{Note, Row, Rows, Slot, Table, What, rows};
use crate::disk::{fault, unique};
use crate::error::{Error, Result};
use holdall_s3::crc32c;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

const MAGIC: &[u8] = b"holdall.table\x01\0";
/// A block is closed when it has as much.
const BLOCK: usize = 32 << 10;
/// A block with more is none: the longest row is of a key of 1024 bytes.
const MOST: usize = 1 << 20;

/// What is known of one segment.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) segment: u64,
    pub(super) log: Arc<File>,
    /// Behind the last frame that was read.
    pub(super) end: u64,
    pub(super) frames: usize,
    /// Places that are no frames, with frames behind them.
    pub(super) damaged: usize,
    /// Whether the last bytes are no whole frame: somebody is writing them, or was never done.
    pub(super) is_torn: bool,
    pub(super) highest: u64,
    table: Kept,
}

#[derive(Debug)]
enum Kept {
    Memory(Table),
    File { file: File, blocks: Vec<Block>, keys: Filter },
}

#[derive(Debug)]
struct Block {
    first: Slot,
    at: u64,
    len: usize,
    crc: u32,
}

impl Run {
    /// Begins with a segment of which nothing was read.
    pub(super) fn new(segment: u64, log: Arc<File>) -> Self {
        let table = Kept::Memory(Table::new());
        Self { segment, log, end: HEAD, frames: 0, damaged: 0, is_torn: false, highest: 0, table }
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self.table, Kept::File { .. })
    }

    /// Whether there is more than was read.
    pub(super) fn is_behind(&self) -> Result<bool> {
        Ok(!self.is_sealed() && length(&self.log)? > self.end)
    }

    /// Whether a key may have rows, without a look at the disk.
    pub(super) fn may_have(&self, place: u64, key: &str) -> bool {
        match &self.table {
            Kept::Memory(table) => {
                let next = table.range(Slot::first(place, key)..).next();
                next.is_some_and(|(slot, _)| slot.place == place && *slot.key == *key)
            }
            Kept::File { keys, .. } => keys.may_have(place, key),
        }
    }

    /// Reads what was appended since. What is read is on the disk: it is fsynced first, whoever wrote it.
    pub(super) fn catch_up(&mut self) -> Result<()> {
        if self.is_sealed() {
            return Ok(());
        }
        let len = length(&self.log)?;
        if len <= self.end {
            return Ok(());
        }
        let failed = |e| Error::io("a segment of the outbox cannot be read", e);
        self.log.sync_data().map_err(failed)?;
        let log = self.log.clone();
        let mut scan = Scan::new(&log, self.segment, self.end, len);
        self.is_torn = false;
        while let Some(found) = scan.next().map_err(failed)? {
            match found {
                Found::Frame(frame) => {
                    let size = super::frame::PREFIX + frame.header.len() + frame.payload.len();
                    self.end = frame.at + size as u64;
                    match rows(self.segment, &frame) {
                        Some((rows, sequence)) => self.add(rows, sequence),
                        None => self.damaged += 1,
                    }
                }
                Found::Damaged { is_end: true, .. } => self.is_torn = true,
                Found::Damaged { .. } => self.damaged += 1,
            }
        }
        Ok(())
    }

    /// Adds the rows of a frame.
    pub(super) fn add(&mut self, rows: Vec<Row>, sequence: u64) {
        if let Kept::Memory(table) = &mut self.table {
            table.extend(rows);
            self.frames += 1;
            self.highest = self.highest.max(sequence);
        }
    }

    /// The rows from one on.
    pub(super) fn rows_from(&self, first: &Slot) -> Rows<'_> {
        match &self.table {
            Kept::Memory(table) => {
                Box::new(table.range(first..).map(|(slot, note)| Ok((slot.clone(), *note))))
            }
            Kept::File { file, blocks, .. } => {
                let before = blocks.partition_point(|block| block.first <= *first);
                let first = first.clone();
                let rows = blocks[before.saturating_sub(1)..].iter().flat_map(|block| {
                    match read_block(file, block) {
                        Ok(body) => decoded(self.segment, &body),
                        Err(error) => vec![Err(error)],
                    }
                });
                Box::new(rows.skip_while(move |row| row.as_ref().is_ok_and(|(slot, _)| *slot < first)))
            }
        }
    }

    /// Writes the table of a segment that nobody appends to any more, and keeps it there.
    pub(super) fn seal(&mut self, ground: &Ground) -> Result<()> {
        let Kept::Memory(table) = &self.table else { return Ok(()) };
        let failed = |e: Errno| fault("a table of the outbox cannot be written", e);
        let name = format!("{:016x}.new", unique());
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file: File =
            rustix::fs::openat(&ground.queue, &name, flags, Mode::RUSR | Mode::WUSR).map_err(failed)?.into();
        let written =
            self.write(table, &file).map_err(|e| Error::io("a table of the outbox cannot be written", e));
        let named = written.and_then(|()| {
            rustix::fs::renameat(&ground.queue, &name, &ground.queue, table_name(self.segment))
                .map_err(failed)
        });
        if let Err(error) = named {
            if let Err(left) = rustix::fs::unlinkat(&ground.queue, &name, rustix::fs::AtFlags::empty()) {
                tracing::warn!(name, error = %left, "a temporary file is left behind");
            }
            return Err(error);
        }
        self.load(file).map(drop)
    }

    fn write(&self, table: &Table, file: &File) -> std::io::Result<()> {
        let mut out = BufWriter::new(file);
        let mut first = MAGIC.to_vec();
        let figures = [
            self.segment,
            self.end,
            table.len() as u64,
            self.frames as u64,
            self.damaged as u64,
            u64::from(self.is_torn),
            self.highest,
        ];
        figures.iter().for_each(|figure| first.extend_from_slice(&figure.to_le_bytes()));
        write_block(&mut out, &first)?;
        let mut body = Vec::with_capacity(BLOCK + MOST / 8);
        for (slot, note) in table {
            encode(slot, *note, &mut body);
            if body.len() >= BLOCK {
                write_block(&mut out, &body)?;
                body.clear();
            }
        }
        if !body.is_empty() {
            write_block(&mut out, &body)?;
        }
        out.flush()
    }

    /// Takes the table from its file; answers whether the file is one of this segment as it is.
    pub(super) fn load(&mut self, file: File) -> Result<bool> {
        let read = read_table(&file, self.segment)
            .map_err(|e| Error::io("a table of the outbox cannot be read", e))?;
        let Some((figures, blocks, keys)) = read else { return Ok(false) };
        let [_, end, _, frames, damaged, torn, highest] = figures;
        let len = length(&self.log)?;
        if len < end || (len > end && torn == 0) {
            return Ok(false);
        }
        self.end = end;
        self.frames = frames as usize;
        self.damaged = damaged as usize;
        self.is_torn = torn != 0;
        self.highest = highest;
        self.table = Kept::File { file, blocks, keys };
        Ok(true)
    }
}

/// Opens a segment's table; none when it is not there.
pub(super) fn open_table(ground: &Ground, segment: u64) -> Result<Option<File>> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    match rustix::fs::openat(&ground.queue, table_name(segment), flags, Mode::empty()) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(fault("a table of the outbox cannot be opened", error)),
    }
}

type Figures = [u64; 7];

/// Reads a table's file once, to know where its blocks are and which keys it has; none when it is not whole.
fn read_table(file: &File, segment: u64) -> std::io::Result<Option<(Figures, Vec<Block>, Filter)>> {
    let len = file.metadata()?.len();
    let Some((body, _)) = block_at(file, 0, len)? else { return Ok(None) };
    let Some(figures) = head(&body).filter(|figures| figures[0] == segment) else { return Ok(None) };
    let rows = figures[2];
    // Whatever it says, it has no more rows than there is room for.
    let mut keys = Filter::new(rows.min(len / FIXED as u64) as usize);
    let (mut at, mut blocks, mut count) = (8 + body.len() as u64, Vec::new(), 0);
    while at < len {
        let Some((body, crc)) = block_at(file, at, len)? else { return Ok(None) };
        let Some((first, rows)) = outline(&body, &mut keys) else { return Ok(None) };
        blocks.push(Block { first, at: at + 8, len: body.len(), crc });
        count += rows;
        at += 8 + body.len() as u64;
    }
    Ok((count == rows).then_some((figures, blocks, keys)))
}

fn head(body: &[u8]) -> Option<Figures> {
    let figures = body.strip_prefix(MAGIC)?;
    let mut out = Figures::default();
    if figures.len() != out.len() * 8 {
        return None;
    }
    for (into, bytes) in out.iter_mut().zip(figures.chunks_exact(8)) {
        *into = u64::from_le_bytes(bytes.try_into().ok()?);
    }
    Some(out)
}

fn write_block(out: &mut impl Write, body: &[u8]) -> std::io::Result<()> {
    out.write_all(&(body.len() as u32).to_le_bytes())?;
    out.write_all(&crc32c(body).to_le_bytes())?;
    out.write_all(body)
}

fn block_at(file: &File, at: u64, end: u64) -> std::io::Result<Option<(Vec<u8>, u32)>> {
    let mut first = [0; 8];
    if end - at < 8 {
        return Ok(None);
    }
    file.read_exact_at(&mut first, at)?;
    let (len, crc) = first.split_at(4);
    let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
    let (len, crc) = (number(len) as usize, number(crc));
    if len > MOST || end - at - 8 < len as u64 {
        return Ok(None);
    }
    let mut body = vec![0; len];
    file.read_exact_at(&mut body, at + 8)?;
    Ok((crc32c(&body) == crc).then_some((body, crc)))
}

fn read_block(file: &File, block: &Block) -> Result<Vec<u8>> {
    let mut body = vec![0; block.len];
    let failed = |e| Error::io("a table of the outbox cannot be read", e);
    file.read_exact_at(&mut body, block.at).map_err(failed)?;
    if crc32c(&body) == block.crc { Ok(body) } else { Err(damaged_table()) }
}

fn damaged_table() -> Error {
    Error::new(crate::ErrorKind::Integrity, "a table of the outbox is damaged")
        .with_hint("`holdall outbox repair` makes it again")
}

fn encode(slot: &Slot, note: Note, out: &mut Vec<u8>) {
    out.extend_from_slice(&slot.place.to_le_bytes());
    for figure in [slot.id.sequence, slot.id.writer, slot.stamp.sequence, slot.stamp.writer, note.at] {
        out.extend_from_slice(&figure.to_le_bytes());
    }
    out.push(note.what.number());
    out.extend_from_slice(&(slot.key.len() as u32).to_le_bytes());
    out.extend_from_slice(slot.key.as_bytes());
}

const FIXED: usize = 6 * 8 + 1 + 4;

/// Reads one row off the front of a block.
fn decode(segment: u64, body: &mut &[u8]) -> Option<Row> {
    let (fixed, rest) = body.split_at_checked(FIXED)?;
    let figure = |n: usize| u64::from_le_bytes(fixed[n * 8..n * 8 + 8].try_into().expect("eight bytes"));
    let len = u32::from_le_bytes(fixed[FIXED - 4..].try_into().ok()?) as usize;
    let (key, rest) = rest.split_at_checked(len)?;
    *body = rest;
    let slot = Slot {
        place: figure(0),
        key: std::str::from_utf8(key).ok()?.into(),
        id: EntryId { sequence: figure(1), writer: figure(2) },
        stamp: EntryId { sequence: figure(3), writer: figure(4) },
    };
    Some((slot, Note { what: What::numbered(fixed[48])?, segment, at: figure(5) }))
}

fn decoded(segment: u64, mut body: &[u8]) -> Vec<Result<Row>> {
    let mut rows = Vec::new();
    while !body.is_empty() {
        match decode(segment, &mut body) {
            Some(row) => rows.push(Ok(row)),
            None => {
                rows.push(Err(damaged_table()));
                break;
            }
        }
    }
    rows
}

/// The first row of a block, and how many there are; takes note of their keys.
fn outline(mut body: &[u8], keys: &mut Filter) -> Option<(Slot, u64)> {
    let (first, _) = decode(0, &mut &*body)?;
    let mut count = 0;
    while !body.is_empty() {
        let (fixed, rest) = body.split_at_checked(FIXED)?;
        let len = u32::from_le_bytes(fixed[FIXED - 4..].try_into().ok()?) as usize;
        let (key, rest) = rest.split_at_checked(len)?;
        keys.add(u64::from_le_bytes(fixed[..8].try_into().ok()?), std::str::from_utf8(key).ok()?);
        body = rest;
        count += 1;
    }
    Some((first, count))
}
