//! `holdall topic backfill`

use crate::app::App;
use crate::args::ObjectArgs;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::record::ErrorRecord;
use crate::text::{bytes, count, escaped};
use clap::Args;
use holdall::PutOptions;
use holdall::topic::{BackfillOptions, Backfilled, Outcome as Happened, Pushed};
use holdall::transfer::{Compare, Filter, PushOptions, TreeEvent};
use serde::Serialize;
use std::borrow::Cow;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

const AFTER: &str = "\
Each folder in DIR is a topic, by its name or by the first line of --title-file in it. Prints the
slugs of the topics that are there. One that fails is reported, the rest go on, and the exit status
is 1. Files in DIR, and folders whose names begin with a dot, are left out and reported.

After a kill run it again: what was stored is not sent again. `holdall topic urls` then lists path
and URL of every file, for a datastore; to share the work among machines see `holdall push --shard`.

Examples:
  holdall topic backfill outputs
  holdall topic backfill outputs --title-file title.txt --exclude 'partial_movie_files/**'
  holdall topic backfill outputs --dry-run --json";

/// Stores many old output folders, each as a topic
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Backfill {
    /// The folder that the topics' folders are in
    dir: PathBuf,
    /// The file in each folder whose first line is the title [default: the folder's name is it]
    #[arg(long, value_name = "NAME")]
    title_file: Option<String>,
    /// Only what matches; repeatable. `*` stays within a name, `**` crosses folders
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Nothing that matches; repeatable, and wins over --include
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Say what would be done and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Read files of the same size and compare their bytes, however old they are
    #[arg(long)]
    checksum: bool,
    /// Follow symbolic links; else they are skipped and reported
    #[arg(long)]
    follow_symlinks: bool,
    #[command(flatten)]
    object: ObjectArgs,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Event<'a> {
    Topic {
        folder: Cow<'a, str>,
        slug: Option<&'a str>,
        title: Option<&'a str>,
        claim: Option<&'static str>,
        done: u64,
        bytes: u64,
        unchanged: u64,
        failed: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<ErrorRecord<'a>>,
    },
    Failed {
        name: &'a str,
        error: ErrorRecord<'a>,
    },
    Skipped {
        name: Cow<'a, str>,
        reason: &'static str,
    },
    Summary {
        topics: u64,
        failed: u64,
        skipped: u64,
        files: u64,
        bytes: u64,
        unchanged: u64,
        seconds: f64,
        dry_run: bool,
    },
}

impl Backfill {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        app.override_settings(self.object.overrides());
        let topics = super::open(app)?;
        let options = BackfillOptions {
            title_file: self.title_file.clone(),
            push: PushOptions {
                filter: Filter::new(&self.include, &self.exclude)?,
                dry_run: self.dry_run,
                follow_symlinks: self.follow_symlinks,
                compare: if self.checksum { Compare::Content } else { Compare::Index },
                put: PutOptions { progress: None, ..self.object.to_options() },
                ..PushOptions::default()
            },
        };
        let (start, mut printed) = (Instant::now(), Ok(()));
        let mut on_outcome = |happened: Happened| {
            let said = say(&happened, app);
            if printed.is_ok() {
                printed = said;
            }
        };
        let filled = topics.backfill(&self.dir, &options, &mut on_outcome).await?;
        printed?;
        if app.globals.json {
            app.out.json(&totals(&filled, start, self.dry_run))?;
        }
        app.report.summary(&in_words(&filled, start, self.dry_run));
        if filled.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

fn say(happened: &Happened, app: &mut App) -> io::Result<()> {
    match happened {
        Happened::File(event) => file(event, app),
        Happened::Skipped { path, reason } => skipped(path.to_string_lossy(), reason, app),
        Happened::Topic { folder, title, slug, pushed } => {
            let (title, slug) = (title.as_ref().map(|t| t.as_str()), slug.as_ref().map(|s| s.as_str()));
            topic((folder, title, slug), pushed, app)
        }
        _ => Ok(()),
    }
}

fn file(event: &TreeEvent, app: &mut App) -> io::Result<()> {
    match event {
        TreeEvent::Failed { name, error, .. } => {
            app.report.error(error, Some(name));
            let failed = Event::Failed { name, error: ErrorRecord::new(error, None) };
            if app.globals.json { app.out.json(&failed) } else { Ok(()) }
        }
        TreeEvent::Skipped { name, reason } => skipped(name.into(), reason, app),
        _ => Ok(()),
    }
}

fn skipped(name: Cow<'_, str>, reason: &'static str, app: &mut App) -> io::Result<()> {
    app.report.summary(&format!("skipped {}: {reason}", escaped(&name)));
    if app.globals.json { app.out.json(&Event::Skipped { name, reason }) } else { Ok(()) }
}

fn topic(
    (folder, title, slug): (&Path, Option<&str>, Option<&str>),
    pushed: &holdall::Result<Pushed>,
    app: &mut App,
) -> io::Result<()> {
    let name = folder.to_string_lossy();
    if let Err(error) = pushed {
        app.report.error(error, Some(&name));
    }
    let summary = pushed.as_ref().map(|pushed| pushed.summary).unwrap_or_default();
    if let (Ok(pushed), Some(slug)) = (pushed, slug) {
        super::tell_claim(pushed.claim, slug, app);
    }
    if app.globals.json {
        return app.out.json(&Event::Topic {
            folder: name,
            slug,
            title,
            claim: pushed.as_ref().ok().map(|pushed| pushed.claim.as_str()),
            done: summary.done,
            bytes: summary.bytes,
            unchanged: summary.unchanged,
            failed: summary.failed,
            error: pushed.as_ref().err().map(|error| ErrorRecord::new(error, None)),
        });
    }
    match slug {
        Some(slug) if pushed.is_ok() && summary.failed == 0 => app.out.name(slug),
        _ => Ok(()),
    }
}

fn totals(filled: &Backfilled, start: Instant, dry_run: bool) -> Event<'static> {
    Event::Summary {
        topics: filled.done,
        failed: filled.failed,
        skipped: filled.skipped,
        files: filled.files,
        bytes: filled.bytes,
        unchanged: filled.unchanged,
        seconds: start.elapsed().as_secs_f64(),
        dry_run,
    }
}

fn in_words(filled: &Backfilled, start: Instant, dry_run: bool) -> String {
    let verb = if dry_run { "would store" } else { "stored" };
    let mut text = format!("{verb} {}", count(filled.done, "topic"));
    text += &format!(", {}, {}", count(filled.files, "file"), bytes(filled.bytes));
    for (n, word) in [(filled.unchanged, "unchanged"), (filled.skipped, "skipped")] {
        if n > 0 {
            text += &format!(", {n} {word}");
        }
    }
    if filled.failed > 0 {
        text += &format!(", {} failed", count(filled.failed, "topic"));
    }
    if dry_run { text } else { text + &format!(" in {:.1} s", start.elapsed().as_secs_f64()) }
}
