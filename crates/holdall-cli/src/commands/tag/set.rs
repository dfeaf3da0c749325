//! `holdall tag set`

use super::{Outcome, print};
use crate::app::App;
use crate::args::pair;
use crate::target::Target;
use clap::Args;

const AFTER: &str = "\
Prints all tags that the object has then. Those of other names stay; they are read and written
back, so that what somebody else changes at that moment is lost. The object stays the one that
it is, with its ETag and version.

Examples:
  holdall tag set runs/7/partial.mp4 keep=short run=7
  holdall tag set runs/7/partial.mp4 keep=long --replace";

/// Sets tags of an object
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Set {
    /// The key
    key: String,
    /// The tags
    #[arg(value_name = "NAME=VALUE", required = true, value_parser = pair)]
    tags: Vec<(String, String)>,
    /// Remove all other tags
    #[arg(long)]
    replace: bool,
}

impl Set {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let store = app.store(&target)?;
        let tags = if self.replace {
            store.set_tags(&target.key, &self.tags).await?;
            self.tags
        } else {
            store.add_tags(&target.key, &self.tags).await?
        };
        print(&target.key, tags, app)
    }
}
