//! `holdall expire set`

use super::Outcome;
use crate::app::App;
use crate::commands::put;
use crate::target::Target;
use clap::Args;
use holdall::{parse_time, telemetry};
use std::time::{Duration, SystemTime};

const AFTER: &str = "\
The object is copied onto itself, so that where versions are kept it is another one.

Examples:
  holdall expire set runs/7/draft.pdf --after 30d
  holdall expire set runs/7/draft.pdf --after 12h --json";

/// Lets an object expire after a time from now
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Set {
    /// The key
    key: String,
    /// From now, such as 30d or 12h
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    after: Duration,
}

impl Set {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let moment = SystemTime::now() + self.after;
        let receipt = app.store(&target)?.set_expiration(&target.key, Some(moment)).await?;
        put::print(&receipt, telemetry::Outcome::Copied, app)
    }
}
