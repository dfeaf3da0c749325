//! `holdall session export`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::{bytes, count};
use clap::Args;
use holdall::{SessionId, StepId};
use serde::Serialize;
use std::borrow::Cow;
use std::path::PathBuf;

const AFTER: &str = "\
Writes SESSION/STEP/ with a file for each part and the marker, step.json. Each part is compared
with its digest; a step appears whole or not at all, and nothing is overwritten. With --zip the
archive appears when all of it is there.

Examples:
  holdall session export run-7 out/
  holdall session export run-7 run-7.zip --zip
  holdall session export run-7 out/ --step 0001";

/// Writes a session to a folder or a ZIP archive
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Export {
    /// The session
    session: SessionId,
    /// The folder, or the archive
    to: PathBuf,
    /// One step alone
    #[arg(long)]
    step: Option<StepId>,
    /// Write an archive
    #[arg(long)]
    zip: bool,
}

#[derive(Serialize)]
struct ExportedRecord<'a> {
    path: Cow<'a, str>,
    steps: u64,
    files: u64,
    bytes: u64,
}

impl Export {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let step = self.step.as_ref();
        let exported = match self.zip {
            true => Box::pin(sessions.export_to_zip(&self.session, step, &self.to)).await?,
            false => Box::pin(sessions.export_to_folder(&self.session, step, &self.to)).await?,
        };
        for (step, error) in &exported.failures {
            app.report.error(error, Some(step.as_str()));
        }
        if app.globals.json {
            let path = self.to.to_string_lossy();
            let (steps, files, bytes) = (exported.steps, exported.files, exported.bytes);
            app.out.json(&ExportedRecord { path, steps, files, bytes })?;
        } else {
            app.out.name(&self.to.to_string_lossy())?;
        }
        let failed = match exported.failures.len() {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let (steps, size) = (count(exported.steps, "step"), bytes(exported.bytes));
        app.report.summary(&format!("exported {steps}, {size}{failed}"));
        if exported.failures.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }
}
