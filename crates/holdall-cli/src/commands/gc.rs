//! `holdall gc`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::text::{count, escaped};
use clap::Args;
use holdall::{GcOptions, Leftover, parse_time};
use serde::Serialize;
use std::time::Duration;

const AFTER: &str = "\
Removes parts of uploads that were never completed, and in a folder temporary files and
records of objects that are gone; and on this machine what uploads to this store and
downloads left that were cut off and nobody went on with. Objects are never touched. Give
an age that is longer than any upload takes.

Examples:
  holdall gc --dry-run
  holdall gc --older-than 2d";

/// Removes what interrupted writes left behind
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Gc {
    /// Only what nobody has touched for so long
    #[arg(long, value_name = "TIME", default_value = "7d", value_parser = parse_time)]
    older_than: Duration,
    /// Print what would be removed and remove nothing
    #[arg(long)]
    dry_run: bool,
}

/// A thing that was left behind.
#[derive(Serialize)]
struct LeftoverRecord<'a> {
    kind: &'static str,
    name: &'a str,
    age_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    removed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<&'static str>,
}

impl Gc {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let options = GcOptions { older_than: self.older_than, dry_run: self.dry_run };
        let store = app.store_at(None)?;
        let mut leftovers = Vec::new();
        store.gc(&options, |leftover| leftovers.push(leftover)).await?;
        let failed = leftovers.iter().filter(|leftover| leftover.error.is_some()).count() as u64;
        for leftover in &leftovers {
            self.print(leftover, app)?;
        }
        let verb = if self.dry_run { "would remove" } else { "removed" };
        let tail = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        let left = leftovers.iter().filter(|leftover| leftover.left.is_some()).count() as u64;
        let removed = leftovers.len() as u64 - failed - left;
        app.report.summary(&format!("{verb} {}{tail}", count(removed, "leftover")));
        if failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }

    fn print(&self, leftover: &Leftover, app: &mut App) -> Outcome {
        if let Some(error) = &leftover.error {
            app.report.error(error, Some(&leftover.name));
            return Ok(());
        }
        let Leftover { kind, name, age, size, left, .. } = leftover;
        if app.globals.json {
            let (age_seconds, removed) = (age.as_secs(), !self.dry_run && left.is_none());
            let record = LeftoverRecord { kind, name, age_seconds, size: *size, removed, left: *left };
            return Ok(app.out.json(&record)?);
        }
        match left {
            Some(why) => app.report.summary(&format!("left {kind} {}: {why}", escaped(name))),
            None => app.out.name(&format!("{kind} {name}"))?,
        }
        Ok(())
    }
}
