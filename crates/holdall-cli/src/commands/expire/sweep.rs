//! `holdall expire sweep`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::text::{self, Moment, count};
use clap::Args;
use holdall::{SweepEvent, SweepOptions, parse_time};
use serde::Serialize;
use std::time::Duration;

const AFTER: &str = "\
Prints each object's key. Each is looked at right before it is deleted; one whose moment was
moved meanwhile stays. Several may sweep at once, and one that was cut off is run again.

Examples:
  holdall expire sweep --dry-run
  holdall expire sweep --grace 1d";

/// Deletes the objects that have expired
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Sweep {
    /// Only what expired so long ago, since clocks differ
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = parse_time)]
    grace: Duration,
    /// Print what would be deleted and delete nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct SweptRecord<'a> {
    key: &'a str,
    size: u64,
    expired: String,
    deleted: bool,
}

impl Sweep {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let store = app.store_at(None)?;
        let options = SweepOptions { grace: self.grace, dry_run: self.dry_run };
        let mut events = Vec::new();
        let swept = store.sweep(&options, &mut |event| events.push(event)).await;
        for event in &events {
            self.print(event, app)?;
        }
        let swept = swept?;
        let verb = if self.dry_run { "would delete" } else { "deleted" };
        let failed = if swept.failed > 0 { format!(", {} failed", swept.failed) } else { String::new() };
        let (objects, bytes) = (count(swept.deleted, "object"), text::bytes(swept.bytes));
        app.report.summary(&format!("{verb} {objects}, {bytes}{failed}"));
        if swept.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }

    fn print(&self, event: &SweepEvent, app: &mut App) -> Outcome {
        match event {
            SweepEvent::Deleted { key, size, expired } if app.globals.json => {
                let (key, expired) = (key.as_str(), Moment(*expired).to_string());
                app.out.json(&SweptRecord { key, size: *size, expired, deleted: !self.dry_run })?;
            }
            SweepEvent::Deleted { key, .. } => app.out.name(key.as_str())?,
            SweepEvent::Failed { key, error } => app.report.error(error, Some(key.as_str())),
            _ => {}
        }
        Ok(())
    }
}
