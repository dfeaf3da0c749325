//! What S3 can say of a policy: pure, from rules and what a bucket has to steps.

use super::{OURS, RuleKind, RuleStep, RulesPlan, Wanted, find, name_of};
use crate::bucket::Verdict;
use crate::error::ErrorKind;
use crate::retention::policy::{Policy, Rule};
use holdall_s3::{Lifecycle, LifecycleFilter, LifecycleRule};
use std::time::Duration;

const NO_GLOB: &str = "S3 has no globs: only `holdall lifecycle sweep` does it";
const NO_COUNT: &str = "S3 does not count children: only `holdall lifecycle sweep` does it";
const NO_HOURS: &str = "S3 counts whole days: only `holdall lifecycle sweep` does it";

pub(super) fn plan(policy: &Policy, root: &str, present: &Lifecycle) -> RulesPlan {
    let (mut steps, mut wanted) = (Vec::new(), Vec::new());
    for rule in policy.rules() {
        let (said, unsaid) = say(rule, root);
        let is = find(present, &rule.name);
        steps.extend(changes(&rule.name, is, said.as_ref()));
        steps.extend(unsaid.into_iter().map(|(kind, why)| {
            let verdict = Verdict::Cannot { kind: ErrorKind::Unsupported, why: why.to_owned() };
            RuleStep { rule: rule.name.clone(), kind, verdict }
        }));
        wanted.extend(said.map(|said| Wanted { name: rule.name.clone(), rule: said }));
    }
    for (is, name) in present.rules.iter().filter_map(|rule| Some((rule, name_of(rule)?))) {
        if !policy.rules().iter().any(|rule| rule.name == name) {
            steps.extend(changes(name, Some(is), None));
        }
    }
    RulesPlan { steps, wanted }
}

/// The rule as a bucket has it, of all that S3 can say, and why it cannot say the rest.
fn say(rule: &Rule, root: &str) -> (Option<LifecycleRule>, Vec<(RuleKind, &'static str)>) {
    let filter = LifecycleFilter { prefix: format!("{root}{}", rule.prefix), tags: rule.tags.clone() };
    let mut said = LifecycleRule::new(&format!("{OURS}{}", rule.name), &filter);
    let (mut is_any, mut unsaid) = (false, Vec::new());
    for kind in RuleKind::ALL {
        match says(rule, kind, &said) {
            None => {}
            Some(Ok(more)) => (said, is_any) = (more, true),
            Some(Err(why)) => unsaid.push((kind, why)),
        }
    }
    (is_any.then_some(said), unsaid)
}

/// Adds what the rule does of a kind; none where it does nothing of it.
fn says(rule: &Rule, kind: RuleKind, said: &LifecycleRule) -> Option<Result<LifecycleRule, &'static str>> {
    let said = said.clone();
    let (age, added): (Duration, Box<dyn FnOnce(u32) -> LifecycleRule>) = match kind {
        RuleKind::KeepLast => return rule.keep_last.map(|_| Err(NO_COUNT)),
        RuleKind::Expire => (rule.expire?, Box::new(|days| said.expire(days))),
        RuleKind::AbortUploads => (rule.abort_uploads?, Box::new(|days| said.abort_uploads(days))),
        RuleKind::ExpireNoncurrent => {
            let noncurrent = rule.noncurrent?;
            (
                noncurrent.after,
                Box::new(move |days| match noncurrent.keep {
                    0 => said.expire_noncurrent(days),
                    keep => said.expire_noncurrent(days).keep_noncurrent(keep),
                }),
            )
        }
        RuleKind::Transition => {
            let transition = rule.transition.as_ref()?;
            (transition.after, Box::new(|days| said.transition(days, &transition.class)))
        }
    };
    Some(match (rule.glob.is_some(), whole_days(age)) {
        (true, _) => Err(NO_GLOB),
        (false, None) => Err(NO_HOURS),
        (false, Some(days)) => Ok(added(days)),
    })
}

fn whole_days(age: Duration) -> Option<u32> {
    let is_whole = age.subsec_nanos() == 0 && age.as_secs().is_multiple_of(86_400);
    u32::try_from(age.as_secs() / 86_400).ok().filter(|_| is_whole)
}

/// From what a bucket has of a rule to what it is to have.
fn changes(name: &str, is: Option<&LifecycleRule>, wanted: Option<&LifecycleRule>) -> Vec<RuleStep> {
    let is_meant = |rule: &&LifecycleRule| {
        rule.is_enabled() && wanted.is_none_or(|wanted| wanted.filter() == rule.filter())
    };
    let is = is.filter(is_meant);
    let step = |kind| {
        let from = is.and_then(|rule| told(rule, kind));
        let to = wanted.and_then(|rule| told(rule, kind));
        let verdict = match (from, to) {
            (None, None) => return None,
            (Some(is), Some(to)) if is == to => Verdict::Same { is },
            (from, to) => Verdict::Change {
                from: from.unwrap_or_else(|| "none".to_owned()),
                to: to.unwrap_or_else(|| "none".to_owned()),
            },
        };
        Some(RuleStep { rule: name.to_owned(), kind, verdict })
    };
    RuleKind::ALL.into_iter().filter_map(step).collect()
}

/// What a bucket's rule does of a kind, in words.
pub(super) fn told(rule: &LifecycleRule, kind: RuleKind) -> Option<String> {
    let after = |days: u32| format!("after {days} d");
    match kind {
        RuleKind::KeepLast => None,
        RuleKind::Expire => rule.expire_days().map(after),
        RuleKind::AbortUploads => rule.abort_uploads_days().map(after),
        RuleKind::ExpireNoncurrent => {
            let kept = rule.noncurrent_kept().map(|n| format!(", but for the newest {n}"));
            rule.expire_noncurrent_days().map(|days| after(days) + &kept.unwrap_or_default())
        }
        RuleKind::Transition => {
            let to = |transition: &holdall_s3::Transition| {
                Some(format!("to {} after {} d", transition.class, transition.days?))
            };
            let all: Vec<String> = rule.transitions().iter().filter_map(to).collect();
            (!all.is_empty()).then(|| all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests;
