//! `holdall lifecycle plan`

use super::lines::{Lines, in_words};
use super::{Outcome, PolicyFile, read};
use crate::app::App;
use crate::failure::Failure;
use clap::Args;
use holdall::parse_time;
use holdall::retention::LifecycleOptions;
use std::time::Duration;

const AFTER: &str = "\
A line has the bytes, what becomes of them, the rule and the key. Nothing is changed.

Examples:
  holdall lifecycle plan --policy policy.toml
  holdall lifecycle plan --policy policy.toml --json";

/// Says what is due by a policy, and how many bytes
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Plan {
    #[command(flatten)]
    file: PolicyFile,
    /// Only what was due so long ago, since clocks differ
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    grace: Duration,
}

impl Plan {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let policy = read(&self.file.policy)?;
        let options = LifecycleOptions { grace: self.grace, ..LifecycleOptions::default() };
        let store = app.store_at(None)?;
        let mut lines = Lines::new(app, false);
        let planned = store.plan_lifecycle(&policy, &options, &mut |event| lines.add(&event)).await;
        lines.finish()?;
        let planned = planned?;
        if app.globals.json {
            super::lines::total(&planned, app)?;
        }
        app.report.summary(&in_words(true, &planned));
        if planned.everything {
            app.report.summary("it is every object of the store: a sweep needs --yes-delete-all");
        }
        if planned.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}
