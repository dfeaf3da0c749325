//! `holdall bucket delete`

use super::{Outcome, Which};
use crate::app::App;
use clap::Args;
use serde::Serialize;

const AFTER: &str = "\
Only what is empty is deleted, so nothing is asked. A folder takes its own .holdall/ along.

Examples:
  holdall bucket delete results
  holdall bucket delete file:///var/bag";

/// Deletes an empty bucket, or the empty folder of a store
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Delete {
    #[command(flatten)]
    which: Which,
}

#[derive(Serialize)]
struct DeletedRecord {
    location: String,
    deleted: bool,
}

impl Delete {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let bucket = self.which.open(app)?;
        bucket.delete().await?;
        let location = bucket.location();
        app.report.summary("deleted");
        if app.globals.json {
            return Ok(app.out.json(&DeletedRecord { location, deleted: true })?);
        }
        Ok(app.out.name(&location)?)
    }
}
