//! What a push did, as a file for whoever was not there: one for each run, and one made of those of all shards.

mod shards;

pub use shards::{Gap, ShardsReport};

use super::landing::Spot;
use super::moment::{self, now};
use super::tree::as_folder;
use super::{PushOptions, Shard, TreeEvent, TreeSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::store::Store;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::SystemTime;

const SCHEMA: &str = "holdall.report/1";

/// So many failures are told one by one; of the rest there is a number.
const MOST_FAILURES: usize = 1000;

/// No report is longer: names, keys and messages of this many failures take less.
const MOST_BYTES: u64 = 64 << 20;

/// What one push did, of the whole folder or a shard of it.
///
/// Its file is one JSON object, `"schema": "holdall.report/1"`. It is written when the push begins, as `begun`, and again
/// when it ends, so that a report of before cannot be taken for that of a push that was killed. Names and messages are
/// all that it tells of stores; it holds no credentials.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PushReport {
    schema: String,
    /// The folder, as the caller named it.
    pub source: String,
    /// The URL of the store and the prefix.
    pub destination: String,
    /// The service that the store is on, where the settings name one.
    pub endpoint: Option<String>,
    /// Which share of the folder: `1/1` is all of it.
    pub shard: Shard,
    /// Whether nothing was moved.
    pub dry_run: bool,
    /// How far it came.
    pub state: PushState,
    /// When it began.
    #[serde(with = "moment")]
    pub started: SystemTime,
    /// When it ended; none while it has not.
    #[serde(with = "moment::optional", default)]
    pub ended: Option<SystemTime>,
    /// Numbers of files and bytes.
    pub totals: TreeSummary,
    /// What failed, the first 1,000 of it.
    pub failures: Vec<Reported>,
    /// How many failures are not among those.
    pub failures_left_out: u64,
    /// Why the whole was given up.
    pub error: Option<Reported>,
}

/// How far a push came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PushState {
    /// It is under way, or was killed or interrupted.
    Begun,
    /// Everything that takes part is at the destination.
    Done,
    /// It came to its end, and something failed.
    Failed,
    /// It ended early.
    GivenUp,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reported {
    /// The file, or the key of an object; of a push that was given up there is none.
    pub name: Option<String>,
    /// The [`ErrorKind`]'s name.
    pub kind: String,
    /// What was wrong.
    pub message: String,
}

impl Reported {
    fn new(name: Option<&str>, error: &Error) -> Self {
        Self { name: name.map(str::to_owned), kind: error.kind().to_string(), message: error.to_string() }
    }
}

impl PushReport {
    /// The report of a push that begins now, by what [`Store::push`] is called with.
    pub fn begin(store: &Store, dir: &Path, prefix: &str, options: &PushOptions) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            source: dir.display().to_string(),
            destination: format!("{}{}", as_folder(&store.location()), as_folder(prefix)),
            endpoint: store.settings().endpoint.as_ref().map(ToString::to_string),
            shard: options.shard.unwrap_or(Shard::WHOLE),
            dry_run: options.dry_run,
            state: PushState::Begun,
            started: now(),
            ended: None,
            totals: TreeSummary::default(),
            failures: Vec::new(),
            failures_left_out: 0,
            error: None,
        }
    }

    /// Counts an event of the push.
    pub fn add(&mut self, event: &TreeEvent) {
        self.totals.count(event);
        if let TreeEvent::Failed { name, error, .. } = event {
            if self.failures.len() < MOST_FAILURES {
                self.failures.push(Reported::new(Some(name), error));
            } else {
                self.failures_left_out += 1;
            }
        }
    }

    /// Notes how the push ended, just now.
    pub fn end(&mut self, pushed: &Result<TreeSummary>) {
        self.ended = Some(now());
        self.error = pushed.as_ref().err().map(|error| Reported::new(error.key(), error));
        self.state = match pushed {
            Err(_) => PushState::GivenUp,
            Ok(_) if self.totals.failed > 0 => PushState::Failed,
            Ok(_) => PushState::Done,
        };
    }

    /// Writes it to a file, which is safe from a power cut when this returns, and holds the new report or what it held
    /// before.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path that names no file, else what keeps the file from being written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut text = serde_json::to_string(self)
            .map_err(|e| Error::new(ErrorKind::Io, "the report cannot be put into words").with_source(e))?;
        text.push('\n');
        let mut temporary = Spot::at(path)?.begin()?;
        let written = (&*temporary.file()).write_all(text.as_bytes());
        let fault = |e| Error::io("the report cannot be written", e);
        written
            .map_err(fault)
            .and_then(|()| temporary.commit_safely())
            .map_err(|e| e.with_fact("path", path.display()))
    }

    /// Reads a report.
    ///
    /// # Errors
    ///
    /// `NotFound`, or `InvalidInput` for a file that is no report or one of a version that is not known.
    pub fn read(path: &Path) -> Result<Self> {
        let name = |e: Error| e.with_fact("path", path.display());
        let mut text = String::new();
        let file = File::open(path).map_err(|e| name(not_opened(e)))?;
        file.take(MOST_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(|e| name(Error::io("the report cannot be read", e)))?;
        Self::parse(&text).map_err(name)
    }

    fn parse(text: &str) -> Result<Self> {
        #[derive(Deserialize)]
        struct Headed {
            schema: String,
        }
        let invalid = |e| Error::new(ErrorKind::InvalidInput, "this is no report of a push").with_source(e);
        let headed: Headed = serde_json::from_str(text).map_err(invalid)?;
        if headed.schema != SCHEMA {
            return Err(Error::new(ErrorKind::InvalidInput, "this is no report that this version knows")
                .with_fact("schema", headed.schema)
                .with_fact("known", SCHEMA));
        }
        serde_json::from_str(text).map_err(invalid)
    }
}

fn not_opened(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            Error::new(ErrorKind::NotFound, "there is no such report").with_hint("check the path")
        }
        _ => Error::io("the report cannot be opened", error),
    }
}

#[cfg(test)]
mod tests;
