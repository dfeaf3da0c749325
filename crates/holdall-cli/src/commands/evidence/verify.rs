//! `holdall evidence verify`

use super::open;
use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::record::ErrorRecord;
use crate::text::{count, escaped};
use clap::Args;
use holdall::DecisionId;
use holdall::evidence::{Checked, Proof, VerifyOptions};
use serde::Serialize;

const AFTER: &str = "\
Reads every bundle and proves it by its claim and its checksum; looks at attachments, and reads
them with --deep. Without DECISION it also finds what no claim names. What is wrong is reported,
and the exit status is then 1.

Examples:
  holdall evidence verify
  holdall evidence verify d-117 --deep --json";

/// Proves that evidence is what was stored
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Verify {
    /// The decision's id [default: all]
    #[arg(value_name = "DECISION")]
    decision: Option<String>,
    /// Read attachments, too
    #[arg(long)]
    deep: bool,
}

#[derive(Serialize)]
struct CheckedRecord<'a> {
    decision: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attachment: Option<&'a str>,
    key: Option<&'a str>,
    proof: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRecord<'a>>,
}

impl<'a> From<&'a Checked> for CheckedRecord<'a> {
    fn from(checked: &'a Checked) -> Self {
        Self {
            decision: checked.decision.as_ref().map(DecisionId::as_str),
            attachment: checked.attachment.as_ref().map(|name| name.as_str()),
            key: checked.key.as_ref().map(|key| key.as_str()),
            proof: checked.result.as_ref().ok().map(|proof| proof.as_str()),
            error: checked.result.as_ref().err().map(|error| ErrorRecord::new(error, None)),
        }
    }
}

/// How much was found.
#[derive(Default)]
struct Tally {
    bundles: u64,
    attachments: u64,
    unread: u64,
    wrong: u64,
}

impl Tally {
    fn count(&mut self, checked: &Checked) {
        match (&checked.result, &checked.attachment) {
            (Err(_), _) => self.wrong += 1,
            (Ok(_), None) => self.bundles += 1,
            (Ok(proof), Some(_)) => {
                self.attachments += 1;
                self.unread += u64::from(matches!(proof, Proof::Size));
            }
        }
    }
}

impl Verify {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let decision = self.decision.as_deref().map(DecisionId::parse).transpose()?;
        let options = VerifyOptions { decision, deep: self.deep };
        let (mut tally, mut printed) = (Tally::default(), Ok(()));
        let evidence = open(app)?;
        let found = |checked: Checked| {
            tally.count(&checked);
            if app.globals.json && printed.is_ok() {
                printed = app.out.json(&CheckedRecord::from(&checked));
            } else if let Err(error) = &checked.result {
                let name = checked.decision.as_ref().map(|decision| escaped(decision.as_str()));
                app.report.error(error, name.as_deref());
            }
        };
        evidence.verify(&options, found).await?;
        printed?;
        let unread = match tally.unread {
            0 => String::new(),
            n => format!(", {n} by size alone (--deep reads them)"),
        };
        app.report.summary(&format!(
            "{} proven, {} found whole{unread}, {} wrong",
            count(tally.bundles, "bundle"),
            count(tally.attachments, "attachment"),
            tally.wrong
        ));
        if tally.wrong > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}
