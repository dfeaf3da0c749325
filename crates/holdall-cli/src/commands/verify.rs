//! `holdall verify`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use crate::record::ErrorRecord;
use crate::target::Target;
use crate::text::{bytes, count};
use clap::Args;
use holdall::transfer::{Difference, Filter, Side, VerifyEvent, VerifyOptions, VerifySummary};
use serde::Serialize;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const AFTER: &str = "\
The manifest that `push --manifest` wrote says what should be there; without one DIR does. Prints
a line for each difference: missing, extra, different or stale (store and folder agree, and the
manifest does not). The exit status is 1 when anything differs or failed.

Objects are compared by size, by the ETag that the manifest noted and by the digest that they were
stored with, and are not read; files in DIR are. What nothing proves is counted as not proven, and
is no difference. --deep reads every object and proves the bytes.

Examples:
  holdall verify runs/7
  holdall verify runs/7 results
  holdall verify s3://results/runs/7 --deep --json";

/// Compares a prefix, its manifest and a folder with one another
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Verify {
    /// The folder of the store: `a` means all keys that begin with `a/`
    prefix: String,
    /// A folder to compare, too
    dir: Option<PathBuf>,
    /// Read all objects
    #[arg(long)]
    deep: bool,
    /// Only what matches; repeatable. `*` stays within a name, `**` crosses folders
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Nothing that matches; repeatable, and wins over --include
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Follow symbolic links in the folder; else they are no files
    #[arg(long)]
    follow_symlinks: bool,
    /// Say what is not proven, too
    #[arg(long, short)]
    verbose: bool,
}

impl Verify {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.prefix)?;
        let store = app.store(&target)?;
        let options = VerifyOptions {
            filter: Filter::new(&self.include, &self.exclude)?,
            deep: self.deep,
            follow_symlinks: self.follow_symlinks,
        };
        let (start, verbose) = (Instant::now(), self.verbose);
        let mut printed = Ok(());
        let mut on_event = |event: VerifyEvent| {
            if let VerifyEvent::Failed { name, error } = &event {
                app.report.error(error, Some(name));
            }
            if printed.is_ok() {
                printed = print(&event, verbose, app.globals.json, &mut app.out);
            }
        };
        let summary = store.verify(&target.key, self.dir.as_deref(), &options, &mut on_event).await?;
        printed?;
        if app.globals.json {
            app.out.json(&totals(&summary, start.elapsed()))?;
        }
        app.report.summary(&in_words(&summary, start.elapsed()));
        if summary.differences() + summary.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

/// An event as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Missing {
        path: &'a str,
        side: &'static str,
    },
    Extra {
        path: &'a str,
        side: &'static str,
    },
    Different {
        path: &'a str,
        side: &'static str,
        #[serde(flatten)]
        by: By,
    },
    Stale {
        path: &'a str,
    },
    Unproven {
        path: &'a str,
    },
    Failed {
        name: &'a str,
        error: ErrorRecord<'a>,
    },
    Summary {
        manifest: bool,
        proven_by_etag: u64,
        proven_by_recorded_digest: u64,
        proven_by_reading: u64,
        bytes_read: u64,
        files_proven: u64,
        unproven: u64,
        missing: u64,
        extra: u64,
        different: u64,
        stale: u64,
        failed: u64,
        seconds: f64,
    },
}

/// In what something differs.
#[derive(Serialize)]
#[serde(tag = "by", rename_all = "snake_case")]
enum By {
    Size { expected: u64, found: u64 },
    Sha256 { expected: String, found: Option<String> },
    Etag,
}

impl From<&Difference> for By {
    fn from(by: &Difference) -> Self {
        match by {
            Difference::Size { expected, found } => Self::Size { expected: *expected, found: *found },
            Difference::Digest { expected, found } => {
                Self::Sha256 { expected: expected.to_hex(), found: found.map(|found| found.to_hex()) }
            }
            _ => Self::Etag,
        }
    }
}

impl By {
    fn word(&self) -> &'static str {
        match self {
            Self::Size { .. } => "size",
            Self::Sha256 { .. } => "sha256",
            Self::Etag => "etag",
        }
    }
}

fn side_name(side: Side) -> &'static str {
    match side {
        Side::Store => "store",
        Side::Folder => "folder",
    }
}

fn print(event: &VerifyEvent, verbose: bool, is_json: bool, out: &mut Output) -> io::Result<()> {
    if is_json {
        return json(event).map_or(Ok(()), |event| out.json(&event));
    }
    let (text, path) = match event {
        VerifyEvent::Missing { path, side } => (format!("missing {}", side_name(*side)), path),
        VerifyEvent::Extra { path, side } => (format!("extra {}", side_name(*side)), path),
        VerifyEvent::Different { path, side, by } => {
            (format!("different {} {}", side_name(*side), By::from(by).word()), path)
        }
        VerifyEvent::Stale { path } => ("stale manifest".to_owned(), path),
        VerifyEvent::Unproven { path } if verbose => ("unproven store".to_owned(), path),
        _ => return Ok(()),
    };
    write!(out, "{text} ")?;
    out.name(path)
}

fn json(event: &VerifyEvent) -> Option<Event<'_>> {
    Some(match event {
        VerifyEvent::Missing { path, side } => Event::Missing { path, side: side_name(*side) },
        VerifyEvent::Extra { path, side } => Event::Extra { path, side: side_name(*side) },
        VerifyEvent::Different { path, side, by } => {
            Event::Different { path, side: side_name(*side), by: By::from(by) }
        }
        VerifyEvent::Stale { path } => Event::Stale { path },
        VerifyEvent::Unproven { path } => Event::Unproven { path },
        VerifyEvent::Failed { name, error } => Event::Failed { name, error: ErrorRecord::new(error, None) },
        _ => return None,
    })
}

fn totals(summary: &VerifySummary, elapsed: Duration) -> Event<'static> {
    Event::Summary {
        manifest: summary.manifest,
        proven_by_etag: summary.by_etag,
        proven_by_recorded_digest: summary.by_record,
        proven_by_reading: summary.by_reading,
        bytes_read: summary.bytes_read,
        files_proven: summary.files,
        unproven: summary.unproven,
        missing: summary.missing,
        extra: summary.extra,
        different: summary.different,
        stale: summary.stale,
        failed: summary.failed,
        seconds: elapsed.as_secs_f64(),
    }
}

fn in_words(summary: &VerifySummary, elapsed: Duration) -> String {
    let proven = summary.by_etag + summary.by_record + summary.by_reading;
    let ways = [
        (summary.by_etag, "by ETag".to_owned()),
        (summary.by_record, "by recorded digest".to_owned()),
        (summary.by_reading, format!("by reading {}", bytes(summary.bytes_read))),
    ];
    let ways: Vec<String> =
        ways.into_iter().filter(|(n, _)| *n > 0).map(|(n, way)| format!("{n} {way}")).collect();
    let mut text = format!("{} proven", count(proven, "object"));
    if !ways.is_empty() {
        text += &format!(" ({})", ways.join(", "));
    }
    if summary.files > 0 {
        text += &format!(", {} proven", count(summary.files, "file"));
    }
    let others = [
        (summary.unproven, "NOT proven (--deep reads them)"),
        (summary.missing, "missing"),
        (summary.extra, "extra"),
        (summary.different, "different"),
        (summary.stale, "stale in the manifest"),
        (summary.failed, "failed"),
    ];
    for (n, word) in others.into_iter().filter(|(n, _)| *n > 0) {
        text += &format!(", {n} {word}");
    }
    if !summary.manifest {
        text += ", without a manifest";
    }
    text + &format!(" in {:.1} s", elapsed.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_is_proven_how_and_what_is_not() {
        let summary = VerifySummary {
            manifest: true,
            by_etag: 3,
            by_reading: 1,
            bytes_read: 2048,
            files: 4,
            unproven: 5,
            missing: 1,
            different: 2,
            ..VerifySummary::default()
        };
        let wanted = "4 objects proven (3 by ETag, 1 by reading 2.0 KiB), 4 files proven, \
                      5 NOT proven (--deep reads them), 1 missing, 2 different in 0.0 s";
        assert_eq!(in_words(&summary, Duration::ZERO), wanted);
        let nothing = in_words(&VerifySummary::default(), Duration::ZERO);
        assert_eq!(nothing, "0 objects proven, without a manifest in 0.0 s");
    }
}
