//! `holdall session rm`

use crate::app::App;
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::count;
use clap::Args;
use holdall::session::Sessions;
use holdall::{DeleteFailure, Error, SessionId, State, StepId};
use serde::Serialize;

const AFTER: &str = "\
A step's marker goes first, and then the objects that it names; what else lies there stays. What
was killed half-way goes when the same command is run again. Of many steps each that is not
deleted is reported, and the rest go on. A step or a session that is not there ends with 3.

Examples:
  holdall session rm run-7 0001
  holdall session rm run-7 0001 0002 0003
  holdall session rm run-7";

/// Deletes steps, or a whole session
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Rm {
    /// The session
    session: SessionId,
    /// The steps [default: all, and so the session]
    #[arg(value_name = "STEP")]
    steps: Vec<StepId>,
}

#[derive(Serialize)]
struct DeletedRecord<'a> {
    session: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<&'a str>,
    /// How many steps.
    steps: u64,
    /// Whether it was deleted before, and only what was left went now.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    finished: bool,
    state: &'static str,
}

/// What was deleted, and what was not.
#[derive(Default)]
struct Tally {
    deleted: u64,
    failed: u64,
    /// The only thing that failed, where it was the only thing.
    only: Option<Error>,
}

impl Rm {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let mut tally = Tally::default();
        if self.steps.is_empty() {
            whole(&sessions, &self.session, &mut tally, app).await?;
        }
        for step in &self.steps {
            match Box::pin(sessions.delete(&self.session, step)).await {
                Ok(deleted) => {
                    tally.deleted += u64::from(!deleted.finished);
                    say(app, &self.session, Some(step), (1, deleted.finished, deleted.state))?;
                    tally.left(&deleted.failures, app);
                }
                Err(error) if self.steps.len() == 1 => tally.only = Some(error),
                Err(error) => tally.fail(&error, step.as_str(), app),
            }
        }
        tally.finish(app)
    }
}

async fn whole(sessions: &Sessions, session: &SessionId, tally: &mut Tally, app: &mut App) -> Outcome {
    let deleted = Box::pin(sessions.delete_session(session)).await?;
    tally.deleted += deleted.steps;
    for (step, error) in &deleted.failures {
        tally.fail(error, step.as_str(), app);
    }
    tally.left(&deleted.left, app);
    let finished = deleted.steps == 0;
    say(app, session, None, (deleted.steps, finished, deleted.state))
}

fn say(
    app: &mut App,
    session: &SessionId,
    step: Option<&StepId>,
    (steps, finished, state): (u64, bool, State),
) -> Outcome {
    if !app.globals.json {
        return Ok(());
    }
    let (session, step) = (session.as_str(), step.map(StepId::as_str));
    Ok(app.out.json(&DeletedRecord { session, step, steps, finished, state: state.as_str() })?)
}

impl Tally {
    fn fail(&mut self, error: &Error, step: &str, app: &mut App) {
        self.failed += 1;
        app.report.error(error, Some(step));
    }

    /// Objects that nothing names any more and that are still there.
    fn left(&mut self, failures: &[DeleteFailure], app: &mut App) {
        self.failed += failures.len() as u64;
        for failure in failures {
            app.report.error(&failure.error, Some(failure.key.as_str()));
        }
    }

    fn finish(self, app: &App) -> Outcome {
        if let Some(error) = self.only {
            return Err(error.into());
        }
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        app.report.summary(&format!("deleted {}{failed}", count(self.deleted, "step")));
        if self.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}
