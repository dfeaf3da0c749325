//! Which lifecycle rules are added; those of others stay.

use super::Setup;
use super::decide::{Change, Decision, change, same};
use crate::sha256;
use holdall_s3::{Lifecycle, LifecycleFilter, LifecycleRule};

pub(super) fn is_wanted(wanted: &Setup) -> bool {
    wanted.abort_uploads.is_some() || wanted.expire_noncurrent.is_some() || !wanted.expire.is_empty()
}

pub(super) fn decide(wanted: &Setup, present: &Lifecycle) -> Decision {
    let mut lifecycle = present.clone();
    for rule in rules(wanted) {
        if present.rules.iter().any(|other| does(other, &rule)) {
            continue;
        }
        lifecycle.rules.retain(|other| other.id() != rule.id());
        lifecycle.rules.push(rule);
    }
    if lifecycle == *present {
        return same(words(present));
    }
    change(words(present), words(&lifecycle), Change::Lifecycle(lifecycle))
}

/// A rule of holdall's own for each wish, by whose name it is known the next time.
fn rules(wanted: &Setup) -> Vec<LifecycleRule> {
    let everything = LifecycleFilter::default();
    let abort = wanted
        .abort_uploads
        .map(|days| LifecycleRule::new("holdall-abort-uploads", &everything).abort_uploads(days));
    let versions = wanted
        .expire_noncurrent
        .map(|days| LifecycleRule::new("holdall-expire-noncurrent", &everything).expire_noncurrent(days));
    let expire = wanted.expire.iter().map(|(prefix, days)| {
        // A rule's name is shorter than a prefix may be.
        let id = format!("holdall-expire-{}", &sha256(prefix.as_bytes()).to_hex()[..16]);
        LifecycleRule::new(&id, &LifecycleFilter::prefix(prefix)).expire(*days)
    });
    abort.into_iter().chain(versions).chain(expire).collect()
}

/// Whether a rule does what another one is for, to the same objects. One that says more than is understood may be
/// narrower than it looks.
fn does(present: &LifecycleRule, wanted: &LifecycleRule) -> bool {
    let has = |is: Option<u32>, wanted: Option<u32>| wanted.is_none() || is == wanted;
    present.is_enabled()
        && !present.has_more()
        && present.filter() == wanted.filter()
        && has(present.abort_uploads_days(), wanted.abort_uploads_days())
        && has(present.expire_noncurrent_days(), wanted.expire_noncurrent_days())
        && present.noncurrent_kept().is_none()
        && has(present.expire_days(), wanted.expire_days())
}

fn words(lifecycle: &Lifecycle) -> String {
    let rules: Vec<String> = lifecycle.rules.iter().map(rule_in_words).collect();
    if rules.is_empty() { "none".to_owned() } else { rules.join("; ") }
}

fn rule_in_words(rule: &LifecycleRule) -> String {
    let filter = rule.filter();
    let mut parts = Vec::new();
    parts.extend(rule.abort_uploads_days().map(|days| format!("abort uploads after {days} d")));
    parts.extend(rule.expire_noncurrent_days().map(|days| format!("delete old versions after {days} d")));
    parts.extend(rule.expire_days().map(|days| format!("delete after {days} d")));
    if parts.is_empty() || rule.has_more() || rule.noncurrent_kept().is_some() || !filter.tags.is_empty() {
        parts = vec![format!("rule {}", rule.id())];
    }
    let off = if rule.is_enabled() { "" } else { " (off)" };
    let place = if filter.prefix.is_empty() { String::new() } else { format!("{}: ", filter.prefix) };
    format!("{place}{}{off}", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::Verdict;

    fn wanted() -> Setup {
        Setup {
            abort_uploads: Some(7),
            expire_noncurrent: Some(30),
            expire: vec![("tmp/".to_owned(), 3), ("log/".to_owned(), 90)],
            ..Setup::default()
        }
    }

    fn changed(wanted: &Setup, present: &Lifecycle) -> Lifecycle {
        match decide(wanted, present).1 {
            Some(Change::Lifecycle(lifecycle)) => lifecycle,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mig_3_rules_of_others_stay() {
        let theirs = LifecycleRule::new("theirs", &LifecycleFilter::prefix("tmp/")).transition(30, "GLACIER");
        let after = changed(&wanted(), &Lifecycle::new(vec![theirs.clone()]));
        assert_eq!(after.rules.len(), 5);
        assert_eq!(after.rules[0], theirs);
        assert!(decide(&wanted(), &after).1.is_none());
    }

    #[test]
    fn mig_3_a_rule_of_ours_is_replaced_and_no_other() {
        let first = changed(&wanted(), &Lifecycle::default());
        let longer = Setup { abort_uploads: Some(9), ..wanted() };
        let second = changed(&longer, &first);
        assert_eq!(second.rules.len(), 4);
        let days: Vec<_> = second.rules.iter().filter_map(LifecycleRule::abort_uploads_days).collect();
        assert_eq!(days, [9]);
    }

    #[test]
    fn mig_3_what_a_rule_of_others_does_already_is_enough() {
        let all = LifecycleFilter::default();
        let theirs = LifecycleRule::new("theirs", &all).abort_uploads(7).expire_noncurrent(30);
        let wanted = Setup { expire: Vec::new(), ..wanted() };
        let (verdict, change) = decide(&wanted, &Lifecycle::new(vec![theirs]));
        assert!(change.is_none());
        let is = "abort uploads after 7 d, delete old versions after 30 d".to_owned();
        assert_eq!(verdict, Verdict::Same { is });
        let elsewhere = LifecycleRule::new("theirs", &LifecycleFilter::prefix("x/")).abort_uploads(7);
        assert!(decide(&wanted, &Lifecycle::new(vec![elsewhere])).1.is_some());
    }
}
