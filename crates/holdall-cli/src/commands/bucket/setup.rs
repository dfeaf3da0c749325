//! `holdall bucket setup`

use super::{Outcome, Which};
use crate::app::App;
use crate::args::not_empty;
use crate::commands::planned;
use crate::failure::Failure;
use crate::text::count;
use clap::{Args, ValueEnum};
use holdall::bucket::{Applied, BucketEncryption, CorsAccess, Setup, Step};
use holdall::{Error, ErrorKind};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;

const AFTER: &str = "\
Prints its plan, and changes nothing without --apply. What is not named stays as it is, and
so do rules and statements of others. Everything is read back: what the server takes and
does not keep has failed.

Examples:
  holdall bucket setup results --versioning --abort-uploads 7 --expire-noncurrent 30
  holdall bucket setup results --expire tmp/=3 --block-public-access --apply
  holdall bucket setup results --cors https://app.example.com --cors-method GET,PUT --apply";

/// Sets a bucket up: creation, versioning, lifecycle, CORS, encryption, access
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(super) struct SetUp {
    #[command(flatten)]
    which: Which,
    /// Keep versions
    #[arg(long)]
    versioning: bool,
    /// Abort uploads that are not completed after so many days
    #[arg(long, value_name = "DAYS", value_parser = days)]
    abort_uploads: Option<u32>,
    /// Delete versions for good, so many days after they were replaced or deleted
    #[arg(long, value_name = "DAYS", value_parser = days)]
    expire_noncurrent: Option<u32>,
    /// Delete objects below this prefix of the bucket after so many days; repeatable
    #[arg(long, value_name = "PREFIX=DAYS", value_parser = expiry)]
    expire: Vec<(String, u32)>,
    /// Let pages of this origin in, such as https://app.example.com; repeatable
    #[arg(long, value_name = "ORIGIN", value_parser = not_empty())]
    cors: Vec<String>,
    /// What such pages may do
    #[arg(long, value_name = "METHOD", value_delimiter = ',', ignore_case = true, requires = "cors",
        default_values = ["GET", "HEAD"])]
    cors_method: Vec<Method>,
    /// Encrypt by default
    #[arg(long, value_name = "HOW")]
    sse: Option<Sse>,
    /// Encrypt by default by this key of the key service
    #[arg(long, value_name = "ID", value_parser = not_empty())]
    kms_key_id: Option<String>,
    /// Block public access of every kind
    #[arg(long)]
    block_public_access: bool,
    /// Refuse requests without TLS, by a statement of the policy
    #[arg(long)]
    deny_plain_http: bool,
    /// The policy, a JSON file, in place of the one there is
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Carry the plan out
    #[arg(long)]
    apply: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "UPPER")]
enum Method {
    Get,
    Head,
    Put,
    Post,
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq, ValueEnum)]
enum Sse {
    #[value(name = "AES256")]
    Storage,
    #[value(name = "aws:kms")]
    Kms,
}

/// A step of the plan, and with `--apply` what came of it.
#[derive(Serialize)]
struct StepRecord<'a> {
    subject: &'static str,
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

impl SetUp {
    pub(super) async fn run(self, app: &mut App) -> Outcome {
        let wanted = self.wanted()?;
        if wanted == Setup::default() {
            return Err(Error::new(ErrorKind::InvalidInput, "nothing is wanted of the bucket")
                .with_hint("name something, such as --versioning; --help has all")
                .into());
        }
        let bucket = self.which.open(app)?;
        let plan = bucket.plan(&wanted).await?;
        if self.apply {
            return report(&bucket.apply(&plan).await?, app);
        }
        for step in &plan.steps {
            print(step, None, app)?;
        }
        let blocked = plan.blocked();
        let not = if blocked > 0 {
            format!(", {} cannot be", count(blocked as u64, "step"))
        } else {
            String::new()
        };
        app.report.summary(&match plan.changes() {
            0 => format!("nothing to change{not}"),
            n => format!("{}{not}; nothing was changed: add --apply", count(n as u64, "change")),
        });
        if blocked > 0 { Err(Failure::Reported) } else { Ok(()) }
    }

    fn wanted(&self) -> Result<Setup, Error> {
        Ok(Setup {
            versioning: self.versioning,
            abort_uploads: self.abort_uploads,
            expire_noncurrent: self.expire_noncurrent,
            expire: self.expire.clone(),
            cors: self.cors(),
            encryption: self.encryption()?,
            block_public_access: self.block_public_access,
            deny_plain_http: self.deny_plain_http,
            policy: self.policy.as_ref().map(read).transpose()?,
        })
    }

    fn cors(&self) -> Option<CorsAccess> {
        let method = |method: &Method| format!("{method:?}").to_ascii_uppercase();
        let methods = self.cors_method.iter().map(method).collect();
        (!self.cors.is_empty()).then(|| CorsAccess { origins: self.cors.clone(), methods })
    }

    fn encryption(&self) -> Result<Option<BucketEncryption>, Error> {
        let kms = |key| BucketEncryption::Kms { key, bucket_key: false };
        match (self.sse, &self.kms_key_id) {
            (Some(Sse::Storage), Some(_)) => {
                Err(Error::new(ErrorKind::InvalidInput, "--kms-key-id goes with --sse aws:kms"))
            }
            (Some(Sse::Storage), None) => Ok(Some(BucketEncryption::S3)),
            (_, Some(key)) => Ok(Some(kms(Some(key.clone())))),
            (Some(Sse::Kms), None) => Ok(Some(kms(None))),
            (None, None) => Ok(None),
        }
    }
}

fn read(path: &PathBuf) -> Result<String, Error> {
    std::fs::read_to_string(path)
        .map_err(|e| Error::io("the policy cannot be read", e).with_fact("path", path.display()))
}

/// Says what came of each step.
fn report(all: &[Applied], app: &mut App) -> Outcome {
    planned::report(
        all,
        |applied| (&applied.outcome, applied.step.subject.as_str()),
        |applied, word, app| print(&applied.step, Some(word), app),
        app,
    )?;
    if all.iter().all(Applied::is_well) { Ok(()) } else { Err(Failure::Reported) }
}

fn print(step: &Step, outcome: Option<&'static str>, app: &mut App) -> Outcome {
    let subject = step.subject.as_str();
    let (verdict, from, to, why) = planned::parts(&step.verdict);
    if app.globals.json {
        return Ok(app.out.json(&StepRecord { subject, verdict, from, to, why, outcome })?);
    }
    Ok(writeln!(app.out, "{subject}: {}", planned::in_words(&step.verdict, outcome))?)
}

/// Reads `7` and `7d`.
fn days(text: &str) -> Result<u32, String> {
    match text.strip_suffix('d').unwrap_or(text).parse() {
        Ok(days) if days > 0 => Ok(days),
        _ => Err("not a number of days, such as 7".to_owned()),
    }
}

/// Reads `tmp/=3`; the prefix may hold equals signs.
fn expiry(text: &str) -> Result<(String, u32), String> {
    match text.rsplit_once('=') {
        Some(("", _)) => Err("an empty prefix would delete everything".to_owned()),
        Some((prefix, n)) => Ok((prefix.to_owned(), days(n)?)),
        None => Err("not PREFIX=DAYS, such as tmp/=3".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mig_3_days_and_expiries_are_read() {
        assert_eq!((days("7"), days("30d")), (Ok(7), Ok(30)));
        assert_eq!(expiry("a=b/=3d"), Ok(("a=b/".to_owned(), 3)));
        for text in ["0", "", "d", "-1", "1.5", "7w"] {
            assert!(days(text).is_err(), "{text}");
        }
        for text in ["=3", "tmp/", "tmp/=", "tmp/=0"] {
            assert!(expiry(text).is_err(), "{text}");
        }
    }
}
