//! `holdall session get`

use crate::app::App;
use crate::args::range;
use crate::commands::Outcome;
use clap::Args;
use futures_util::StreamExt;
use holdall::session::PartName;
use holdall::{Range, SessionId, StepId};
use std::io::Write;

const AFTER: &str = "\
A whole part is compared with its digest while it is written; if it differs, the command fails
after the last byte. `session export` writes files, and nothing that differs.

Examples:
  holdall session get run-7 0001 html
  holdall session get run-7 0001 screenshot > page.png
  holdall session get run-7 0001 trace.har --range 0..1024";

/// Writes a part of a step to standard output
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Get {
    /// The session
    session: SessionId,
    /// The step
    step: StepId,
    /// The part: html, screenshot, action or another name
    part: PartName,
    /// Only these bytes: A..B (without B), A.., or -N for the last N
    #[arg(long, value_name = "RANGE", value_parser = range, allow_hyphen_values = true)]
    range: Option<Range>,
}

impl Get {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let mut part = sessions.open_part(&self.session, &self.step, &self.part, self.range).await?;
        if part.read_from == holdall::ReadFrom::LocalCopy {
            app.report.summary(
                "the store is away: this is the copy on this machine, and others may have stored since",
            );
        }
        while let Some(piece) = part.stream.next().await {
            app.out.write_all(&piece?)?;
        }
        Ok(app.out.flush()?)
    }
}
