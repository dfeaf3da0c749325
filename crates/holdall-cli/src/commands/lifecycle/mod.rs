//! `holdall lifecycle`, a file for each of its commands.

mod lines;
mod plan;
mod push;
mod sweep;

use super::Outcome;
use crate::app::App;
use clap::{Args, Subcommand};
use holdall::Error;
use holdall::retention::Policy;
use std::path::{Path, PathBuf};

const AFTER: &str = "\
A policy is a TOML file of rules:

  [[rule]]
  name = \"frames\"
  prefix = \"media/\"
  glob = \"**/partial_movie_files/**\"
  expire_after = \"7d\"

Besides a rule may have tags, keep_last, expire_noncurrent_after with keep_noncurrent,
abort_uploads_after, and transition_after with storage_class.

Examples:
  holdall lifecycle plan --policy policy.toml
  holdall lifecycle sweep --policy policy.toml
  holdall lifecycle push --policy policy.toml --apply";

/// Lets objects, old versions and uploads go by the rules of a policy
#[derive(Debug, Args)]
#[command(after_help = AFTER, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Lifecycle {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Plan),
    Sweep(sweep::Sweep),
    Push(push::Push),
}

impl Lifecycle {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        match self.command {
            Command::Plan(command) => command.run(app).await,
            Command::Sweep(command) => command.run(app).await,
            Command::Push(command) => command.run(app).await,
        }
    }
}

/// Where a policy is.
#[derive(Debug, Args)]
struct PolicyFile {
    /// The policy, a TOML file
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
}

fn read(path: &Path) -> Result<Policy, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::io("the policy cannot be read", e).with_fact("path", path.display()))?;
    Policy::parse(&text).map_err(|e| e.with_fact("path", path.display()))
}
