//! Copies bytes from file to file where the kernel can do it alone.

use super::fault;
use crate::error::{Error, ErrorKind, Result};
use rustix::io::Errno;
use std::fs::File;

/// Copies bytes to where a file is written next, without bringing them here where the kernel can.
pub(crate) fn append(from: &File, start: u64, len: u64, into: &File) -> Result<()> {
    let (mut at, end) = (start, start + len);
    while at < end {
        let want = usize::try_from(end - at).unwrap_or(usize::MAX).min(1 << 30);
        match rustix::fs::copy_file_range(from, Some(&mut at), into, None, want) {
            Ok(0) => {
                return Err(Error::new(ErrorKind::Changed, "the source ended early while it was copied"));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) => {
                return by_hand(from, at, end, into);
            }
            Err(error) => return Err(fault("the object cannot be copied", error)),
        }
    }
    Ok(())
}

fn by_hand(from: &File, start: u64, end: u64, mut into: &File) -> Result<()> {
    use std::io::Write;
    use std::os::unix::fs::FileExt;
    let failed = |e| Error::io("the object cannot be copied", e);
    let mut buffer = vec![0; 1 << 20];
    let mut at = start;
    while at < end {
        let n = buffer.len().min(usize::try_from(end - at).unwrap_or(usize::MAX));
        from.read_exact_at(&mut buffer[..n], at).map_err(failed)?;
        into.write_all(&buffer[..n]).map_err(failed)?;
        at += n as u64;
    }
    Ok(())
}
