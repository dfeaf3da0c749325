//! Legal holds and retention: versions that nobody deletes by mistake.

use super::capability::Capability::ObjectLock;
use super::case::Case;
use super::failure::{Failure, Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use holdall_store::{DeleteOptions, ErrorKind, GetOptions, Retention, RetentionMode};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(super) fn cases() -> Vec<Case> {
    let case = |name, promise, run| Case::new(name, promise, run).serves(&["SES-9"]).needs(&[ObjectLock]);
    vec![
        case("lock/hold", "A version under a legal hold is Held, until the hold is lifted.", |s| {
            Box::pin(hold(s))
        }),
        case("lock/hold-of-one", "A hold is of one version, and the others go.", |s| {
            Box::pin(hold_of_one(s))
        }),
        case("lock/retain", "A version that is retained is Held, and the error says until when.", |s| {
            Box::pin(retain(s))
        }),
        case("lock/weaken", "A retention is made longer, and not shorter unless that is said.", |s| {
            Box::pin(weaken(s))
        }),
        case("lock/missing", "To lock what is not there is NotFound.", |s| Box::pin(missing(s))),
        Case::new("lock/refused", "Where nothing can be locked holds and retention are Unsupported.", |s| {
            Box::pin(refused(s))
        })
        .serves(&["SES-9"]),
    ]
}

fn governed(until: SystemTime) -> Retention {
    Retention { mode: RetentionMode::Governance, until }
}

/// A moment so many hours from now, with a fraction of a second.
fn in_hours(hours: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(hours * 3600) + Duration::from_nanos(1)
}

fn seconds(moment: SystemTime) -> u64 {
    moment.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

async fn put(s: &Subject, bytes: &'static str) -> Outcome<String> {
    s.put("a", bytes).await?.version.ok_or_else(|| Failure::new("it has no version"))
}

async fn is_held(s: &Subject, version: &str) -> Outcome<holdall_store::Error> {
    let error = fails("to delete it", s.store().delete_version("a", version).await, ErrorKind::Held)?;
    ensure(error.hint().is_some(), "the error says what can be done")?;
    let options = GetOptions { version: Some(version.to_owned()), ..GetOptions::default() };
    let there = s.store().get_with("a", &options).await?.bytes().await?;
    same_bytes("the version", &there, b"kept")?;
    Ok(error)
}

async fn hold(s: Subject) -> Outcome {
    let s = s.locking().await?;
    let version = put(&s, "kept").await?;
    equal("held before", s.store().held("a", None).await?, false)?;
    s.store().hold("a", None, true).await?;
    equal("held", s.store().held("a", Some(&version)).await?, true)?;
    is_held(&s, &version).await?;
    // A mark is no deletion of the version.
    s.store().delete("a").await?;
    is_held(&s, &version).await?;
    s.store().hold("a", Some(&version), false).await?;
    equal("held after", s.store().held("a", Some(&version)).await?, false)?;
    s.store().delete_version("a", &version).await?;
    let left = s.store().versions("a")?.collect().await?;
    ensure(left.iter().all(|version| version.is_marker), "the version is gone")
}

async fn hold_of_one(s: Subject) -> Outcome {
    let s = s.locking().await?;
    let (first, second) = (put(&s, "kept").await?, put(&s, "other").await?);
    s.store().hold("a", Some(&first), true).await?;
    equal("the other is held", s.store().held("a", None).await?, false)?;
    s.store().delete_version("a", &second).await?;
    is_held(&s, &first).await?;
    s.store().hold("a", Some(&first), false).await?;
    Ok(s.store().delete_version("a", &first).await.map(drop)?)
}

async fn retain(s: Subject) -> Outcome {
    let s = s.locking().await?;
    let version = put(&s, "kept").await?;
    equal("retained before", s.store().retention("a", None).await?, None)?;
    let past = SystemTime::now() - Duration::from_secs(60);
    fails("until then", s.store().retain("a", None, governed(past), false).await, ErrorKind::InvalidInput)?;
    let until = in_hours(1);
    s.store().retain("a", None, governed(until), false).await?;
    let retained = s.store().retention("a", Some(&version)).await?;
    let retained = retained.ok_or_else(|| Failure::new("it is not retained"))?;
    equal("mode", retained.mode, RetentionMode::Governance)?;
    equal("rounded up", seconds(retained.until), seconds(until) + 1)?;
    let told = is_held(&s, &version).await?;
    ensure(told.facts().any(|(name, _)| name == "until"), format!("it says until when: {told}"))?;
    release(&s, &version).await
}

/// Deletes a version that is retained in governance mode.
async fn release(s: &Subject, version: &str) -> Outcome {
    let options = DeleteOptions {
        version: Some(version.to_owned()),
        bypass_governance: true,
        ..DeleteOptions::default()
    };
    s.store().delete_with("a", &options).await?;
    equal("versions", s.store().versions("a")?.collect().await?.len(), 0)
}

async fn weaken(s: Subject) -> Outcome {
    let s = s.locking().await?;
    let version = put(&s, "kept").await?;
    let until = in_hours(2);
    for until in [in_hours(1), until] {
        s.store().retain("a", None, governed(until), false).await?;
    }
    let shorter = s.store().retain("a", None, governed(in_hours(1)), false).await;
    fails("for shorter", shorter, ErrorKind::Held)?;
    let kept = s.store().retention("a", None).await?.map(|retention| seconds(retention.until));
    equal("it is as it was", kept, Some(seconds(until) + 1))?;
    s.store().retain("a", Some(&version), governed(in_hours(1)), true).await?;
    is_held(&s, &version).await?;
    release(&s, &version).await
}

async fn missing(s: Subject) -> Outcome {
    let s = s.locking().await?;
    fails("a hold", s.store().hold("none", None, true).await, ErrorKind::NotFound)?;
    fails("whether it is held", s.store().held("none", None).await, ErrorKind::NotFound)?;
    let retained = s.store().retain("none", None, governed(in_hours(1)), false).await;
    fails("to retain it", retained, ErrorKind::NotFound)?;
    fails("how long it is", s.store().retention("none", None).await, ErrorKind::NotFound).map(drop)
}

async fn refused(s: Subject) -> Outcome {
    // A bucket of an environment may have been made for it.
    if s.store().bucket().demand_locks().await.is_ok() {
        return Ok(());
    }
    s.put("a", "bytes").await?;
    s.place().settle(&s.key("a")).await?;
    let key = s.key("a");
    fails("a hold", s.store().hold(&key, None, true).await, ErrorKind::Unsupported)?;
    fails("whether it is held", s.store().held(&key, None).await, ErrorKind::Unsupported)?;
    let retained = s.store().retain(&key, None, governed(in_hours(1)), false).await;
    fails("to retain it", retained, ErrorKind::Unsupported)?;
    fails("how long it is", s.store().retention(&key, None).await, ErrorKind::Unsupported)?;
    same_bytes("the object", &s.read("a").await?, b"bytes")
}
