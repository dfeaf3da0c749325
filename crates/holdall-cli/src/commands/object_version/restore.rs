//! `holdall object-version restore`

use super::Outcome;
use crate::app::App;
use crate::commands::put;
use crate::target::Target;
use clap::Args;
use holdall::telemetry;

const AFTER: &str = "\
The object is a copy of the version, with all that it carries, and a version of its own; those
between stay.

Examples:
  holdall object-version restore runs/7/report.pdf 3HL4kqtJvjVBH40Nrjfkd";

/// Makes a version what its key has
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Restore {
    /// The key
    key: String,
    /// The version, as `object-version ls` names it
    #[arg(allow_hyphen_values = true)]
    version: String,
}

impl Restore {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let receipt = app.store(&target)?.restore_version(&target.key, &self.version).await?;
        put::print(&receipt, telemetry::Outcome::Copied, app)
    }
}
