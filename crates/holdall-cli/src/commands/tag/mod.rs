//! `holdall tag`, a file for each of its commands.

mod ls;
mod rm;
mod set;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
use serde::Serialize;
use std::collections::BTreeMap;

const AFTER: &str = "\
An object has at most 10 tags. Rules of a bucket's lifecycle may go by them. They belong to the
object: what is put in its place has none, a copy and a move take them along.

Examples:
  holdall tag set runs/7/partial.mp4 keep=short
  holdall tag ls runs/7/partial.mp4
  holdall tag rm runs/7/partial.mp4 keep";

/// Lists, sets and removes tags of an object
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Tag {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Ls(ls::Ls),
    Set(set::Set),
    Rm(rm::Rm),
}

impl Tag {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Ls(command) => command.run(app).await,
            Command::Set(command) => command.run(app).await,
            Command::Rm(command) => command.run(app).await,
        }
    }
}

#[derive(Serialize)]
struct TagsRecord<'a> {
    key: &'a str,
    tags: BTreeMap<String, String>,
}

/// Prints all tags that an object has, by their names.
fn print(key: &str, tags: Vec<(String, String)>, app: &mut App) -> Outcome {
    let tags: BTreeMap<String, String> = tags.into_iter().collect();
    if app.globals.json {
        return Ok(app.out.json(&TagsRecord { key, tags })?);
    }
    for (name, value) in &tags {
        app.out.name(&format!("{name}={value}"))?;
    }
    Ok(())
}
