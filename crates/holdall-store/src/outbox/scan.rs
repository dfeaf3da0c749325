//! Reads a segment from front to back, over whatever is damaged in it.

use super::frame::{MAGIC, PREFIX, Prefix, Sort};
use holdall_s3::crc32c;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What is read of a file at once, where a frame needs no more.
const READ: usize = 256 << 10;

/// A frame that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) at: u64,
    pub(super) sort: Sort,
    pub(super) header: Vec<u8>,
    pub(super) payload: Vec<u8>,
}

/// What stands at a place of a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    Frame(Frame),
    /// Bytes that are no whole frame. At the end of a segment they may be a write that was never acknowledged.
    Damaged {
        at: u64,
        is_end: bool,
    },
}

/// Reads the frames of a segment up to a length.
pub(super) struct Scan<'a> {
    file: &'a File,
    segment: u64,
    at: u64,
    len: u64,
    buffer: Vec<u8>,
    begin: u64,
}

impl<'a> Scan<'a> {
    pub(super) fn new(file: &'a File, segment: u64, at: u64, len: u64) -> Self {
        Self { file, segment, at, len, buffer: Vec::new(), begin: 0 }
    }

    /// What comes next; none at the end.
    pub(super) fn next(&mut self) -> io::Result<Option<Found>> {
        if self.at >= self.len {
            return Ok(None);
        }
        let at = self.at;
        let Some(prefix) = self.prefix(at)? else {
            self.at = self.search(at + 1)?;
            return Ok(Some(Found::Damaged { at, is_end: self.at == self.len }));
        };
        let size = prefix.frame();
        let segment = self.segment;
        let Some(bytes) = self.bytes(at, size as usize)? else {
            self.at = self.search(at + 1)?;
            return Ok(Some(Found::Damaged { at, is_end: self.at == self.len }));
        };
        let frame = whole(bytes, segment, at);
        self.at = at + size;
        Ok(Some(frame.map_or(Found::Damaged { at, is_end: self.at == self.len }, Found::Frame)))
    }

    fn prefix(&mut self, at: u64) -> io::Result<Option<Prefix>> {
        let segment = self.segment;
        Ok(self.bytes(at, PREFIX)?.and_then(|bytes| Prefix::read(bytes, segment, at)))
    }

    /// Finds where the next frame begins, or the end.
    fn search(&mut self, from: u64) -> io::Result<u64> {
        let mut at = from;
        while let Some(bytes) = self.bytes(at, READ.min((self.len - at) as usize).max(PREFIX))? {
            let candidates: Vec<usize> = bytes
                .windows(MAGIC.len())
                .enumerate()
                .filter(|(_, window)| *window == MAGIC)
                .map(|(index, _)| index)
                .collect();
            let step = bytes.len() - (PREFIX - 1);
            for index in candidates {
                if self.prefix(at + index as u64)?.is_some() {
                    return Ok(at + index as u64);
                }
            }
            at += step as u64;
        }
        Ok(self.len)
    }

    /// Bytes at a place; none where the segment ends before.
    fn bytes(&mut self, at: u64, count: usize) -> io::Result<Option<&[u8]>> {
        if self.len.saturating_sub(at) < count as u64 {
            return Ok(None);
        }
        let end = self.begin + self.buffer.len() as u64;
        if at < self.begin || at + count as u64 > end {
            let size = count.max(READ).min((self.len - at) as usize);
            self.buffer.resize(size, 0);
            self.begin = at;
            self.file.read_exact_at(&mut self.buffer, at)?;
        }
        let start = (at - self.begin) as usize;
        Ok(Some(&self.buffer[start..start + count]))
    }
}

/// Reads the frame at a place.
///
/// # Errors
///
/// What the file system says, and `InvalidData` where no whole frame is.
pub(super) fn frame_at(file: &File, segment: u64, at: u64) -> io::Result<Frame> {
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "no whole frame is there");
    let mut first = [0; PREFIX];
    file.read_exact_at(&mut first, at)?;
    let prefix = Prefix::read(&first, segment, at).ok_or_else(damaged)?;
    let mut bytes = vec![0; prefix.frame() as usize];
    file.read_exact_at(&mut bytes, at)?;
    whole(&bytes, segment, at).ok_or_else(damaged)
}

/// Reads a frame with its bytes; none where they are damaged.
fn whole(bytes: &[u8], segment: u64, at: u64) -> Option<Frame> {
    let prefix = Prefix::read(bytes, segment, at)?;
    let (header, payload) = bytes[PREFIX..].split_at(prefix.header);
    let is_sound = crc32c(header) == prefix.header_crc && crc32c(payload) == prefix.payload_crc;
    is_sound.then(|| Frame { at, sort: prefix.sort, header: header.to_vec(), payload: payload.to_vec() })
}
