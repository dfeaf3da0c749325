//! `holdall lifecycle push`

use super::{Outcome, PolicyFile, read};
use crate::app::App;
use crate::commands::planned;
use crate::failure::Failure;
use crate::text::count;
use clap::Args;
use holdall::retention::{AppliedRule, RuleStep};
use serde::Serialize;
use std::io::Write;

const AFTER: &str = "\
Prints its plan, and changes nothing without --apply. Rules of others stay as they are; what
an earlier policy has put there and this one has not goes. Globs, keep_last and ages of less
than days are no rules of S3: only `holdall lifecycle sweep` does these. Everything is read
back: what the server refuses or drops has failed, and is not in force.

Examples:
  holdall lifecycle push --policy policy.toml
  holdall lifecycle push --policy policy.toml --apply";

/// Gives the bucket rules of its own, as far as S3 can say what the policy says
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Push {
    #[command(flatten)]
    file: PolicyFile,
    /// Carry the plan out
    #[arg(long)]
    apply: bool,
    /// Take a rule that in time deletes every object of the store
    #[arg(long)]
    yes_delete_all: bool,
}

/// What a rule does, and with `--apply` what came of it.
#[derive(Serialize)]
struct StepRecord<'a> {
    rule: &'a str,
    kind: &'static str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
}

impl Push {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let policy = read(&self.file.policy)?;
        let store = app.store_at(None)?;
        let plan = store.plan_bucket_rules(&policy, self.yes_delete_all).await?;
        if self.apply {
            return report(&store.apply_bucket_rules(&plan).await?, app);
        }
        for step in &plan.steps {
            print(step, None, app)?;
        }
        app.report.summary(&match plan.changes() {
            0 => "nothing to change".to_owned(),
            n => format!("{}; nothing was changed: add --apply", count(n as u64, "change")),
        });
        Ok(())
    }
}

/// Says what came of each step.
fn report(all: &[AppliedRule], app: &mut App) -> Outcome {
    planned::report(
        all,
        |applied| (&applied.outcome, applied.step.kind.as_str()),
        |applied, word, app| print(&applied.step, Some(word), app),
        app,
    )?;
    if all.iter().all(AppliedRule::is_well) { Ok(()) } else { Err(Failure::Reported) }
}

fn print(step: &RuleStep, outcome: Option<&'static str>, app: &mut App) -> Outcome {
    let (rule, kind) = (&step.rule, step.kind.as_str());
    let (verdict, from, to, why) = planned::parts(&step.verdict);
    if app.globals.json {
        return Ok(app.out.json(&StepRecord { rule, kind, verdict, from, to, why, outcome })?);
    }
    Ok(writeln!(app.out, "{rule} {kind}: {}", planned::in_words(&step.verdict, outcome))?)
}
