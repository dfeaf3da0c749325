//! Objects sent in parts.

use super::capability::Capability::{CompleteIfAbsent, CompleteIfMatch, ListUploads, Multipart, Tags};
use super::case::Case;
use super::failure::{Failure, Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use super::wire;
use bytes::Bytes;
use holdall_store::{
    Attributes, ErrorKind, Key, PartReceipt, PutOptions, Sha256, Upload, WriteCondition, sha256,
};
use std::collections::BTreeMap;

pub(super) fn cases() -> Vec<Case> {
    let all = [
        Case::new("upload/out-of-order", "Parts may be sent in any order and make one object in theirs.", |s| {
            Box::pin(out_of_order(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/receipts", "Receipts of parts and of the whole say the truth.", |s| {
            Box::pin(receipts(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/one-part", "One part, even an empty one, is enough.", |s| Box::pin(one_part(s)))
            .serves(&["EVI-1"]),
        Case::new("upload/replaced-part", "A part that is sent again replaces the one before.", |s| {
            Box::pin(replaced_part(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/gaps", "Numbers of parts may have gaps.", |s| Box::pin(gaps(s))).serves(&["EVI-1"]),
        Case::new("upload/attributes", "Attributes and metadata given at the beginning are the object's.", |s| {
            Box::pin(attributes(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/invisible", "Nothing of an upload is seen until it is complete.", |s| {
            Box::pin(invisible(s))
        })
        .serves(&["SES-2", "EVI-1"]),
        Case::new("upload/aborted", "An aborted upload leaves nothing, and what was there stays.", |s| {
            Box::pin(aborted(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/abort-after", "An abort after completion does nothing.", |s| {
            Box::pin(abort_after(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/missing-part", "A completion with a part that was never sent is InvalidInput.", |s| {
            Box::pin(missing_part(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/wrong-lists", "No parts, or parts out of order, are InvalidInput.", |s| {
            Box::pin(wrong_lists(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/wrong-numbers", "Numbers of parts are from 1 to the limit.", |s| {
            Box::pin(wrong_numbers(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/small-part", "A part but the last that is too small is InvalidInput.", |s| {
            Box::pin(small_part(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/side-by-side", "Two uploads of one key do not mix; the last completion stays.", |s| {
            Box::pin(side_by_side(s))
        })
        .serves(&["SES-11"]),
        Case::new("upload/completion-never-lies", "A condition is decided or Unsupported, never ignored.", |s| {
            Box::pin(never_lies(s))
        })
        .serves(&["EVI-10"]),
    ];
    let mut cases: Vec<Case> = all.into_iter().map(|case| case.needs(&[Multipart])).collect();
    cases.push(
        Case::new("upload/leaves-nothing", "After abort, completion or refusal no upload is unfinished.", |s| {
            Box::pin(leaves_nothing(s))
        })
        .serves(&["EVI-1", "TOP-12"])
        .needs(&[Multipart, ListUploads]),
    );
    cases.push(
        Case::new("upload/if-absent", "A create-only completion never replaces an object.", |s| {
            Box::pin(if_absent(s))
        })
        .serves(&["EVI-10"])
        .needs(&[CompleteIfAbsent]),
    );
    cases.push(
        Case::new("upload/if-matches", "A completion over a known ETag replaces that object only.", |s| {
            Box::pin(if_matches(s))
        })
        .serves(&["EVI-10"])
        .needs(&[CompleteIfMatch]),
    );
    cases.push(
        Case::new("upload/tags", "Tags given at the beginning are the object's.", |s| Box::pin(tags(s)))
            .serves(&["TOP-12"])
            .needs(&[Multipart, Tags]),
    );
    cases
}

async fn begin(s: &Subject, name: &str) -> Outcome<Box<dyn Upload>> {
    Ok(s.backend().begin_upload(&s.parsed(name)?, &PutOptions::default()).await?)
}

/// Bytes of a part that need not be the last; each number has its own.
fn part(s: &Subject, number: u32) -> Bytes {
    let size = s.backend().limits().min_part.max(1) as usize;
    s.random(&format!("part {number}")).bytes(size).into()
}

fn concatenated(parts: &[&Bytes]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}

const ALWAYS: WriteCondition = WriteCondition::Always;

async fn out_of_order(s: Subject) -> Outcome {
    let (first, second, last) = (part(&s, 1), part(&s, 2), Bytes::from_static(b"the end"));
    let upload = begin(&s, "o").await?;
    let (three, one) = tokio::join!(upload.put_part(3, last.clone()), upload.put_part(1, first.clone()));
    let two = upload.put_part(2, second.clone()).await?;
    let receipt = upload.complete(&[one?, two, three?], &ALWAYS).await?;
    let whole = concatenated(&[&first, &second, &last]);
    equal("the size", receipt.size, whole.len() as u64)?;
    same_bytes("the object", &s.read("o").await?, &whole)?;
    equal("the ETag", receipt.etag, s.head("o").await?.etag)
}

fn composite(digests: &[Sha256]) -> String {
    let all: Vec<u8> = digests.iter().flat_map(|digest| digest.0).collect();
    format!("{}-{}", sha256(&all).to_base64(), digests.len())
}

async fn receipts(s: Subject) -> Outcome {
    let (first, last) = (part(&s, 1), Bytes::from_static(b"the end"));
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, first.clone()).await?;
    equal("the part's number", one.number, 1)?;
    equal("the part's size", one.size, first.len() as u64)?;
    equal("the part's SHA-256", one.sha256, sha256(&first))?;
    ensure(!one.etag.is_empty(), "the part has an ETag")?;
    let two = upload.put_part(2, last.clone()).await?;
    let receipt = upload.complete(&[one, two], &ALWAYS).await?;
    equal("the key", receipt.key.as_str(), &*s.key("o"))?;
    equal("the composite", receipt.composite, Some(composite(&[sha256(&first), sha256(&last)])))?;
    let whole = sha256(&concatenated(&[&first, &last]));
    let head = s.head("o").await?;
    equal("the head's size", head.size, receipt.size)?;
    let told = [receipt.sha256, head.sha256];
    ensure(told.into_iter().flatten().all(|digest| digest == whole), "a SHA-256 that is told is the whole's")
}

async fn one_part(s: Subject) -> Outcome {
    for bytes in [Bytes::from_static(b"only"), Bytes::new()] {
        let upload = begin(&s, "o").await?;
        let one = upload.put_part(1, bytes.clone()).await?;
        equal("the size", upload.complete(&[one], &ALWAYS).await?.size, bytes.len() as u64)?;
        same_bytes("the object", &s.read("o").await?, &bytes)?;
    }
    Ok(())
}

async fn replaced_part(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let stale = upload.put_part(1, Bytes::from_static(b"stale")).await?;
    let fresh = upload.put_part(1, Bytes::from_static(b"fresh one")).await?;
    ensure(stale.etag != fresh.etag, "other bytes have another ETag")?;
    let result = upload.complete(std::slice::from_ref(&stale), &ALWAYS).await;
    fails("with the part that was replaced", result, ErrorKind::InvalidInput)?;
    let upload = begin(&s, "p").await?;
    upload.put_part(1, Bytes::from_static(b"stale")).await?;
    let fresh = upload.put_part(1, Bytes::from_static(b"fresh one")).await?;
    upload.complete(&[fresh], &ALWAYS).await?;
    same_bytes("the object", &s.read("p").await?, b"fresh one")
}

async fn gaps(s: Subject) -> Outcome {
    let (first, last) = (part(&s, 3), Bytes::from_static(b"the end"));
    let most = s.backend().limits().max_parts;
    let upload = begin(&s, "o").await?;
    let parts = [upload.put_part(3, first.clone()).await?, upload.put_part(most, last.clone()).await?];
    upload.complete(&parts, &ALWAYS).await?;
    same_bytes("the object", &s.read("o").await?, &concatenated(&[&first, &last]))
}

async fn attributes(s: Subject) -> Outcome {
    let attributes = Attributes {
        content_type: Some("video/mp4".into()),
        cache_control: Some("no-cache".into()),
        metadata: BTreeMap::from([("scene".to_owned(), "caf\u{e9} 7".to_owned())]),
        ..Attributes::default()
    };
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    let upload = s.backend().begin_upload(&s.parsed("o")?, &options).await?;
    let one = upload.put_part(1, Bytes::from_static(b"x")).await?;
    upload.complete(&[one], &ALWAYS).await?;
    equal("the attributes", s.head("o").await?.attributes, attributes)
}

async fn invisible(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, Bytes::from_static(b"new")).await?;
    fails("a read before", s.store().get(&s.key("o")).await, ErrorKind::NotFound)?;
    equal("the names before", s.names().await?.len(), 0)?;
    s.put("o", "old").await?;
    same_bytes("a read of what is there", &s.read("o").await?, b"old")?;
    upload.complete(&[one], &ALWAYS).await?;
    same_bytes("a read after", &s.read("o").await?, b"new")?;
    equal("the names after", s.names().await?, ["o"])
}

async fn aborted(s: Subject) -> Outcome {
    s.put("o", "old").await?;
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, Bytes::from_static(b"new")).await?;
    upload.abort().await?;
    upload.abort().await?;
    same_bytes("what was there", &s.read("o").await?, b"old")?;
    ensure(upload.complete(&[one], &ALWAYS).await.is_err(), "it cannot be completed any more")?;
    ensure(upload.put_part(2, Bytes::from_static(b"x")).await.is_err(), "it takes no part any more")?;
    same_bytes("what was there", &s.read("o").await?, b"old")
}

async fn abort_after(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, Bytes::from_static(b"x")).await?;
    upload.complete(&[one], &ALWAYS).await?;
    upload.abort().await?;
    same_bytes("the object", &s.read("o").await?, b"x")
}

async fn missing_part(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, part(&s, 1)).await?;
    let forged = PartReceipt { number: 2, ..one.clone() };
    fails("with a forged part", upload.complete(&[one, forged], &ALWAYS).await, ErrorKind::InvalidInput)?;
    equal("the object exists", s.exists("o").await?, false)?;
    Ok(upload.abort().await?)
}

async fn wrong_lists(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, part(&s, 1)).await?;
    let two = upload.put_part(2, part(&s, 2)).await?;
    let table: [(&str, Vec<PartReceipt>); 3] =
        [("no parts", vec![]), ("out of order", vec![two, one.clone()]), ("twice", vec![one.clone(), one])];
    for (what, parts) in table {
        let result = upload.complete(&parts, &ALWAYS).await;
        fails(what, result, ErrorKind::InvalidInput)?;
        equal(format!("{what}: the object exists"), s.exists("o").await?, false)?;
    }
    Ok(upload.abort().await?)
}

async fn wrong_numbers(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    for number in [0, s.backend().limits().max_parts + 1] {
        let result = upload.put_part(number, Bytes::from_static(b"x")).await;
        fails(format!("part {number}"), result, ErrorKind::InvalidInput)?;
    }
    Ok(upload.abort().await?)
}

async fn small_part(s: Subject) -> Outcome {
    if s.backend().limits().min_part <= 1 {
        return Ok(());
    }
    let upload = begin(&s, "o").await?;
    let parts = [upload.put_part(1, "small".into()).await?, upload.put_part(2, "last".into()).await?];
    fails("with a small first", upload.complete(&parts, &ALWAYS).await, ErrorKind::InvalidInput)?;
    equal("the object exists", s.exists("o").await?, false)?;
    Ok(upload.abort().await?)
}

async fn side_by_side(s: Subject) -> Outcome {
    let (one, other) = (begin(&s, "o").await?, begin(&s, "o").await?);
    let of_one = one.put_part(1, Bytes::from_static(b"of the one")).await?;
    let of_other = other.put_part(1, Bytes::from_static(b"of the other")).await?;
    other.complete(&[of_other], &ALWAYS).await?;
    same_bytes("after the other", &s.read("o").await?, b"of the other")?;
    one.complete(&[of_one], &ALWAYS).await?;
    same_bytes("after the one", &s.read("o").await?, b"of the one")
}

/// Completes an upload of one part under a condition.
async fn complete_if(s: &Subject, name: &str, text: &'static str, condition: WriteCondition) -> Outcome<holdall_store::Result<String>> {
    let upload = begin(s, name).await?;
    let one = upload.put_part(1, Bytes::from_static(text.as_bytes())).await?;
    let result = upload.complete(&[one], &condition).await;
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
    let unfinished = async |wanted: usize, when: &str| -> Outcome {
        let Some(service) = s.place().service() else { return Ok(()) };
        equal(when, service.wire_below(s.store())?.unfinished(s.prefix()).await?, wanted)
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
    let refused = upload.complete(&[one], &WriteCondition::Absent).await;
    let kind = refused.err().map(|error| error.kind());
    if kind == Some(ErrorKind::Precondition) {
        unfinished(0, "after a condition that did not hold").await?;
    }
    Ok(upload.abort().await?)
}

async fn tags(s: Subject) -> Outcome {
    let tags = vec![("kind".to_owned(), "movie".to_owned())];
    let options = PutOptions { tags: tags.clone(), ..PutOptions::default() };
    let key: Key = s.parsed("o")?;
    let upload = s.backend().begin_upload(&key, &options).await?;
    let one = upload.put_part(1, Bytes::from_static(b"x")).await?;
    if let Err(error) = upload.complete(&[one], &ALWAYS).await {
        return Err(Failure::new(format!("complete: {error}")));
    }
    wire::has_tags(&s, "o", &tags).await
}
