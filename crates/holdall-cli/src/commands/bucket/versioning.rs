//! `holdall bucket versioning`

use super::{Outcome, Which};
use crate::app::App;
use clap::{Args, ValueEnum};
use holdall::Versioning;
use serde::Serialize;

const AFTER: &str = "\
With versions what is replaced or deleted stays, and can be brought back: see
`holdall object-version`. They take room until they are deleted. Suspended, no more are kept,
and those that there are stay; it is never off again.

Examples:
  holdall bucket versioning
  holdall bucket versioning s3://results --set enabled
  holdall bucket versioning file:///var/bag --set suspended";

/// Says whether versions of objects are kept, or has them kept
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct KeepVersions {
    #[command(flatten)]
    which: Which,
    /// Keep versions from now on, or no more of them
    #[arg(long, value_name = "STATE", value_enum)]
    set: Option<Wanted>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Wanted {
    Enabled,
    Suspended,
}

#[derive(Serialize)]
struct VersioningRecord {
    location: String,
    versioning: &'static str,
}

impl KeepVersions {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let bucket = self.which.open(app)?;
        if let Some(wanted) = self.set {
            let wanted = match wanted {
                Wanted::Enabled => Versioning::Enabled,
                Wanted::Suspended => Versioning::Suspended,
            };
            bucket.set_versioning(wanted).await?;
        }
        let versioning = match bucket.versioning().await? {
            Versioning::Off => "off",
            Versioning::Enabled => "enabled",
            Versioning::Suspended => "suspended",
        };
        if app.globals.json {
            return Ok(app.out.json(&VersioningRecord { location: bucket.location(), versioning })?);
        }
        Ok(app.out.name(versioning)?)
    }
}
