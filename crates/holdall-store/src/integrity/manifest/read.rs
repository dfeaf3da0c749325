//! Reads a manifest as a stream, and believes it only when it is whole.

use super::{Expected, SCHEMA, SUMS, Sums, Trailer};
use crate::error::{Error, ErrorKind, Result};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

/// One file may take so many bytes of the document: nothing that holdall writes comes near.
const MOST: u64 = 1 << 20;

/// That nobody takes files any more.
#[derive(Debug)]
pub(crate) struct Stopped;

/// How reading ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All was read, and is whole.
    Whole(Trailer),
    /// Whoever took the files wanted no more.
    Stopped,
}

/// Hands on the files of a manifest in the bytewise order of their paths.
///
/// # Errors
///
/// `Integrity` for what is no manifest, is cut off, is out of order, or contradicts its own figures and sums;
/// `Unsupported` for one of another version; `Io` for what cannot be read.
pub(crate) fn read(
    from: impl Read,
    each: &mut dyn FnMut(Expected) -> Result<(), Stopped>,
) -> Result<Outcome> {
    let left = Rc::new(Cell::new(MOST));
    let mut from = BufReader::with_capacity(256 << 10, from);
    let mut reading =
        Reading { each, left, last: None, sums: Sums::new(io::sink()), seen: (0, 0), fault: None };
    match reading.lines(&mut from)? {
        Some(rest) => reading.document(io::Cursor::new(rest).chain(from)),
        None => reading.ended(Ok(Trailer::default())),
    }
}

/// The first line of what holdall writes.
fn first_line() -> String {
    format!("{{\"schema\":\"{SCHEMA}\",\"files\":[\n")
}

/// A line of what holdall writes: a file, and whether another one follows.
fn file_of(line: &[u8]) -> Option<(Expected, bool)> {
    let line = line.strip_suffix(b"\n")?;
    let (line, more) = match line.strip_suffix(b",") {
        Some(line) => (line, true),
        None => (line, false),
    };
    serde_json::from_slice(line).ok().map(|file| (file, more))
}

/// What stood before a line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Comma,
    File,
}

/// What was read so far.
struct Reading<'a> {
    each: &'a mut dyn FnMut(Expected) -> Result<(), Stopped>,
    left: Rc<Cell<u64>>,
    last: Option<String>,
    sums: Sums<io::Sink>,
    /// Files, and their bytes.
    seen: (u64, u64),
    fault: Option<Fault>,
}

enum Fault {
    Stopped,
    Error(Error),
}

impl Reading<'_> {
    /// Reads files off the front, as long as each is on a line of its own, as holdall writes them: a line that is at hand
    /// is parsed several times as fast as a stream. Answers what the rest begins with, as a document of its own; none where
    /// nobody wants more.
    fn lines(&mut self, from: &mut impl BufRead) -> Result<Option<Vec<u8>>> {
        let fault = |e| Error::io("the manifest cannot be read", e);
        let (mut line, first) = (Vec::new(), first_line());
        let mut next = |line: &mut Vec<u8>| {
            line.clear();
            from.by_ref().take(MOST).read_until(b'\n', line).map_err(fault)
        };
        next(&mut line)?;
        if line != first.as_bytes() {
            return Ok(Some(line));
        }
        let mut before = Before::Nothing;
        loop {
            next(&mut line)?;
            match file_of(&line) {
                Some((file, more)) if before != Before::File => {
                    if !self.take(file) {
                        return Ok(None);
                    }
                    before = if more { Before::Comma } else { Before::File };
                }
                _ => break,
            }
        }
        while !line.is_empty() && line.trim_ascii().is_empty() {
            next(&mut line)?;
        }
        let rest = line.trim_ascii_start();
        let rest = match (before, rest.first()) {
            (Before::Nothing, _) | (Before::Comma, Some(b'{')) | (Before::File, Some(b']')) => rest,
            // Whoever writes commas before what they part.
            (Before::File, Some(b',')) => &rest[1..],
            _ => return Err(damaged("the manifest is damaged or cut off")),
        };
        Ok(Some([first.as_bytes(), rest].concat()))
    }

    /// Reads a document of whatever layout to its end.
    fn document(mut self, from: impl Read) -> Result<Outcome> {
        // The buffer is outermost: the parser takes each byte by a call of its own.
        let from = BufReader::with_capacity(64 << 10, Bounded { from, left: self.left.clone() });
        let mut deserializer = serde_json::Deserializer::from_reader(from);
        let read = Document(&mut self).deserialize(&mut deserializer);
        let read = read.and_then(|trailer| deserializer.end().map(|()| trailer));
        self.ended(read)
    }

    fn ended(mut self, read: serde_json::Result<Trailer>) -> Result<Outcome> {
        match (self.fault.take(), read) {
            (Some(Fault::Stopped), _) => Ok(Outcome::Stopped),
            (Some(Fault::Error(error)), _) => Err(error),
            (None, Err(error)) => Err(unreadable(error)),
            (None, Ok(trailer)) => {
                self.agrees_with(&trailer)?;
                Ok(Outcome::Whole(trailer))
            }
        }
    }

    /// Takes a file; answers whether it goes on.
    fn take(&mut self, file: Expected) -> bool {
        self.left.set(MOST);
        self.fault = self.check(&file).err().map(Fault::Error);
        if self.fault.is_none() && (self.each)(file).is_err() {
            self.fault = Some(Fault::Stopped);
        }
        self.fault.is_none()
    }

    fn check(&mut self, file: &Expected) -> Result<()> {
        if self.last.as_ref().is_some_and(|last| *last >= file.path) {
            return Err(damaged("the manifest's files are out of order")
                .with_fact("path", format!("{:?}", file.path)));
        }
        self.last = Some(file.path.clone());
        self.seen.0 += 1;
        self.seen.1 = self.seen.1.saturating_add(file.size);
        self.sums.add(&file.path, file.sha256).map_err(|e| Error::io("the manifest cannot be hashed", e))
    }

    fn schema(&mut self, schema: &str) -> bool {
        if schema != SCHEMA {
            let version = schema.strip_prefix("holdall.manifest/").is_some();
            let error = match version {
                true => Error::new(ErrorKind::Unsupported, "the manifest is of another version")
                    .with_hint("use a newer holdall"),
                false => damaged("this is no manifest of holdall's"),
            };
            let shown: String = schema.chars().take(80).collect();
            self.fault = Some(Fault::Error(error.with_fact("schema", format!("{shown:?}"))));
        }
        self.fault.is_none()
    }

    /// Compares what was read with what the document says of itself.
    fn agrees_with(self, trailer: &Trailer) -> Result<()> {
        if self.seen != (trailer.count, trailer.bytes) {
            return Err(damaged("the manifest has not as many files or bytes as it says")
                .with_fact("files", self.seen.0)
                .with_fact("count", trailer.count));
        }
        let (_, size, sha256) = self.sums.end().map_err(|e| Error::io("the manifest cannot be hashed", e))?;
        match &trailer.sums {
            Some(sums) if sums.path == SUMS && sums.size == size && sums.sha256 == sha256 => Ok(()),
            _ => Err(damaged("the manifest's digests are not those that SHA256SUMS was written with")),
        }
    }
}

fn damaged(message: &str) -> Error {
    Error::new(ErrorKind::Integrity, message)
        .with_hint("push the folder again with --manifest to write a new one")
}

fn unreadable(error: serde_json::Error) -> Error {
    match error.io_error_kind() {
        None | Some(io::ErrorKind::InvalidData) => {
            damaged("the manifest is damaged or cut off").with_source(error)
        }
        Some(_) => Error::io("the manifest cannot be read", error.into()),
    }
}

/// The whole document; files are handed on as they come.
struct Document<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = Trailer;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Trailer, D::Error> {
        deserializer.deserialize_map(self)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Field {
    Schema,
    Files,
    Count,
    Bytes,
    Sums,
    #[serde(other)]
    Unknown,
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = Trailer;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Trailer, A::Error> {
        let (mut trailer, mut known, mut files) = (Trailer::default(), false, false);
        while let Some(field) = map.next_key()? {
            match field {
                Field::Schema => {
                    known = self.0.schema(&map.next_value::<String>()?);
                    if !known {
                        return Err(A::Error::custom("another schema"));
                    }
                }
                Field::Files if known && !files => {
                    map.next_value_seed(Files(self.0))?;
                    files = true;
                }
                Field::Files => return Err(A::Error::custom("files before the schema, or twice")),
                Field::Count => trailer.count = map.next_value()?,
                Field::Bytes => trailer.bytes = map.next_value()?,
                Field::Sums => trailer.sums = Some(map.next_value()?),
                Field::Unknown => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if files { Ok(trailer) } else { Err(A::Error::missing_field("files")) }
    }
}

/// The list of files.
struct Files<'r, 'a>(&'r mut Reading<'a>);

impl<'de> DeserializeSeed<'de> for Files<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Files<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of files")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(file) = seq.next_element()? {
            if !self.0.take(file) {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Ends the reading where one file takes more than it may: its text would be held in memory.
struct Bounded<R> {
    from: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.from.read(into)?;
        match self.left.get().checked_sub(n as u64) {
            Some(left) => self.left.set(left),
            None => return Err(io::Error::new(io::ErrorKind::InvalidData, "one file takes more than 1 MiB")),
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests;
