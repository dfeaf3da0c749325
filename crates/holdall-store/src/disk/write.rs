//! Writing files as the kernel likes it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// What is written at once, the kernel takes into one large page of its cache where it can. A virtual machine that gives
/// free memory back to its host has such pages least: writes of 128 KiB and more took 2 to 8 times as long as these (1 GiB
/// to ext4, Linux 6.18).
const PIECE: usize = 64 * 1024;

/// Writes all bytes at an offset.
pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let mut at = offset;
    for piece in bytes.chunks(PIECE) {
        file.write_all_at(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}

/// Writes all bytes where the file is written next.
pub(crate) fn write(mut file: &File, bytes: &[u8]) -> io::Result<()> {
    bytes.chunks(PIECE).try_for_each(|piece| io::Write::write_all(&mut file, piece))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom};

    #[test]
    fn all_bytes_are_written_in_their_places() {
        for len in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let bytes: Vec<u8> = (0..len).map(|n| (n % 251) as u8).collect();
            let mut file = tempfile::tempfile().unwrap();
            write_at(&file, &bytes, 7).unwrap();
            file.seek(SeekFrom::Start(7 + len as u64)).unwrap();
            write(&file, &bytes).unwrap();
            let mut read = vec![0; 2 * len];
            file.read_exact_at(&mut read, 7).unwrap();
            assert!(read == [bytes.clone(), bytes].concat());
            assert_eq!(file.metadata().unwrap().len(), if len == 0 { 0 } else { 7 + 2 * len as u64 });
        }
    }
}
