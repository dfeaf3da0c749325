//! `holdall object-version rm`

use super::Outcome;
use crate::app::App;
use crate::target::Target;
use clap::Args;
use holdall::DeleteOptions;
use serde::Serialize;

const AFTER: &str = "\
Without its latest version a key has the one before, and without the mark of its deletion an
object is back. That a version is not there is no error. What is under a legal hold or retained
stays, and the command ends with 6.

Examples:
  holdall object-version rm runs/7/report.pdf 3HL4kqtJvjVBH40Nrjfkd";

/// Deletes a version for good
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Rm {
    /// The key
    key: String,
    /// The version, as `object-version ls` names it
    #[arg(allow_hyphen_values = true)]
    version: String,
    /// Also what is retained in governance mode, where that is allowed
    #[arg(long)]
    bypass_governance: bool,
}

#[derive(Serialize)]
struct DeletedRecord<'a> {
    key: &'a str,
    version: &'a str,
    deleted: bool,
}

impl Rm {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let options = DeleteOptions {
            version: Some(self.version.clone()),
            bypass_governance: self.bypass_governance,
            ..DeleteOptions::default()
        };
        let deleted = app.store(&target)?.delete_with(&target.key, &options).await?;
        if app.globals.json {
            let (key, version) = (target.key.as_str(), self.version.as_str());
            app.out.json(&DeletedRecord { key, version, deleted: deleted.existed != Some(false) })?;
        }
        app.report.summary(match deleted.existed {
            Some(false) => "there was no such version",
            _ => "deleted the version",
        });
        Ok(())
    }
}
