//! The bytes of every object: one pattern, repeated, so that a body can be checked from its offset alone.

use std::sync::OnceLock;

/// A prime number of pages, so that no usual part size is a multiple of it, and small enough to stay in a core's
/// cache. (Sending it with sendfile from a memory file took twice the CPU of sending it from here.)
const PERIOD: usize = 61 * 4096;

/// One and a bit periods: a slice of up to [`SLICE`] bytes can start anywhere in the first one.
static BYTES: OnceLock<Vec<u8>> = OnceLock::new();

/// The longest body that is sent by copying it behind the answer's head.
pub(super) const SLICE: usize = 64 * 1024;

fn bytes() -> &'static [u8] {
    BYTES.get_or_init(|| {
        (0..(PERIOD + SLICE) as u64)
            .step_by(8)
            .flat_map(|at| splitmix(at % PERIOD as u64).to_le_bytes())
            .collect()
    })
}

fn splitmix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Up to [`SLICE`] bytes of an object, from an offset.
pub(super) fn slice(offset: u64, len: usize) -> &'static [u8] {
    let start = (offset % PERIOD as u64) as usize;
    &bytes()[start..start + len]
}

/// As many bytes of an object, from an offset, as lie in one piece.
pub(super) fn rest(offset: u64, left: u64) -> &'static [u8] {
    let rest = &bytes()[(offset % PERIOD as u64) as usize..];
    &rest[..rest.len().min(usize::try_from(left).unwrap_or(usize::MAX))]
}

/// Fills a buffer with what any object of the sink holds from this offset on.
pub fn fill(offset: u64, buffer: &mut [u8]) {
    let mut at = offset;
    for chunk in buffer.chunks_mut(SLICE) {
        chunk.copy_from_slice(slice(at, chunk.len()));
        at += chunk.len() as u64;
    }
}

/// Says whether these are the bytes that any object of the sink holds from this offset on.
pub fn matches(offset: u64, buffer: &[u8]) -> bool {
    let mut at = offset;
    buffer.chunks(SLICE).all(|chunk| {
        let same = chunk == slice(at, chunk.len());
        at += chunk.len() as u64;
        same
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_buffer_matches_at_its_offset_and_nowhere_near() {
        let mut buffer = vec![0; 3 * PERIOD + 17];
        fill(1_000_003, &mut buffer);
        assert!(matches(1_000_003, &buffer));
        assert!(!matches(1_000_004, &buffer));
        assert!(!matches(1_000_003 + (16 << 20), &buffer));
        assert!(matches(1_000_003 + 100_000, &buffer[100_000..]));
    }
}
