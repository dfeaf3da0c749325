//! A job's journal: a file that grows by lines, each on the disk before what it allows is done.

use super::format::{Header, Line, SCHEMA, Step, check_schema, line, of_later};
use holdall_store::{Error, ErrorKind, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The journal of a job that this process works on: nobody else does while it is open.
#[derive(Debug, Clone)]
pub(super) struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    /// Held while lines are written and synced; whether that failed, which leaves an end that nothing may be appended to.
    file: Mutex<(File, bool)>,
    waiting: Mutex<Waiting>,
}

/// Lines that are to be written, all of them by one write: who waits for the disk waits for the lines of all others.
#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<u8>,
    asked: u64,
    written: u64,
}

impl Journal {
    /// Opens the journal of a job, or begins it; answers the steps that were taken.
    ///
    /// # Errors
    ///
    /// `Conflict` for the journal of another job or place, or one that another process works on; `Unsupported` for one
    /// of a later version; `Integrity` for one that is damaged other than by a cut-off end, which does not count.
    pub(super) fn open(path: &Path, header: &Header) -> Result<(Self, Vec<Line>)> {
        let failed = |error| of("the job's journal cannot be opened", path, error);
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        lock(&file, path)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        let lines = match whole(&text) {
            0 => {
                begin(&file, path, &text, header)?;
                Vec::new()
            }
            end => {
                let (found, lines) = parse(&text[..end]).map_err(|e| at(e, path))?;
                check_same(&found, header).map_err(|e| at(e, path))?;
                if end < text.len() {
                    file.set_len(end as u64).and_then(|()| file.sync_all()).map_err(failed)?;
                }
                lines
            }
        };
        let inner =
            Inner { path: path.to_owned(), file: Mutex::new((file, false)), waiting: Mutex::default() };
        Ok((Self(Arc::new(inner)), lines))
    }

    /// Appends steps; they are on the disk when this returns. Those that are appended at once share a write.
    pub(super) async fn append(&self, lines: &[Line]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let mine = self.0.ask(lines);
        let inner = self.0.clone();
        // What is begun is ended on its thread even if nobody waits any more, so that lines are never torn apart.
        let joined = tokio::task::spawn_blocking(move || inner.flush(mine)).await;
        joined
            .unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "writing was cancelled").with_source(e)))
    }
}

impl Inner {
    fn ask(&self, lines: &[Line]) -> u64 {
        let mut waiting = held(&self.waiting);
        lines.iter().for_each(|step| waiting.lines.extend(line(step)));
        waiting.asked += 1;
        waiting.asked
    }

    fn flush(&self, mine: u64) -> Result<()> {
        let mut guard = held(&self.file);
        let (file, is_broken) = &mut *guard;
        if held(&self.waiting).written >= mine {
            return Ok(());
        }
        if *is_broken {
            return Err(Error::new(ErrorKind::Io, "the job's journal could not be written before")
                .with_fact("path", format_args!("{:?}", self.path)));
        }
        let (lines, asked) = {
            let mut waiting = held(&self.waiting);
            (std::mem::take(&mut waiting.lines), waiting.asked)
        };
        if let Err(error) = file.write_all(&lines).and_then(|()| file.sync_data()) {
            *is_broken = true;
            return Err(of("the job's journal cannot be written", &self.path, error));
        }
        held(&self.waiting).written = asked;
        Ok(())
    }
}

/// Reads the journal of a job that others may work on.
///
/// # Errors
///
/// As for [`Journal::open`]; `NotFound` where there is none.
pub(super) fn read(path: &Path) -> Result<(Header, Vec<Line>)> {
    let text = match std::fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(Error::new(ErrorKind::NotFound, "the job has no journal: it was not run yet")
                .with_fact("path", format_args!("{path:?}"))
                .with_hint("run it, or name its journal"));
        }
        other => other.map_err(|e| of("the job's journal cannot be read", path, e))?,
    };
    parse(&text[..whole(&text)]).map_err(|e| at(e, path))
}

fn lock(file: &File, path: &Path) -> Result<()> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            Err(at(Error::new(ErrorKind::Conflict, "another process works on this job"), path)
                .with_hint("try again when it has ended"))
        }
        Err(TryLockError::Error(error)) => Err(of("the job's journal cannot be locked", path, error)),
    }
}

/// Begins a journal where there is nothing, or what a kill left of its first line.
fn begin(mut file: &File, path: &Path, left: &[u8], header: &Header) -> Result<()> {
    let first = line(header);
    let begin = br#"{"schema":"holdall.job/"#;
    if !left.starts_with(begin) && !begin.starts_with(left) {
        return Err(at(not_one(), path));
    }
    let mut write = || {
        file.set_len(0)?;
        file.write_all(&first)?;
        file.sync_all()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|e| of("the job's journal cannot be begun", path, e))
}

/// How much of a journal is whole lines.
fn whole(text: &[u8]) -> usize {
    text.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1)
}

fn parse(text: &[u8]) -> Result<(Header, Vec<Line>)> {
    let mut texts = text.split(|byte| *byte == b'\n');
    let header = header(texts.next().unwrap_or_default())?;
    let mut lines = Vec::new();
    for (n, text) in texts.enumerate().filter(|(_, text)| !text.is_empty()) {
        let damaged =
            || Error::new(ErrorKind::Integrity, "the job's journal is damaged").with_fact("line", n + 2);
        let line: Line = serde_json::from_slice(text).map_err(|e| damaged().with_source(e))?;
        if line.step == Step::Unknown {
            return Err(of_later("the job's journal has a step of a later version").with_fact("line", n + 2));
        }
        if !(1..=header.documents.len()).contains(&(line.document as usize)) {
            return Err(damaged().with_fact("document", line.document));
        }
        lines.push(line);
    }
    Ok((header, lines))
}

fn header(text: &[u8]) -> Result<Header> {
    let value: serde_json::Value = serde_json::from_slice(text).map_err(|e| not_one().with_source(e))?;
    if value.get("schema").is_none() {
        return Err(not_one());
    }
    check_schema(value.get("schema"))?;
    serde_json::from_value(value).map_err(|e| not_one().with_source(e))
}

fn not_one() -> Error {
    Error::new(ErrorKind::InvalidInput, "the file is not a job's journal")
        .with_fact("expected", SCHEMA)
        .with_hint("name another file for the journal")
}

fn check_same(found: &Header, asked: &Header) -> Result<()> {
    let differs = if found.reference != asked.reference {
        "its reference"
    } else if found.documents != asked.documents {
        "its documents"
    } else if found.place != asked.place {
        "where its documents go"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Conflict, "the journal is of another job")
        .with_fact("differs", differs)
        .with_hint("go on with the job as it was, or give this one a journal of its own"))
}

fn at(error: Error, path: &Path) -> Error {
    error.with_fact("path", format_args!("{path:?}"))
}

fn of(message: &str, path: &Path, error: io::Error) -> Error {
    at(Error::io(message, error), path)
}

/// A lock of what is whole at every moment, even if a thread panicked.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
