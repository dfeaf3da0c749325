//! `holdall topic`, a file for each of its commands.

mod adopt;
mod backfill;
mod ls;
mod push;
mod show;
mod urls;
mod watch;

use super::Outcome;
use crate::app::App;
use crate::target::Target;
use clap::{Args, Subcommand};
use holdall::topic::{Claim, Roles, Topics};
use holdall::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

const AFTER: &str = "\
A topic is an output folder with a title. Its files lie at their paths below topics/SLUG/, where
the slug is made of the title, with manifest.json and SHA256SUMS, which are written last. Which
title has a slug is said by topics/SLUG.topic.json: two titles with one slug are an error, with
status 6. `holdall verify topics/SLUG` compares what is there with the manifest.

Examples:
  holdall topic push output --title \"Euler's Formula\"
  holdall topic urls eulers-formula
  holdall topic backfill old-outputs
  holdall topic ls";

/// Keeps output folders: a topic each, by its title
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Topic {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Push(push::Push),
    Watch(watch::Watch),
    Ls(ls::Ls),
    Show(show::Show),
    Urls(urls::Urls),
    Backfill(backfill::Backfill),
    Adopt(adopt::Adopt),
}

impl Topic {
    /// Whether it ends by itself when it is interrupted or terminated.
    pub(super) fn hears_signals(&self) -> bool {
        matches!(self.command, Command::Watch(_))
    }

    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Push(command) => command.run(app).await,
            Command::Watch(command) => command.run(app).await,
            Command::Ls(command) => command.run(app).await,
            Command::Show(command) => command.run(app).await,
            Command::Urls(command) => command.run(app).await,
            Command::Backfill(command) => command.run(app).await,
            Command::Adopt(command) => command.run(app).await,
        }
    }
}

/// The topics of the current store.
fn open(app: &mut App) -> Result<Topics> {
    let store = app.store(&Target { location: None, key: String::new() })?;
    Topics::open(&store, store.settings())
}

/// The title that was given, else the folder's own name.
fn title_of(given: Option<&str>, dir: &Path) -> Result<String> {
    if let Some(title) = given {
        return Ok(title.to_owned());
    }
    let named = |error: Error| error.with_fact("path", dir.display());
    let real = dir.canonicalize().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            named(Error::new(ErrorKind::NotFound, "there is no such folder").with_hint("check the path"))
        }
        _ => named(Error::io("the folder cannot be looked at", e)),
    })?;
    let name = real.file_name().and_then(|name| name.to_str());
    name.map(str::to_owned).ok_or_else(|| {
        named(Error::new(ErrorKind::InvalidInput, "the folder has no name that could be a title"))
            .with_hint("give one by --title")
    })
}

/// Reads the rules that were named, else the usual ones.
fn roles(file: Option<&PathBuf>) -> Result<Roles> {
    file.map_or_else(|| Ok(Roles::default()), |file| Roles::read(file))
}

/// Says what is not as sure as one might think.
fn tell_claim(claim: Claim, slug: &str, app: &App) {
    match claim {
        Claim::BestEffort => app.report.summary(&format!(
            "note: this store cannot keep two titles from claiming {slug} at the same moment"
        )),
        Claim::Queued => app.report.summary(&format!(
            "note: the store is away: whether another title has {slug} is found out when the outbox is drained"
        )),
        _ => {}
    }
}
