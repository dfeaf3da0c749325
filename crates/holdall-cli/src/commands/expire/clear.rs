//! `holdall expire clear`

use super::Outcome;
use crate::app::App;
use crate::commands::put;
use crate::target::Target;
use clap::Args;
use holdall::telemetry;

const AFTER: &str = "\
Examples:
  holdall expire clear runs/7/draft.pdf";

/// Lets an object that was to expire stay
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Clear {
    /// The key
    key: String,
}

impl Clear {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let receipt = app.store(&target)?.set_expiration(&target.key, None).await?;
        put::print(&receipt, telemetry::Outcome::Copied, app)
    }
}
