//! `holdall expire set`

use super::{Outcome, below};
use crate::app::App;
use crate::args::{from_now, moment};
use crate::commands::put;
use crate::target::Target;
use clap::Args;
use holdall::{parse_time, telemetry};
use std::time::{Duration, SystemTime};

const AFTER: &str = "\
The object is copied onto itself, so that where versions are kept it is another one. With
--recursive KEY is a prefix: prints the key of each object that was given the moment. Run again
with the same moment it goes on with those that lack it.

Examples:
  holdall expire set runs/7/draft.pdf --after 30d
  holdall expire set runs/7/draft.pdf --after 12h --json
  holdall expire set runs/7/ --recursive --at 2030-01-01T00:00:00Z";

/// Lets an object expire, or all below a prefix
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Set {
    /// The key, or the prefix
    key: String,
    /// All objects whose key begins so
    #[arg(long, short)]
    recursive: bool,
    /// From now, such as 30d or 12h
    #[arg(long, value_name = "TIME", value_parser = parse_time, required_unless_present = "at")]
    after: Option<Duration>,
    /// At a moment, such as 2030-01-02T03:04:05Z
    #[arg(long, value_name = "MOMENT", value_parser = moment, conflicts_with = "after")]
    at: Option<SystemTime>,
}

impl Set {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let moment = self.at.unwrap_or_else(|| from_now(self.after.unwrap_or_default()));
        if self.recursive {
            return below::run(&target, Some(moment), app).await;
        }
        let receipt = app.store(&target)?.set_expiration(&target.key, Some(moment)).await?;
        put::print(&receipt, telemetry::Outcome::Copied, app)
    }
}
