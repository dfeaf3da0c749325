//! `holdall cp`

use super::route::Route;
use super::{Outcome, put};
use crate::app::App;
use crate::progress::{Showing, What};
use clap::Args;
use holdall::WriteCondition;

const AFTER: &str = "\
Within one bucket the server copies. Between two the bytes are streamed through, content
headers and user metadata go along, and tags do not.

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
        let copied = route.copy(None, self.how.condition(), showing.progress()).await?;
        drop(showing);
        put::print(&copied.receipt, app)?;
        if route.inside && !copied.by_the_store {
            app.report.summary(
                "note: the server decides no condition on a copy, so the bytes were streamed, without tags",
            );
        }
        Ok(())
    }
}
