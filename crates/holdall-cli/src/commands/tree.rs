//! What `push` and `pull` say of each file, and at the end.

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Showing, What};
use crate::record::{EndedRecord, ErrorRecord, FileRecord, ReceiptRecord};
use crate::text::{bytes, count, escaped};
use clap::Args;
use holdall::telemetry;
use holdall::transfer::{Compare, Filter, MaxDelete, TreeEvent, TreeSummary};
use holdall::{Error, Progress, Result, State};
use serde::Serialize;
use std::borrow::Cow;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Which files or objects take part.
#[derive(Debug, Args)]
pub(super) struct FilterArgs {
    /// Only what matches; repeatable. `*` stays within a name, `**` crosses folders
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Nothing that matches; repeatable, and wins over --include
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Print what would be moved and move nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

/// What is told apart, and what is deleted.
#[derive(Debug, Args)]
pub(super) struct SyncArgs {
    /// Read files of the same size and compare their bytes, however old they are
    #[arg(long)]
    checksum: bool,
    /// Move everything, changed or not
    #[arg(long, conflicts_with = "checksum")]
    force: bool,
    /// Delete at the destination what the source has not, in the end and if nothing failed
    #[arg(long)]
    delete: bool,
    /// Delete nothing if it would be more: a count, or a share of the destination such as 5%
    /// [default: half of it, or 10 where that is more]
    #[arg(long, value_name = "N|P%", requires = "delete")]
    max_delete: Option<MaxDelete>,
    /// Say what is unchanged, too
    #[arg(long, short)]
    pub(super) verbose: bool,
}

impl SyncArgs {
    pub(super) fn compare(&self) -> Compare {
        match (self.checksum, self.force) {
            (_, true) => Compare::Nothing,
            (true, false) => Compare::Content,
            (false, false) => Compare::Index,
        }
    }

    pub(super) fn delete(&self) -> Option<MaxDelete> {
        self.delete.then(|| self.max_delete.unwrap_or_default())
    }
}

impl FilterArgs {
    pub(super) fn filter(&self) -> Result<Filter> {
        Filter::new(&self.include, &self.exclude)
    }
}

/// An event as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Pushed {
        path: Cow<'a, str>,
        #[serde(flatten)]
        receipt: ReceiptRecord<'a>,
    },
    Described {
        files: u64,
        #[serde(flatten)]
        receipt: ReceiptRecord<'a>,
    },
    Pulled(FileRecord<'a>),
    Planned {
        path: Cow<'a, str>,
        key: &'a str,
        size: u64,
    },
    Unchanged {
        key: &'a str,
        size: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<&'static str>,
        #[serde(flatten)]
        ended: EndedRecord,
    },
    Deleted {
        name: &'a str,
        size: u64,
    },
    WouldDelete {
        name: &'a str,
        size: u64,
    },
    Skipped {
        name: &'a str,
        reason: &'static str,
    },
    Failed {
        name: &'a str,
        #[serde(flatten)]
        ended: EndedRecord,
        error: ErrorRecord<'a>,
    },
    Summary {
        done: u64,
        /// Of them those that wait in the outbox.
        #[serde(skip_serializing_if = "Option::is_none")]
        queued: Option<u64>,
        bytes: u64,
        unchanged: u64,
        unchanged_bytes: u64,
        deleted: u64,
        deleted_bytes: u64,
        skipped: u64,
        failed: u64,
        seconds: f64,
        dry_run: bool,
    },
}

/// The two ways of a folder.
#[derive(Debug, Clone, Copy)]
pub(super) enum Direction {
    Push,
    Pull,
}

/// Prints events as they come. What cannot be printed stops the printing, not the transfer.
pub(super) struct Printer<'a> {
    app: &'a mut App,
    direction: Direction,
    verbose: bool,
    start: Instant,
    fault: Option<io::Error>,
    done: Arc<AtomicU64>,
    showing: Showing,
}

impl<'a> Printer<'a> {
    pub(super) fn new(app: &'a mut App, direction: Direction, sync: &SyncArgs) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let showing = Showing::start(&app.globals, What::Many(done.clone()));
        let verbose = sync.verbose;
        Self { app, direction, verbose, start: Instant::now(), fault: None, done, showing }
    }

    /// What the transfer is to count in.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.showing.progress()
    }

    pub(super) fn event(&mut self, event: &TreeEvent) {
        if let (TreeEvent::Unchanged { state: State::Queued, .. }, Direction::Push) = (event, self.direction)
        {
            self.app.unsent += 1;
        }
        match event {
            TreeEvent::Pushed { .. } | TreeEvent::Pulled { .. } => {
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            TreeEvent::Failed { name, error, .. } => self.app.report.error(error, Some(name)),
            TreeEvent::Skipped { name, reason } => {
                self.app.report.summary(&format!("skipped {}: {reason}", escaped(name)));
            }
            TreeEvent::Unchanged { .. } if !self.verbose => return,
            TreeEvent::Unchanged { key, .. } => self.say("unchanged", key),
            TreeEvent::Deleted { name, .. } => self.say("deleted", name),
            TreeEvent::WouldDelete { name, .. } => self.say("would delete", name),
            _ => {}
        }
        if self.fault.is_none() {
            self.fault = self.print(event).err();
        }
    }

    /// Reports a fault of something besides the transfer.
    pub(super) fn error(&mut self, error: &Error) {
        self.app.report.error(error, None);
    }

    fn say(&self, what: &str, name: &str) {
        self.app.report.summary(&format!("{what} {}", escaped(name)));
    }

    fn print(&mut self, event: &TreeEvent) -> io::Result<()> {
        let out = &mut self.app.out;
        if self.app.globals.json {
            return json(event).map_or(Ok(()), |event| out.json(&event));
        }
        match (event, self.direction) {
            (TreeEvent::Pushed { receipt, .. } | TreeEvent::Described { receipt, .. }, _) => {
                out.name(receipt.key.as_str())
            }
            (TreeEvent::Pulled { path, .. }, _) => name(path, out),
            (TreeEvent::Planned { key, .. }, Direction::Push) => out.name(key),
            (TreeEvent::Planned { path, .. }, Direction::Pull) => name(path, out),
            _ => Ok(()),
        }
    }

    /// Says what was done in all. That something failed, or could not be printed, is the outcome.
    pub(super) fn finish(mut self, summary: &TreeSummary, dry_run: bool) -> Outcome {
        let elapsed = self.start.elapsed();
        drop(self.showing);
        if self.app.globals.json && self.fault.is_none() {
            self.fault = self.app.out.json(&totals(summary, elapsed, dry_run)).err();
        }
        self.app.report.summary(&in_words(summary, elapsed, self.direction, dry_run));
        match self.fault {
            Some(fault) => Err(fault.into()),
            None if summary.failed > 0 => Err(Failure::Reported),
            None => Ok(()),
        }
    }
}

fn name(path: &Path, out: &mut Output) -> io::Result<()> {
    out.name(&path.to_string_lossy())
}

fn json(event: &TreeEvent) -> Option<Event<'_>> {
    use telemetry::Outcome as O;
    Some(match event {
        TreeEvent::Pushed { path, receipt } => {
            Event::Pushed { path: path.to_string_lossy(), receipt: ReceiptRecord::new(receipt, O::Stored) }
        }
        TreeEvent::Described { receipt, files } => {
            Event::Described { files: *files, receipt: ReceiptRecord::new(receipt, O::Stored) }
        }
        TreeEvent::Pulled { path, fetched } => Event::Pulled(FileRecord::new(path, fetched)),
        TreeEvent::Planned { path, key, size } => {
            Event::Planned { path: path.to_string_lossy(), key, size: *size }
        }
        TreeEvent::Unchanged { key, size, state, elapsed } => Event::Unchanged {
            key,
            size: *size,
            state: (*state == State::Queued).then_some("queued"),
            ended: EndedRecord::new(0, *elapsed, O::Unchanged),
        },
        TreeEvent::Deleted { name, size } => Event::Deleted { name, size: *size },
        TreeEvent::WouldDelete { name, size } => Event::WouldDelete { name, size: *size },
        TreeEvent::Skipped { name, reason } => Event::Skipped { name, reason },
        TreeEvent::Failed { name, error, elapsed } => Event::Failed {
            name,
            ended: EndedRecord::new(error.attempts(), *elapsed, O::Failed),
            error: ErrorRecord::new(error, None),
        },
        _ => return None,
    })
}

fn totals(summary: &TreeSummary, elapsed: Duration, dry_run: bool) -> Event<'static> {
    let TreeSummary { done, queued, bytes, unchanged, unchanged_bytes, .. } = *summary;
    let TreeSummary { deleted, deleted_bytes, skipped, failed, .. } = *summary;
    Event::Summary {
        done,
        queued: Some(queued).filter(|queued| *queued > 0),
        bytes,
        unchanged,
        unchanged_bytes,
        deleted,
        deleted_bytes,
        skipped,
        failed,
        seconds: elapsed.as_secs_f64(),
        dry_run,
    }
}

fn in_words(summary: &TreeSummary, elapsed: Duration, direction: Direction, dry_run: bool) -> String {
    let verb = match (direction, dry_run) {
        (Direction::Push, false) => "pushed",
        (Direction::Pull, false) => "pulled",
        (Direction::Push, true) => "would push",
        (Direction::Pull, true) => "would pull",
    };
    let mut text = format!("{verb} {}, {}", count(summary.done, "file"), bytes(summary.bytes));
    if summary.unchanged > 0 {
        text += &format!(", {} unchanged", summary.unchanged);
    }
    if summary.deleted > 0 {
        text += &format!(", {} {}", summary.deleted, if dry_run { "to delete" } else { "deleted" });
    }
    if summary.skipped > 0 {
        text += &format!(", {} skipped", summary.skipped);
    }
    if summary.failed > 0 {
        text += &format!(", {} failed", summary.failed);
    }
    if !dry_run {
        text += &format!(" in {:.1} s", elapsed.as_secs_f64());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_did_not_work() {
        let summary = TreeSummary {
            done: 2,
            bytes: 2048,
            unchanged: 4,
            deleted: 5,
            skipped: 1,
            failed: 3,
            ..TreeSummary::default()
        };
        let text = in_words(&summary, Duration::from_millis(1500), Direction::Push, false);
        assert_eq!(text, "pushed 2 files, 2.0 KiB, 4 unchanged, 5 deleted, 1 skipped, 3 failed in 1.5 s");
        let nothing = TreeSummary::default();
        assert_eq!(in_words(&nothing, Duration::ZERO, Direction::Pull, true), "would pull 0 files, 0 B");
    }

    #[test]
    fn an_event_is_one_flat_object() {
        let event = TreeEvent::Planned { path: "d/a".into(), key: "p/a".to_owned(), size: 5 };
        let text = serde_json::to_string(&json(&event)).unwrap();
        assert_eq!(text, r#"{"event":"planned","path":"d/a","key":"p/a","size":5}"#);
    }
}
