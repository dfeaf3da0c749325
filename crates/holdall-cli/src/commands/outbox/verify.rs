//! `holdall outbox verify`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::count;
use clap::Args;
use holdall::outbox::Damage;
use serde::Serialize;
use std::io::Write;

/// Reads every byte of the outbox, and changes nothing
#[derive(Debug, Args)]
pub(super) struct Verify {}

#[derive(Serialize)]
struct DamageRecord<'a> {
    file: &'a str,
    at: Option<u64>,
    /// It may be a write that was cut off and never acknowledged.
    is_end: bool,
    id: Option<String>,
    key: Option<&'a str>,
}

impl Verify {
    pub(super) fn run(self, app: &mut App) -> Outcome {
        let Some(queue) = super::open(app)? else {
            app.report.summary("0 entries are sound");
            return Ok(());
        };
        let report = queue.verify()?;
        for damage in &report.damaged {
            print(damage, app)?;
        }
        let missing = match report.missing {
            0 => String::new(),
            n => format!(", {} with their entries gone", count(n as u64, "file")),
        };
        let sound = if report.entries == 1 { "entry is sound" } else { "entries are sound" };
        let damaged = count(report.damaged.len() as u64, "damaged place");
        app.report.summary(&format!("{} {sound}, {damaged}{missing}", report.entries));
        if report.damaged.is_empty() && report.missing == 0 { Ok(()) } else { Err(Failure::Reported) }
    }
}

/// Prints a place that is damaged.
pub(super) fn print(damage: &Damage, app: &mut App) -> Outcome {
    let key = damage.entry.as_ref().map(|pending| pending.key.as_str());
    let id = damage.entry.as_ref().map(|pending| pending.id.to_string());
    let record = DamageRecord { file: &damage.file, at: damage.at, is_end: damage.is_end, id, key };
    if app.globals.json {
        return Ok(app.out.json(&record)?);
    }
    let at = record.at.map(|at| format!(" at {at}")).unwrap_or_default();
    let of = key.map(|key| format!(" of {}", app.out.shown(key))).unwrap_or_default();
    let end = if record.is_end { " (the end: it may be a write that was cut off)" } else { "" };
    Ok(writeln!(app.out, "{}{at}{of}{end}", record.file)?)
}
