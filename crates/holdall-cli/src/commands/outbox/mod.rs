//! `holdall outbox`, a file for each of its commands.

mod drain;
mod drop;
mod entries;
mod export;
mod ls;
mod repair;
mod retry;
mod status;
mod verify;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
use holdall::outbox::{Options, Queue};
use holdall::{Error, ErrorKind};

const AFTER: &str = "\
Writes wait in the outbox when the remote store cannot take them, with on_remote_error = outbox
or write = behind. The folder is outbox_dir; `holdall config` shows it.

Examples:
  holdall outbox status
  holdall outbox ls runs/7/
  holdall outbox drain
  holdall outbox retry --all";

/// Shows, sends and mends the writes that wait on this machine
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Outbox {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(ls::Ls),
    Status(status::Status),
    Drain(drain::Drain),
    Verify(verify::Verify),
    Retry(retry::Retry),
    Export(export::Export),
    Repair(repair::Repair),
    Drop(drop::Drop),
}

impl Outbox {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Ls(command) => command.run(app),
            Command::Status(command) => command.run(app),
            Command::Drain(command) => command.run(app).await,
            Command::Verify(command) => command.run(app),
            Command::Retry(command) => command.run(app).await,
            Command::Export(command) => command.run(app),
            Command::Repair(command) => command.run(app).await,
            Command::Drop(command) => command.run(app).await,
        }
    }
}

/// The outbox that the settings name; none where nothing was ever queued.
fn open(app: &App) -> Result<Option<Queue>, Error> {
    Queue::open_existing(Options::of(&app.settings(None)?)?)
}

/// The right to bring the outbox into order.
fn demand_drain(queue: &Queue) -> Result<holdall::outbox::DrainLock, Error> {
    queue.try_drain()?.ok_or_else(|| {
        Error::new(ErrorKind::Conflict, "somebody drains this outbox")
            .with_fact("folder", queue.folder().display())
            .with_hint("try again when it has ended")
    })
}
