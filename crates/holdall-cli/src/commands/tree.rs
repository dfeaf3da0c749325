//! What `push` and `pull` say of each file, and at the end.

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use crate::progress::{Showing, What};
use crate::record::{ErrorRecord, ObjectRecord, ReceiptRecord};
use crate::text::{bytes, count, escaped};
use clap::Args;
use holdall::transfer::{Filter, TreeEvent, TreeSummary};
use holdall::{Progress, Result};
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
    Pulled {
        path: Cow<'a, str>,
        #[serde(flatten)]
        object: ObjectRecord<'a>,
    },
    Planned {
        path: Cow<'a, str>,
        key: &'a str,
        size: u64,
    },
    Skipped {
        name: &'a str,
        reason: &'static str,
    },
    Failed {
        name: &'a str,
        error: ErrorRecord<'a>,
    },
    Summary {
        done: u64,
        bytes: u64,
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
    start: Instant,
    fault: Option<io::Error>,
    done: Arc<AtomicU64>,
    showing: Showing,
}

impl<'a> Printer<'a> {
    pub(super) fn new(app: &'a mut App, direction: Direction) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let showing = Showing::start(&app.globals, What::Many(done.clone()));
        Self { app, direction, start: Instant::now(), fault: None, done, showing }
    }

    /// What the transfer is to count in.
    pub(super) fn progress(&self) -> Option<Progress> {
        self.showing.progress()
    }

    pub(super) fn event(&mut self, event: &TreeEvent) {
        match event {
            TreeEvent::Pushed { .. } | TreeEvent::Pulled { .. } => {
                self.done.fetch_add(1, Ordering::Relaxed);
            }
            TreeEvent::Failed { name, error } => self.app.report.error(error, Some(name)),
            TreeEvent::Skipped { name, reason } => {
                self.app.report.summary(&format!("skipped {}: {reason}", escaped(name)));
            }
            _ => {}
        }
        if self.fault.is_none() {
            self.fault = self.print(event).err();
        }
    }

    fn print(&mut self, event: &TreeEvent) -> io::Result<()> {
        let out = &mut self.app.out;
        if self.app.globals.json {
            return json(event).map_or(Ok(()), |event| out.json(&event));
        }
        match (event, self.direction) {
            (TreeEvent::Pushed { receipt, .. }, _) => out.name(receipt.key.as_str()),
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
    Some(match event {
        TreeEvent::Pushed { path, receipt } => {
            Event::Pushed { path: path.to_string_lossy(), receipt: ReceiptRecord::from(receipt) }
        }
        TreeEvent::Pulled { path, metadata } => {
            Event::Pulled { path: path.to_string_lossy(), object: ObjectRecord::from(metadata) }
        }
        TreeEvent::Planned { path, key, size } => {
            Event::Planned { path: path.to_string_lossy(), key, size: *size }
        }
        TreeEvent::Skipped { name, reason } => Event::Skipped { name, reason },
        TreeEvent::Failed { name, error } => Event::Failed { name, error: ErrorRecord::new(error, None) },
        _ => return None,
    })
}

fn totals(summary: &TreeSummary, elapsed: Duration, dry_run: bool) -> Event<'static> {
    let TreeSummary { done, bytes, skipped, failed } = *summary;
    Event::Summary { done, bytes, skipped, failed, seconds: elapsed.as_secs_f64(), dry_run }
}

fn in_words(summary: &TreeSummary, elapsed: Duration, direction: Direction, dry_run: bool) -> String {
    let verb = match (direction, dry_run) {
        (Direction::Push, false) => "pushed",
        (Direction::Pull, false) => "pulled",
        (Direction::Push, true) => "would push",
        (Direction::Pull, true) => "would pull",
    };
    let mut text = format!("{verb} {}, {}", count(summary.done, "file"), bytes(summary.bytes));
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
        let summary = TreeSummary { done: 2, bytes: 2048, skipped: 1, failed: 3 };
        let text = in_words(&summary, Duration::from_millis(1500), Direction::Push, false);
        assert_eq!(text, "pushed 2 files, 2.0 KiB, 1 skipped, 3 failed in 1.5 s");
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
