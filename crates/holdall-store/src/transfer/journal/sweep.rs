//! Removes what nobody went on with: old notes, and what they know of.

use super::super::landing::open_held;
use super::notes::{NoteFile, Opened};
use super::{Held, download, upload};
use crate::backend::{Resumed, Ticket};
use crate::disk::fault;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::object::{GcOptions, Leftover, PutOptions};
use crate::store::Store;
use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::time::Duration;

const UPLOAD: &str = ".upload";
const DOWNLOAD: &str = ".download";

/// Hands on the notes that nobody has added to for as long as the options say and no process has locked. An upload of
/// this store is aborted, the file of a download is removed if it is the very one, and the notes go with them. Uploads
/// of other stores are left.
///
/// # Errors
///
/// What keeps the journal's folder from being read.
pub(crate) async fn sweep(
    store: &Store,
    options: &GcOptions,
    found: &mut (dyn FnMut(Leftover) + Send),
) -> Result<()> {
    let Some(folder) = store.settings().journal.as_deref() else { return Ok(()) };
    let unreadable =
        |e| Error::io("the journal's folder cannot be read", e).with_fact("path", folder.display());
    for name in names(folder).map_err(unreadable)? {
        let file = match NoteFile::find(folder, &name) {
            Ok(Opened::Ours(file)) => file,
            Ok(Opened::Nothing | Opened::Busy) => continue,
            Err(error) => return Err(unreadable(error)),
        };
        let age = file.age().map_err(unreadable)?;
        if age >= options.older_than {
            found(stale(store, options, &name, file).await.leftover(age));
        }
    }
    Ok(())
}

/// What became of notes that are old enough.
struct Swept {
    kind: &'static str,
    name: String,
    size: Option<u64>,
    outcome: Outcome,
}

enum Outcome {
    Removed,
    Left(&'static str),
    Failed(Error),
}

impl Outcome {
    fn of(result: Result<()>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Removed)
    }
}

impl Swept {
    fn leftover(self, age: Duration) -> Leftover {
        let Self { kind, name, size, outcome } = self;
        let (left, error) = match outcome {
            Outcome::Removed => (None, None),
            Outcome::Left(why) => (Some(why), None),
            Outcome::Failed(error) => (None, Some(error)),
        };
        Leftover { kind, name, age, size, left, error }
    }
}

async fn stale(store: &Store, options: &GcOptions, name: &str, file: NoteFile) -> Swept {
    let shown = file.shown();
    let swept = |outcome| Swept { kind: "journal", name: shown, size: None, outcome };
    match first(&file) {
        Ok(First::Upload(first)) => upload(store, options, file, *first).await,
        Ok(First::Download(first)) => download(options, file, *first),
        Ok(First::Later) => swept(Outcome::Left("another version of holdall wrote it")),
        // What a power cut left of the notes tells nothing of an upload or a file.
        Ok(First::Torn) => swept(Outcome::of(end(file, options))),
        Err(error) => {
            let error = Error::io("the journal cannot be read", error).with_fact("name", name);
            swept(Outcome::Failed(error))
        }
    }
}

/// What the first line says.
enum First {
    Upload(Box<upload::First>),
    Download(Box<download::First>),
    Later,
    Torn,
}

fn first(file: &NoteFile) -> io::Result<First> {
    let Some(line) = file.lines()?.next::<serde_json::Value>()? else { return Ok(First::Torn) };
    let schema = line.get("schema").and_then(serde_json::Value::as_str).map(str::to_owned);
    let read = match schema.as_deref() {
        Some(upload::SCHEMA) => serde_json::from_value(line).map(|first| First::Upload(Box::new(first))),
        Some(download::SCHEMA) => serde_json::from_value(line).map(|first| First::Download(Box::new(first))),
        Some(_) => return Ok(First::Later),
        None => return Ok(First::Torn),
    };
    Ok(read.unwrap_or(First::Torn))
}

async fn upload(store: &Store, options: &GcOptions, file: NoteFile, first: upload::First) -> Swept {
    let swept = |name, outcome| Swept { kind: "journal", name, size: None, outcome };
    let Some(key) = first.sending.key_in(store) else {
        return swept(first.sending.url(), Outcome::Left("it is an upload to another store"));
    };
    let given_back = if options.dry_run { Ok(()) } else { give_back(store, key, &first.ticket).await };
    swept(key.to_owned(), Outcome::of(given_back.and_then(|()| end(file, options))))
}

/// Aborts an upload, if it is still there.
async fn give_back(store: &Store, key: &str, ticket: &Ticket) -> Result<()> {
    let key = Key::parse(key)?;
    match store.backend().resume_upload(&key, ticket, &PutOptions::default()).await? {
        Resumed::Open(upload, _) => upload.abort().await,
        Resumed::Completed(_) | Resumed::Gone => Ok(()),
    }
}

fn download(options: &GcOptions, file: NoteFile, first: download::First) -> Swept {
    let name = format!("{}/{}", first.fetching.folder, first.held.temporary);
    let removed = remove_held(&first.fetching.folder, &first.held, options);
    let size = removed.as_ref().ok().copied().flatten();
    let outcome = Outcome::of(removed.and_then(|_| end(file, options)));
    Swept { kind: "download", name, size, outcome }
}

/// Removes a temporary file if it is the very one that was noted, and answers its size; none when it is not there.
fn remove_held(folder: &str, held: &Held, options: &GcOptions) -> Result<Option<u64>> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY | OFlags::NOFOLLOW;
    let folder = match rustix::fs::openat(CWD, folder, flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
        other => other.map_err(|e| fault("the folder of the download cannot be opened", e))?,
    };
    let Some(file) = open_held(&folder, held) else { return Ok(None) };
    let metadata = file.metadata().map_err(|e| Error::io("the temporary file cannot be looked at", e))?;
    if !options.dry_run {
        rustix::fs::unlinkat(&folder, &*held.temporary, AtFlags::empty())
            .map_err(|e| fault("the temporary file cannot be removed", e))?;
    }
    Ok(Some(metadata.len()))
}

fn end(file: NoteFile, options: &GcOptions) -> Result<()> {
    if options.dry_run {
        return Ok(());
    }
    file.remove().map_err(|e| Error::io("the journal cannot be removed", e))
}

/// The files that are notes by their names, in order.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let Ok(name) = entry?.file_name().into_string() else { continue };
        let digits = name.strip_suffix(UPLOAD).or_else(|| name.strip_suffix(DOWNLOAD));
        if digits.is_some_and(|digits| digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit())) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
