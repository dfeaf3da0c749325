//! Carries a plan out and reads back what came of it.

use super::super::Bucket;
use super::decide::{Change, Ground, Plan, Step, Subject, Verdict, steps};
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{Client, Versioning};
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// What came of a step.
#[derive(Debug)]
pub enum Outcome {
    /// It was so already.
    Unchanged,
    /// It was done, and the server shows it.
    Done,
    /// It cannot be, and nothing was sent.
    Cannot,
    /// It was refused, or taken and not kept.
    Failed(Error),
}

/// A step and what came of it.
#[derive(Debug)]
pub struct Applied {
    /// The step as it was decided last; for a bucket that was missing, after it was made.
    pub step: Step,
    /// What came of it.
    pub outcome: Outcome,
}

impl Applied {
    /// Whether it is now as it was wanted.
    pub fn is_well(&self) -> bool {
        matches!(self.outcome, Outcome::Unchanged | Outcome::Done)
    }
}

pub(in super::super) async fn apply(bucket: &Bucket, plan: &Plan) -> Result<Vec<Applied>> {
    let ground = Ground::of(bucket)?;
    let Some(wire) = bucket.wire() else { return Ok(Vec::new()) };
    let mut applied = Vec::new();
    let mut steps_left = plan.steps.clone();
    if let Some(create) = steps_left.iter().position(|step| step.change == Some(Change::Create)) {
        bucket.create().await?;
        applied.push(Applied { step: steps_left.swap_remove(create), outcome: Outcome::Done });
        // What it has from the start is known only now.
        steps_left = steps(&plan.wanted, &bucket.configuration().await?, &ground)?;
    }
    for step in steps_left {
        let outcome = carry_out(wire, &step).await;
        applied.push(Applied { step, outcome });
    }
    bucket.store.backend().forget().await;
    let kept = read_back(bucket, plan, &ground, &applied).await?;
    applied.iter_mut().for_each(|applied| judge(applied, &kept));
    Ok(applied)
}

/// Decides anew on what there is now. AWS shows a change some moments after it took it.
async fn read_back(bucket: &Bucket, plan: &Plan, ground: &Ground, applied: &[Applied]) -> Result<Vec<Step>> {
    let mut wait = FIRST_WAIT;
    loop {
        let now = steps(&plan.wanted, &bucket.configuration().await?, ground)?;
        if wait > LONGEST_WAIT || applied.iter().all(|applied| !is_missing(applied, &now)) {
            return Ok(now);
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

/// Whether a step was done and is not seen.
fn is_missing(applied: &Applied, now: &[Step]) -> bool {
    let is_seen =
        |step: &Step| step.subject == applied.step.subject && matches!(step.verdict, Verdict::Same { .. });
    matches!(applied.outcome, Outcome::Done)
        && applied.step.subject != Subject::Bucket
        && !now.iter().any(is_seen)
}

async fn carry_out(wire: &Client, step: &Step) -> Outcome {
    let Some(change) = &step.change else {
        return match step.verdict {
            Verdict::Cannot { .. } => Outcome::Cannot,
            _ => Outcome::Unchanged,
        };
    };
    match send(wire, change).await {
        Ok(()) => Outcome::Done,
        Err(error) => Outcome::Failed(error),
    }
}

async fn send(wire: &Client, change: &Change) -> Result<()> {
    match change {
        // Made before all others, where the bucket is at hand.
        Change::Create => {}
        Change::Versioning => wire.put_versioning(Versioning::Enabled).await?,
        Change::Encryption(encryption) => wire.put_bucket_encryption(encryption).await?,
        Change::Access(block) => wire.put_public_access_block(block).await?,
        Change::Lifecycle(lifecycle) => wire.put_lifecycle(lifecycle).await?,
        Change::Policy(policy) => wire.put_bucket_policy(policy).await?,
        Change::Cors(rules) => wire.put_cors(rules).await?,
    }
    Ok(())
}

/// Takes back "done" where the same plan made anew would do it again.
fn judge(applied: &mut Applied, kept: &[Step]) {
    if !is_missing(applied, kept) {
        return;
    }
    let now = kept.iter().find(|step| step.subject == applied.step.subject).map(|step| &step.verdict);
    let fault = match now {
        Some(Verdict::Change { from, .. }) => {
            Error::new(ErrorKind::Unsupported, "the server took it and does not keep it")
                .with_fact("is", from)
        }
        Some(Verdict::Cannot { why, .. }) => {
            Error::new(ErrorKind::Unsupported, "the server took it and does not show it")
                .with_fact("why", why)
        }
        _ => Error::new(ErrorKind::Protocol, "it cannot be told whether the server keeps it"),
    };
    applied.outcome = Outcome::Failed(fault);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(verdict: Verdict) -> Step {
        Step { subject: Subject::Cors, verdict, change: None }
    }

    #[test]
    fn mig_3_what_is_claimed_and_not_kept_has_failed() {
        let same = || Verdict::Same { is: String::new() };
        let change = || Verdict::Change { from: "none".to_owned(), to: "x".to_owned() };
        for (now, well) in [(Some(same()), true), (Some(change()), false), (None, false)] {
            let mut applied = Applied { step: step(change()), outcome: Outcome::Done };
            let kept: Vec<Step> = now.into_iter().map(step).collect();
            judge(&mut applied, &kept);
            assert_eq!(applied.is_well(), well, "{kept:?}");
        }
    }
}
