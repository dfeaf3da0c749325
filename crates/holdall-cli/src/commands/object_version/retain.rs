//! `holdall object-version retain`

use super::Outcome;
use crate::app::App;
use crate::args::{VersionArg, moment};
use crate::target::Target;
use crate::text::Moment;
use clap::{Args, ValueEnum};
use holdall::{Retention, RetentionMode};
use serde::Serialize;
use std::time::SystemTime;

const AFTER: &str = "\
Until the moment nobody deletes the version; a delete of the key marks it as deleted all the
same. It takes a bucket that was made for it: `holdall bucket create --object-lock`.

governance: who has the right s3:BypassGovernanceRetention may delete it all the same, or retain
it for shorter, by --bypass-governance. compliance: nobody may, whatever happens.

Examples:
  holdall object-version retain evidence/scan.pdf
  holdall object-version retain evidence/scan.pdf --until 2033-01-01 --mode governance";

/// Says until when a version is kept from being deleted, or keeps it
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Retain {
    /// The key
    key: String,
    /// A day or a moment, in UTC unless it says otherwise, such as 2033-01-01T12:00:00
    #[arg(long, value_name = "TIME", value_parser = moment, requires = "mode")]
    until: Option<SystemTime>,
    /// Who may delete it before
    #[arg(long, value_enum, requires = "until")]
    mode: Option<Mode>,
    /// Also for shorter than it is retained in governance mode
    #[arg(long, requires = "until")]
    bypass_governance: bool,
    #[command(flatten)]
    version: VersionArg,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    Governance,
    Compliance,
}

#[derive(Serialize)]
struct RetentionRecord<'a> {
    key: &'a str,
    version: Option<&'a str>,
    mode: Option<&'a str>,
    until: Option<String>,
}

impl Retain {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(&self.key)?;
        let (store, version) = (app.store(&target)?, self.version.name());
        if let Some(retention) = self.wanted() {
            store.retain(&target.key, version, retention, self.bypass_governance).await?;
        }
        let retention = store.retention(&target.key, version).await?;
        let (mode, until) = retention.map(|told| (word(told.mode), Moment(told.until).to_string())).unzip();
        if app.globals.json {
            return Ok(app.out.json(&RetentionRecord { key: &target.key, version, mode, until })?);
        }
        let told = mode.zip(until).map(|(mode, until)| format!("{mode} until {until}"));
        Ok(app.out.name(told.as_deref().unwrap_or("none"))?)
    }

    fn wanted(&self) -> Option<Retention> {
        let mode = match self.mode? {
            Mode::Governance => RetentionMode::Governance,
            Mode::Compliance => RetentionMode::Compliance,
        };
        Some(Retention { mode, until: self.until? })
    }
}

fn word(mode: RetentionMode) -> &'static str {
    match mode {
        RetentionMode::Governance => "governance",
        RetentionMode::Compliance => "compliance",
    }
}
