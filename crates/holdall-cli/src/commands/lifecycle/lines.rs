//! What is due, a line each, and what it comes to.

use super::Outcome;
use crate::app::App;
use crate::output::Output;
use crate::text::{self, Moment, count};
use holdall::Stats;
use holdall::retention::{Action, Due, LifecycleEvent, LifecycleSummary};
use serde::Serialize;
use std::io::{self, Write};

/// Something that is due.
#[derive(Serialize)]
struct DueRecord<'a> {
    event: &'static str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    rule: &'a str,
    since: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_class: Option<&'a str>,
    done: bool,
}

/// What all of it comes to.
#[derive(Serialize)]
struct SummaryRecord {
    event: &'static str,
    looked: u64,
    deleted: u64,
    deleted_bytes: u64,
    moved: u64,
    moved_bytes: u64,
    versions: u64,
    versions_bytes: u64,
    uploads: u64,
    left: u64,
    failed: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    everything: bool,
}

/// Prints events as they come; output that is cut off is told in the end.
pub(super) struct Lines<'a> {
    app: &'a mut App,
    done: bool,
    printed: io::Result<()>,
}

impl<'a> Lines<'a> {
    /// `done` for a sweep, which has done what it tells.
    pub(super) fn new(app: &'a mut App, done: bool) -> Self {
        Self { app, done, printed: Ok(()) }
    }

    pub(super) fn add(&mut self, event: &LifecycleEvent) {
        match event {
            LifecycleEvent::Done(due) if self.printed.is_ok() => {
                self.printed = print(due, self.done, self.app.globals.json, &mut self.app.out);
            }
            LifecycleEvent::Failed { due, error } => {
                self.app.report.error(error, Some(due.key.as_str()));
            }
            LifecycleEvent::Unread(error) => self.app.report.error(error, None),
            _ => {}
        }
    }

    pub(super) fn finish(self) -> io::Result<()> {
        self.printed
    }
}

fn print(due: &Due, done: bool, json: bool, out: &mut Output) -> io::Result<()> {
    let event = due.action.as_str();
    if json {
        let storage_class = match &due.action {
            Action::Transition(class) => Some(&**class),
            _ => None,
        };
        return out.json(&DueRecord {
            event,
            key: due.key.as_str(),
            version: due.version.as_deref(),
            size: due.size,
            rule: &due.rule,
            since: Moment(due.since).to_string(),
            storage_class,
            done,
        });
    }
    match due.size {
        Some(size) => write!(out, "{size:>14} {event} {} ", due.rule)?,
        None => write!(out, "{:>14} {event} {} ", "-", due.rule)?,
    }
    match &due.version {
        Some(version) => out.name(&format!("{} {version}", due.key)),
        None => out.name(due.key.as_str()),
    }
}

/// The summary as the last line of JSON.
pub(super) fn total(summary: &LifecycleSummary, app: &mut App) -> Outcome {
    let LifecycleSummary { looked, deleted, moved, versions, uploads, left, failed, everything, .. } =
        *summary;
    Ok(app.out.json(&SummaryRecord {
        event: "summary",
        looked,
        deleted: deleted.objects,
        deleted_bytes: deleted.bytes,
        moved: moved.objects,
        moved_bytes: moved.bytes,
        versions: versions.objects,
        versions_bytes: versions.bytes,
        uploads,
        left,
        failed,
        everything,
    })?)
}

/// `looked at 7 objects: would delete 3 objects, 15 B; 1 failed`.
pub(super) fn in_words(would: bool, summary: &LifecycleSummary) -> String {
    let verb = |would_do: &str, did: &str, what: &str, stats: Stats| {
        let (verb, bytes) = (if would { would_do } else { did }, text::bytes(stats.bytes));
        (stats.objects > 0).then(|| format!("{verb} {}, {bytes}", count(stats.objects, what)))
    };
    let uploads = Stats { objects: summary.uploads, bytes: 0 };
    let aborted = verb("would abort", "aborted", "upload", uploads);
    let parts = [
        verb("would delete", "deleted", "object", summary.deleted),
        verb("would delete", "deleted", "old version", summary.versions),
        verb("would move", "moved", "object", summary.moved),
        aborted.map(|text| text.trim_end_matches(", 0 B").to_owned()),
        (summary.left > 0).then(|| format!("{} left, since they changed", summary.left)),
        (summary.failed > 0).then(|| format!("{} failed", summary.failed)),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    let said = if parts.is_empty() { "nothing is due".to_owned() } else { parts.join("; ") };
    format!("looked at {}: {said}", count(summary.looked, "object"))
}
