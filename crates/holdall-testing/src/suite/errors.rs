//! Faults have kinds that say what to do, and no secrets.

use super::capability::Capability::{MissingBucket, Signatures};
use super::case::Case;
use super::failure::{Outcome, ensure, fails};
use super::secrets::heard;
use super::subject::Subject;
use holdall_store::{CopyOptions, Error, ErrorKind, Result, Store};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("errors/missing-bucket", "Every verb tells a missing bucket from a missing object.", |s| {
            Box::pin(missing_bucket(s))
        })
        .serves(&["OBS-5", "SES-10"])
        .needs(&[MissingBucket]),
        Case::new("errors/wrong-secret", "A wrong secret key is Credentials, and is not shown.", |s| {
            Box::pin(wrong_secret(s))
        })
        .serves(&["OBS-5", "DOC-10", "S3B-8"])
        .needs(&[Signatures]),
        Case::new("errors/unknown-access-key", "An unknown access key is Credentials.", |s| {
            Box::pin(unknown_access_key(s))
        })
        .serves(&["OBS-5"])
        .needs(&[Signatures]),
        Case::new("errors/not-transient", "What will not succeed on retry says so and is sent once.", |s| {
            Box::pin(not_transient(s))
        })
        .serves(&["EVI-12"]),
    ]
}

/// As [`fails`], for a HEAD: its answer has no body that could say why access is denied.
fn denied<T>(what: &str, result: Result<T>, kind: ErrorKind) -> Outcome<Error> {
    match heard(result) {
        Err(error) if kind == ErrorKind::Credentials && error.kind() == ErrorKind::PermissionDenied => {
            Ok(error)
        }
        other => fails(what, other, kind),
    }
}

/// Demands one kind of fault of every verb; deletes are asked only where nothing would be deleted.
async fn every_verb_fails(store: &Store, key: &str, kind: ErrorKind) -> Outcome<Vec<Error>> {
    let mut errors = vec![
        fails("health", store.health().await, kind)?,
        fails("put", store.put(key, "x").await, kind)?,
        fails("get", store.get(key).await, kind)?,
        denied("head", store.head(key).await, kind)?,
        fails("list", store.list("")?.collect().await, kind)?,
        fails("stats", store.stats("").await, kind)?,
        fails("copy", store.copy(key, "to", &CopyOptions::default()).await, kind)?,
        fails("delete", store.delete(key).await, kind)?,
        denied("exists", store.exists(key).await, kind)?,
    ];
    let many = store.delete_many([holdall_store::Key::parse(key)?]).await;
    for failure in many {
        errors.push(fails("delete of many", Err::<(), _>(failure.error), kind)?);
    }
    ensure(errors.len() == 10, "the delete of many failed too")?;
    Ok(errors)
}

async fn missing_bucket(s: Subject) -> Outcome {
    let store = s.place().missing_store()?;
    let errors = every_verb_fails(&store, "a", ErrorKind::BucketNotFound).await?;
    ensure(errors.iter().all(|error| error.hint().is_some()), "each has a hint")?;
    let fresh = s.place().missing_store()?;
    fails("get as the first request", fresh.get("a").await, ErrorKind::BucketNotFound)?;
    let fresh = s.place().missing_store()?;
    fails("head as the first request", fresh.head("a").await, ErrorKind::BucketNotFound).map(drop)
}

async fn wrong_secret(s: Subject) -> Outcome {
    let wrong = "wrong/secret+0123456789abcdefghijklmnopq";
    let store = s.place().store_as(None, Some(wrong))?;
    let errors = every_verb_fails(&store, &s.key("a"), ErrorKind::Credentials).await?;
    for error in &errors {
        let mut shown = format!("{error} {error:?} {:?}", error.hint());
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            shown.push_str(&format!(" {cause} {cause:?}"));
            source = cause.source();
        }
        ensure(!shown.contains(wrong), "the secret is not shown")?;
    }
    ensure(!format!("{store:?} {:?}", store.settings()).contains(wrong), "nor by the store")
}

async fn unknown_access_key(s: Subject) -> Outcome {
    let store = s.place().store_as(Some("HOLDALLNOBODYKNOWSME"), None)?;
    every_verb_fails(&store, &s.key("a"), ErrorKind::Credentials).await.map(drop)
}

async fn not_transient(s: Subject) -> Outcome {
    let error = fails("get", s.store().get(&s.key("none")).await, ErrorKind::NotFound)?;
    ensure(!error.is_transient(), "a missing object is not transient")?;
    ensure(error.attempts() <= 1, format!("it was asked for once, not {} times", error.attempts()))?;
    ensure(error.hint().is_some(), "there is a hint")
}
