//! Shows that what a server is said not to do, it really does not.

use super::capability::Capability::{self, *};
use super::case::{Case, cases};
use super::failure::{Failure, Outcome, equal, fails, same_bytes};
use super::profile::Value;
use super::service::Wire;
use super::subject::Subject;
use futures_util::FutureExt;
use holdall_s3::{CompletedPart, Payload, PutOptions as WireOptions};
use holdall_store::{Acl, Encryption, ErrorKind, PutOptions, WriteCondition};
use std::panic::AssertUnwindSafe;

/// Proves that a capability that the profile calls absent is absent, and that holdall says so where it must.
///
/// Every case that needs it and nothing else that is absent is run; at least one must fail. What holdall guards must
/// end in `Unsupported`, and where the server itself can be asked it must do what the profile says.
///
/// # Errors
///
/// Says that the capability is there after all, or that holdall does not own up to its absence.
pub async fn disprove(capability: Capability, subject: &Subject) -> Outcome {
    if capability.is_guarded() && !subject.store().is_remote() {
        return Err(Failure::new(format!("{capability:?} is holdall's own to do where there is no server")));
    }
    if capability.is_guarded() {
        is_refused(capability, subject).await?;
    }
    if let Some(service) = subject.place().service() {
        let wire = service.wire_below(subject.store())?;
        let seen = ask_the_server(capability, subject, &wire).await?;
        if let Some(seen) = seen {
            return equal(format!("what the server does of {capability:?}"), seen, subject.can(capability).value);
        }
    }
    fails_a_case(capability, subject).await
}

/// Runs the cases that hang on this capability alone; one of them must fail.
async fn fails_a_case(capability: Capability, subject: &Subject) -> Outcome {
    let works = |need: &Capability| *need == capability || subject.can(*need).value == Value::Works;
    let hanging = |case: &Case| case.needs.contains(&capability) && case.needs.iter().all(works);
    let mut passed = Vec::new();
    for case in cases().into_iter().filter(hanging) {
        let run = (case.run)(subject.below(case.name));
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(())) => passed.push(case.name),
            Ok(Err(_)) | Err(_) => return Ok(()),
        }
    }
    Err(Failure::new(format!("{capability:?} is said to be absent, but these cases pass: {passed:?}")))
}

/// Puts with what the server does not do: it must be `Unsupported`, and what was there must stay.
async fn is_refused(capability: Capability, s: &Subject) -> Outcome {
    let first = s.put("guarded", "first").await?;
    let always = WriteCondition::Always;
    let matches = WriteCondition::Matches(first.etag.unwrap_or_default());
    let mut options = PutOptions::default();
    match capability {
        PutIfAbsent | CompleteIfAbsent => options.condition = WriteCondition::Absent,
        PutIfMatch | CompleteIfMatch => options.condition = matches,
        Capability::Acl => options.acl = Some(Acl::PublicRead),
        Tags => options.tags.push(("a".into(), "b".into())),
        EncryptionKms => options.encryption = Some(Encryption::Kms(Some("key".into()))),
        EncryptionS3 => options.encryption = Some(Encryption::S3),
        EncryptionCustomer => options.encryption = Some(Encryption::customer([7; 32])),
        _ => return Ok(()),
    }
    if matches!(capability, CompleteIfAbsent | CompleteIfMatch) {
        let condition = std::mem::replace(&mut options.condition, always);
        let upload = s.backend().begin_upload(&s.parsed("guarded")?, &options).await?;
        let part = upload.put_part(1, "second".into()).await?;
        fails("a completion", upload.complete(&[part], &condition).await, ErrorKind::Unsupported)?;
        upload.abort().await?;
    } else {
        fails("a put", s.store().put_with(&s.key("new"), "x", &options).await, ErrorKind::Unsupported)?;
        equal("it made an object", s.exists("new").await?, false)?;
        let over = s.store().put_with(&s.key("guarded"), "second", &options).await;
        fails("a put over an object", over, ErrorKind::Unsupported)?;
    }
    same_bytes("what is there", &s.read("guarded").await?, b"first")
}

/// What the server does when asked below holdall; none where a case says it as well.
async fn ask_the_server(capability: Capability, s: &Subject, wire: &Wire) -> Outcome<Option<Value>> {
    let key = wire.key(&s.key("asked"));
    match capability {
        PutIfAbsent => racers(&key, wire).await.map(Some),
        PutIfMatch => {
            let etag = put(&key, wire, WriteCondition::Always).await?;
            let kept = put(&key, wire, WriteCondition::Matches(etag)).await.is_ok();
            let stale = put(&key, wire, WriteCondition::Matches("\"0\"".into())).await.is_ok();
            Ok(Some(judge(kept, stale)))
        }
        CompleteIfAbsent => {
            put(&key, wire, WriteCondition::Always).await?;
            let stale = complete(&key, wire, WriteCondition::Absent).await.is_ok();
            let kept = complete(&format!("{key}-new"), wire, WriteCondition::Absent).await.is_ok();
            Ok(Some(judge(kept, stale)))
        }
        CompleteIfMatch => {
            let etag = put(&key, wire, WriteCondition::Always).await?;
            let kept = complete(&key, wire, WriteCondition::Matches(etag)).await.is_ok();
            let stale = complete(&key, wire, WriteCondition::Matches("\"0\"".into())).await.is_ok();
            Ok(Some(judge(kept, stale)))
        }
        _ => Ok(None),
    }
}

/// Names the treatment by whether a condition that holds was let through, and one that does not.
fn judge(holding: bool, failing: bool) -> Value {
    match (holding, failing) {
        (true, false) => Value::Works,
        (true, true) => Value::Ignored,
        (false, _) => Value::Broken,
    }
}

async fn put(key: &str, wire: &Wire, condition: WriteCondition) -> Outcome<String> {
    let options = WireOptions { condition, ..WireOptions::default() };
    Ok(wire.client.put(key, Payload::Bytes("x".into()), &options).await?.etag)
}

async fn complete(key: &str, wire: &Wire, condition: WriteCondition) -> Outcome {
    let client = &wire.client;
    let upload = client.create_upload(key, &WireOptions::default()).await?;
    let part = client.upload_part(&upload, 1, Payload::Bytes("x".into())).await?;
    let parts = [CompletedPart { number: 1, etag: part.etag, checksum: part.checksum }];
    let done = client.complete_upload(&upload, &parts, &condition).await;
    if done.is_err() {
        client.abort_upload(&upload).await?;
    }
    Ok(done.map(drop)?)
}

/// Lets 16 creators race until more than one wins, or gives up after many rounds.
async fn racers(key: &str, wire: &Wire) -> Outcome<Value> {
    for round in 0..50 {
        let key = format!("{key}-{round}");
        let puts = (0..16).map(|_| put(&key, wire, WriteCondition::Absent));
        let won = futures_util::future::join_all(puts).await.iter().filter(|put| put.is_ok()).count();
        match won {
            16 => return Ok(Value::Ignored),
            1 => {}
            _ => return Ok(Value::Broken),
        }
    }
    Ok(Value::Works)
}
