use super::*;
use crate::retention::push::RuleKind::*;

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap()
}

const ALL: &str = r#"
[[rule]]
name = "old"
prefix = "tmp/"
expire_after = "30d"
transition_after = "7d"
storage_class = "COLD"

[[rule]]
name = "past"
prefix = ""
expire_noncurrent_after = "9d"
keep_noncurrent = 2
abort_uploads_after = "12h"

[[rule]]
name = "frames"
prefix = "m/"
glob = "**/frames/**"
expire_after = "1d"

[[rule]]
name = "runs"
prefix = "runs/"
keep_last = 3
"#;

fn words(plan: &RulesPlan) -> Vec<String> {
    let word = |step: &RuleStep| match &step.verdict {
        Verdict::Same { is } => format!("{} {} = {is}", step.rule, step.kind.as_str()),
        Verdict::Change { from, to } => format!("{} {}: {from} -> {to}", step.rule, step.kind.as_str()),
        Verdict::Cannot { why, .. } => format!("{} {}! {}", step.rule, step.kind.as_str(), &why[..7]),
    };
    plan.steps.iter().map(word).collect()
}

fn has(plan: &RulesPlan) -> Lifecycle {
    Lifecycle::new(plan.wanted.iter().map(|wanted| wanted.rule.clone()).collect())
}

#[test]
fn top_12_what_s3_can_say_is_said_and_what_it_cannot_is_told() {
    let plan = plan(&policy(ALL), "below/", &Lifecycle::default());
    let wanted = [
        "old expire: none -> after 30 d",
        "old transition: none -> to COLD after 7 d",
        "past expire_noncurrent: none -> after 9 d, but for the newest 2",
        "past abort_uploads! S3 coun",
        "frames expire! S3 has ",
        "runs keep_last! S3 does",
    ];
    assert_eq!(words(&plan), wanted);
    let ids: Vec<_> =
        plan.wanted.iter().map(|wanted| (wanted.rule.id(), wanted.rule.filter().prefix)).collect();
    let below = |text: &str| text.to_owned();
    assert_eq!(ids, [("holdall-policy-old", below("below/tmp/")), ("holdall-policy-past", below("below/"))]);
}

#[test]
fn rules_of_others_are_not_looked_at_and_those_of_an_earlier_policy_go() {
    let mut present = has(&plan(&policy(ALL), "", &Lifecycle::default()));
    present.rules.push(LifecycleRule::new("theirs", &LifecycleFilter::prefix("tmp/")).expire(1));
    assert_eq!(plan(&policy(ALL), "", &present).changes(), 0);
    let fewer = policy("[[rule]]\nname = \"old\"\nprefix = \"tmp/\"\nexpire_after = \"31d\"\n");
    let wanted = [
        "old expire: after 30 d -> after 31 d",
        "old transition: to COLD after 7 d -> none",
        "past expire_noncurrent: after 9 d, but for the newest 2 -> none",
    ];
    assert_eq!(words(&plan(&fewer, "", &present)), wanted);
}

#[test]
fn a_rule_for_other_objects_or_out_of_force_is_none() {
    let one = policy("[[rule]]\nname = \"a\"\nprefix = \"tmp/\"\nexpire_after = \"3d\"\n");
    let rule = |prefix| LifecycleRule::new("holdall-policy-a", &LifecycleFilter::prefix(prefix)).expire(3);
    for (present, changes) in [(rule("tmp/"), 0), (rule("log/"), 1), (rule("tmp/").disabled(), 1)] {
        assert_eq!(plan(&one, "", &Lifecycle::new(vec![present])).changes(), changes);
    }
    assert_eq!(told(&rule("x"), Expire).as_deref(), Some("after 3 d"));
}
