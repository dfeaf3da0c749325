//! `holdall push`

use super::Outcome;
use super::tree::{Direction, FilterArgs, Printer, SyncArgs};
use crate::app::App;
use crate::args::ObjectArgs;
use crate::target::Target;
use clap::Args;
use holdall::PutOptions;
use holdall::transfer::PushOptions;
use std::path::PathBuf;

const AFTER: &str = "\
Keys are PREFIX/ and the file's path in the folder. Prints the keys that were stored. Files whose
bytes are there already are left as they are, with the attributes that they have. Each file that
fails is reported, the rest go on, and the exit status is 1.

--delete makes the prefix what the folder is, and deletes nothing if the folder is empty, anything
failed, or it would be more than --max-delete. What --include and --exclude leave out stays.

--manifest writes manifest.json and SHA256SUMS below the prefix, last and only when nothing
failed; `holdall verify` compares by them, and `sha256sum -c SHA256SUMS` does in a pulled copy.

Examples:
  holdall push results runs/7 --manifest
  holdall push site s3://pages --exclude '*.map' --cache-control max-age=300
  holdall push results runs/7 --include '*.png' --dry-run
  holdall push site s3://pages --delete --max-delete 5%";

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
            dry_run: self.filter.dry_run,
            follow_symlinks: self.follow_symlinks,
            compare: self.sync.compare(),
            delete: self.sync.delete(),
            manifest: self.manifest,
            put: PutOptions { progress: printer.progress(), ..self.object.to_options() },
        };
        let summary =
            store.push(&self.dir, &target.key, &options, &mut |event| printer.event(&event)).await?;
        printer.finish(&summary, options.dry_run)
    }
}
