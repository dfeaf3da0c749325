//! `holdall expire clear`

use super::{Outcome, below};
use crate::app::App;
use crate::commands::put;
use crate::target::Target;
use clap::Args;
use holdall::telemetry;

const AFTER: &str = "\
Examples:
  holdall expire clear runs/7/draft.pdf
  holdall expire clear runs/7/ --recursive";

/// Lets an object that was to expire stay, or all below a prefix
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Clear {
    /// The key, or the prefix
    key: String,
    /// All objects whose key begins so
    #[arg(long, short)]
    recursive: bool,
}

impl Clear {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        if self.recursive {
            return below::run(&target, None, app).await;
        }
        let receipt = app.store(&target)?.set_expiration(&target.key, None).await?;
        put::print(&receipt, telemetry::Outcome::Copied, app)
    }
}
