//! `holdall expire sweep`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::text::{self, Moment, count};
use clap::Args;
use holdall::{SweepEvent, SweepOptions, Swept, parse_time};
use serde::Serialize;
use std::time::Duration;

const AFTER: &str = "\
Prints each object's key, and of a step of a session that of its marker. Each is looked at right
before it is deleted; one whose moment was moved meanwhile stays. Several may sweep at once, and
one that was cut off is run again.

Examples:
  holdall expire sweep --dry-run
  holdall expire sweep --grace 1d";

/// Deletes the objects and the steps that have expired
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
        sweep(&SweepOptions { grace: self.grace, dry_run: self.dry_run }, app).await
    }
}

/// Sweeps what has expired in the current store, steps and objects, and prints it.
pub(in crate::commands) async fn sweep(options: &SweepOptions, app: &mut App) -> Outcome {
    let settings = app.settings(None)?;
    let store = app.store_at(None)?;
    let mut events = Vec::new();
    let tell = &mut |event| events.push(event);
    let swept = Box::pin(holdall::sweep(&store, &settings, options, tell)).await;
    for event in &events {
        print(event, options.dry_run, app)?;
    }
    let swept = swept?;
    app.report.summary(&in_words(&swept, options.dry_run));
    if swept.failed() > 0 { Err(Failure::Reported) } else { Ok(()) }
}

fn in_words(Swept { steps, objects, .. }: &Swept, dry_run: bool) -> String {
    let verb = if dry_run { "would delete" } else { "deleted" };
    let mut text = format!("{verb} {}", count(objects.deleted, "object"));
    if steps.deleted > 0 {
        text += &format!(" and {}", count(steps.deleted, "step"));
    }
    text += &format!(", {}", text::bytes(objects.bytes + steps.bytes));
    match objects.failed + steps.failed {
        0 => text,
        failed => text + &format!(", {failed} failed"),
    }
}

fn print(event: &SweepEvent, dry_run: bool, app: &mut App) -> Outcome {
    match event {
        SweepEvent::Deleted { key, size, expired } if app.globals.json => {
            let (key, expired) = (key.as_str(), Moment(*expired).to_string());
            app.out.json(&SweptRecord { key, size: *size, expired, deleted: !dry_run })?;
        }
        SweepEvent::Deleted { key, .. } => app.out.name(key.as_str())?,
        SweepEvent::Failed { key, error } => app.report.error(error, Some(key.as_str())),
        _ => {}
    }
    Ok(())
}
