//! `holdall bucket create`

use super::{Outcome, Which};
use crate::app::App;
use clap::Args;
use serde::Serialize;

const AFTER: &str = "\
Examples:
  holdall bucket create results
  holdall bucket create --if-missing
  holdall bucket create file:///var/bag";

/// Makes a bucket, or the folder of a store
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Create {
    #[command(flatten)]
    which: Which,
    /// One that is there already is good as it is
    #[arg(long)]
    if_missing: bool,
}

#[derive(Serialize)]
struct CreatedRecord {
    location: String,
    created: bool,
}

impl Create {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let bucket = self.which.open(app)?;
        let created = if self.if_missing {
            bucket.create_if_missing().await?
        } else {
            bucket.create().await?;
            true
        };
        let location = bucket.location();
        app.report.summary(if created { "created" } else { "it was there already" });
        if app.globals.json {
            return Ok(app.out.json(&CreatedRecord { location, created })?);
        }
        Ok(app.out.name(&location)?)
    }
}
