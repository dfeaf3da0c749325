//! `holdall session`, a file for each of its commands.

mod adopt;
mod expire;
mod export;
mod get;
mod ls;
mod records;
mod rm;
mod show;
mod steps;
mod store;
mod verify;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
use holdall::Result;
use holdall::session::Sessions;

const AFTER: &str = "\
A session has steps, and a step has parts: HTML, a screenshot, an action, and others by name. A
step is there whole or not at all. Where the store is on S3 and cannot be reached, a step is kept
on this machine and sent later, unless on_remote_error says otherwise.

Examples:
  holdall session store run-7 0001 --html page.html --screenshot page.png --action '{\"click\": 1}'
  holdall session steps run-7
  holdall session get run-7 0001 html
  holdall session rm run-7";

/// Keeps the steps of agents, by session
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Session {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Store(store::Store),
    Show(show::Show),
    Ls(ls::Ls),
    Steps(steps::Steps),
    Get(get::Get),
    Rm(rm::Rm),
    Expire(expire::Expire),
    Export(export::Export),
    Adopt(adopt::Adopt),
    Verify(verify::Verify),
}

impl Session {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Store(command) => command.run(app).await,
            Command::Show(command) => command.run(app).await,
            Command::Ls(command) => command.run(app).await,
            Command::Steps(command) => command.run(app).await,
            Command::Get(command) => command.run(app).await,
            Command::Rm(command) => command.run(app).await,
            Command::Expire(command) => command.run(app).await,
            Command::Export(command) => command.run(app).await,
            Command::Adopt(command) => command.run(app).await,
            Command::Verify(command) => command.run(app).await,
        }
    }
}

/// The sessions of the current store, with an outbox unless the settings say otherwise.
fn open(app: &mut App) -> Result<Sessions> {
    let settings = Sessions::settings_of(app.sources(None)?.resolve()?);
    Sessions::open(&app.store_by(&settings)?, &settings)
}
