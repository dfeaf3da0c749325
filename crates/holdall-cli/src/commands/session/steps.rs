//! `holdall session steps`

use super::records::{StepRecord, exactly};
use crate::app::App;
use crate::args::moment;
use crate::commands::Outcome;
use crate::output::Output;
use crate::text::escaped;
use clap::Args;
use holdall::SessionId;
use holdall::session::{StepEntry, StepsOptions};
use serde::Serialize;
use std::io::{self, Write};
use std::time::SystemTime;

const AFTER: &str = "\
Prints the time and the name of each step. The latest take a request or two, however many there
are. Without --check a step may be listed that somebody was killed in storing or deleting;
with it each marker is read, and --json has all that it says.

Examples:
  holdall session steps run-7 --limit 20
  holdall session steps run-7 --since 2025-01-02T00:00:00Z --until 2025-01-03T00:00:00Z
  holdall session steps run-7 --check --json";

/// Lists the steps of a session, those that were recorded last first
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Steps {
    /// The session
    session: SessionId,
    /// Only steps whose name begins so
    prefix: Option<String>,
    /// So many at most [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Only those that were recorded at this moment or later
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    since: Option<SystemTime>,
    /// Only those that were recorded before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    until: Option<SystemTime>,
    /// Go on where --limit ended before: what was said then
    #[arg(long, value_name = "PLACE")]
    after: Option<String>,
    /// Read each step's marker, and leave out what is not there
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct EntryRecord<'a> {
    step: &'a str,
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl Steps {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        let mut options = StepsOptions {
            after: self.after,
            since: self.since,
            until: self.until,
            prefix: self.prefix.unwrap_or_default(),
            check: self.check,
            ..StepsOptions::default()
        };
        loop {
            options.limit = u32::try_from(left.min(1000)).unwrap_or(1000);
            let page = sessions.steps(&self.session, &options).await?;
            left -= page.steps.len() as u64;
            for entry in &page.steps {
                print(entry, app.globals.json, &mut app.out)?;
            }
            options.after = page.next;
            match &options.after {
                Some(place) if left == 0 => {
                    app.report.summary(&format!("there are more: --after {}", escaped(place)));
                    return Ok(());
                }
                Some(_) => {}
                None => return Ok(()),
            }
        }
    }
}

fn print(entry: &StepEntry, json: bool, out: &mut Output) -> io::Result<()> {
    match &entry.marker {
        Some(step) if json => out.json(&StepRecord::new(step)),
        None if json => out.json(&EntryRecord {
            step: entry.step.as_str(),
            time: exactly(entry.time),
            expires: entry.expires.map(exactly),
        }),
        _ => {
            write!(out, "{}  ", exactly(entry.time))?;
            out.name(entry.step.as_str())
        }
    }
}
