//! A ZIP archive that is being written: entries stored as they are, in the form for large files where it takes that.

use super::failed;
use crate::session::clock::unique;
use crc_fast::{CrcAlgorithm, Digest};
use holdall_store::{Error, ErrorKind, Result};
use std::io::SeekFrom;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tokio::fs::{self, File};
use tokio::io::{AsyncSeekExt, AsyncWriteExt, BufWriter};

/// What four bytes cannot say is said elsewhere.
const LARGE: u64 = u32::MAX as u64;
const MANY: u64 = u16::MAX as u64;
/// The version that readers need: 2.0, and 4.5 for large files.
const PLAIN: u16 = 20;
const WIDE: u16 = 45;
/// Names are UTF-8.
const UTF8: u16 = 1 << 11;

struct Entry {
    name: String,
    time: (u16, u16),
    crc: u32,
    size: u64,
    offset: u64,
}

/// An archive that has no name yet. Dropped before its end it is removed.
pub(super) struct Archive {
    file: BufWriter<File>,
    scratch: PathBuf,
    path: PathBuf,
    offset: u64,
    entries: Vec<Entry>,
    crc: Digest,
    /// The size that the entry under way has to have, and has so far.
    size: (u64, u64),
}

impl Drop for Archive {
    fn drop(&mut self) {
        // It is gone once it has its name.
        drop(std::fs::remove_file(&self.scratch));
    }
}

impl Archive {
    /// # Errors
    ///
    /// `AlreadyExists` for a file that is there.
    pub(super) async fn create(path: &Path) -> Result<Self> {
        if fs::symlink_metadata(path).await.is_ok() {
            return Err(taken(path));
        }
        let mut name = std::ffi::OsString::from(".holdall-");
        name.push(unique());
        name.push(".part");
        let scratch = path.with_file_name(name);
        let file = File::create_new(&scratch).await.map_err(|e| failed(e, &scratch))?;
        let crc = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
        let (entries, path) = (Vec::new(), path.to_owned());
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, file),
            scratch,
            path,
            offset: 0,
            entries,
            crc,
            size: (0, 0),
        })
    }

    /// Where the next entry begins, and how many there are.
    pub(super) fn place(&self) -> (u64, usize) {
        (self.offset, self.entries.len())
    }

    /// Takes back all entries since a place.
    pub(super) async fn back_to(&mut self, (offset, entries): (u64, usize)) -> Result<()> {
        let path = self.scratch.clone();
        self.entries.truncate(entries);
        self.offset = offset;
        self.file.flush().await.map_err(|e| failed(e, &path))?;
        self.file.get_mut().set_len(offset).await.map_err(|e| failed(e, &path))?;
        self.file.seek(SeekFrom::Start(offset)).await.map_err(|e| failed(e, &path))?;
        Ok(())
    }

    /// Begins an entry of a known size.
    pub(super) async fn begin(&mut self, name: &str, size: u64, time: SystemTime) -> Result<()> {
        let entry = Entry { name: name.to_owned(), time: dos(time), crc: 0, size, offset: self.offset };
        let header = local(&entry);
        self.entries.push(entry);
        self.crc = Digest::new(CrcAlgorithm::Crc32IsoHdlc);
        self.size = (size, 0);
        self.put(&header).await
    }

    /// Writes some of the entry's bytes.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        self.size.1 += bytes.len() as u64;
        self.put(bytes).await
    }

    /// Ends an entry: its checksum is known now.
    pub(super) async fn end(&mut self) -> Result<()> {
        if self.size.0 != self.size.1 {
            return Err(Error::new(ErrorKind::Integrity, "an entry is not of the size that was said"));
        }
        let crc = u32::try_from(self.crc.finalize()).expect("a CRC-32 has 32 bits");
        let entry = self.entries.last_mut().expect("an entry was begun");
        entry.crc = crc;
        let place = entry.offset + 14;
        let path = &self.scratch;
        self.file.seek(SeekFrom::Start(place)).await.map_err(|e| failed(e, path))?;
        self.file.write_all(&crc.to_le_bytes()).await.map_err(|e| failed(e, path))?;
        self.file.seek(SeekFrom::Start(self.offset)).await.map_err(|e| failed(e, path))?;
        Ok(())
    }

    /// Writes the directory, and gives the file its name, which nobody may have by then.
    pub(super) async fn finish(mut self) -> Result<()> {
        let begin = self.offset;
        let entries = std::mem::take(&mut self.entries);
        for entry in &entries {
            self.put(&central(entry)).await?;
        }
        let end = end(entries.len() as u64, begin, self.offset);
        self.put(&end).await?;
        self.file.flush().await.map_err(|e| failed(e, &self.scratch))?;
        self.file.get_mut().sync_all().await.map_err(|e| failed(e, &self.scratch))?;
        match fs::hard_link(&self.scratch, &self.path).await {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(taken(&self.path)),
            Ok(()) => Ok(()),
            // A file system without links.
            Err(_) => fs::rename(&self.scratch, &self.path).await.map_err(|e| failed(e, &self.path)),
        }
    }

    async fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.map_err(|e| failed(e, &self.scratch))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

fn taken(path: &Path) -> Error {
    Error::new(ErrorKind::AlreadyExists, "the archive's file is there already, and nothing is overwritten")
        .with_fact("path", path.display())
        .with_hint("name another file, or remove that one")
}

/// What stands before an entry's bytes; its checksum is written later, at byte 14.
fn local(entry: &Entry) -> Vec<u8> {
    let is_wide = entry.size >= LARGE;
    let mut out = b"PK\x03\x04".to_vec();
    common(&mut out, entry, is_wide);
    let short = if is_wide { u32::MAX } else { entry.size as u32 };
    out.extend([short.to_le_bytes(), short.to_le_bytes()].concat());
    out.extend((entry.name.len() as u16).to_le_bytes());
    let extra = if is_wide { wide(&[entry.size, entry.size]) } else { Vec::new() };
    out.extend((extra.len() as u16).to_le_bytes());
    out.extend(entry.name.as_bytes());
    out.extend(extra);
    out
}

/// Version, flags, method, time and checksum.
fn common(out: &mut Vec<u8>, entry: &Entry, is_wide: bool) {
    let version = if is_wide { WIDE } else { PLAIN };
    for field in [version, UTF8, 0, entry.time.0, entry.time.1] {
        out.extend(field.to_le_bytes());
    }
    out.extend(entry.crc.to_le_bytes());
}

/// The extra field of what is large.
fn wide(values: &[u64]) -> Vec<u8> {
    let mut out = 1u16.to_le_bytes().to_vec();
    out.extend((values.len() as u16 * 8).to_le_bytes());
    values.iter().for_each(|value| out.extend(value.to_le_bytes()));
    out
}

/// An entry in the directory.
fn central(entry: &Entry) -> Vec<u8> {
    let mut large = Vec::new();
    if entry.size >= LARGE {
        large.extend([entry.size, entry.size]);
    }
    if entry.offset >= LARGE {
        large.push(entry.offset);
    }
    let mut out = b"PK\x01\x02".to_vec();
    // Made on Unix, by version 4.5.
    out.extend((3u16 << 8 | WIDE).to_le_bytes());
    common(&mut out, entry, !large.is_empty());
    let short = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    out.extend([short(entry.size), short(entry.size)].concat());
    out.extend((entry.name.len() as u16).to_le_bytes());
    let extra = if large.is_empty() { Vec::new() } else { wide(&large) };
    out.extend((extra.len() as u16).to_le_bytes());
    // No comment, on the first disk, no text; a file that its user writes and all read.
    out.extend([0; 6]);
    out.extend((0o100_644u32 << 16).to_le_bytes());
    out.extend(short(entry.offset));
    out.extend(entry.name.as_bytes());
    out.extend(extra);
    out
}

/// The end of the directory.
fn end(entries: u64, begin: u64, end: u64) -> Vec<u8> {
    let size = end - begin;
    let mut out = Vec::new();
    if entries >= MANY || size >= LARGE || begin >= LARGE {
        out.extend(b"PK\x06\x06");
        out.extend(44u64.to_le_bytes());
        out.extend([(3u16 << 8 | WIDE).to_le_bytes(), WIDE.to_le_bytes()].concat());
        out.extend([0; 8]);
        [entries, entries, size, begin].iter().for_each(|value| out.extend(value.to_le_bytes()));
        out.extend(b"PK\x06\x07\0\0\0\0");
        out.extend(end.to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX).to_le_bytes();
    let short = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend([count, count].concat());
    out.extend([short(size), short(begin)].concat());
    out.extend([0; 2]);
    out
}

/// Time and date as MS-DOS had them, in UTC: two seconds exact, from 1980 to 2107.
fn dos(time: SystemTime) -> (u16, u16) {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    let at = time.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    if !(1980..=2107).contains(&at.year()) {
        return (0, 1 << 5 | 1);
    }
    let field = |value: i8| u16::try_from(value).unwrap_or_default();
    let clock = field(at.hour()) << 11 | field(at.minute()) << 5 | (field(at.second()) / 2);
    let day =
        u16::try_from(at.year() - 1980).unwrap_or_default() << 9 | field(at.month()) << 5 | field(at.day());
    (clock, day)
}
