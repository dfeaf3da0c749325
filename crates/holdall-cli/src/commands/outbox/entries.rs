//! Entries of the outbox: found page by page, named by their ids, and shown.

use crate::text::{bytes, escaped};
use clap::Args;
use holdall::outbox::{Entry, EntryId, Kind, Mark, Pending, Queue, Standing};
use holdall::{Error, ErrorKind, Result};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

/// So many entries are held at once.
const PAGE: usize = 1000;

/// An entry that waits; the error where it cannot be read.
pub(super) type Found = (Pending, Result<Entry>);

/// Does something for every entry that waits.
pub(super) fn each<E: From<Error>>(
    queue: &Queue,
    mut work: impl FnMut(Found) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let mut cursor = None;
    loop {
        let (page, next) = queue.walk(cursor.as_ref(), PAGE)?;
        for pending in page {
            match queue.entry(&pending) {
                // It was sent meanwhile.
                Err(error) if error.kind() == ErrorKind::Changed => {}
                entry => work((pending, entry))?,
            }
        }
        if next.is_none() {
            return Ok(());
        }
        cursor = next;
    }
}

/// Which entries.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Which {
    /// Their ids, as `outbox ls` shows them
    #[arg(value_name = "ID")]
    ids: Vec<EntryId>,
    /// All that are parked
    #[arg(long)]
    all: bool,
}

impl Which {
    /// Finds the entries.
    ///
    /// # Errors
    ///
    /// `NotFound` for an id that waits no more.
    pub(super) fn find(&self, queue: Option<&Queue>) -> Result<Vec<Found>> {
        let mut missing: BTreeSet<EntryId> = self.ids.iter().copied().collect();
        let mut found = Vec::new();
        if let Some(queue) = queue {
            each::<Error>(queue, |(pending, entry)| {
                let is_meant =
                    if self.all { pending.standing == Standing::Parked } else { missing.remove(&pending.id) };
                if is_meant {
                    found.push((pending, entry));
                }
                Ok(())
            })?;
        }
        match missing.first() {
            None => Ok(found),
            Some(id) => Err(self::missing(*id)),
        }
    }
}

/// What is said of an id that is not that of an entry.
pub(super) fn missing(id: EntryId) -> Error {
    Error::new(ErrorKind::NotFound, "no such entry waits")
        .with_fact("id", id)
        .with_hint("`holdall outbox ls` lists those that do")
}

/// An entry as JSON.
#[derive(Serialize)]
pub(super) struct EntryRecord<'a> {
    id: String,
    kind: &'static str,
    endpoint: &'a str,
    bucket: &'a str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    size: u64,
    sha256: Option<String>,
    created: u64,
    state: &'static str,
    attempted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl<'a> EntryRecord<'a> {
    pub(super) fn new(pending: &Pending, entry: &'a Entry, mark: Option<Mark>) -> Self {
        let why = match mark {
            Some(Mark::Parked { why }) => Some(why),
            _ => None,
        };
        Self {
            id: entry.id.to_string(),
            kind: kind(entry.kind),
            endpoint: &entry.destination.endpoint,
            bucket: &entry.destination.bucket,
            key: &entry.key,
            from: entry.from.as_deref(),
            size: entry.size,
            sha256: entry.sha256.map(|sha256| sha256.to_hex()),
            created: entry.created,
            state: state(pending),
            attempted: pending.attempted,
            why,
        }
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Put => "put",
        Kind::Delete => "delete",
        Kind::Copy => "copy",
        Kind::Move => "move",
    }
}

fn state(pending: &Pending) -> &'static str {
    match (pending.standing, pending.attempted) {
        (Standing::Parked, _) => "parked",
        (Standing::Waiting, true) => "attempted",
        (Standing::Waiting, false) => "waiting",
    }
}

/// An entry on a line, for people.
pub(super) fn line(pending: &Pending, entry: &Entry, mark: Option<&Mark>) -> String {
    let (id, kind, state, age) = (entry.id, kind(entry.kind), state(pending), age(entry.created));
    let size = if entry.kind == Kind::Put { bytes(entry.size) } else { "-".to_owned() };
    let from = entry.from.as_deref().map(|from| format!(" from {}", escaped(from))).unwrap_or_default();
    let why = match mark {
        Some(Mark::Parked { why }) => format!(": {}", escaped(why)),
        _ => String::new(),
    };
    let (bucket, key) = (escaped(&entry.destination.bucket), escaped(&entry.key));
    format!("{id} {state:9} {kind:6} {size:>10} {age:>5} s3://{bucket}/{key}{from}{why}")
}

/// How long ago that was: `5s`, `3m`, `2h`, `9d`.
pub(super) fn age(created: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let seconds = now.saturating_sub(created / 1000);
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7200 => format!("{}m", seconds / 60),
        7200..172_800 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}
