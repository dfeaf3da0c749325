//! Which CORS rule is added; those of others stay.

use super::CorsAccess;
use super::decide::{Change, Decision, change, same};
use holdall_s3::CorsRule;

const ID: &str = "holdall";

/// How long a browser may keep the permission, in seconds.
const MAX_AGE: u32 = 3600;

pub(super) fn decide(wanted: &CorsAccess, present: &[CorsRule]) -> Decision {
    let rule = rule(wanted);
    if present.iter().any(|other| CorsRule { id: rule.id.clone(), ..other.clone() } == rule) {
        return same(words(present));
    }
    let mut rules: Vec<CorsRule> =
        present.iter().filter(|other| other.id.as_deref() != Some(ID)).cloned().collect();
    rules.push(rule);
    change(words(present), words(&rules), Change::Cors(rules))
}

fn rule(wanted: &CorsAccess) -> CorsRule {
    // A page that sends parts needs their ETags.
    let exposed = ["ETag", "x-amz-version-id"].map(str::to_owned).to_vec();
    CorsRule {
        id: Some(ID.to_owned()),
        origins: wanted.origins.clone(),
        methods: wanted.methods.clone(),
        headers: vec!["*".to_owned()],
        exposed,
        max_age: Some(MAX_AGE),
        ..CorsRule::default()
    }
}

fn words(rules: &[CorsRule]) -> String {
    let rule = |rule: &CorsRule| format!("{} from {}", sorted(&rule.methods), sorted(&rule.origins));
    let rules: Vec<String> = rules.iter().map(rule).collect();
    if rules.is_empty() { "none".to_owned() } else { rules.join("; ") }
}

fn sorted(list: &[String]) -> String {
    let mut list: Vec<&str> = list.iter().map(String::as_str).collect();
    list.sort_unstable();
    list.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(origin: &str) -> CorsAccess {
        CorsAccess { origins: vec![origin.to_owned()], methods: vec!["GET".to_owned(), "PUT".to_owned()] }
    }

    #[test]
    fn mig_3_rules_of_others_stay_and_ours_is_replaced() {
        let theirs = CorsRule { origins: vec!["https://t".to_owned()], ..CorsRule::default() };
        let mut rules = vec![theirs.clone()];
        for origin in ["https://a", "https://b"] {
            let Some(Change::Cors(after)) = decide(&access(origin), &rules).1 else { panic!("no change") };
            assert_eq!(after.len(), 2);
            assert_eq!((&after[0], &after[1].origins[..]), (&theirs, &[origin.to_owned()][..]));
            assert!(decide(&access(origin), &after).1.is_none());
            rules = after;
        }
    }

    #[test]
    fn mig_3_a_rule_that_a_server_gave_another_name_is_known() {
        let renamed = CorsRule { id: None, ..rule(&access("https://a")) };
        assert!(decide(&access("https://a"), &[renamed]).1.is_none());
    }
}
