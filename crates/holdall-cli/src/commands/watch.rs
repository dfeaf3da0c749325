//! `holdall watch`

use super::Outcome;
use crate::app::App;
use crate::args::ObjectArgs;
use crate::record::{ErrorRecord, ReceiptRecord};
use crate::target::Target;
use crate::text::{count, escaped};
use clap::Args;
use holdall::telemetry;
use holdall::transfer::{Filter, MaxDelete, ScanCause, TreeSummary, WatchEvent, WatchOptions, Watching};
use holdall::{Error, PutOptions, parse_time};
use serde::Serialize;
use std::borrow::Cow;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

const AFTER: &str = "\
Keys are PREFIX/ and the file's path in the folder. First everything that differs is stored, then
each file when it was closed after writing or renamed into place. Prints the keys that were stored.
No file is stored while somebody has it open for writing. While the destination cannot be reached,
what changes is kept in mind. Everything is looked at again now and then, which finds the rest.

--manifest describes what is stored: a second after the last file was, ten seconds after the first
at the latest (in a large folder less often), and when the watch ends, which takes five seconds more
at most. A file that was changed since is described as its object is.

--delete deletes the objects of files that go: not if the folder itself goes, and not more than
--max-delete at once. SIGINT and SIGTERM end the watch with status 0, when uploads under way are
done, or after five seconds; a second signal ends it at once.

Examples:
  holdall watch results runs/7
  holdall watch site s3://pages --delete --exclude '*.tmp'
  holdall watch /mnt/nfs/out runs/7 --poll 30s --json
  holdall watch out runs/7 --manifest";

/// Stores the files of a folder as they are written
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Watch {
    /// The folder
    dir: PathBuf,
    /// Where the files go [default: the top of the store]
    prefix: Option<String>,
    /// Only what matches; repeatable. `*` stays within a name, `**` crosses folders
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Nothing that matches; repeatable, and wins over --include
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Delete the objects of files that go
    #[arg(long)]
    delete: bool,
    /// Delete nothing if it would be more at once: a count, or a share of the destination such as 5%
    /// [default: half of it, or 10 where that is more]
    #[arg(long, value_name = "N|P%", requires = "delete")]
    max_delete: Option<MaxDelete>,
    /// Look at everything again so long after the last look
    /// [default: 1m, or a thousand times as long as it took]
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with = "poll")]
    rescan: Option<Duration>,
    /// Look at everything so often, and ask the kernel nothing
    /// [default: on network file systems 10s, or four times as long as it took]
    #[arg(long, value_name = "TIME", value_parser = time)]
    poll: Option<Duration>,
    /// Keep manifest.json and SHA256SUMS below PREFIX current: what the folder's files are, as they
    /// are stored
    #[arg(long)]
    manifest: bool,
    #[command(flatten)]
    object: ObjectArgs,
}

/// Reads a time that is more than none.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    parse_time(text).and_then(|time| match time.is_zero() {
        true => Err("must be more than 0".to_owned()),
        false => Ok(time),
    })
}

impl Watch {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        app.override_settings(self.object.overrides());
        let store = app.store(&target)?;
        let options = WatchOptions {
            filter: Filter::new(&self.include, &self.exclude)?,
            delete: self.delete.then(|| self.max_delete.unwrap_or_default()),
            rescan: self.rescan,
            poll: self.poll,
            manifest: self.manifest,
            put: PutOptions { progress: None, ..self.object.to_options() },
        };
        let mut signals = Signals::new()?;
        let watching = store.watch(&self.dir, &target.key, &options).await?;
        follow(watching, &self.dir, &mut signals, app).await
    }
}

/// The signals that end a watch in good order.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Hears them from now on.
    pub(super) fn new() -> Result<Self, Error> {
        let hear = |kind| signal(kind).map_err(|e| Error::io("signals cannot be heard", e));
        Ok(Self { interrupt: hear(SignalKind::interrupt())?, terminate: hear(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Tells of what happens until the watch ends.
pub(super) async fn follow(
    mut watching: Watching,
    dir: &Path,
    signals: &mut Signals,
    app: &mut App,
) -> Outcome {
    let mut is_ending = false;
    loop {
        tokio::select! {
            event = watching.next() => match event {
                Some(event) => tell(&event?, dir, app)?,
                None => return Ok(()),
            },
            () = signals.next() => {
                // Asked a second time, it gives up what is under way.
                if std::mem::replace(&mut is_ending, true) {
                    return Ok(());
                }
                watching.stop();
            }
        }
    }
}

fn tell(event: &WatchEvent, dir: &Path, app: &mut App) -> io::Result<()> {
    in_words(event, dir, app);
    if app.globals.json {
        json(event).map_or(Ok(()), |event| app.out.json(&event))?;
    } else if let WatchEvent::Pushed { receipt, .. } | WatchEvent::Described { receipt, .. } = event {
        app.out.name(receipt.key.as_str())?;
    }
    app.out.flush()
}

/// Says on standard error what is no data.
fn in_words(event: &WatchEvent, dir: &Path, app: &mut App) {
    let dir = dir.to_string_lossy();
    let dir = escaped(&dir);
    match event {
        WatchEvent::Watching { folders } => {
            app.report.summary(&format!("watching {dir}, {}", count(*folders, "folder")));
        }
        WatchEvent::Polling { error } => {
            error.iter().for_each(|error| app.report.error(error, None));
            app.report.summary(&format!("polling {dir}"));
        }
        // One that finds nothing is no news.
        WatchEvent::Scanned { cause: ScanCause::Due, summary, .. } if summary.done == 0 => {}
        WatchEvent::Scanned { summary, .. } => {
            let TreeSummary { done, unchanged, failed, .. } = *summary;
            let stored = count(done, "file");
            let failed = if failed > 0 { format!(", {failed} failed") } else { String::new() };
            app.report
                .summary(&format!("looked at everything: {stored} stored, {unchanged} unchanged{failed}"));
        }
        WatchEvent::Deleted { key } => app.report.summary(&format!("deleted {}", escaped(key))),
        WatchEvent::Skipped { name, reason } => {
            app.report.summary(&format!("skipped {}: {reason}", escaped(name)));
        }
        WatchEvent::Failed { name, error } => app.report.error(error, Some(name)),
        WatchEvent::Held { error } | WatchEvent::Down { error } => app.report.error(error, None),
        WatchEvent::Up { elapsed } => {
            app.report.summary(&format!("can be reached again after {:.1} s", elapsed.as_secs_f64()));
        }
        _ => {}
    }
}

/// An event as JSON.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Watching {
        folders: u64,
    },
    Polling {
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorRecord<'a>>,
    },
    Scanned {
        cause: &'static str,
        stored: u64,
        unchanged: u64,
        skipped: u64,
        failed: u64,
        seconds: f64,
    },
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
    Deleted {
        key: &'a str,
    },
    Skipped {
        name: &'a str,
        reason: &'static str,
    },
    Failed {
        name: &'a str,
        error: ErrorRecord<'a>,
    },
    Held {
        error: ErrorRecord<'a>,
    },
    Down {
        error: ErrorRecord<'a>,
    },
    Up {
        seconds: f64,
    },
}

fn json(event: &WatchEvent) -> Option<Event<'_>> {
    let record = |error| ErrorRecord::new(error, None);
    Some(match event {
        WatchEvent::Watching { folders } => Event::Watching { folders: *folders },
        WatchEvent::Polling { error } => Event::Polling { error: error.as_ref().map(record) },
        WatchEvent::Scanned { cause, summary, elapsed } => Event::Scanned {
            cause: cause.as_str(),
            stored: summary.done,
            unchanged: summary.unchanged,
            skipped: summary.skipped,
            failed: summary.failed,
            seconds: elapsed.as_secs_f64(),
        },
        WatchEvent::Pushed { path, receipt } => Event::Pushed {
            path: path.to_string_lossy(),
            receipt: ReceiptRecord::new(receipt, telemetry::Outcome::Stored),
        },
        WatchEvent::Described { receipt, files } => Event::Described {
            files: *files,
            receipt: ReceiptRecord::new(receipt, telemetry::Outcome::Stored),
        },
        WatchEvent::Deleted { key } => Event::Deleted { key },
        WatchEvent::Skipped { name, reason } => Event::Skipped { name, reason },
        WatchEvent::Failed { name, error } => Event::Failed { name, error: record(error) },
        WatchEvent::Held { error } => Event::Held { error: record(error) },
        WatchEvent::Down { error } => Event::Down { error: record(error) },
        WatchEvent::Up { elapsed } => Event::Up { seconds: elapsed.as_secs_f64() },
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdall::ErrorKind;

    #[test]
    fn an_event_is_one_flat_object() {
        let error = Error::new(ErrorKind::Unreachable, "gone");
        let text = serde_json::to_string(&json(&WatchEvent::Down { error }).unwrap()).unwrap();
        assert!(
            text.starts_with(r#"{"event":"down","error":{"kind":"unreachable","message":"gone""#),
            "{text}"
        );
        let text = serde_json::to_string(&json(&WatchEvent::Polling { error: None }).unwrap()).unwrap();
        assert_eq!(text, r#"{"event":"polling"}"#);
    }

    #[test]
    fn no_time_at_all_is_refused() {
        assert_eq!(time("2s"), Ok(Duration::from_secs(2)));
        assert!(time("0").is_err() && time("soon").is_err());
    }
}
