//! Notes what was found, and brings it into order in the end.

use super::cursor::Cursor;
use super::frames::{Frames, header};
use super::{Place, SORTED};
use crate::transfer::sync::entry::{Record, frame};
use crate::transfer::sync::{Entry, Scratch, Sorted, Sorter};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Notes of less than this, and less than a part of what is settled, are left as they are.
const WORTHWHILE: u64 = 64 * 1024;
const SHARE: u64 = 4;

/// Notes are written when there are so many bytes of them. What a kill takes of them is found out again by digest.
const AT_ONCE: usize = 16 * 1024;

/// The notes of one place, locked. A fault of it never fails a transfer.
#[derive(Debug)]
pub(in crate::transfer) struct Log {
    notes: Mutex<Notes>,
    settled: PathBuf,
    new: PathBuf,
    place: Place,
    scratch: Scratch,
}

#[derive(Debug)]
struct Notes {
    file: Arc<File>,
    /// Behind the last record that is whole.
    end: u64,
    /// What is to be written there.
    pending: Vec<u8>,
    /// Whether it could be written so far.
    is_sound: bool,
}

impl Log {
    pub(super) fn new(
        file: Arc<File>,
        settled: PathBuf,
        new: PathBuf,
        place: Place,
        scratch: Scratch,
    ) -> io::Result<Self> {
        let notes = Mutex::new(Notes { file, end: 0, pending: Vec::new(), is_sound: true });
        Ok(Self { notes, settled, new, place, scratch })
    }

    /// Reads all that the index has. What follows is noted behind the last note that is whole.
    pub(in crate::transfer) fn cursor(&self) -> io::Result<Cursor> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let noted = self.sorted(&mut notes)?;
        Cursor::new(self.frames()?, noted)
    }

    fn sorted(&self, notes: &mut Notes) -> io::Result<Sorted> {
        notes.flush();
        let mut sorter = Sorter::new(SORTED, self.scratch.clone());
        let Some(mut frames) = Frames::open(notes.file.clone(), &self.place)? else {
            notes.begin(&header(&self.place))?;
            return sorter.sorted();
        };
        let mut number = 0_u64;
        while let Some(body) = frames.next()? {
            let Some(record) = Record::decode(&body) else { break };
            sorter.push(&[record.key.as_bytes(), &[0], &number.to_be_bytes(), &body])?;
            number += 1;
        }
        notes.end = frames.whole();
        notes.file.set_len(notes.end)?;
        sorter.sorted()
    }

    fn frames(&self) -> io::Result<Option<Frames>> {
        match File::open(&self.settled) {
            Ok(file) => Frames::open(Arc::new(file), &self.place),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes that a file has the bytes of an object.
    pub(in crate::transfer) fn note(&self, key: &str, entry: Entry) {
        self.write(&Record { key: key.to_owned(), entry: Some(entry) });
    }

    /// Notes that nothing is known of a key any more.
    pub(in crate::transfer) fn forget(&self, key: &str) {
        self.write(&Record { key: key.to_owned(), entry: None });
    }

    fn write(&self, record: &Record) {
        if !record.is_fit() {
            return;
        }
        let mut framed = Vec::new();
        frame(&record.encode(), &mut framed);
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.is_sound {
            notes.pending.extend_from_slice(&framed);
            if notes.pending.len() >= AT_ONCE {
                notes.flush();
            }
        }
    }

    /// Writes what was noted.
    pub(in crate::transfer) fn flush(&self) {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).flush();
    }

    /// Brings the notes into the order of keys, where there are enough of them.
    pub(in crate::transfer) fn settle(&self) {
        if let Err(error) = self.try_to_settle() {
            tracing::info!(%error, "the index cannot be brought into order");
        }
    }

    fn try_to_settle(&self) -> io::Result<()> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.flush();
        let settled = std::fs::metadata(&self.settled).map_or(0, |metadata| metadata.len());
        if notes.end < WORTHWHILE.max(settled / SHARE) {
            return Ok(());
        }
        let noted = self.sorted(&mut notes)?;
        let mut cursor = Cursor::new(self.frames()?, noted)?;
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&self.new)?;
        let mut writer = BufWriter::with_capacity(SORTED / 16, file);
        writer.write_all(&header(&self.place))?;
        let mut framed = Vec::new();
        while let Some(record) = cursor.next()? {
            if record.entry.is_some() {
                framed.clear();
                frame(&record.encode(), &mut framed);
                writer.write_all(&framed)?;
            }
        }
        writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        std::fs::rename(&self.new, &self.settled)?;
        // Where this is cut off, the same notes are taken into account once more.
        notes.begin(&header(&self.place))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.notes.get_mut().unwrap_or_else(PoisonError::into_inner).flush();
    }
}

impl Notes {
    fn begin(&mut self, header: &[u8]) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.write_all_at(header, 0)?;
        self.end = header.len() as u64;
        Ok(())
    }

    fn flush(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        match self.file.write_all_at(&pending, self.end) {
            Ok(()) => self.end += pending.len() as u64,
            Err(error) => {
                tracing::info!(%error, "the index cannot be written, and these files would be compared again");
                self.is_sound = false;
            }
        }
    }
}
