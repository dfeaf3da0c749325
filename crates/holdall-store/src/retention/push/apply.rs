//! Gives a bucket the rules of a plan, out of force first.

use super::say::told;
use super::{AppliedRule, RuleKind, RuleStep, RulesPlan, Wanted, find, name_of};
use crate::bucket::{Outcome, Verdict};
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{Client, Lifecycle, LifecycleRule};
use std::time::Duration;

const FIRST_WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
const NOT_IN_FORCE: &str = "it is not in force there: `holdall lifecycle sweep` does it";

pub(super) async fn apply(wire: &Client, plan: &RulesPlan) -> Result<Vec<AppliedRule>> {
    let present = wire.lifecycle().await?;
    let mut refused = Vec::new();
    let taken = match plan.changes() {
        0 => plan.wanted.clone(),
        _ => replace(wire, &plan.wanted, &present, &mut refused).await?,
    };
    let has = wire.lifecycle().await?;
    let outcome = |step: &RuleStep| AppliedRule {
        outcome: judge(step, &has, &taken, &mut refused),
        step: step.clone(),
    };
    Ok(plan.steps.iter().map(outcome).collect())
}

/// Puts rules out of force, looks at what the server keeps of them, and puts that in force.
async fn replace(
    wire: &Client,
    wanted: &[Wanted],
    present: &Lifecycle,
    refused: &mut Vec<(String, RuleKind, Error)>,
) -> Result<Vec<Wanted>> {
    let mut wanted = wanted.to_vec();
    match put(wire, &with(present, &wanted, out_of_force)).await {
        Err(error) if is_refusal(&error) => {
            wanted = possible(wire, &wanted, present, refused).await?;
            put(wire, &with(present, &wanted, out_of_force)).await?;
        }
        done => done?,
    }
    let kept = read_back(wire, &with(present, &wanted, out_of_force)).await?;
    let taken: Vec<Wanted> = wanted.iter().filter_map(|wanted| whole(wanted, &kept)).collect();
    let last = with(present, &taken, LifecycleRule::clone);
    put(wire, &last).await?;
    read_back(wire, &last).await?;
    Ok(taken)
}

fn out_of_force(rule: &LifecycleRule) -> LifecycleRule {
    rule.clone().disabled()
}

/// The rules of others as they are, and ours in some form.
fn with(present: &Lifecycle, ours: &[Wanted], form: impl Fn(&LifecycleRule) -> LifecycleRule) -> Lifecycle {
    let mut lifecycle = present.clone();
    lifecycle.rules.retain(|rule| name_of(rule).is_none());
    lifecycle.rules.extend(ours.iter().map(|wanted| form(&wanted.rule)));
    lifecycle
}

async fn put(wire: &Client, lifecycle: &Lifecycle) -> Result<()> {
    match lifecycle.rules.is_empty() {
        true => wire.delete_lifecycle().await?,
        false => wire.put_lifecycle(lifecycle).await?,
    }
    Ok(())
}

/// What is wanted without what the server refuses, which is found out kind by kind, each beside what was taken before: what
/// is taken alone may be refused together.
async fn possible(
    wire: &Client,
    all: &[Wanted],
    present: &Lifecycle,
    refused: &mut Vec<(String, RuleKind, Error)>,
) -> Result<Vec<Wanted>> {
    let mut possible: Vec<Wanted> = Vec::new();
    for Wanted { name, rule } in all {
        let before = possible.len();
        let mut kinds = Vec::new();
        for kind in RuleKind::ALL.into_iter().filter(|kind| told(rule, *kind).is_some()) {
            let more = [&*kinds, &[kind]].concat();
            let mut tried = possible[..before].to_vec();
            tried.push(Wanted { name: name.clone(), rule: only(rule, &more) });
            match put(wire, &with(present, &tried, out_of_force)).await {
                Ok(()) => (possible, kinds) = (tried, more),
                Err(error) if is_refusal(&error) => refused.push((name.clone(), kind, error)),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(possible)
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported)
}

/// A rule that does of all that another one does only these kinds.
fn only(rule: &LifecycleRule, kinds: &[RuleKind]) -> LifecycleRule {
    let mut out = LifecycleRule::new(rule.id(), &rule.filter());
    for kind in kinds {
        out = match kind {
            RuleKind::KeepLast => out,
            RuleKind::Expire => rule.expire_days().into_iter().fold(out, LifecycleRule::expire),
            RuleKind::AbortUploads => {
                rule.abort_uploads_days().into_iter().fold(out, LifecycleRule::abort_uploads)
            }
            RuleKind::ExpireNoncurrent => {
                let out =
                    rule.expire_noncurrent_days().into_iter().fold(out, LifecycleRule::expire_noncurrent);
                rule.noncurrent_kept().into_iter().fold(out, LifecycleRule::keep_noncurrent)
            }
            RuleKind::Transition => {
                rule.transitions().iter().fold(out, |out, to| out.transition(to.days.unwrap_or(0), &to.class))
            }
        };
    }
    out
}

/// What is wanted as far as the server kept it: nothing of a rule whose filter it changed.
fn whole(wanted: &Wanted, kept: &Lifecycle) -> Option<Wanted> {
    let is = find(kept, &wanted.name).filter(|is| is.filter() == wanted.rule.filter())?;
    let is_kept = |kind: &RuleKind| {
        let wanted = told(&wanted.rule, *kind);
        wanted.is_some() && wanted == told(is, *kind)
    };
    let kinds: Vec<RuleKind> = RuleKind::ALL.into_iter().filter(is_kept).collect();
    (!kinds.is_empty()).then(|| Wanted { name: wanted.name.clone(), rule: only(&wanted.rule, &kinds) })
}

/// Reads until what was put is seen, or long enough. AWS shows a change some moments after it took it.
async fn read_back(wire: &Client, wanted: &Lifecycle) -> Result<Lifecycle> {
    let mut wait = FIRST_WAIT;
    loop {
        let has = wire.lifecycle().await?;
        if wait > LONGEST_WAIT || is_same(&has, wanted) {
            return Ok(has);
        }
        tokio::time::sleep(wait).await;
        wait *= 2;
    }
}

fn is_same(has: &Lifecycle, wanted: &Lifecycle) -> bool {
    has.rules.len() == wanted.rules.len() && wanted.rules.iter().all(|rule| has.rules.contains(rule))
}

fn judge(
    step: &RuleStep,
    has: &Lifecycle,
    taken: &[Wanted],
    refused: &mut Vec<(String, RuleKind, Error)>,
) -> Outcome {
    if matches!(step.verdict, Verdict::Cannot { .. }) {
        return Outcome::Cannot;
    }
    let is_step = |(rule, kind, _): &(String, RuleKind, Error)| *rule == step.rule && *kind == step.kind;
    if let Some(at) = refused.iter().position(is_step) {
        let error = refused.swap_remove(at).2;
        return Outcome::Failed(error.with_fact("rule", &step.rule).with_hint(NOT_IN_FORCE));
    }
    let wanted = match &step.verdict {
        Verdict::Same { is } => Some(is),
        Verdict::Change { to, .. } => Some(to).filter(|to| *to != "none"),
        Verdict::Cannot { .. } => None,
    };
    let is = find(has, &step.rule).filter(|rule| {
        rule.is_enabled() && taken.iter().all(|t| t.name != step.rule || t.rule.filter() == rule.filter())
    });
    match (is.and_then(|rule| told(rule, step.kind)), &step.verdict) {
        (is, verdict) if is.as_ref() == wanted => match verdict {
            Verdict::Same { .. } => Outcome::Unchanged,
            _ => Outcome::Done,
        },
        _ => Outcome::Failed(
            Error::new(ErrorKind::Unsupported, "the server took the rule and does not keep all of it")
                .with_fact("rule", &step.rule)
                .with_hint(NOT_IN_FORCE),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdall_s3::LifecycleFilter;

    fn rule(prefix: &str, tagged: bool) -> LifecycleRule {
        let tags = if tagged { vec![("keep".to_owned(), "no".to_owned())] } else { Vec::new() };
        LifecycleRule::new("holdall-policy-r", &LifecycleFilter { prefix: prefix.to_owned(), tags })
    }

    fn kept(wanted: LifecycleRule, has: LifecycleRule) -> Option<LifecycleRule> {
        let wanted = Wanted { name: "r".to_owned(), rule: wanted };
        whole(&wanted, &Lifecycle::new(vec![has])).map(|wanted| wanted.rule)
    }

    /// TOP-12: a rule that a server would make wider than the policy has it is not put in force.
    #[test]
    fn what_a_server_does_not_keep_whole_never_comes_into_force() {
        let tagged = rule("tmp/", true).expire(3).disabled();
        assert_eq!(kept(rule("tmp/", true).expire(3), tagged), Some(rule("tmp/", true).expire(3)));
        assert_eq!(kept(rule("tmp/", true).expire(3), rule("tmp/", false).expire(3)), None);
        assert_eq!(kept(rule("tmp/", false).expire(3), rule("", false).expire(3)), None);
        let counted = rule("", false).expire_noncurrent(9).keep_noncurrent(2).abort_uploads(7);
        let uncounted = rule("", false).expire_noncurrent(9).abort_uploads(7);
        assert_eq!(kept(counted.clone(), uncounted), Some(rule("", false).abort_uploads(7)));
        assert_eq!(kept(counted.clone(), counted.clone().disabled()), Some(counted));
        assert_eq!(kept(rule("", false).expire(3), rule("", false).expire(4)), None);
    }

    #[test]
    fn rules_of_others_stay_as_they_are() {
        let theirs = LifecycleRule::new("theirs", &LifecycleFilter::prefix("x/")).expire(1);
        let present = Lifecycle::new(vec![theirs.clone(), rule("old/", false).expire(2)]);
        let ours = [Wanted { name: "r".to_owned(), rule: rule("new/", false).expire(3) }];
        let rules = with(&present, &ours, out_of_force).rules;
        assert_eq!(rules, [theirs, rule("new/", false).expire(3).disabled()]);
    }
}
