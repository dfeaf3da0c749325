//! `holdall session show`

use super::records::{StepRecord, print};
use crate::app::App;
use crate::commands::Outcome;
use clap::Args;
use holdall::{SessionId, StepId};

const AFTER: &str = "\
Examples:
  holdall session show run-7 0001
  holdall session show run-7 0001 --json";

/// Prints what is known of a step: its times and its parts
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Show {
    /// The session
    session: SessionId,
    /// The step
    step: StepId,
}

impl Show {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let step = super::open(app)?.describe(&self.session, &self.step).await?;
        if app.globals.json {
            return Ok(app.out.json(&StepRecord::new(&step))?);
        }
        Ok(print(&step, &mut app.out)?)
    }
}
