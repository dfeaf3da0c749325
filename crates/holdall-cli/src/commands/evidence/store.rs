//! `holdall evidence store`

use super::{ExclusiveArg, open, read, stored};
use crate::app::App;
use crate::args::not_empty;
use crate::commands::Outcome;
use clap::Args;
use holdall::evidence::{Json, MAX_BUNDLE, Moment, NewBundle, StoreOptions};
use holdall::{DecisionId, EvidenceType};

const AFTER: &str = "\
FILE is JSON. It is refused when it has an integer beyond 2^53, names a member twice or has half
of a surrogate pair, since programs would read it differently. The checksum is the SHA-256 of its
canonical form (RFC 8785).

The same evidence stored again changes nothing and is no error; other evidence of the decision is
refused (status 6) without --replace. One that was cut off is completed by the same command.

Examples:
  holdall evidence store d-117 --type risk scores.json
  echo '{\"score\": 0.75}' | holdall evidence store d-117 --type risk - --metadata run.json
  holdall evidence store d-117 --type risk scores.json --replace";

/// Stores the evidence of a decision
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Store {
    /// The decision's id
    #[arg(value_name = "DECISION")]
    decision: String,
    /// The evidence as JSON; - is standard input
    file: String,
    /// What kind of evidence it is
    #[arg(long = "type", value_name = "TYPE", value_parser = not_empty())]
    kind: String,
    /// What is said about it: a file with a JSON object
    #[arg(long, value_name = "FILE", value_parser = not_empty())]
    metadata: Option<String>,
    /// When it was made, such as 2026-01-31T23:30:00Z; without an offset in UTC [default: now]
    #[arg(long, value_name = "TIME", value_parser = not_empty())]
    created_at: Option<String>,
    /// Put it in the place of what the decision has
    #[arg(long)]
    replace: bool,
    /// What to do on a store that cannot decide who is first
    #[arg(long, value_name = "HOW", value_enum, default_value_t)]
    exclusive: ExclusiveArg,
}

impl Store {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let (decision, kind) = (DecisionId::parse(&self.decision)?, EvidenceType::parse(&self.kind)?);
        let created_at = self.created_at.as_deref().map(str::parse::<Moment>).transpose()?;
        let data = Json::parse(&read(&self.file, MAX_BUNDLE)?)?;
        let metadata = match &self.metadata {
            Some(file) => Json::parse(&read(file, MAX_BUNDLE)?)?,
            None => Json::empty(),
        };
        let bundle = NewBundle { metadata, created_at, ..NewBundle::new(decision, kind, data) };
        let options = StoreOptions { replace: self.replace, exclusive: self.exclusive.into() };
        let done = open(app)?.store(&bundle, &options).await?;
        stored::print(&self.decision, None, &done, app)
    }
}
