//! `holdall bucket info`

use super::{Outcome, Which};
use crate::app::App;
use crate::failure::Failure;
use crate::text::{count, escaped};
use clap::Args;
use holdall::bucket::{
    BucketEncryption, BucketLogging, Configuration, DefaultRetention, ObjectLock, PublicAccessBlock,
    Versioning,
};
use holdall::{Error, ErrorKind, Stats};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::io::Write;

const AFTER: &str = "\
What the server does not have is `unsupported`, what the credentials may not ask is `denied`;
in JSON it is null, and `unknown` says why.

Examples:
  holdall bucket info
  holdall bucket info results --count --json";

/// Prints what is known of a bucket, or of the folder of a store
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct Info {
    #[command(flatten)]
    which: Which,
    /// Count objects and bytes, by listing all
    #[arg(long)]
    count: bool,
}

/// A line, as a person reads it and as JSON has it.
struct Fact {
    name: &'static str,
    text: String,
    json: Value,
}

/// All facts by name; what is not known is null, and why stands beside.
#[derive(Serialize)]
struct InfoRecord<'a> {
    #[serde(flatten, serialize_with = "by_name")]
    facts: &'a [Fact],
    unknown: Unknown<'a>,
}

fn by_name<S: Serializer>(facts: &&[Fact], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(facts.iter().map(|fact| (fact.name, &fact.json)))
}

struct Unknown<'a>(&'a [Fact]);

impl Serialize for Unknown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let unknown = self.0.iter().filter(|fact| fact.json.is_null());
        serializer.collect_map(unknown.map(|fact| (fact.name, &fact.text)))
    }
}

impl Fact {
    fn new(name: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { name, json: Value::from(text.clone()), text }
    }

    fn number(name: &'static str, text: String, number: u64) -> Self {
        Self { name, text, json: Value::from(number) }
    }
}

impl Info {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let bucket = self.which.open(app)?;
        let mut facts = vec![Fact::new("backend", bucket.kind()), Fact::new("location", bucket.location())];
        let mut failures = Vec::new();
        let told = match bucket.name() {
            Some(_) => Some(bucket.configuration().await?),
            None => bucket.check().await.map(|_| None)?,
        };
        facts.extend(bucket.name().map(|name| Fact::new("bucket", name)));
        if let Some(told) = &told {
            configured(told, &mut facts, &mut failures);
        }
        if self.count {
            let Stats { objects, bytes } = bucket.count().await?;
            facts.push(Fact::number("objects", objects.to_string(), objects));
            facts.push(Fact::number("bytes", bytes.to_string(), bytes));
        }
        print(&facts, app)?;
        for (name, error) in &failures {
            app.report.error(error, Some(name));
        }
        if failures.is_empty() { Ok(()) } else { Err(Failure::Reported) }
    }
}

fn print(facts: &[Fact], app: &mut App) -> Outcome {
    if app.globals.json {
        return Ok(app.out.json(&InfoRecord { facts, unknown: Unknown(facts) })?);
    }
    for fact in facts {
        writeln!(app.out, "{}: {}", fact.name, escaped(&fact.text))?;
    }
    Ok(())
}

/// Says what each part of the configuration is, or why it is not known.
fn configured<'a>(
    told: &'a Configuration,
    facts: &mut Vec<Fact>,
    failures: &mut Vec<(&'static str, &'a Error)>,
) {
    let mut add = |name: &'static str, fact: Result<Fact, &'a Error>| {
        let fact = fact.unwrap_or_else(|error| {
            let text = match error.kind() {
                ErrorKind::Unsupported => "unsupported",
                ErrorKind::PermissionDenied => "denied",
                _ => {
                    failures.push((name, error));
                    "failed"
                }
            };
            Fact { name, text: text.to_owned(), json: Value::Null }
        });
        facts.push(Fact { name, ..fact });
    };
    let text = |text: String| Fact::new("", text);
    let rules = |n: usize| Fact::number("", count(n as u64, "rule"), n as u64);
    add("region", told.region.as_ref().map(|region| text(region.clone())));
    add("versioning", told.versioning.as_ref().map(|versioning| text(versioned(*versioning).to_owned())));
    add("encryption", told.encryption.as_ref().map(|e| text(encrypted(e.as_ref()))));
    add("lifecycle_rules", told.lifecycle.as_ref().map(|lifecycle| rules(lifecycle.rules.len())));
    add("cors_rules", told.cors.as_ref().map(|cors| rules(cors.len())));
    add(
        "policy",
        told.policy.as_ref().map(|policy| text(if policy.is_some() { "set" } else { "none" }.to_owned())),
    );
    add("public", public(told).map(text));
    add("public_access_block", told.access.as_ref().map(|access| text(blocked(access.as_ref()))));
    add("logging", told.logging.as_ref().map(|logging| text(logged(logging.as_ref()))));
    add("replication_rules", told.replication.as_ref().map(|replication| rules(replication.len())));
    add("object_lock", told.object_lock.as_ref().map(|lock| text(locked(lock.as_ref()))));
}

fn versioned(versioning: Versioning) -> &'static str {
    match versioning {
        Versioning::Off => "off",
        Versioning::Enabled => "enabled",
        Versioning::Suspended => "suspended",
    }
}

fn encrypted(encryption: Option<&BucketEncryption>) -> String {
    match encryption {
        None => "none".to_owned(),
        Some(BucketEncryption::S3) => "AES256".to_owned(),
        Some(BucketEncryption::Kms { key, .. }) => match key {
            Some(key) => format!("aws:kms {key}"),
            None => "aws:kms".to_owned(),
        },
        Some(BucketEncryption::Other(name)) => name.clone(),
    }
}

/// Whether strangers get in; "no" only where neither the policy nor the grants let them.
fn public(told: &Configuration) -> Result<String, &Error> {
    if told.is_public() == Some(true) {
        return Ok("yes".to_owned());
    }
    told.policy_public.as_ref()?;
    told.grants.as_ref()?;
    Ok("no".to_owned())
}

fn blocked(access: Option<&PublicAccessBlock>) -> String {
    match access {
        Some(access) if *access == PublicAccessBlock::ALL => "all",
        Some(access) if *access != PublicAccessBlock::default() => "part",
        _ => "none",
    }
    .to_owned()
}

fn logged(logging: Option<&BucketLogging>) -> String {
    logging.map_or_else(|| "none".to_owned(), |to| format!("s3://{}/{}", to.bucket, to.prefix))
}

fn locked(lock: Option<&ObjectLock>) -> String {
    match lock {
        None => "off".to_owned(),
        Some(ObjectLock { default: None }) => "on".to_owned(),
        Some(ObjectLock { default: Some(DefaultRetention { mode, days, years }) }) => {
            let days = days.map(|n| format!(" {}", count(n.into(), "day")));
            let years = years.map(|n| format!(" {}", count(n.into(), "year")));
            format!("on, {mode}{}{}", days.unwrap_or_default(), years.unwrap_or_default())
        }
    }
}
