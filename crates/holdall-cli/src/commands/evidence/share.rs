//! `holdall evidence share`

use super::open;
use crate::app::App;
use crate::args::not_empty;
use crate::commands::Outcome;
use clap::Args;
use holdall::DecisionId;
use holdall::evidence::{AttachmentName, Expiry, Moment};
use serde::Serialize;
use std::io::Write;
use std::time::Duration;

const AFTER: &str = "\
Examples:
  holdall evidence share d-117 --expires 12h
  holdall evidence share d-117 --until 2026-01-31T18:00:00Z --attachment scan.pdf";

/// Makes a link by which anybody may read evidence, until it expires
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Share {
    /// The decision's id
    #[arg(value_name = "DECISION")]
    decision: String,
    /// An attachment instead of the bundle
    #[arg(long, value_name = "NAME", value_parser = not_empty())]
    attachment: Option<String>,
    /// For how long, at most 7d [default: the setting presign_expiration, 1h]
    #[arg(long, value_name = "TIME", value_parser = holdall::parse_time)]
    expires: Option<Duration>,
    /// Until a moment, such as 2026-01-31T23:30:00Z; without an offset in UTC
    #[arg(long, value_name = "TIME", conflicts_with = "expires", value_parser = not_empty())]
    until: Option<String>,
}

#[derive(Serialize)]
struct LinkRecord<'a> {
    key: &'a str,
    url: &'a str,
}

impl Share {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let decision = DecisionId::parse(&self.decision)?;
        let attachment = self.attachment.as_deref().map(AttachmentName::parse).transpose()?;
        let until = self.until.as_deref().map(str::parse::<Moment>).transpose()?;
        let evidence = open(app)?;
        let default = app.store_at(None)?.settings().presign_expiration;
        let expiry = until.map_or(Expiry::After(self.expires.unwrap_or(default)), Expiry::At);
        let (key, url) = evidence.share(&decision, attachment.as_ref(), expiry).await?;
        if app.globals.json {
            return Ok(app.out.json(&LinkRecord { key: key.as_str(), url: &url })?);
        }
        app.out.write_all(url.as_bytes())?;
        Ok(app.out.end_line()?)
    }
}
