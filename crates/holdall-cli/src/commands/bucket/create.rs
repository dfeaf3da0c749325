//! `holdall bucket create`

use super::{Outcome, Which};
use crate::app::App;
use clap::Args;
use holdall::Error;
use holdall::bucket::Bucket;
use serde::Serialize;

const AFTER: &str = "\
With --object-lock versions are kept, for ever, and may be locked: see `holdall object-version
hold` and `retain`. A bucket that is there cannot be made such a one here.

Examples:
  holdall bucket create results
  holdall bucket create --if-missing
  holdall bucket create evidence --object-lock
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
    /// So that its objects can be put under a legal hold, and retained
    #[arg(long)]
    object_lock: bool,
}

#[derive(Serialize)]
struct CreatedRecord {
    location: String,
    created: bool,
}

impl Create {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let bucket = self.which.open(app)?;
        let created = self.create(&bucket).await?;
        let location = bucket.location();
        app.report.summary(if created { "created" } else { "it was there already" });
        if app.globals.json {
            return Ok(app.out.json(&CreatedRecord { location, created })?);
        }
        Ok(app.out.name(&location)?)
    }

    /// Answers whether it was not there.
    async fn create(&self, bucket: &Bucket) -> Result<bool, Error> {
        match (self.if_missing, self.object_lock) {
            (true, false) => return bucket.create_if_missing().await,
            (true, true) if bucket.exists().await? => {
                bucket.demand_locks().await?;
                return Ok(false);
            }
            (_, true) => bucket.create_locking().await?,
            (false, false) => bucket.create().await?,
        }
        Ok(true)
    }
}
