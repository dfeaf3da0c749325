//! `holdall evidence get`

use super::open;
use crate::app::App;
use crate::commands::Outcome;
use clap::Args;
use holdall::evidence::Bundle;
use holdall::{DecisionId, ReadFrom};
use serde::Serialize;
use serde_json::Value;
use std::io::Write;

const AFTER: &str = "\
Prints the bundle as it lies in the store, once its checksum is proved; with --data the canonical
form of the evidence alone, whose SHA-256 is the checksum.

Examples:
  holdall evidence get d-117
  holdall evidence get d-117 --data | openssl dgst -sha256";

/// Prints the evidence of a decision
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Get {
    /// The decision's id
    #[arg(value_name = "DECISION")]
    decision: String,
    /// Only the evidence, in its canonical form, without a line feed
    #[arg(long)]
    data: bool,
}

#[derive(Serialize)]
struct BundleRecord<'a> {
    key: &'a str,
    size: usize,
    checksum_state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    read_from: Option<&'static str>,
    bundle: Value,
}

impl Get {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let decision = DecisionId::parse(&self.decision)?;
        let bundle = open(app)?.retrieve(&decision).await?;
        if app.globals.json {
            return Ok(app.out.json(&record(&bundle)?)?);
        }
        if self.data {
            return Ok(app.out.write_all(bundle.data.canonical().as_bytes())?);
        }
        app.out.write_all(&bundle.document)?;
        app.out.end_line()?;
        if !bundle.checksum_state.is_canonical() {
            app.report
                .summary("the checksum was kept when it was adopted: the bytes are proved by the claim");
        }
        Ok(())
    }
}

fn record(bundle: &Bundle) -> holdall::Result<BundleRecord<'_>> {
    let document = holdall::evidence::Json::parse(&bundle.document)?;
    Ok(BundleRecord {
        key: bundle.key.as_str(),
        size: bundle.document.len(),
        checksum_state: bundle.checksum_state.as_str(),
        read_from: (bundle.read_from != ReadFrom::Store).then(|| bundle.read_from.as_str()),
        bundle: document.value().clone(),
    })
}
