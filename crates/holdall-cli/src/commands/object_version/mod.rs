//! `holdall object-version`, a file for each of its commands.

mod ls;
mod restore;
mod rm;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};

const AFTER: &str = "\
Versions are kept where `holdall bucket versioning` says enabled. `get`, `cat` and `stat` take
a version's name with --version-id.

Examples:
  holdall object-version ls runs/7/
  holdall object-version restore runs/7/report.pdf 3HL4kqtJvjVBH40Nrjfkd
  holdall object-version rm runs/7/report.pdf 3HL4kqtJvjVBH40Nrjfkd";

/// Lists, restores and deletes versions of objects
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
}

impl ObjectVersion {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Ls(command) => command.run(app).await,
            Command::Restore(command) => command.run(app).await,
            Command::Rm(command) => command.run(app).await,
        }
    }
}
