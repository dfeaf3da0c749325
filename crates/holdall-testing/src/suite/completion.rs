//! Completions under conditions, and what an upload leaves behind.

use super::capability::Capability::{
    CompleteIfAbsent, CompleteIfMatch, ListUploads, Multipart, Tags, UploadAges, UploadTags,
};
use super::case::{Case, Scope};
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::secrets::heard;
use super::subject::Subject;
use super::upload::{ALWAYS, begin};
use super::wire;
use bytes::Bytes;
use holdall_store::{ErrorKind, GcOptions, PutOptions, Result, WriteCondition};
use std::time::Duration;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new(
            "upload/completion-never-lies",
            "A condition is decided or Unsupported, never ignored.",
            |s| Box::pin(never_lies(s)),
        )
        .serves(&["EVI-10"])
        .needs(&[Multipart]),
        Case::new("upload/if-absent", "A create-only completion never replaces an object.", |s| {
            Box::pin(if_absent(s))
        })
        .serves(&["EVI-10"])
        .needs(&[CompleteIfAbsent]),
        Case::new("upload/if-matches", "A completion over a known ETag replaces that object only.", |s| {
            Box::pin(if_matches(s))
        })
        .serves(&["EVI-10"])
        .needs(&[CompleteIfMatch]),
        Case::new("upload/tags", "Tags given at the beginning are the object's.", |s| Box::pin(tags(s)))
            .serves(&["TOP-12"])
            .needs(&[Multipart, Tags, UploadTags]),
        Case::new(
            "upload/leaves-nothing",
            "After abort, completion or refusal no upload is unfinished.",
            |s| Box::pin(leaves_nothing(s)),
        )
        .serves(&["EVI-1", "TOP-12"])
        .needs(&[Multipart, ListUploads])
        .only(Scope::Service),
        Case::new("upload/gc", "gc gives back the parts of uploads that are old enough.", |s| {
            Box::pin(gc(s))
        })
        .serves(&["TOP-12"])
        .needs(&[Multipart, ListUploads, UploadAges])
        .only(Scope::Service),
    ]
}

/// Completes an upload of one part under a condition.
async fn complete_if(
    s: &Subject,
    name: &str,
    text: &'static str,
    condition: WriteCondition,
) -> Outcome<Result<String>> {
    let upload = begin(s, name).await?;
    let one = upload.put_part(1, Bytes::from_static(text.as_bytes())).await?;
    let result = heard(upload.complete(&[one], &condition).await);
    if result.is_err() {
        upload.abort().await?;
    }
    Ok(result.map(|receipt| receipt.etag.unwrap_or_default()))
}

async fn if_absent(s: Subject) -> Outcome {
    complete_if(&s, "o", "first", WriteCondition::Absent).await??;
    let again = complete_if(&s, "o", "second", WriteCondition::Absent).await?;
    fails("over an object", again, ErrorKind::Precondition)?;
    same_bytes("what is there", &s.read("o").await?, b"first")
}

async fn if_matches(s: Subject) -> Outcome {
    let first = s.put("o", "first").await?.etag.unwrap_or_default();
    complete_if(&s, "o", "second", WriteCondition::Matches(first.clone())).await??;
    same_bytes("over the one that was known", &s.read("o").await?, b"second")?;
    let stale = complete_if(&s, "o", "third", WriteCondition::Matches(first)).await?;
    fails("over one that is gone", stale, ErrorKind::Precondition)?;
    same_bytes("what is there", &s.read("o").await?, b"second")
}

async fn never_lies(s: Subject) -> Outcome {
    s.put("o", "first").await?;
    let other = WriteCondition::Matches("\"00000000000000000000000000000000\"".to_owned());
    for condition in [WriteCondition::Absent, other] {
        let kind = complete_if(&s, "o", "second", condition.clone()).await?.err().map(|error| error.kind());
        let honest = matches!(kind, Some(ErrorKind::Precondition | ErrorKind::Unsupported));
        ensure(honest, format!("{condition:?} over an object is refused: {kind:?}"))?;
        same_bytes("what is there", &s.read("o").await?, b"first")?;
    }
    Ok(())
}

async fn leaves_nothing(s: Subject) -> Outcome {
    let wire = s.place().service().map(|service| service.wire_below(s.store())).transpose()?;
    let unfinished = async |wanted: usize, when: &str| match &wire {
        Some(wire) => equal(when, wire.unfinished(s.prefix()).await?, wanted),
        None => Ok(()),
    };
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, Bytes::from_static(b"x")).await?;
    unfinished(1, "unfinished uploads before").await?;
    upload.complete(&[one], &ALWAYS).await?;
    unfinished(0, "after completion").await?;
    let upload = begin(&s, "o").await?;
    upload.put_part(1, Bytes::from_static(b"x")).await?;
    upload.abort().await?;
    unfinished(0, "after abort").await?;
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, Bytes::from_static(b"x")).await?;
    let refused = heard(upload.complete(&[one], &WriteCondition::Absent).await);
    let kind = refused.err().map(|error| error.kind());
    if kind == Some(ErrorKind::Precondition) {
        unfinished(0, "after a condition that did not hold").await?;
    }
    Ok(upload.abort().await?)
}

async fn gc(s: Subject) -> Outcome {
    // Nobody else's uploads are here: gc takes all that are old enough.
    let s = s.alone().await?;
    let Some(service) = s.place().service() else { return Ok(()) };
    let wire = service.wire_below(s.store())?;
    s.put("kept", "1").await?;
    let upload = begin(&s, "left").await?;
    upload.put_part(1, Bytes::from_static(b"x")).await?;
    let swept = async |older_than: u64, dry_run: bool| -> Outcome<Vec<String>> {
        let options = GcOptions { older_than: Duration::from_secs(older_than), dry_run };
        let mut names = Vec::new();
        s.store().gc(&options, |leftover| names.push(leftover.name)).await?;
        Ok(names)
    };
    equal("younger than an hour", swept(3600, false).await?, Vec::<String>::new())?;
    equal("what would be given back", swept(0, true).await?, vec!["left".to_owned()])?;
    equal("unfinished uploads", wire.unfinished("").await?, 1)?;
    equal("what was given back", swept(0, false).await?, vec!["left".to_owned()])?;
    equal("unfinished uploads after", wire.unfinished("").await?, 0)?;
    equal("objects", s.names().await?, vec!["kept".to_owned()])
}

async fn tags(s: Subject) -> Outcome {
    let tags = vec![("kind".to_owned(), "movie".to_owned())];
    let options = PutOptions { tags: tags.clone(), ..PutOptions::default() };
    let upload = s.backend().begin_upload(&s.parsed("o")?, &options).await?;
    let one = upload.put_part(1, Bytes::from_static(b"x")).await?;
    upload.complete(&[one], &ALWAYS).await?;
    wire::has_tags(&s, "o", &tags).await
}
