//! `holdall session verify`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{bytes, count};
use clap::Args;
use holdall::session::{Finding, PartName, VerifyOptions};
use holdall::{SessionId, StepId};
use serde::Serialize;
use std::io::{self, Write};

const AFTER: &str = "\
Prints a line for each finding: missing or different (a part is not what the marker says),
unreadable, not_listed and stale_entry (the index), orphan (what an attempt left that nobody
names, once it is a day old), late (a deleted step that came out of an outbox), expired (a step
that no sweep took for a day). The exit status is 1 while anything is wrong. --mend mends the index
and removes what is left over; a part that is missing or different only storing the step again
mends.

Examples:
  holdall session verify run-7
  holdall session verify run-7 --mend
  holdall session verify run-7 0001 --json";

/// Reads every part of a session and compares it with its digest
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Verify {
    /// The session
    session: SessionId,
    /// One step alone
    step: Option<StepId>,
    /// Mend what can be mended
    #[arg(long)]
    mend: bool,
}

#[derive(Serialize)]
struct FindingRecord<'a> {
    fault: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<&'a str>,
    key: &'a str,
    mended: bool,
}

#[derive(Serialize)]
struct SummaryRecord {
    steps: u64,
    parts: u64,
    bytes: u64,
    faults: u64,
    mended: u64,
}

impl Verify {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let mut options = VerifyOptions::default();
        (options.step, options.mend) = (self.step, self.mend);
        let mut printed = Ok(());
        let tell = |finding: Finding| {
            if let Some(error) = &finding.error {
                app.report.error(error, Some(finding.key.as_str()));
            }
            if printed.is_ok() {
                printed = print(&finding, app.globals.json, &mut app.out);
            }
        };
        let summary = Box::pin(sessions.verify(&self.session, &options, tell)).await?;
        printed?;
        if app.globals.json {
            let (steps, parts, bytes) = (summary.steps, summary.parts, summary.bytes);
            app.out.json(&SummaryRecord {
                steps,
                parts,
                bytes,
                faults: summary.faults,
                mended: summary.mended,
            })?;
        }
        let mut text = format!(
            "{}, {} proven, {}",
            count(summary.steps, "step"),
            count(summary.parts, "part"),
            bytes(summary.bytes)
        );
        for (n, what) in [(summary.faults, "wrong"), (summary.mended, "of them mended")] {
            if n > 0 {
                text += &format!(", {n} {what}");
            }
        }
        app.report.summary(&text);
        if summary.faults > summary.mended { Err(Failure::Reported) } else { Ok(()) }
    }
}

fn print(finding: &Finding, json: bool, out: &mut Output) -> io::Result<()> {
    let (fault, key, mended) = (finding.fault.as_str(), finding.key.as_str(), finding.mended);
    if json {
        let (step, part) =
            (finding.step.as_ref().map(StepId::as_str), finding.part.as_ref().map(PartName::as_str));
        return out.json(&FindingRecord { fault, step, part, key, mended });
    }
    let mended = if mended { " (mended)" } else { "" };
    write!(out, "{fault}{mended}  ")?;
    out.name(key)
}
