//! `holdall audit`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::output::Output;
use crate::target::Target;
use crate::text;
use clap::Args;
use holdall::{AuditEvent, AuditSummary, Left};
use serde::Serialize;
use std::io::{self, Write};

const AFTER: &str = "\
A line has the bytes, what it is, and the key: object; tombstone, a note that something was
deleted; record, what else a collection keeps for itself; expired, an object that is not swept
yet, and listed as object too; due, an entry of the index of what expires; version and mark,
where versions are kept; upload, what is not complete; queued, a write that waits in the
outbox. The status is 0 whatever is left.

Examples:
  holdall audit runs/7/
  holdall audit --json";

/// Lists whatever is left below a prefix, of every kind
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Audit {
    /// The beginning of keys; a folder's ends with a slash [default: the whole store]
    prefix: Option<String>,
}

/// Something that is left.
#[derive(Serialize)]
struct LeftRecord<'a> {
    kind: &'static str,
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

impl Audit {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let target = Target::parse(self.prefix.as_deref().unwrap_or_default())?;
        let store = app.store(&target)?;
        let mut printed = Ok(());
        let mut on_event = |event: AuditEvent| match &event {
            AuditEvent::Left(left) if printed.is_ok() => {
                printed = print(left, app.globals.json, &mut app.out);
            }
            AuditEvent::Failed(error) => app.report.error(error, None),
            _ => {}
        };
        let audited = store.audit(&target.key, &mut on_event).await?;
        printed?;
        app.report.summary(&in_words(&audited));
        if audited.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

fn print(left: &Left, json: bool, out: &mut Output) -> io::Result<()> {
    let Left { kind, key, size, version } = left;
    let (kind, version) = (kind.as_str(), version.as_deref());
    if json {
        return out.json(&LeftRecord { kind, key, size: *size, version });
    }
    match size {
        Some(size) => write!(out, "{size:>14} {kind:<9} ")?,
        None => write!(out, "{:>14} {kind:<9} ", "-")?,
    }
    match version {
        Some(version) => out.name(&format!("{key} {version}")),
        None => out.name(key),
    }
}

/// `object: 2, 10 B; due: 1`.
fn in_words(summary: &AuditSummary) -> String {
    let part = |(kind, stats): (&holdall::LeftKind, &holdall::Stats)| match stats.bytes {
        0 => format!("{}: {}", kind.as_str(), stats.objects),
        bytes => format!("{}: {}, {}", kind.as_str(), stats.objects, text::bytes(bytes)),
    };
    let parts: Vec<String> = summary.left.iter().map(part).collect();
    if parts.is_empty() { "nothing is left".to_owned() } else { parts.join("; ") }
}
