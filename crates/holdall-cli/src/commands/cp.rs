//! `holdall cp`

use super::route::Route;
use super::{Outcome, put};
use crate::app::App;
use crate::progress::{Showing, What};
use clap::Args;
use holdall::{CopyOptions, WriteCondition, telemetry};

const AFTER: &str = "\
At one service the server copies, objects beyond 5 GiB in parts. Between two stores of other
kinds the bytes are streamed through. Content headers, user metadata and tags go along; where
tags cannot be read or kept, that is said.

Examples:
  holdall cp runs/7/report.pdf published/
  holdall cp s3://results/a.bin s3://archive/2024/a.bin";

/// Copies an object
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Cp {
    /// The key to copy
    source: String,
    /// The copy's key, or PREFIX/ to which the last name is appended
    #[arg(value_name = "KEY|PREFIX/")]
    destination: String,
    #[command(flatten)]
    how: HowArgs,
}

/// How an object is copied or moved.
#[derive(Debug, Args)]
pub(super) struct HowArgs {
    /// Only where no object has the key
    #[arg(long)]
    create_only: bool,
    /// Print what would be done and do nothing
    #[arg(long)]
    pub(super) dry_run: bool,
}

impl HowArgs {
    pub(super) fn condition(&self) -> WriteCondition {
        if self.create_only { WriteCondition::Absent } else { WriteCondition::Always }
    }
}

impl Cp {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let route = Route::parse(&self.source, &self.destination, app)?;
        if self.how.dry_run {
            let object = route.from.store.head(&route.from.key).await?;
            return Ok(route.print_plan(&object, "copy", app)?);
        }
        let showing = Showing::start(&app.globals, What::One(self.source));
        let options = CopyOptions {
            condition: self.how.condition(),
            progress: showing.progress(),
            ..CopyOptions::default()
        };
        let Route { from, to } = &route;
        let copied = from.store.copy_to(&from.key, &to.store, &to.key, &options).await?;
        drop(showing);
        put::print(&copied.receipt, telemetry::Outcome::Copied, app)?;
        if !copied.tags_kept {
            app.report.summary("note: tags, if the source had any, did not go along");
        }
        Ok(())
    }
}
