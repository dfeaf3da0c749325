//! `holdall evidence adopt`

use super::{ExclusiveArg, open};
use crate::app::App;
use crate::args::not_empty;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::record::ErrorRecord;
use crate::text::count;
use clap::Args;
use holdall::EvidenceType;
use holdall::evidence::{AdoptOptions, Adopted, Adoption};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
Writes claims and nothing else: no bundle and no attachment is changed. Run again it goes on where
it was cut off. A checksum of another kind is kept, and marked so.

Examples:
  holdall evidence adopt --dry-run
  holdall evidence adopt --type risk";

/// Claims evidence that other programs stored
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Adopt {
    /// Bundles of this type alone, and no attachments
    #[arg(long = "type", value_name = "TYPE", value_parser = not_empty())]
    kind: Option<String>,
    /// Say what would be done, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// What to do on a store that cannot decide who is first
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    exclusive: ExclusiveArg,
}

#[derive(Serialize)]
struct AdoptedRecord<'a> {
    key: Option<&'a str>,
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorRecord<'a>>,
}

#[derive(Default)]
struct Tally {
    adopted: u64,
    claimed: u64,
    failed: u64,
}

impl Adopt {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let kind = self.kind.as_deref().map(EvidenceType::parse).transpose()?;
        let options = AdoptOptions { kind, dry_run: self.dry_run, exclusive: self.exclusive.into() };
        let (mut tally, mut printed) = (Tally::default(), Ok(()));
        let evidence = open(app)?;
        let found = |adopted: Adopted| {
            match &adopted.result {
                Ok(Adoption::Claimed) => tally.claimed += 1,
                Ok(_) => tally.adopted += 1,
                Err(_) => tally.failed += 1,
            }
            if printed.is_ok() {
                printed = print(&adopted, app);
            }
        };
        evidence.adopt(&options, found).await?;
        printed?;
        let verb = if self.dry_run { "would adopt" } else { "adopted" };
        let objects = count(tally.adopted, "object");
        app.report
            .summary(&format!("{verb} {objects}, {} had a claim, {} failed", tally.claimed, tally.failed));
        if tally.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

fn print(adopted: &Adopted, app: &mut App) -> std::io::Result<()> {
    let key = adopted.key.as_ref().map(|key| key.as_str());
    if app.globals.json {
        let outcome = adopted.result.as_ref().ok().map(|done| done.as_str());
        let error = adopted.result.as_ref().err().map(|error| ErrorRecord::new(error, None));
        return app.out.json(&AdoptedRecord { key, outcome, error });
    }
    match &adopted.result {
        Ok(Adoption::Claimed) => Ok(()),
        Ok(done) => {
            write!(app.out, "{} ", done.as_str())?;
            app.out.name(key.unwrap_or_default())
        }
        Err(error) => {
            app.report.error(error, key);
            Ok(())
        }
    }
}
