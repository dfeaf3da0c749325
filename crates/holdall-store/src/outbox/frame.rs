//! How an entry or a mark lies in a segment, so that it can be told whether it is whole and belongs there.
//!
//! ```text
//! magic [u8; 4] | kind u32 | segment u64 | offset u64 | header u32 | crc u32 | payload u64 | crc u32 | crc u32
//! header: JSON | payload
//! ```
//!
//! Numbers are little-endian; the last CRC is of what stands before it. A frame names its segment and its place in it, so
//! that the bytes of a frame somewhere else, as in somebody's payload, are none.

use crate::error::{Error, ErrorKind, Result};
use holdall_s3::crc32c;

pub(super) const MAGIC: [u8; 4] = [0x89, b'H', b'Q', b'F'];
pub(super) const PREFIX: usize = 48;
/// A marker of ten thousand parts needs less.
pub(super) const MAX_HEADER: usize = 2 << 20;
/// More lies in a file of its own.
pub(super) const MAX_INLINE: usize = 256 << 10;

/// What a frame has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sort {
    Entry,
    Mark,
}

/// What stands before a frame's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    pub(super) sort: Sort,
    pub(super) header: usize,
    pub(super) header_crc: u32,
    pub(super) payload: usize,
    pub(super) payload_crc: u32,
}

impl Prefix {
    /// The bytes of the whole frame.
    pub(super) fn frame(&self) -> u64 {
        (PREFIX + self.header + self.payload) as u64
    }

    /// Reads what stands at a place of a segment; none where no frame of it begins.
    pub(super) fn read(bytes: &[u8], segment: u64, offset: u64) -> Option<Self> {
        let bytes: &[u8; PREFIX] = bytes.get(..PREFIX)?.try_into().ok()?;
        let small = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let large = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
        let sort = match small(4) {
            1 => Sort::Entry,
            2 => Sort::Mark,
            _ => return None,
        };
        let is_here = bytes[..4] == MAGIC && large(8) == segment && large(16) == offset;
        let found = Self {
            sort,
            header: small(24) as usize,
            header_crc: small(28),
            payload: usize::try_from(large(32)).ok()?,
            payload_crc: small(40),
        };
        let fits = found.header <= MAX_HEADER && found.payload <= MAX_INLINE;
        (is_here && fits && small(44) == crc32c(&bytes[..44])).then_some(found)
    }
}

/// Writes a frame for a place of a segment.
///
/// # Errors
///
/// `InvalidInput` for a header that is too large.
pub(super) fn write(
    into: &mut Vec<u8>,
    (segment, offset): (u64, u64),
    sort: Sort,
    header: &[u8],
    payload: &[u8],
) -> Result<()> {
    if header.len() > MAX_HEADER || payload.len() > MAX_INLINE {
        return Err(Error::new(ErrorKind::InvalidInput, "what goes with the entry is too large")
            .with_fact("bytes", header.len())
            .with_fact("most", MAX_HEADER));
    }
    let begin = into.len();
    into.extend_from_slice(&MAGIC);
    let sort: u32 = match sort {
        Sort::Entry => 1,
        Sort::Mark => 2,
    };
    into.extend_from_slice(&sort.to_le_bytes());
    into.extend_from_slice(&segment.to_le_bytes());
    into.extend_from_slice(&offset.to_le_bytes());
    into.extend_from_slice(&(header.len() as u32).to_le_bytes());
    into.extend_from_slice(&crc32c(header).to_le_bytes());
    into.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    into.extend_from_slice(&crc32c(payload).to_le_bytes());
    let crc = crc32c(&into[begin..]);
    into.extend_from_slice(&crc.to_le_bytes());
    into.extend_from_slice(header);
    into.extend_from_slice(payload);
    Ok(())
}
