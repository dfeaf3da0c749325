//! Uploads are held to the parts that they were given.

use super::capability::Capability::{Multipart, StrictUploads};
use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::secrets::heard;
use super::subject::Subject;
use super::upload::{ALWAYS, begin, concatenated, part};
use bytes::Bytes;
use holdall_store::{ErrorKind, PartReceipt};

pub(super) fn cases() -> Vec<Case> {
    let strict = [
        Case::new("upload/stale-part", "A completion with a part that was replaced is InvalidInput.", |s| {
            Box::pin(stale_part(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/gaps", "Numbers of parts may have gaps.", |s| Box::pin(gaps(s))).serves(&["EVI-1"]),
        Case::new("upload/aborted", "An aborted upload leaves nothing, and what was there stays.", |s| {
            Box::pin(aborted(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/abort-after", "An abort after completion does nothing.", |s| {
            Box::pin(abort_after(s))
        })
        .serves(&["EVI-1"]),
        Case::new(
            "upload/missing-part",
            "A completion with a part that was never sent is InvalidInput.",
            |s| Box::pin(missing_part(s)),
        )
        .serves(&["EVI-1"]),
        Case::new("upload/small-part", "A part but the last that is too small is InvalidInput.", |s| {
            Box::pin(small_part(s))
        })
        .serves(&["EVI-1"]),
    ];
    let plain = [
        Case::new("upload/wrong-lists", "No parts, or parts out of order, are InvalidInput.", |s| {
            Box::pin(wrong_lists(s))
        })
        .serves(&["EVI-1"]),
        Case::new("upload/wrong-numbers", "Numbers of parts are from 1 to the limit.", |s| {
            Box::pin(wrong_numbers(s))
        })
        .serves(&["EVI-1"]),
    ];
    let strict = strict.map(|case| case.needs(&[Multipart, StrictUploads]));
    let plain = plain.map(|case| case.needs(&[Multipart]));
    strict.into_iter().chain(plain).collect()
}

async fn stale_part(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let stale = upload.put_part(1, Bytes::from_static(b"stale")).await?;
    upload.put_part(1, Bytes::from_static(b"fresh one")).await?;
    fails("with the stale part", upload.complete(&[stale], &ALWAYS).await, ErrorKind::InvalidInput)?;
    equal("the object exists", s.exists("o").await?, false)?;
    Ok(upload.abort().await?)
}

async fn gaps(s: Subject) -> Outcome {
    let (first, last) = (part(&s, 3), Bytes::from_static(b"the end"));
    let most = s.backend().limits().max_parts;
    let upload = begin(&s, "o").await?;
    let parts = [upload.put_part(3, first.clone()).await?, upload.put_part(most, last.clone()).await?];
    upload.complete(&parts, &ALWAYS).await?;
    same_bytes("the object", &s.read("o").await?, &concatenated(&[&first, &last]))
}

async fn aborted(s: Subject) -> Outcome {
    s.put("o", "old").await?;
    let upload = begin(&s, "o").await?;
    let one = upload.put_part(1, Bytes::from_static(b"new")).await?;
    upload.abort().await?;
    upload.abort().await?;
    same_bytes("what was there", &s.read("o").await?, b"old")?;
    ensure(heard(upload.complete(&[one], &ALWAYS).await).is_err(), "it cannot be completed any more")?;
    ensure(heard(upload.put_part(2, Bytes::from_static(b"x")).await).is_err(), "it takes no part any more")?;
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

async fn small_part(s: Subject) -> Outcome {
    let upload = begin(&s, "o").await?;
    let parts = [upload.put_part(1, "small".into()).await?, upload.put_part(2, "last".into()).await?];
    fails("with a small first", upload.complete(&parts, &ALWAYS).await, ErrorKind::InvalidInput)?;
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
