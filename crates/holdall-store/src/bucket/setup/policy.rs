//! Which policy there is to be: the one that is given, or the one there is, with a statement of holdall's own.

use super::Setup;
use super::decide::{Change, Decision, Ground, cannot, change, same};
use crate::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

const SID: &str = "HoldallDenyPlainHttp";

pub(super) fn is_wanted(wanted: &Setup) -> bool {
    wanted.policy.is_some() || wanted.deny_plain_http
}

/// Reads a policy.
///
/// # Errors
///
/// `InvalidInput` for what is no JSON object.
pub(super) fn parse(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text)
        .map_err(|e| Error::new(ErrorKind::InvalidInput, "the policy is not a JSON object").with_source(e))
}

pub(super) fn decide(wanted: &Setup, present: Option<&str>, ground: &Ground) -> Decision {
    if wanted.deny_plain_http && !ground.tls {
        let why = "the endpoint is plain http: it would shut out this client too";
        return cannot(ErrorKind::Config, why);
    }
    let read = |text: Option<&str>| text.map(parse).transpose();
    let (Ok(present), Ok(given)) = (read(present), read(wanted.policy.as_deref())) else {
        return cannot(ErrorKind::Protocol, "the policy there is cannot be read");
    };
    let mut policy = given.or_else(|| present.clone()).unwrap_or_default();
    if wanted.deny_plain_http && !add(&mut policy, deny_plain_http(ground)) {
        return cannot(ErrorKind::Protocol, "the statements of the policy there is cannot be read");
    }
    let from = present.as_ref().map_or_else(|| "none".to_owned(), words);
    if present.is_some_and(|present| is_same(&present, &policy)) {
        return same(from);
    }
    change(from, words(&policy), Change::Policy(Value::Object(policy).to_string()))
}

fn deny_plain_http(ground: &Ground) -> Value {
    let partition = match ground.region.split('-').next() {
        Some("cn") => "aws-cn",
        _ if ground.region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let bucket = format!("arn:{partition}:s3:::{}", ground.bucket);
    json!({
        "Sid": SID,
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [bucket, format!("{bucket}/*")],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } },
    })
}

/// Adds a statement in place of the one of its name; false when the policy's statements are none.
fn add(policy: &mut Map<String, Value>, statement: Value) -> bool {
    policy.entry("Version").or_insert_with(|| json!("2012-10-17"));
    let statements = policy.entry("Statement").or_insert_with(|| json!([]));
    if statements.is_object() {
        *statements = json!([statements.take()]);
    }
    let Some(list) = statements.as_array_mut() else { return false };
    list.retain(|other| other["Sid"] != SID);
    list.push(statement);
    true
}

fn is_same(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    normal(&Value::Object(a.clone())) == normal(&Value::Object(b.clone()))
}

/// A policy in one form of those that mean the same: services write a list of one as that one, sort lists, and say
/// `*` of principals in two ways.
fn normal(value: &Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.iter().map(normal).collect();
            list.sort_by_key(Value::to_string);
            if list.len() == 1 { list.remove(0) } else { Value::Array(list) }
        }
        Value::Object(map) => {
            let map: Map<String, Value> =
                map.iter().map(|(name, value)| (name.clone(), normal(value))).collect();
            if map.len() == 1 && map.get("AWS") == Some(&json!("*")) {
                json!("*")
            } else {
                Value::Object(map)
            }
        }
        other => other.clone(),
    }
}

fn words(policy: &Map<String, Value>) -> String {
    let statements = match policy.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    let name = |statement: &&Value| {
        let sid = statement["Sid"].as_str().unwrap_or("unnamed");
        format!("{} {sid}", statement["Effect"].as_str().unwrap_or("?"))
    };
    let names: Vec<String> = statements.iter().map(name).collect();
    if names.is_empty() { "no statement".to_owned() } else { names.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::super::decide::tests::GROUND;
    use super::*;
    use crate::bucket::Verdict;

    const THEIRS: &str = r#"{"Version":"2012-10-17","Statement":{"Sid":"Read","Effect":"Allow","Principal":"*",
        "Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}}"#;

    fn tls_only() -> Setup {
        Setup { deny_plain_http: true, ..Setup::default() }
    }

    fn changed(wanted: &Setup, present: Option<&str>) -> String {
        match decide(wanted, present, &GROUND()).1 {
            Some(Change::Policy(policy)) => policy,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn mig_3_statements_of_others_stay() {
        let after: Value = serde_json::from_str(&changed(&tls_only(), Some(THEIRS))).unwrap();
        assert_eq!(after["Statement"][0]["Sid"], "Read");
        assert_eq!(after["Statement"][1]["Sid"], SID);
        assert_eq!(after["Statement"].as_array().unwrap().len(), 2);
        assert_eq!(after["Statement"][1]["Resource"][1], "arn:aws:s3:::b/*");
    }

    #[test]
    fn mig_3_a_policy_in_a_services_own_form_is_the_same() {
        let given =
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":["a","b"],"Resource":["r"]}]}"#;
        let kept =
            r#"{"Statement":{"Resource":"r","Effect":"Allow","Principal":{"AWS":"*"},"Action":["b","a"]}}"#;
        let wanted = Setup { policy: Some(given.to_owned()), ..Setup::default() };
        assert!(decide(&wanted, Some(kept), &GROUND()).1.is_none());
        assert!(decide(&wanted, Some(&kept.replace("\"b\",", "")), &GROUND()).1.is_some());
    }

    #[test]
    fn mig_3_a_client_on_plain_http_is_not_shut_out_by_itself() {
        let ground = Ground { tls: false, ..GROUND() };
        let (verdict, change) = decide(&tls_only(), None, &ground);
        assert!(matches!(verdict, Verdict::Cannot { kind: ErrorKind::Config, .. }));
        assert!(change.is_none());
    }

    #[test]
    fn mig_3_our_statement_is_put_once() {
        let once = changed(&tls_only(), None);
        assert!(decide(&tls_only(), Some(&once), &GROUND()).1.is_none());
        let old = once.replace("s3:*", "s3:Get*");
        assert_eq!(changed(&tls_only(), Some(&old)), once);
        let other = Ground { region: "us-gov-west-1".to_owned(), ..GROUND() };
        assert!(deny_plain_http(&other).to_string().contains("arn:aws-us-gov:s3:::b/*"));
    }

    #[test]
    fn a_policy_that_is_not_understood_is_not_rewritten() {
        for strange in ["{\"Statement\":7}", "no JSON"] {
            assert!(decide(&tls_only(), Some(strange), &GROUND()).1.is_none(), "{strange}");
        }
    }
}
