//! `holdall expire`, a file for each of its commands.

mod below;
mod clear;
mod set;
mod sweep;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
pub(super) use sweep::sweep;

const AFTER: &str = "\
An object that has expired is not found from that moment on; a sweep deletes it. `stat` says
when an object expires. Steps of sessions expire by `session expire`.

Examples:
  holdall expire set runs/7/draft.pdf --after 30d
  holdall expire set runs/7/ --recursive --at 2030-01-01T00:00:00Z
  holdall expire clear runs/7/draft.pdf
  holdall expire sweep";

/// Lets objects expire, and deletes those that have
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Expire {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Set(set::Set),
    Clear(clear::Clear),
    Sweep(sweep::Sweep),
}

impl Expire {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Set(command) => command.run(app).await,
            Command::Clear(command) => command.run(app).await,
            Command::Sweep(command) => command.run(app).await,
        }
    }
}
