//! What is logged of transfers, as [`tracing`] events under the target [`TARGET`].
//!
//! Each put, fetch to a file, copy, move and delete that ends gives one event at debug, whether it succeeds or not, and
//! so does each file of a push or a pull. A push or a pull gives one more at info when it ends, and so does what else
//! moves many files as one ([`Job`]). The message names what was timed; the transfers of a service begin with `s3_`,
//! those of a folder and of memory do not:
//!
//! | direction | message | at the end of a folder |
//! |---|---|---|
//! | `up` | `s3_upload_seconds` | `s3_upload_total_seconds` |
//! | `down` | `s3_download_seconds` | `s3_download_total_seconds` |
//! | `copy` | `s3_copy_seconds` | |
//! | `move` | `s3_move_seconds` | |
//! | `delete` | `s3_delete_seconds` | |
//!
//! The fields of an object's event:
//!
//! | field | what |
//! |---|---|
//! | `direction` | as above |
//! | `key` | the key; of a copy or a move the one that it made |
//! | `from` | the key that was copied or moved; of others there is none |
//! | `size` | bytes, where they are known: a failure may come before that, and a delete does not ask |
//! | `seconds` | from the begin of the call to its end |
//! | `attempts` | how often the last request of a put, or the first of a fetch, was sent; 0 when none was; a delete does not say |
//! | `outcome` | `stored`, `fetched`, `copied`, `moved`, `deleted`, `unchanged`, `failed`, or `queued`: it waits in the outbox |
//! | `kind` | of a failure its [`ErrorKind`] |
//!
//! Those at the end of a folder have `direction`, `prefix`, `files` and `bytes` (moved), of them `queued` (if any), `unchanged`,
//! `deleted`, `failed` (numbers of files), `seconds`, `outcome`, and `kind` when the whole was given up.
//!
//! What waited gives an event like that of any put when it is sent. A drain that found anything to do gives one more at
//! info, under the target [`OUTBOX`] and with the message `outbox_drain_total_seconds`: `folder`, `sent`, `found` (an
//! earlier try had arrived) and their `bytes`, `parked`, `later`, `damaged` (numbers of entries), `seconds`, and `kind`
//! when it was given up.
//!
//! Nothing is said of what was never begun (a key that is none, a dry run) or was dropped before its end, of streams
//! that the caller reads ([`Store::get`]), and of each of many that are deleted at once. Names are all that an event
//! tells of a store and its credentials. Nothing is measured or formatted while nobody listens.

use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::Deleted;
use crate::outbox::Drained;
use crate::receipt::{Receipt, State};
use crate::store::Store;
use crate::transfer::{Copied, Fetched, Moved, TreeEvent, TreeSummary};
use std::path::Path;
use std::time::Instant;
use tracing::Level;
use tracing::field;

/// The target of all events of transfers.
pub const TARGET: &str = "holdall::transfer";

/// The target of events of drains.
pub const OUTBOX: &str = "holdall::outbox";

/// Which way a transfer goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Direction {
    /// Into the store.
    Up,
    /// Out of the store.
    Down,
    /// From one key to another.
    Copy,
    /// From one key to another, and the first is gone.
    Move,
    /// Away.
    Delete,
}

impl Direction {
    /// The direction's name in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Copy => "copy",
            Self::Move => "move",
            Self::Delete => "delete",
        }
    }

    /// What an object's event is called.
    fn message(self, is_remote: bool) -> &'static str {
        match (self, is_remote) {
            (Self::Up, true) => "s3_upload_seconds",
            (Self::Up, false) => "upload_seconds",
            (Self::Down, true) => "s3_download_seconds",
            (Self::Down, false) => "download_seconds",
            (Self::Copy, true) => "s3_copy_seconds",
            (Self::Copy, false) => "copy_seconds",
            (Self::Move, true) => "s3_move_seconds",
            (Self::Move, false) => "move_seconds",
            (Self::Delete, true) => "s3_delete_seconds",
            (Self::Delete, false) => "delete_seconds",
        }
    }

    /// How it ends when all is well.
    fn success(self) -> Outcome {
        match self {
            Self::Up => Outcome::Stored,
            Self::Down => Outcome::Fetched,
            Self::Copy => Outcome::Copied,
            Self::Move => Outcome::Moved,
            Self::Delete => Outcome::Deleted,
        }
    }
}

/// How a transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The store has it.
    Stored,
    /// The file has it.
    Fetched,
    /// Both keys have it.
    Copied,
    /// The other key has it.
    Moved,
    /// It is gone.
    Deleted,
    /// The same bytes were there already, and none was moved.
    Unchanged,
    /// It did not succeed.
    Failed,
    /// It waits in the outbox of this machine.
    Queued,
}

impl Outcome {
    /// The outcome's name in events and in output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Fetched => "fetched",
            Self::Copied => "copied",
            Self::Moved => "moved",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Queued => "queued",
        }
    }

    /// The same of a write that may only have been queued.
    pub fn in_state(self, state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            _ => self,
        }
    }
}

/// What a transfer that succeeded tells of itself.
#[derive(Default)]
pub(crate) struct Figures {
    size: Option<u64>,
    attempts: Option<u32>,
    is_unchanged: bool,
    state: State,
}

impl Figures {
    fn unchanged(size: u64) -> Self {
        Self { size: Some(size), attempts: Some(0), is_unchanged: true, state: State::Stored }
    }
}

/// An answer that ends a transfer.
pub(crate) trait Ended {
    /// None where there was no transfer after all.
    fn figures(&self) -> Option<Figures>;
}

impl Ended for Receipt {
    fn figures(&self) -> Option<Figures> {
        let (size, attempts) = (Some(self.size), Some(self.attempts));
        Some(Figures { size, attempts, is_unchanged: false, state: self.state })
    }
}

impl Ended for Copied {
    fn figures(&self) -> Option<Figures> {
        self.receipt.figures()
    }
}

impl Ended for Moved {
    fn figures(&self) -> Option<Figures> {
        self.receipt.figures()
    }
}

impl Ended for Fetched {
    fn figures(&self) -> Option<Figures> {
        let (size, attempts) = (Some(self.size), Some(self.attempts));
        Some(Figures { size, attempts, ..Figures::default() })
    }
}

impl Ended for Deleted {
    fn figures(&self) -> Option<Figures> {
        Some(Figures { state: self.state, ..Figures::default() })
    }
}

impl Ended for TreeEvent {
    fn figures(&self) -> Option<Figures> {
        match self {
            Self::Pushed { receipt, .. } => receipt.figures(),
            Self::Pulled { fetched, .. } => fetched.figures(),
            Self::Unchanged { size, .. } => Some(Figures::unchanged(*size)),
            _ => None,
        }
    }
}

/// A transfer that is watched from its begin to its end.
#[must_use = "nothing is logged before the end"]
pub(crate) struct Watch<'a>(Option<Watched<'a>>);

struct Watched<'a> {
    direction: Direction,
    is_remote: bool,
    key: &'a str,
    from: Option<&'a str>,
    size: Option<u64>,
    start: Instant,
}

impl<'a> Watch<'a> {
    /// Begins to watch, if anybody listens.
    pub(crate) fn begin(direction: Direction, store: &Store, key: &'a str) -> Self {
        let listens = tracing::enabled!(target: TARGET, Level::DEBUG);
        Self(listens.then(|| Watched {
            direction,
            is_remote: store.is_remote(),
            key,
            from: None,
            size: None,
            start: Instant::now(),
        }))
    }

    /// Watches nothing.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// Names where a copy comes from.
    pub(crate) fn from(mut self, store: &Store, key: &'a Key) -> Self {
        if let Some(watched) = &mut self.0 {
            watched.from = Some(key.as_str());
            watched.is_remote |= store.is_remote();
        }
        self
    }

    /// Says how many bytes there are, for the case that it fails.
    pub(crate) fn expect(&mut self, size: u64) {
        if let Some(watched) = &mut self.0 {
            watched.size = Some(size);
        }
    }

    /// Logs that the same bytes were there already.
    pub(crate) fn unchanged(self, size: u64) {
        if let Some(watched) = self.0 {
            watched.succeeded(&Figures::unchanged(size));
        }
    }

    /// Logs how it ended, and hands that on.
    pub(crate) fn end<T: Ended>(self, result: Result<T>) -> Result<T> {
        if let Some(watched) = self.0 {
            match &result {
                Ok(answer) => answer.figures().into_iter().for_each(|figures| watched.succeeded(&figures)),
                Err(error) => watched.failed(error),
            }
        }
        result
    }
}

impl Watched<'_> {
    fn succeeded(&self, figures: &Figures) {
        let outcome = if figures.is_unchanged { Outcome::Unchanged } else { self.direction.success() };
        self.log(figures.size, figures.attempts, outcome.in_state(figures.state), None);
    }

    fn failed(&self, error: &Error) {
        self.log(self.size, Some(error.attempts()), Outcome::Failed, Some(error.kind()));
    }

    fn log(&self, size: Option<u64>, attempts: Option<u32>, outcome: Outcome, kind: Option<ErrorKind>) {
        tracing::debug!(
            target: TARGET,
            direction = self.direction.as_str(),
            key = self.key,
            from = self.from,
            size,
            seconds = self.start.elapsed().as_secs_f64(),
            attempts,
            outcome = outcome.as_str(),
            kind = kind.map(field::display),
            "{}",
            self.direction.message(self.is_remote),
        );
    }
}

/// A folder that is pushed or pulled, or other files that are moved as one: what gives the event at its end.
pub struct Job<'a> {
    direction: Direction,
    is_remote: bool,
    prefix: &'a str,
    start: Instant,
}

impl<'a> Job<'a> {
    /// Begins to store many files below a prefix.
    pub fn push(store: &Store, prefix: &'a str) -> Self {
        Self { direction: Direction::Up, is_remote: store.is_remote(), prefix, start: Instant::now() }
    }

    pub(crate) fn pull(store: &Store, prefix: &'a str) -> Self {
        Self { direction: Direction::Down, ..Self::push(store, prefix) }
    }

    /// Logs what it did, and hands on how it ended.
    ///
    /// # Errors
    ///
    /// The one that it was handed.
    pub fn end(self, summary: TreeSummary, result: Result<()>) -> Result<TreeSummary> {
        let outcome = match &result {
            Ok(()) if summary.failed > 0 => Outcome::Failed,
            Ok(()) if summary.queued > 0 => Outcome::Queued,
            Ok(()) if summary.done + summary.deleted == 0 => Outcome::Unchanged,
            Ok(()) => self.direction.success(),
            Err(_) => Outcome::Failed,
        };
        tracing::info!(
            target: TARGET,
            direction = self.direction.as_str(),
            prefix = self.prefix,
            files = summary.done,
            bytes = summary.bytes,
            queued = (summary.queued > 0).then_some(summary.queued),
            unchanged = summary.unchanged,
            deleted = summary.deleted,
            failed = summary.failed,
            seconds = self.start.elapsed().as_secs_f64(),
            outcome = outcome.as_str(),
            kind = result.as_ref().err().map(|error| field::display(error.kind())),
            "{}",
            self.message(),
        );
        result.map(|()| summary)
    }

    fn message(&self) -> &'static str {
        match (self.direction, self.is_remote) {
            (Direction::Down, true) => "s3_download_total_seconds",
            (Direction::Down, false) => "download_total_seconds",
            (_, true) => "s3_upload_total_seconds",
            (_, false) => "upload_total_seconds",
        }
    }
}

/// Logs what a drain did, if it found anything to do.
pub(crate) fn drained(folder: &Path, start: Instant, drained: &Drained, error: Option<&Error>) {
    if *drained == Drained::default() {
        return;
    }
    tracing::info!(
        target: OUTBOX,
        folder = %folder.display(),
        sent = drained.sent,
        found = drained.found,
        bytes = drained.bytes,
        parked = drained.parked,
        later = drained.later,
        damaged = drained.damaged,
        seconds = start.elapsed().as_secs_f64(),
        kind = error.map(|error| field::display(error.kind())),
        "outbox_drain_total_seconds",
    );
}
