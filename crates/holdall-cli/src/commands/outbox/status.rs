//! `holdall outbox status`

use super::entries::{age, each};
use crate::app::App;
use crate::commands::Outcome;
use crate::text;
use clap::Args;
use holdall::Error;
use serde::Serialize;
use std::io::Write;

/// Counts what waits
#[derive(Debug, Args)]
pub(super) struct Status {}

#[derive(Serialize, Default)]
struct StatusRecord {
    folder: String,
    entries: u64,
    parked: u64,
    bytes: u64,
    /// Milliseconds since 1970.
    oldest: Option<u64>,
    damaged: usize,
    torn: usize,
    missing: usize,
    foreign: usize,
    quarantined: usize,
    draining: bool,
}

impl Status {
    pub(super) fn run(self, app: &mut App) -> Outcome {
        let record = status(app)?;
        if app.globals.json {
            return Ok(app.out.json(&record)?);
        }
        let r = &record;
        let parked = if r.parked > 0 { format!(", {} parked", r.parked) } else { String::new() };
        let oldest = r.oldest.map(|oldest| format!(", the oldest for {}", age(oldest))).unwrap_or_default();
        let entries = if r.entries == 1 { "entry waits" } else { "entries wait" };
        writeln!(app.out, "{} {entries}{parked}{oldest}", r.entries)?;
        writeln!(app.out, "{} in {}", text::bytes(r.bytes), text::escaped(&r.folder))?;
        let faults = [
            (r.damaged, "damaged place", "`holdall outbox repair` sets it apart"),
            (r.torn, "file whose last write was cut off", "it was never acknowledged"),
            (r.missing, "file that somebody removed", "its entries are lost"),
            (r.foreign, "file of somebody else", "it is left alone"),
            (r.quarantined, "file in quarantine", "look at it, then remove it"),
        ];
        for (n, what, meaning) in faults.into_iter().filter(|(n, ..)| *n > 0) {
            writeln!(app.out, "{}: {meaning}", text::count(n as u64, what))?;
        }
        if r.draining {
            writeln!(app.out, "somebody is draining it")?;
        }
        Ok(())
    }
}

fn status(app: &App) -> Result<StatusRecord, Error> {
    let options = holdall::outbox::Options::of(&app.settings(None)?)?;
    let folder = options.folder.display().to_string();
    let Some(queue) = super::open(app)? else {
        return Ok(StatusRecord { folder, ..StatusRecord::default() });
    };
    let status = queue.status()?;
    let mut oldest = None;
    each::<Error>(&queue, |(_, entry)| {
        if let Ok(entry) = entry {
            oldest = Some(oldest.map_or(entry.created, |oldest: u64| oldest.min(entry.created)));
        }
        Ok(())
    })?;
    Ok(StatusRecord {
        folder,
        entries: status.entries,
        parked: status.parked,
        bytes: status.bytes,
        oldest,
        damaged: status.damaged,
        torn: status.torn,
        missing: status.missing,
        foreign: status.foreign,
        quarantined: queue.quarantined()?,
        draining: queue.try_drain()?.is_none(),
    })
}
