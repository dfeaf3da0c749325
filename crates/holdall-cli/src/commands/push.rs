//! `holdall push`

use super::Outcome;
use super::tree::{Direction, FilterArgs, Printer};
use crate::app::App;
use crate::args::ObjectArgs;
use crate::target::Target;
use clap::Args;
use holdall::PutOptions;
use holdall::transfer::PushOptions;
use std::path::PathBuf;

const AFTER: &str = "\
Keys are PREFIX/ and the file's path in the folder. Prints the keys. Each file that fails is
reported, the rest go on, and the exit status is 1.

Examples:
  holdall push results runs/7
  holdall push site s3://pages --exclude '*.map' --cache-control max-age=300
  holdall push results runs/7 --include '*.png' --dry-run";

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
        let mut printer = Printer::new(app, Direction::Push);
        let options = PushOptions {
            filter: self.filter.filter()?,
            dry_run: self.filter.dry_run,
            follow_symlinks: self.follow_symlinks,
            put: PutOptions { progress: printer.progress(), ..self.object.to_options() },
        };
        let summary =
            store.push(&self.dir, &target.key, &options, &mut |event| printer.event(&event)).await?;
        printer.finish(&summary, options.dry_run)
    }
}
