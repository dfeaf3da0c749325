//! `holdall report`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use holdall::transfer::{Gap, PushReport, PushState, Reported, ShardsReport, TreeSummary};
use holdall::{Error, ErrorKind, Result};
use std::io::{self, Write};
use std::path::PathBuf;

const AFTER: &str = "\
A line for each shard says how it ended, the numbers of files, and bytes; the last one is the
total. What failed is said on standard error. The exit status is 1 unless there is a report of
each shard, and each was done without a failure.

It proves that each share of the folder, as its machine saw it, was found at the destination or
sent there. It does not prove that all machines saw the same files, nor what was done since.

Examples:
  holdall push results runs --shard 1/2 --report shard-1.json
  holdall push results runs --shard 2/2 --report shard-2.json
  holdall report shard-*.json";

/// Puts the reports of all shards of a push together
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Report {
    /// The files that push --report wrote, one for each shard
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Report {
    pub(crate) fn run(self, app: &mut App) -> Outcome {
        let reports = self.files.iter().map(|file| PushReport::read(file)).collect::<Result<Vec<_>>>()?;
        let merged = ShardsReport::merge(reports)?;
        if app.globals.json {
            app.out.json(&merged)?;
        } else {
            print(&merged, &mut app.out)?;
            merged.reports.iter().flat_map(|report| &report.failures).for_each(|failure| say(failure, app));
        }
        for gap in merged.gaps() {
            app.report.error(&error_of(&gap), None);
        }
        if merged.complete { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn print(merged: &ShardsReport, out: &mut Output) -> io::Result<()> {
    for report in &merged.reports {
        line(&report.shard.to_string(), ended(report), &report.totals, out)?;
    }
    line("total", if merged.complete { "complete" } else { "incomplete" }, &merged.totals, out)
}

fn line(name: &str, ended: &str, totals: &TreeSummary, out: &mut Output) -> io::Result<()> {
    let TreeSummary { done, bytes, unchanged, deleted, skipped, failed, .. } = totals;
    write!(out, "{name:<9} {ended:<10} pushed={done} bytes={bytes} unchanged={unchanged} ")?;
    write!(out, "deleted={deleted} skipped={skipped} failed={failed}")?;
    out.end_line()
}

fn ended(report: &PushReport) -> &'static str {
    match report.state {
        PushState::Done if report.dry_run => "dry-run",
        PushState::Done => "done",
        PushState::Failed => "failed",
        PushState::GivenUp => "given-up",
        _ => "begun",
    }
}

/// Says what failed, as the push said it.
fn say(failure: &Reported, app: &mut App) {
    let error = Error::new(ErrorKind::Incomplete, format!("{}: {}", failure.kind, failure.message));
    app.report.error(&error, failure.name.as_deref());
}

fn error_of(gap: &Gap) -> Error {
    let error = Error::new(ErrorKind::Incomplete, gap.to_string());
    error.with_hint("push that shard again, to the end, and give its new report")
}
