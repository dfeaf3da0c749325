//! Records of a file, as long as they are whole.

use super::Place;
use crate::transfer::sync::entry::{FRAME, crc, frame, framed};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

const MAGIC: &[u8] = b"holdall.index";
const VERSION: u16 = 1;

/// What a reader holds of its file.
const READ: usize = 64 * 1024;

/// The first bytes of a file of this place.
pub(super) fn header(place: &Place) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    // A path may be longer than a record: its digest says as much.
    frame(crate::sha256(place.0.as_bytes()).to_hex().as_bytes(), &mut out);
    out
}

/// Reads at its own place, whoever else reads or writes the same file.
struct Reader {
    file: Arc<File>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read_at(into, self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

pub(super) struct Frames {
    reader: BufReader<Reader>,
    /// The bytes of those that were read, and of what stands before them.
    whole: u64,
}

impl Frames {
    /// Reads a file from its beginning; none when it is not one of this place.
    pub(super) fn open(file: Arc<File>, place: &Place) -> io::Result<Option<Self>> {
        let mut reader = BufReader::with_capacity(READ, Reader { file, at: 0 });
        let wanted = header(place);
        let mut found = vec![0; wanted.len()];
        let read = exactly(&mut reader, &mut found)?;
        Ok((read && found == wanted).then_some(Self { reader, whole: wanted.len() as u64 }))
    }

    pub(super) fn whole(&self) -> u64 {
        self.whole
    }

    /// The next record's bytes; none after the last that is whole.
    pub(super) fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut first = [0; FRAME];
        if !exactly(&mut self.reader, &mut first)? {
            return Ok(None);
        }
        let Some((len, sum)) = framed(first) else { return Ok(None) };
        let mut body = vec![0; len];
        if !exactly(&mut self.reader, &mut body)? || crc(&body) != sum {
            return Ok(None);
        }
        self.whole += (FRAME + len) as u64;
        Ok(Some(body))
    }
}

/// Fills a buffer; answers whether there was as much.
fn exactly(reader: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match reader.read_exact(into) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        other => other.map(|()| true),
    }
}
