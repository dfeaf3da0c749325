//! A file of lines that one process at a time has.

use rustix::fs::{FlockOperation, Mode, OFlags};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A file with more is not ours: 10,000 parts need less than a third of it.
const MOST: u64 = 8 << 20;

/// The file, locked until it is dropped.
#[derive(Debug)]
pub(in crate::transfer) struct NoteFile {
    path: PathBuf,
    file: File,
}

/// What opening a file gives.
#[derive(Debug)]
pub(super) enum Opened {
    Nothing,
    /// Another process has it.
    Busy,
    Ours(NoteFile),
}

impl NoteFile {
    /// Opens a file of the journal's folder, making both where they are not there. None while another process has it.
    pub(in crate::transfer) fn make(folder: &Path, name: &str) -> io::Result<Option<Self>> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        refuse_others(folder)?;
        match locked(&folder.join(name), OFlags::CREATE)? {
            Opened::Ours(file) => Ok(Some(file)),
            Opened::Nothing | Opened::Busy => Ok(None),
        }
    }

    /// Opens a file of the journal's folder if it is there.
    pub(super) fn find(folder: &Path, name: &str) -> io::Result<Opened> {
        match locked(&folder.join(name), OFlags::empty())? {
            Opened::Ours(file) => {
                refuse_others(folder)?;
                Ok(Opened::Ours(file))
            }
            other => Ok(other),
        }
    }

    pub(super) fn is_empty(&self) -> io::Result<bool> {
        Ok(self.file.metadata()?.len() == 0)
    }

    /// How long ago something was last noted.
    pub(super) fn age(&self) -> io::Result<Duration> {
        let noted = self.file.metadata()?.modified()?;
        Ok(SystemTime::now().duration_since(noted).unwrap_or_default())
    }

    /// The lines from the first on; none of a file that is too long to be ours.
    pub(super) fn lines(&self) -> io::Result<Lines<'_>> {
        let size = self.file.metadata()?.len();
        (&self.file).rewind()?;
        Ok(Lines { reader: BufReader::new(&self.file), whole: 0, is_over: size > MOST })
    }

    /// Goes on behind the first `whole` bytes, and forgets what follows them.
    pub(super) fn go_on_at(&mut self, whole: u64) -> io::Result<()> {
        self.file.set_len(whole)?;
        self.file.seek(SeekFrom::Start(whole)).map(drop)
    }

    pub(super) fn add(&mut self, record: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(record)?;
        line.push(b'\n');
        self.file.write_all(&line)
    }

    /// The file alone, with its lock.
    pub(in crate::transfer) fn into_file(self) -> File {
        self.file
    }

    /// Removes the file: there is nothing to go on with.
    pub(super) fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// Its path, as people are told.
    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    #[cfg(test)]
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

/// Refuses a folder in which others could put notes.
fn refuse_others(folder: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(folder)?;
    if metadata.uid() != rustix::process::geteuid().as_raw() || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "others may write to the folder of notes",
        ));
    }
    Ok(())
}

/// Opens a file with the lock on it.
fn locked(path: &Path, how: OFlags) -> io::Result<Opened> {
    let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | how;
    loop {
        let file = match rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR) {
            Err(rustix::io::Errno::NOENT) if !how.contains(OFlags::CREATE) => return Ok(Opened::Nothing),
            other => File::from(other?),
        };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => return Ok(Opened::Busy),
            other => other?,
        }
        // Whoever had the lock may have removed the file: then this is nobody's any more.
        let own = file.metadata()?;
        match std::fs::symlink_metadata(path) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {
                return Ok(Opened::Ours(NoteFile { path: path.to_owned(), file }));
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
}

/// The lines of a file, as long as they are whole.
pub(super) struct Lines<'a> {
    reader: BufReader<&'a File>,
    /// The bytes of those that were read.
    pub(super) whole: u64,
    is_over: bool,
}

impl Lines<'_> {
    pub(super) fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let mut line = Vec::new();
        if !self.is_over {
            self.reader.read_until(b'\n', &mut line)?;
        }
        let record = line.strip_suffix(b"\n").and_then(|line| serde_json::from_slice(line).ok());
        self.is_over = record.is_none();
        self.whole += record.as_ref().map_or(0, |_| line.len() as u64);
        Ok(record)
    }
}
