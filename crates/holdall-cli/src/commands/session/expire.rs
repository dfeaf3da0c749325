//! `holdall session expire`

use super::records::{StepRecord, exactly};
use crate::app::App;
use crate::args::{from_now, moment};
use crate::commands::Outcome;
use crate::failure::Failure;
use crate::text::{count, escaped};
use clap::Args;
use holdall::session::Sessions;
use holdall::{DeleteFailure, SessionId, StepId, parse_time};
use serde::Serialize;
use std::time::{Duration, SystemTime};

const AFTER: &str = "\
From the moment on a step is not there, and `expire sweep` deletes it. Of a session every step that
is there now gets the moment; those that are stored later do not. A step that is stored again has
no end, unless it is given one. While the store is away only a step that waits for it is changed.

Examples:
  holdall session expire run-7 0001 --after 30d
  holdall session expire run-7 --at 2030-01-02T03:04:05Z
  holdall session expire run-7 0001 --never";

/// Lets a step, or every step of a session, expire
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
#[command(group = clap::ArgGroup::new("when").required(true))]
pub(super) struct Expire {
    /// The session
    session: SessionId,
    /// The step [default: all that are there]
    step: Option<StepId>,
    /// From now, such as 30d or 12h
    #[arg(long, value_name = "TIME", value_parser = parse_time, group = "when")]
    after: Option<Duration>,
    /// At a moment, such as 2030-01-02T03:04:05Z
    #[arg(long, value_name = "MOMENT", value_parser = moment, group = "when")]
    at: Option<SystemTime>,
    /// Let it stay
    #[arg(long, group = "when")]
    never: bool,
}

#[derive(Serialize)]
struct SetRecord<'a> {
    session: &'a str,
    steps: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    state: &'static str,
}

impl Expire {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let sessions = super::open(app)?;
        let expires = self.at.or_else(|| self.after.map(from_now));
        match &self.step {
            Some(step) => Box::pin(self.one(&sessions, step, expires, app)).await,
            None => Box::pin(self.all(&sessions, expires, app)).await,
        }
    }

    async fn one(
        &self,
        sessions: &Sessions,
        step: &StepId,
        expires: Option<SystemTime>,
        app: &mut App,
    ) -> Outcome {
        let receipt = sessions.set_expiration(&self.session, step, expires).await?;
        if app.globals.json {
            let record = StepRecord::new(&receipt.step).stored(receipt.state, receipt.outbox.as_deref());
            app.out.json(&record)?;
        }
        let name = format!("{}/{}", self.session, step);
        app.report.summary(&format!("{} {}", escaped(&name), said(receipt.step.expires, 1)));
        tell_left(&receipt.leftovers, app)
    }

    async fn all(&self, sessions: &Sessions, expires: Option<SystemTime>, app: &mut App) -> Outcome {
        let set = sessions.set_session_expiration(&self.session, expires).await?;
        for (step, error) in &set.failures {
            app.report.error(error, Some(step.as_str()));
        }
        if app.globals.json {
            let (session, state) = (self.session.as_str(), set.state.as_str());
            app.out.json(&SetRecord { session, steps: set.steps, expires: expires.map(exactly), state })?;
        }
        let failed = match set.failures.len() {
            0 => String::new(),
            failed => format!(", {failed} failed"),
        };
        let (steps, said) = (count(set.steps, "step"), said(expires, set.steps));
        app.report.summary(&format!("{steps} {said}{failed}"));
        tell_left(&set.left, app)?;
        if set.failures.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn said(expires: Option<SystemTime>, steps: u64) -> String {
    let verb = if steps == 1 { "expires" } else { "expire" };
    expires.map_or_else(|| format!("never {verb}"), |moment| format!("{verb} {}", exactly(moment)))
}

/// Tells of entries of the index that are still there.
fn tell_left(left: &[DeleteFailure], app: &mut App) -> Outcome {
    for failure in left {
        app.report.error(&failure.error, Some(failure.key.as_str()));
    }
    if left.is_empty() { Ok(()) } else { Err(Failure::Reported) }
}
