//! `holdall session adopt`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::count;
use clap::Args;
use holdall::SessionId;
use holdall::session::{AdoptOptions, Adopted, AdoptedStep};
use serde::Serialize;

const AFTER: &str = "\
Files that lie in the store as SESSION/STEP/page.html, or as SESSION/STEP.html and .png, become
steps: each is read for its digest and none is changed. Run again, it goes on with the rest.

Examples:
  holdall session adopt --dry-run
  holdall session adopt run-7";

/// Makes steps of files that are there already
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Adopt {
    /// The session [default: all]
    session: Option<SessionId>,
    /// Say what would be adopted, and write nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Serialize)]
struct AdoptedRecord<'a> {
    session: &'a str,
    step: &'a str,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<Vec<&'a str>>,
}

#[derive(Default)]
struct Tally {
    adopted: u64,
    already: u64,
    failed: u64,
}

impl Adopt {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let options = AdoptOptions { dry_run: self.dry_run };
        let mut tally = Tally::default();
        let mut told = Ok(());
        let tell = |adopted: AdoptedStep| {
            if told.is_ok() {
                told = tally.tell(&adopted, app);
            }
        };
        match &self.session {
            Some(session) => Box::pin(sessions.adopt(session, &options, tell)).await?,
            None => Box::pin(sessions.adopt_all(&options, tell)).await?,
        }
        told?;
        let verb = if self.dry_run { "would adopt" } else { "adopted" };
        let mut text = format!("{verb} {}", count(tally.adopted, "step"));
        for (n, what) in [(tally.already, "adopted before"), (tally.failed, "failed")] {
            if n > 0 {
                text += &format!(", {n} {what}");
            }
        }
        app.report.summary(&text);
        if tally.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}

impl Tally {
    fn tell(&mut self, adopted: &AdoptedStep, app: &mut App) -> Outcome {
        let name = format!("{}/{}", adopted.session, adopted.name);
        let (outcome, step) = match &adopted.outcome {
            Ok(Adopted::Done(step)) => ("adopted", Some(step)),
            Ok(Adopted::Would(step)) => ("would_adopt", Some(step)),
            Ok(_) => ("already", None),
            Err(error) => {
                self.failed += 1;
                app.report.error(error, Some(&name));
                return Ok(());
            }
        };
        *(if step.is_some() { &mut self.adopted } else { &mut self.already }) += 1;
        if app.globals.json {
            let parts = step.map(|step| step.parts.keys().map(|part| part.as_str()).collect());
            let (session, step) = (adopted.session.as_str(), adopted.name.as_str());
            return Ok(app.out.json(&AdoptedRecord { session, step, outcome, parts })?);
        }
        if step.is_some() {
            app.out.name(&name)?;
        }
        Ok(())
    }
}
