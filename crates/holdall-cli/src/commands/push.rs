//! `holdall push`

use super::Outcome;
use super::tree::{Direction, FilterArgs, Printer, SyncArgs};
use crate::app::App;
use crate::args::ObjectArgs;
use crate::failure::Failure;
use crate::target::Target;
use clap::Args;
use holdall::transfer::{PushOptions, PushReport, Shard, TreeEvent, TreeSummary};
use holdall::{PutOptions, Result};
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Keys are PREFIX/ and the file's path in the folder. Prints the keys that were stored. Files whose
bytes are there already are left as they are, with the attributes that they have. Each file that
fails is reported, the rest go on, and the exit status is 1.

--delete makes the prefix what the folder is, and deletes nothing if the folder is empty, anything
failed, or it would be more than --max-delete. What --include and --exclude leave out stays.

--shard 2/8 pushes the second of eight shares, by a digest of each file's path, so that eight
machines that see the same folder push it together; --delete is then of that share too.
--report FILE says in the end what was done; `holdall report` puts those of all shards together.
--manifest writes manifest.json and SHA256SUMS below the prefix, last and only when nothing
failed; `holdall verify` compares by them, and `sha256sum -c SHA256SUMS` does in a pulled copy.

Examples:
  holdall push results runs/7 --manifest
  holdall push site s3://pages --exclude '*.map' --cache-control max-age=300
  holdall push results runs/7 --include '*.png' --dry-run
  holdall push site s3://pages --delete --max-delete 5%
  holdall push results runs --shard 2/8 --report shard-2.json";

/// Stores all files below a folder
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Push {
    /// The folder
    dir: PathBuf,
    /// Where the files go [default: the top of the store]
    prefix: Option<String>,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    sync: SyncArgs,
    /// Say in the end what the files are, in manifest.json and SHA256SUMS
    #[arg(long)]
    manifest: bool,
    /// Follow symbolic links; else they are skipped and reported
    #[arg(long)]
    follow_symlinks: bool,
    /// Only this share of the folder, such as 2/8; other machines push the others
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Write a report to this file, as JSON: as begun at once, and whole in the end
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    object: ObjectArgs,
}

impl Push {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        app.override_settings(self.object.overrides());
        let store = app.store(&target)?;
        let mut printer = Printer::new(app, Direction::Push, &self.sync);
        let options = PushOptions {
            filter: self.filter.filter()?,
            shard: self.shard,
            dry_run: self.filter.dry_run,
            follow_symlinks: self.follow_symlinks,
            compare: self.sync.compare(),
            delete: self.sync.delete(),
            manifest: self.manifest,
            put: PutOptions { progress: printer.progress(), ..self.object.to_options() },
        };
        let mut report = match &self.report {
            Some(file) => {
                Some(Reporting::begin(file, PushReport::begin(&store, &self.dir, &target.key, &options))?)
            }
            None => None,
        };
        let mut on_event = |event: TreeEvent| {
            if let Some(report) = &mut report {
                report.report.add(&event);
            }
            printer.event(&event);
        };
        let pushed = store.push(&self.dir, &target.key, &options, &mut on_event).await;
        let written = report.map_or(Ok(()), |report| report.end(&pushed));
        if let Err(error) = &written {
            printer.error(error);
        }
        let summary = pushed?;
        printer.finish(&summary, options.dry_run)?;
        written.map_err(|_| Failure::Reported)
    }
}

/// The report of a push under way, and its file.
struct Reporting<'a> {
    file: &'a Path,
    report: PushReport,
}

impl<'a> Reporting<'a> {
    /// Writes it as begun: what cannot be written is known before the work, and a report of before is gone.
    fn begin(file: &'a Path, report: PushReport) -> Result<Self> {
        report.write(file)?;
        Ok(Self { file, report })
    }

    fn end(mut self, pushed: &Result<TreeSummary>) -> Result<()> {
        self.report.end(pushed);
        self.report.write(self.file)
    }
}
