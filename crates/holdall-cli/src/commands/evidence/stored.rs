//! What storing and attaching print.

use crate::app::App;
use crate::commands::Outcome;
use crate::text::bytes;
use holdall::evidence::{Exclusive, Stored};
use serde::Serialize;

#[derive(Serialize)]
struct StoredRecord<'a> {
    decision: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    key: &'a str,
    size: u64,
    checksum: &'a str,
    outcome: &'static str,
    state: &'static str,
    exclusive: &'static str,
}

pub(super) fn print(decision: &str, name: Option<&str>, stored: &Stored, app: &mut App) -> Outcome {
    if app.globals.json {
        return Ok(app.out.json(&StoredRecord {
            decision,
            name,
            key: stored.key.as_str(),
            size: stored.size,
            checksum: &stored.checksum,
            outcome: stored.outcome.as_str(),
            state: stored.state.as_str(),
            exclusive: stored.exclusive.as_str(),
        })?);
    }
    app.out.name(stored.key.as_str())?;
    let digest: String = stored.checksum.chars().take(12).collect();
    let best = match stored.exclusive {
        Exclusive::BestEffort => ", exclusive by best effort",
        _ => "",
    };
    let (outcome, state, size) = (stored.outcome.as_str(), stored.state.as_str(), bytes(stored.size));
    let state = if state == "queued" { ", queued" } else { "" };
    app.report.summary(&format!("{outcome} {size} sha256:{digest}{state}{best}"));
    Ok(())
}
