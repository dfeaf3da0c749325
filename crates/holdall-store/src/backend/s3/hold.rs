//! Legal holds and retention of versions, in buckets that were made for them.
//!
//! Nothing of this is asked of a server before it says that objects of the bucket can be locked: one that does not know
//! the query takes a hold for the bytes of the object.

use super::S3Backend;
use super::bucket::needs;
use crate::backend::no_locks;
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::rounded_up;
use crate::key::Key;
use crate::{Retention, RetentionMode};
use jiff::Timestamp;
use std::time::SystemTime;

/// What a version is kept by.
#[derive(Debug, Clone, Copy)]
struct Lock {
    hold: bool,
    retention: Option<Retention>,
}

pub(super) async fn demand(backend: &S3Backend) -> Result<()> {
    let lock = backend.client.object_lock().await;
    match lock.map_err(|error| needs("the credentials need s3:GetBucketObjectLockConfiguration", error))? {
        Some(_) => Ok(()),
        None => Err(no_locks().with_fact("bucket", &backend.bucket)),
    }
}

pub(super) async fn hold(backend: &S3Backend, key: &Key, version: Option<&str>, on: bool) -> Result<()> {
    demand(backend).await?;
    let held = backend.client.put_legal_hold(&backend.full(key)?, version, on).await;
    held.map_err(|error| needs("the credentials need s3:PutObjectLegalHold", error))
}

pub(super) async fn held(backend: &S3Backend, key: &Key, version: Option<&str>) -> Result<bool> {
    demand(backend).await?;
    let held = backend.client.legal_hold(&backend.full(key)?, version).await;
    held.map_err(|error| needs("the credentials need s3:GetObjectLegalHold", error))
}

pub(super) async fn retention(
    backend: &S3Backend,
    key: &Key,
    version: Option<&str>,
) -> Result<Option<Retention>> {
    demand(backend).await?;
    let retention = backend.client.retention(&backend.full(key)?, version).await;
    retention.map_err(|error| needs("the credentials need s3:GetObjectRetention", error))
}

pub(super) async fn retain(
    backend: &S3Backend,
    key: &Key,
    version: Option<&str>,
    wanted: Retention,
    bypass: bool,
) -> Result<()> {
    if wanted.until <= SystemTime::now() {
        return Err(Error::new(ErrorKind::InvalidInput, "the retention would have ended already")
            .with_hint("give a moment to come"));
    }
    demand(backend).await?;
    let (full, wanted) =
        (backend.full(key)?, Retention { until: rounded_up(wanted.until), mode: wanted.mode });
    let retained = backend.client.put_retention(&full, version, &wanted, bypass).await;
    let Err(error) = retained else { return Ok(()) };
    let error = needs("the credentials need s3:PutObjectRetention", error);
    if error.kind() != ErrorKind::PermissionDenied {
        return Err(error);
    }
    // S3 says the same of a right that is missing.
    let there = backend.client.retention(&full, version).await.ok().flatten();
    let weakened = there.filter(|there| wanted.mode < there.mode || wanted.until < there.until);
    let lock = Lock { hold: false, retention: weakened };
    Err(match lock.reason(bypass, SystemTime::now()) {
        Some(held) => held.with_source(error),
        None => error,
    })
}

/// Says of a refusal to delete a version that it is kept, where it is: S3 says the same of a right that is missing.
pub(super) async fn explained(
    backend: &S3Backend,
    full: &str,
    version: &str,
    bypass: bool,
    error: Error,
) -> Error {
    if error.kind() != ErrorKind::PermissionDenied
        || !matches!(backend.client.object_lock().await, Ok(Some(_)))
    {
        return error;
    }
    let hold = backend.client.legal_hold(full, Some(version));
    let retention = backend.client.retention(full, Some(version));
    let (hold, retention) = tokio::join!(hold, retention);
    let lock = Lock { hold: hold.unwrap_or(false), retention: retention.unwrap_or(None) };
    match lock.reason(bypass, SystemTime::now()) {
        Some(held) => held.with_fact("version", version).with_source(error),
        None => error,
    }
}

impl Lock {
    /// Why a version must stay at this moment; none where it need not, or only the right to bypass its retention may be
    /// missing.
    fn reason(&self, bypass: bool, now: SystemTime) -> Option<Error> {
        if self.hold {
            return Some(
                Error::new(ErrorKind::Held, "the version is under a legal hold")
                    .with_hint("`holdall object-version hold KEY off --version-id VERSION` lifts it"),
            );
        }
        let retention = self.retention.filter(|retention| retention.until > now)?;
        let hint = match (retention.mode, bypass) {
            (RetentionMode::Governance, true) => return None,
            (RetentionMode::Governance, false) => {
                "wait until then, or say --bypass-governance, which needs s3:BypassGovernanceRetention"
            }
            (RetentionMode::Compliance, _) => "nobody can delete it, or retain it for shorter, before then",
        };
        let error = Error::new(ErrorKind::Held, "the version is retained").with_hint(hint);
        Some(match Timestamp::try_from(retention.until) {
            Ok(until) => error.with_fact("until", format_args!("{until:.0}")),
            Err(_) => error,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::RetentionMode::{Compliance, Governance};
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_what_is_in_force_keeps_a_version() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let until = |seconds: i64| match u64::try_from(seconds) {
            Ok(later) => now + Duration::from_secs(later),
            Err(_) => now - Duration::from_secs(seconds.unsigned_abs()),
        };
        let table = [
            (false, None, false, None),
            (true, None, true, Some("legal hold")),
            (true, Some((Governance, -1)), false, Some("legal hold")),
            (false, Some((Governance, 60)), false, Some("until=2027-01-15T08:01:00Z")),
            (false, Some((Governance, 60)), true, None),
            (false, Some((Governance, 0)), false, None),
            (false, Some((Compliance, 60)), true, Some("until=2027-01-15T08:01:00Z")),
            (false, Some((Compliance, -1)), false, None),
        ];
        for (hold, retention, bypass, wanted) in table {
            let retention = retention.map(|(mode, at)| Retention { mode, until: until(at) });
            let reason = Lock { hold, retention }.reason(bypass, now);
            let told = reason.as_ref().map(|error| (error.kind(), error.to_string()));
            let case = (hold, retention, bypass);
            match (told, wanted) {
                (None, None) => {}
                (Some((ErrorKind::Held, text)), Some(part)) => {
                    assert!(text.contains(part), "{case:?}: {text}")
                }
                (told, _) => panic!("{case:?}: {told:?}"),
            }
        }
    }
}
