//! `holdall lifecycle sweep`

use super::lines::{Lines, in_words, total};
use super::{Outcome, read};
use crate::app::App;
use crate::commands::expire;
use crate::failure::Failure;
use clap::Args;
use holdall::retention::{LifecycleOptions, Policy};
use holdall::{SweepOptions, parse_time};
use std::path::PathBuf;
use std::time::Duration;

const AFTER: &str = "\
First what has expired by a moment of its own goes, as by `holdall expire sweep`, then what is
due by the policy, if one is given. Each object is looked at right before; what was replaced
meanwhile stays. Several may sweep at once, and one that was cut off is run again.

Examples:
  holdall lifecycle sweep --policy policy.toml
  holdall lifecycle sweep --policy policy.toml --concurrency 4";

/// Deletes what has expired, and what is due by a policy
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Sweep {
    /// The policy, a TOML file
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Only what was due so long ago, since clocks differ
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    grace: Duration,
    /// Sweep although the policy would delete every object of the store
    #[arg(long, requires = "policy")]
    yes_delete_all: bool,
}

impl Sweep {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        // A policy that cannot be read is found out before anything goes.
        let policy = self.policy.as_deref().map(read).transpose()?;
        let options = SweepOptions { grace: self.grace, dry_run: false };
        let expired = expire::sweep(&options, app).await;
        let swept = match (&expired, &policy) {
            (Ok(()) | Err(Failure::Reported), Some(policy)) => self.by(policy, app).await,
            _ => Ok(()),
        };
        // An error of the second outranks failures of the first, which are told already.
        swept.and(expired)
    }

    async fn by(&self, policy: &Policy, app: &mut App) -> Outcome {
        let allow_everything = self.yes_delete_all;
        let options = LifecycleOptions { grace: self.grace, allow_everything, now: None };
        let store = app.store_at(None)?;
        let mut lines = Lines::new(app, true);
        let swept = store.sweep_lifecycle(policy, &options, &mut |event| lines.add(&event)).await;
        lines.finish()?;
        let swept = swept?;
        if app.globals.json {
            total(&swept, app)?;
        }
        app.report.summary(&in_words(false, &swept));
        if swept.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}
