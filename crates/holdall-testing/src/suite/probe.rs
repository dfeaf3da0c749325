//! Shows that what a server is said not to do, it really does not.

use super::capability::Capability::{self, *};
use super::case::{Case, Scope, cases};
use super::failure::{Failure, Outcome, equal, fails, same_bytes};
use super::profile::Value;
use super::secrets::{CUSTOMER_KEY, heard};
use super::service::Wire;
use super::subject::Subject;
use futures_util::FutureExt;
use holdall_s3::{CompletedPart, GetOptions as ReadOptions, Payload, PutOptions as WireOptions};
use holdall_store::{Acl, Attributes, CopyOptions, Encryption, ErrorKind, PutOptions, WriteCondition};
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
    // Where no upload comes to its end, what it would have been given cannot be told.
    let tellable = capability != UploadTags || subject.can(Multipart).value == Value::Works;
    if capability.is_guarded() && tellable {
        is_refused(capability, subject).await?;
    }
    if let Some(service) = subject.place().service() {
        let wire = service.wire_below(subject.store())?;
        let seen = ask_the_server(capability, subject, &wire).await?;
        if let Some(seen) = seen {
            return equal(
                format!("what the server does of {capability:?}"),
                seen,
                subject.can(capability).value,
            );
        }
    }
    fails_a_case(capability, subject).await
}

/// Runs the cases that hang on this capability alone; one of them must fail.
async fn fails_a_case(capability: Capability, subject: &Subject) -> Outcome {
    let hanging = hanging_on(capability, subject);
    if hanging.is_empty() && subject.place().service().is_none() {
        // It is something that only a service has.
        return Ok(());
    }
    let mut passed = Vec::new();
    for case in hanging {
        let run = (case.run)(subject.below(case.name));
        match AssertUnwindSafe(run).catch_unwind().await {
            Ok(Ok(())) => passed.push(case.name),
            Ok(Err(_)) | Err(_) => return Ok(()),
        }
    }
    Err(Failure::new(format!("{capability:?} is said to be absent, but these cases pass: {passed:?}")))
}

/// The cases that need this and nothing else that is absent; where there is none, all that need it.
fn hanging_on(capability: Capability, subject: &Subject) -> Vec<Case> {
    let works = |need: &Capability| *need == capability || subject.can(*need).value == Value::Works;
    let all: Vec<Case> = cases().into_iter().filter(|case| case.needs.contains(&capability)).collect();
    let all: Vec<Case> = all
        .into_iter()
        .filter(|case| case.scope != Scope::Service || subject.place().service().is_some())
        .collect();
    let alone: Vec<Case> = all.iter().filter(|case| case.needs.iter().all(works)).copied().collect();
    if alone.is_empty() { all } else { alone }
}

/// Asks for what the server does not do: it must be `Unsupported`, and what was there must stay.
async fn is_refused(capability: Capability, s: &Subject) -> Outcome {
    let first = s.put("guarded", "first").await?;
    let matches = WriteCondition::Matches(first.etag.unwrap_or_default());
    match capability {
        CompleteIfAbsent => completion_is_refused(s, WriteCondition::Absent).await?,
        CompleteIfMatch => completion_is_refused(s, matches).await?,
        UploadTags => {
            let begun = s.backend().begin_upload(&s.parsed("guarded")?, &tagged()).await;
            fails("an upload with tags", begun, ErrorKind::Unsupported)?;
        }
        CopyTags => {
            let options = CopyOptions { tags: Some(tagged().tags), ..CopyOptions::default() };
            let copied = s.store().copy(&s.key("guarded"), &s.key("new"), &options).await;
            fails("a copy with new tags", copied, ErrorKind::Unsupported)?;
        }
        Tags => {
            for tags in [tagged().tags, Vec::new()] {
                let set = s.store().set_tags(&s.key("guarded"), &tags).await;
                fails("to set tags", set, ErrorKind::Unsupported)?;
            }
            put_is_refused(s, tagged()).await?;
        }
        UnderscoreNames => metadata_is_refused(s, underscored(&["a_b"])).await?,
        UnderscoreTwins => metadata_is_refused(s, underscored(&["a_b", "a-b"])).await?,
        _ => put_is_refused(s, options_of(capability, matches)).await?,
    }
    equal("it made an object", s.exists("new").await?, false)?;
    same_bytes("what is there", &s.read("guarded").await?, b"first")
}

fn tagged() -> PutOptions {
    PutOptions { tags: vec![("a".into(), "b".into())], ..PutOptions::default() }
}

fn underscored(names: &[&str]) -> Attributes {
    let metadata = names.iter().map(|name| (name.to_string(), format!("value of {name}"))).collect();
    Attributes { metadata, ..Attributes::default() }
}

async fn metadata_is_refused(s: &Subject, attributes: Attributes) -> Outcome {
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    let begun = s.backend().begin_upload(&s.parsed("new")?, &options).await;
    fails("an upload", begun, ErrorKind::Unsupported)?;
    let copy = CopyOptions { attributes: Some(attributes), ..CopyOptions::default() };
    let copied = s.store().copy(&s.key("guarded"), &s.key("new"), &copy).await;
    fails("a copy with new metadata", copied, ErrorKind::Unsupported)?;
    put_is_refused(s, options).await
}

/// What a put is given to ask for a capability.
fn options_of(capability: Capability, matches: WriteCondition) -> PutOptions {
    let none = PutOptions::default();
    match capability {
        PutIfAbsent => PutOptions { condition: WriteCondition::Absent, ..none },
        PutIfMatch => PutOptions { condition: matches, ..none },
        Capability::Acl => PutOptions { acl: Some(Acl::PublicRead), ..none },
        EncryptionKms => PutOptions { encryption: Some(Encryption::Kms(Some("key".into()))), ..none },
        EncryptionS3 => PutOptions { encryption: Some(Encryption::S3), ..none },
        EncryptionCustomer => PutOptions { encryption: Some(Encryption::customer(*CUSTOMER_KEY)), ..none },
        _ => tagged(),
    }
}

async fn put_is_refused(s: &Subject, options: PutOptions) -> Outcome {
    fails("a put", s.store().put_with(&s.key("new"), "x", &options).await, ErrorKind::Unsupported)?;
    let over = s.store().put_with(&s.key("guarded"), "second", &options).await;
    fails("a put over an object", over, ErrorKind::Unsupported).map(drop)
}

async fn completion_is_refused(s: &Subject, condition: WriteCondition) -> Outcome {
    let upload = s.backend().begin_upload(&s.parsed("guarded")?, &PutOptions::default()).await?;
    let part = upload.put_part(1, "second".into()).await?;
    fails("a completion", upload.complete(&[part], &condition).await, ErrorKind::Unsupported)?;
    Ok(upload.abort().await?)
}

/// What the server does when asked below holdall; none where the cases alone say it.
async fn ask_the_server(capability: Capability, s: &Subject, wire: &Wire) -> Outcome<Option<Value>> {
    let asked = Asked { wire, key: wire.key(&s.key("asked")) };
    Ok(Some(match capability {
        PutIfAbsent => asked.absent(Verb::Put).await?,
        PutIfMatch => asked.matches(Verb::Put).await?,
        CompleteIfAbsent => asked.absent(Verb::Complete).await?,
        CompleteIfMatch => asked.matches(Verb::Complete).await?,
        UnderscoreNames => asked.metadata(&["a_b"]).await?,
        UnderscoreTwins => asked.metadata(&["a_b", "a-b"]).await?,
        _ => return Ok(None),
    }))
}

/// How an object is made.
#[derive(Clone, Copy)]
enum Verb {
    Put,
    Complete,
}

/// A server that is asked for conditional writes below a key.
struct Asked<'a> {
    wire: &'a Wire,
    key: String,
}

impl Asked<'_> {
    async fn absent(&self, verb: Verb) -> Outcome<Value> {
        self.write(Verb::Put, "there", WriteCondition::Always).await?;
        let failing = self.write(verb, "there", WriteCondition::Absent).await.is_ok();
        let holding = self.write(verb, "new", WriteCondition::Absent).await.is_ok();
        self.judge(verb, holding, failing, false).await
    }

    async fn matches(&self, verb: Verb) -> Outcome<Value> {
        let etag = self.write(Verb::Put, "there", WriteCondition::Always).await?;
        let stale = WriteCondition::Matches("\"00000000000000000000000000000000\"".into());
        let failing = self.write(verb, "there", stale).await.is_ok();
        let holding = self.write(verb, "there", WriteCondition::Matches(etag)).await.is_ok();
        self.judge(verb, holding, failing, true).await
    }

    /// Names the treatment by what is left of metadata.
    async fn metadata(&self, names: &[&str]) -> Outcome<Value> {
        let client = &self.wire.client;
        let options = WireOptions { attributes: underscored(names), ..WireOptions::default() };
        if heard(client.put(&self.key, Payload::Empty, &options).await).is_err() {
            return Ok(Value::Refused);
        }
        let mut kept = client.head(&self.key, &ReadOptions::default()).await?.attributes.metadata;
        kept.retain(|name, _| !name.starts_with("holdall-"));
        Ok(match options.attributes.metadata {
            wanted if kept == wanted => Value::Works,
            wanted if kept.keys().all(|name| wanted.contains_key(name)) => Value::Ignored,
            _ => Value::Broken,
        })
    }

    /// Names the treatment by whether a condition that holds was let through, and one that does not; then by a race.
    async fn judge(&self, verb: Verb, holding: bool, failing: bool, there: bool) -> Outcome<Value> {
        match (holding, failing) {
            (true, true) => Ok(Value::Ignored),
            (false, _) => Ok(Value::Broken),
            (true, false) => self.race(verb, there).await,
        }
    }

    /// Lets 16 writers race until more than one wins, or gives up after many rounds.
    async fn race(&self, verb: Verb, there: bool) -> Outcome<Value> {
        for round in 0..50 {
            let name = format!("round-{round}");
            let condition = match there {
                true => WriteCondition::Matches(self.write(Verb::Put, &name, WriteCondition::Always).await?),
                false => WriteCondition::Absent,
            };
            let writes = (0..16).map(|_| self.write(verb, &name, condition.clone()));
            let answers = futures_util::future::join_all(writes).await;
            if answers.iter().filter(|answer| answer.is_ok()).count() != 1 {
                return Ok(Value::Broken);
            }
        }
        Ok(Value::Works)
    }

    async fn write(&self, verb: Verb, name: &str, condition: WriteCondition) -> Outcome<String> {
        let (client, key) = (&self.wire.client, format!("{}/{name}", self.key));
        let payload = || Payload::Bytes("x".into());
        if matches!(verb, Verb::Put) {
            let options = WireOptions { condition, ..WireOptions::default() };
            return Ok(client.put(&key, payload(), &options).await?.etag);
        }
        let upload = client.create_upload(&key, &WireOptions::default()).await?;
        let part = client.upload_part(&upload, 1, payload()).await?;
        let parts = [CompletedPart { number: 1, etag: part.etag, checksum: part.checksum }];
        let done = heard(client.complete_upload(&upload, &parts, &condition).await);
        if done.is_err() {
            // A server may have taken the upload with the refusal.
            let _gone = client.abort_upload(&upload).await;
        }
        Ok(done?.etag)
    }
}
