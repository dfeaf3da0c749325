//! `holdall tag rm`

use super::{Outcome, print};
use crate::app::App;
use crate::target::Target;
use clap::Args;

const AFTER: &str = "\
Prints the tags that are left. That the object has no tag of a name is no error.

Examples:
  holdall tag rm runs/7/partial.mp4 keep
  holdall tag rm runs/7/partial.mp4 --all";

/// Removes tags of an object by their names, or all
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Rm {
    /// The key
    key: String,
    /// Names of tags
    #[arg(value_name = "NAME", required_unless_present = "all", conflicts_with = "all")]
    names: Vec<String>,
    /// Remove all tags
    #[arg(long)]
    all: bool,
}

impl Rm {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let store = app.store(&target)?;
        let left = if self.all {
            store.set_tags(&target.key, &[]).await?;
            Vec::new()
        } else {
            store.remove_tags(&target.key, &self.names).await?
        };
        print(&target.key, left, app)
    }
}
