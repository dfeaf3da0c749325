//! `holdall evidence ls`

use super::open;
use crate::app::App;
use crate::args::not_empty;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::Moment;
use clap::Args;
use holdall::evidence::{BundleFilter, Listed};
use holdall::{ErrorKind, EvidenceType};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
Each line has the decision, the type, the month and the key. It is what lies there; `evidence
verify` says whether claims name it.

Examples:
  holdall evidence ls
  holdall evidence ls --type risk --year 2026 --month 1";

/// Lists evidence by type, year and month
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Ls {
    /// Of this type
    #[arg(long = "type", value_name = "TYPE", value_parser = not_empty())]
    kind: Option<String>,
    /// Of this year
    #[arg(long)]
    year: Option<u16>,
    /// Of this month of the year, 1 to 12
    #[arg(long, requires = "year")]
    month: Option<u8>,
}

#[derive(Serialize)]
struct ListedRecord<'a> {
    decision: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    year: u16,
    month: u8,
    key: &'a str,
    size: u64,
    last_modified: Option<String>,
}

impl<'a> From<&'a Listed> for ListedRecord<'a> {
    fn from(listed: &'a Listed) -> Self {
        Self {
            decision: listed.decision.as_str(),
            kind: listed.kind.as_str(),
            year: listed.year,
            month: listed.month,
            key: listed.key.as_str(),
            size: listed.size,
            last_modified: listed.last_modified.map(|moment| Moment(moment).to_string()),
        }
    }
}

impl Ls {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let kind = self.kind.as_deref().map(EvidenceType::parse).transpose()?;
        let filter = BundleFilter { kind, year: self.year, month: self.month };
        let mut list = open(app)?.list(&filter).await?;
        let mut outcome = Ok(());
        while let Some(listed) = list.next().await {
            match listed {
                Ok(listed) if app.globals.json => app.out.json(&ListedRecord::from(&listed))?,
                Ok(listed) => {
                    let name = app.out.shown(listed.decision.as_str()).into_owned();
                    let kind = app.out.shown(listed.kind.as_str()).into_owned();
                    write!(app.out, "{name} {kind} {:04}-{:02} ", listed.year, listed.month)?;
                    app.out.name(listed.key.as_str())?;
                }
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    app.report.error(&error, None);
                    outcome = Err(Failure::Reported);
                }
                Err(error) => return Err(error.into()),
            }
        }
        outcome
    }
}
