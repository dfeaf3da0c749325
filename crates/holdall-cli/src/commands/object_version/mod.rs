//! `holdall object-version`, a file for each of its commands.

mod hold;
mod ls;
mod restore;
mod retain;
mod rm;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};

const AFTER: &str = "\
Versions are kept where `holdall bucket versioning` says enabled. `get`, `cat` and `stat` take
a version's name with --version-id. In a bucket that was made for it `hold` and `retain` keep
versions from being deleted.

Examples:
  holdall object-version ls runs/7/
  holdall object-version restore runs/7/report.pdf 3HL4kqtJvjVBH40Nrjfkd
  holdall object-version rm runs/7/report.pdf 3HL4kqtJvjVBH40Nrjfkd
  holdall object-version hold runs/7/report.pdf on";

/// Lists, restores, locks and deletes versions of objects
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct ObjectVersion {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(ls::Ls),
    Restore(restore::Restore),
    Rm(rm::Rm),
    Hold(hold::Hold),
    Retain(retain::Retain),
}

impl ObjectVersion {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Ls(command) => command.run(app).await,
            Command::Restore(command) => command.run(app).await,
            Command::Rm(command) => command.run(app).await,
            Command::Hold(command) => command.run(app).await,
            Command::Retain(command) => command.run(app).await,
        }
    }
}
