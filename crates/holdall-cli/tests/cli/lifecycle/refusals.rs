//! A bucket's own rules on servers that have not all that S3 has, and say so.

use crate::shell::Shell;
use holdall_testing::fault::{Fault, Kind, Rule};

const PUSH: &str = "lifecycle push --policy policy.toml --apply";

/// A shell whose server refuses rules with something in them, and whose bucket has a rule of somebody else's.
fn without(containing: &str, status: u16, code: &str) -> Shell {
    let (containing, code) = (containing.to_owned(), code.to_owned());
    let refusal = Fault::RefuseBody { containing, status, code };
    let shell = Shell::with_fault(Rule::new(refusal).on(Kind::PutBucketLifecycle));
    let theirs = "<LifecycleConfiguration><Rule><ID>theirs</ID><Filter><Prefix>x/</Prefix></Filter>\
                  <Status>Enabled</Status><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>";
    let url = format!("{}/b?lifecycle", shell.server().endpoint());
    assert!(holdall_testing::plain_http::send("PUT", &url, &[], theirs.as_bytes()).unwrap().is_success());
    shell
}

/// The bucket's rules by name: whether each is in force, and what it does.
fn rules(shell: &Shell) -> Vec<(String, bool, String)> {
    let text = shell.server().lifecycle("b").unwrap();
    let between = |text: &str, begin: &str, end: &str| {
        let (_, rest) = text.split_once(begin).unwrap();
        rest.split_once(end).unwrap().0.to_owned()
    };
    let does = |rule: &str| {
        ["Expiration", "Transition", "AbortIncompleteMultipartUpload", "Tag"]
            .into_iter()
            .filter(|name| rule.contains(&format!("<{name}>")))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let rule =
        |rule: &str| (between(rule, "<ID>", "</ID>"), rule.contains("<Status>Enabled</Status>"), does(rule));
    text.split("<Rule>").skip(1).map(rule).collect()
}

fn are(shell: &Shell, expected: &[(&str, &str)]) {
    let all = [&[("theirs", "Expiration")], expected].concat();
    let all: Vec<_> = all.into_iter().map(|(name, does)| (name.to_owned(), true, does.to_owned())).collect();
    assert_eq!(rules(shell), all);
}

/// TOP-12: what the server has not is named and has failed, and the rest is in force.
#[test]
fn top_12_a_kind_that_the_server_refuses_keeps_none_of_the_others() {
    let shell = without("<Transition>", 501, "NotImplemented");
    let policy = "[[rule]]\nname = \"logs\"\nprefix = \"logs/\"\nexpire_after = \"9d\"\n\
        transition_after = \"2d\"\nstorage_class = \"GLACIER\"\nabort_uploads_after = \"7d\"\n\
        [[rule]]\nname = \"cold\"\nprefix = \"cold/\"\ntransition_after = \"2d\"\nstorage_class = \"GLACIER\"\n\
        [[rule]]\nname = \"tmp\"\nprefix = \"tmp/\"\nexpire_after = \"1d\"\n";
    shell.write("policy.toml", policy);
    shell.transcript("lifecycle_refused_kind", &[PUSH, PUSH]);
    are(
        &shell,
        &[
            ("holdall-policy-logs", "Expiration AbortIncompleteMultipartUpload"),
            ("holdall-policy-tmp", "Expiration"),
        ],
    );
}

/// TOP-12: nothing is in force of a rule of which the filter is refused, nor what an earlier policy had in its place: that
/// would delete more than this one says.
#[test]
fn top_12_a_rule_whose_filter_is_refused_is_not_in_force() {
    let shell = without("<Tag>", 400, "InvalidRequest");
    let policy = "[[rule]]\nname = \"tmp\"\nprefix = \"tmp/\"\nexpire_after = \"1d\"\n\
        [[rule]]\nname = \"logs\"\nprefix = \"logs/\"\nexpire_after = \"9d\"\n";
    let tagged = policy.replacen("\"1d\"", "\"1d\"\ntags = { keep = \"no\" }", 1);
    shell.write("policy.toml", policy);
    let pushed = shell.run(&PUSH.split(' ').collect::<Vec<_>>());
    assert!(pushed.status.success(), "{pushed:?}");
    are(&shell, &[("holdall-policy-tmp", "Expiration"), ("holdall-policy-logs", "Expiration")]);
    shell.write("policy.toml", tagged);
    shell.transcript("lifecycle_refused_filter", &[PUSH, &format!("{PUSH} --json")]);
    are(&shell, &[("holdall-policy-logs", "Expiration")]);
}

/// Kinds that a server takes one by one and refuses together were put together all the same: the command ended with an
/// error, and what was in force before was lost.
#[test]
fn kinds_that_are_refused_together_are_pushed_as_far_as_they_are_taken() {
    let shell = without("</Expiration><Transition>", 400, "InvalidRequest");
    let policy = "[[rule]]\nname = \"logs\"\nprefix = \"logs/\"\nexpire_after = \"9d\"\n\
        transition_after = \"20d\"\nstorage_class = \"GLACIER\"\n\
        [[rule]]\nname = \"tmp\"\nprefix = \"tmp/\"\nexpire_after = \"1d\"\n";
    shell.write("policy.toml", policy);
    shell.transcript("lifecycle_refused_together", &[PUSH]);
    are(&shell, &[("holdall-policy-logs", "Expiration"), ("holdall-policy-tmp", "Expiration")]);
}

/// TOP-12: where nothing is taken, nothing is changed.
#[test]
fn top_12_a_server_that_takes_no_rules_keeps_those_of_others() {
    let shell = without("holdall-policy-", 501, "NotImplemented");
    shell.write("policy.toml", "[[rule]]\nname = \"tmp\"\nprefix = \"tmp/\"\nexpire_after = \"1d\"\n");
    shell.transcript("lifecycle_refused_all", &[PUSH]);
    are(&shell, &[]);
}
