//! Whether anybody has a file open for writing.

use crate::transfer::source::Opened;
use std::os::fd::AsRawFd;

/// What the kernel says of those who write a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writers {
    None,
    /// It is open for writing, or mapped to be written.
    Some,
    /// The file is another user's, or its file system does not say.
    Unknown,
}

/// Asks for a lease, which the kernel gives only while no process has the file open for writing, in this or any other
/// namespace, and gives it back at once.
///
/// A writer who opens the file between the two waits for those microseconds. The signal that would tell of it is set to
/// one that is ignored unless somebody wants it.
pub(super) fn writers(file: &Opened) -> Writers {
    const F_SETSIG: libc::c_int = 10;
    let fd = file.handle().as_raw_fd();
    #[allow(unsafe_code, reason = "no crate has a safe form of these calls")]
    // SAFETY: the descriptor is open as long as `file` is, and these commands take a number and no pointer.
    let set = |command, value: libc::c_int| unsafe { libc::fcntl(fd, command, value) };
    if set(F_SETSIG, libc::SIGURG) != 0 {
        return Writers::Unknown;
    }
    if set(libc::F_SETLEASE, libc::F_RDLCK as libc::c_int) == 0 {
        let given_back = set(libc::F_SETLEASE, libc::F_UNLCK as libc::c_int) == 0;
        return if given_back { Writers::None } else { Writers::Unknown };
    }
    match std::io::Error::last_os_error().raw_os_error() {
        Some(libc::EAGAIN) => Writers::Some,
        _ => Writers::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_file_that_is_open_for_writing_is_told_from_one_that_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        let mut writer = std::fs::File::create(&path).unwrap();
        writer.write_all(b"half").unwrap();
        let file = Opened::open(&path, false).unwrap();
        assert_eq!(writers(&file), Writers::Some);
        drop(writer);
        assert_eq!(writers(&file), Writers::None);
        let reader = std::fs::File::open(&path).unwrap();
        assert_eq!(writers(&file), Writers::None);
        drop(reader);
    }
}
