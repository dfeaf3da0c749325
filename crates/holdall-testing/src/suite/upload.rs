//! Objects sent in parts.

use super::capability::Capability::Multipart;
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use bytes::Bytes;
use holdall_store::{Attributes, ErrorKind, PutOptions, Sha256, Upload, WriteCondition, sha256};
use std::collections::BTreeMap;

pub(super) fn cases() -> Vec<Case> {
    [
        Case::new(
            "upload/out-of-order",
            "Parts may be sent in any order and make one object in theirs.",
            |s| Box::pin(out_of_order(s)),
        )
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
        Case::new(
            "upload/attributes",
            "Attributes and metadata given at the beginning are the object's.",
            |s| Box::pin(attributes(s)),
        )
        .serves(&["EVI-1"]),
        Case::new("upload/invisible", "Nothing of an upload is seen until it is complete.", |s| {
            Box::pin(invisible(s))
        })
        .serves(&["SES-2", "EVI-1"]),
        Case::new(
            "upload/side-by-side",
            "Two uploads of one key do not mix; the last completion stays.",
            |s| Box::pin(side_by_side(s)),
        )
        .serves(&["SES-11"]),
    ]
    .map(|case| case.needs(&[Multipart]))
    .to_vec()
}

pub(super) async fn begin(s: &Subject, name: &str) -> Outcome<Box<dyn Upload>> {
    Ok(s.backend().begin_upload(&s.parsed(name)?, &PutOptions::default()).await?)
}

/// Bytes of a part that need not be the last; each number has its own.
pub(super) fn part(s: &Subject, number: u32) -> Bytes {
    let size = s.backend().limits().min_part.max(1) as usize;
    s.random(&format!("part {number}")).bytes(size).into()
}

pub(super) fn concatenated(parts: &[&Bytes]) -> Vec<u8> {
    parts.iter().flat_map(|part| part.iter().copied()).collect()
}

pub(super) const ALWAYS: WriteCondition = WriteCondition::Always;

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
    equal("the part's SHA-256", one.digest.sha256(), Some(sha256(&first)))?;
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
    let upload = begin(&s, "p").await?;
    let stale = upload.put_part(1, Bytes::from_static(b"stale")).await?;
    let fresh = upload.put_part(1, Bytes::from_static(b"fresh one")).await?;
    ensure(stale.etag != fresh.etag, "other bytes have another ETag")?;
    upload.complete(&[fresh], &ALWAYS).await?;
    same_bytes("the object", &s.read("p").await?, b"fresh one")
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

async fn side_by_side(s: Subject) -> Outcome {
    let (one, other) = (begin(&s, "o").await?, begin(&s, "o").await?);
    let of_one = one.put_part(1, Bytes::from_static(b"of the one")).await?;
    let of_other = other.put_part(1, Bytes::from_static(b"of the other")).await?;
    other.complete(&[of_other], &ALWAYS).await?;
    same_bytes("after the other", &s.read("o").await?, b"of the other")?;
    one.complete(&[of_one], &ALWAYS).await?;
    same_bytes("after the one", &s.read("o").await?, b"of the one")
}
