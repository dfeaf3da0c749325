//! `holdall pull`

use super::Outcome;
use super::tree::{Direction, FilterArgs, Printer, SyncArgs};
use crate::app::App;
use crate::target::Target;
use clap::Args;
use holdall::transfer::PullOptions;
use std::path::PathBuf;

const AFTER: &str = "\
Files are DIR/ and what follows PREFIX/ in the key. Prints the paths that were written. Objects
whose bytes are there already are not fetched. Each object that fails is reported, the rest go
on, and the exit status is 1. Large files that were cut off go on when the same pull is run again.

--delete makes the folder what the prefix is, and deletes nothing if the prefix is empty, anything
failed, or it would be more than --max-delete. What --include and --exclude leave out stays, and
so do symbolic links.

Examples:
  holdall pull runs/7 results
  holdall pull s3://results/runs/7 --include '**/*.png' --dry-run
  holdall pull runs/7 results --delete --max-delete 20";

/// Writes all objects below a prefix to a folder
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Pull {
    /// The folder of the store: `a` means all keys that begin with `a/`
    prefix: String,
    /// The folder to write to
    #[arg(default_value = ".")]
    dir: PathBuf,
    #[command(flatten)]
    filter: FilterArgs,
    #[command(flatten)]
    sync: SyncArgs,
}

impl Pull {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.prefix)?;
        let store = app.store(&target)?;
        let mut printer = Printer::new(app, Direction::Pull, &self.sync);
        let options = PullOptions {
            filter: self.filter.filter()?,
            dry_run: self.filter.dry_run,
            compare: self.sync.compare(),
            delete: self.sync.delete(),
            progress: printer.progress(),
        };
        let summary =
            store.pull(&target.key, &self.dir, &options, &mut |event| printer.event(&event)).await?;
        printer.finish(&summary, options.dry_run)
    }
}
