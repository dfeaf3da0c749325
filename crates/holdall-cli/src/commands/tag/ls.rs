//! `holdall tag ls`

use super::{Outcome, print};
use crate::app::App;
use crate::target::Target;
use clap::Args;

const AFTER: &str = "\
Examples:
  holdall tag ls runs/7/partial.mp4
  holdall tag ls runs/7/partial.mp4 --json";

/// Lists the tags of an object, as name=value
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ls {
    /// The key
    key: String,
}

impl Ls {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let tags = app.store(&target)?.tags(&target.key).await?;
        print(&target.key, tags, app)
    }
}
