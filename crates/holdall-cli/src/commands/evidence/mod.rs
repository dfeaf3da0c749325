//! `holdall evidence`, a file for each of its commands.

mod adopt;
mod attach;
mod attachments;
mod get;
mod ls;
mod rm;
mod share;
mod store;
mod stored;
mod verify;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand, ValueEnum};
use holdall::evidence::{Evidence as Collection, Exclusive};
use holdall::{Error, ErrorKind};
use std::io::Read;

const AFTER: &str = "\
A decision has one bundle, whatever its type and month, and it is not replaced unless that is
asked for. Bundles lie below evidence/, attachments below attachments/, unless the setting roots
says otherwise.

Examples:
  holdall evidence store d-117 --type risk scores.json
  holdall evidence get d-117
  holdall evidence attach d-117 scan.pdf
  holdall evidence ls --type risk --year 2026
  holdall evidence verify";

/// Keeps evidence of decisions, with attachments
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Evidence {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Store(store::Store),
    Get(get::Get),
    Ls(ls::Ls),
    Attach(attach::Attach),
    Attachments(attachments::Attachments),
    Verify(verify::Verify),
    Share(share::Share),
    Rm(rm::Rm),
    Adopt(adopt::Adopt),
}

impl Evidence {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Store(command) => command.run(app).await,
            Command::Get(command) => command.run(app).await,
            Command::Ls(command) => command.run(app).await,
            Command::Attach(command) => command.run(app).await,
            Command::Attachments(command) => command.run(app).await,
            Command::Verify(command) => command.run(app).await,
            Command::Share(command) => command.run(app).await,
            Command::Rm(command) => command.run(app).await,
            Command::Adopt(command) => command.run(app).await,
        }
    }
}

/// The evidence in the current store.
fn open(app: &mut App) -> Result<Collection, Error> {
    let store = app.store_at(None)?;
    Collection::open(&store, store.settings())
}

/// What is demanded of a store that cannot decide who is first.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum ExclusiveArg {
    /// Refuse it
    #[default]
    Required,
    /// Look first and then write; the output says so
    BestEffort,
}

impl From<ExclusiveArg> for Exclusive {
    fn from(arg: ExclusiveArg) -> Self {
        match arg {
            ExclusiveArg::Required => Self::Required,
            ExclusiveArg::BestEffort => Self::BestEffort,
        }
    }
}

/// Reads a file, or standard input, up to a bound.
fn read(file: &str, bound: u64) -> Result<Vec<u8>, Error> {
    let failed = |error| Error::io("the file cannot be read", error).with_fact("path", file);
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> = match file {
        "-" => Box::new(std::io::stdin().lock()),
        path => Box::new(std::fs::File::open(path).map_err(failed)?),
    };
    reader.take(bound + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > bound {
        return Err(Error::new(ErrorKind::InvalidInput, "the file is too large for a bundle")
            .with_fact("path", file)
            .with_fact("limit", bound)
            .with_hint("attach what is large (`holdall evidence attach`)"));
    }
    Ok(bytes)
}
