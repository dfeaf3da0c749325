//! Bytes go in and come out; receipts say the truth.

use super::case::Case;
use super::failure::{Outcome, ensure, equal, fails, same_bytes};
use super::subject::Subject;
use futures_util::StreamExt;
use holdall_store::{ErrorKind, PutOptions, State, Verified, sha256};
use std::time::{Duration, SystemTime};

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::new("objects/sizes", "What was put is what is read, whatever its size.", |s| {
            Box::pin(sizes(s))
        })
        .serves(&["EVI-1", "EVI-2", "OBS-2"]),
        Case::new("objects/receipt", "A receipt has the object's size, SHA-256 and ETag.", |s| {
            Box::pin(receipt(s))
        })
        .serves(&["EVI-1"]),
        Case::new(
            "objects/digest",
            "A digest that comes with bytes is theirs, or they are refused, or nobody says that it was checked.",
            |s| Box::pin(digest(s)),
        )
        .serves(&["EVI-1"]),
        Case::new("objects/head", "Head says size, ETag, time and SHA-256 without reading.", |s| {
            Box::pin(head(s))
        })
        .serves(&["EVI-2"]),
        Case::new("objects/missing", "What was never put is NotFound, and does not exist.", |s| {
            Box::pin(missing(s))
        })
        .serves(&["EVI-2", "OBS-5", "SES-10"]),
        Case::new("objects/overwrite", "A second put replaces bytes, ETag, headers and metadata.", |s| {
            Box::pin(overwrite(s))
        })
        .serves(&["EVI-2", "TOP-8"]),
        Case::new("objects/stream", "A stream ends after exactly the bytes that it promised.", |s| {
            Box::pin(stream(s))
        })
        .serves(&["SES-3"]),
        Case::new("objects/stats", "Statistics count the objects and bytes below a prefix.", |s| {
            Box::pin(stats(s))
        })
        .serves(&["EVI-5"]),
        Case::new("objects/health", "A store that may be used says so, and where it is.", |s| {
            Box::pin(health(s))
        })
        .serves(&["EVI-5"]),
    ]
}

async fn sizes(s: Subject) -> Outcome {
    for size in [0, 1, 4096, (1 << 20) + 1] {
        let bytes = s.random("sizes").bytes(size);
        let name = format!("of-{size}");
        let receipt = s.put(&name, bytes.clone()).await?;
        equal("the receipt's size", receipt.size, size as u64)?;
        same_bytes(format!("an object of {size} bytes"), &s.read(&name).await?, &bytes)?;
        equal("the head's size", s.head(&name).await?.size, size as u64)?;
        let object = s.store().get(&s.key(&name)).await?;
        equal("the range of a whole object", object.range, 0..size as u64)?;
    }
    Ok(())
}

async fn receipt(s: Subject) -> Outcome {
    let bytes = s.random("receipt").bytes(5000);
    let receipt = s.put("r.bin", bytes.clone()).await?;
    equal("key", receipt.key.as_str(), &*s.key("r.bin"))?;
    equal("size", receipt.size, 5000)?;
    equal("SHA-256", receipt.sha256, Some(sha256(&bytes)))?;
    equal("composite of an object sent whole", receipt.composite, None)?;
    equal("state", receipt.state, if s.place().is_behind() { State::Queued } else { State::Stored })?;
    ensure(receipt.attempts <= 5, "the attempts are those of one request")?;
    ensure(receipt.elapsed < Duration::from_secs(60), "the time is that of one put")?;
    ensure(receipt.etag.is_some(), "there is an ETag")?;
    equal("the ETag of receipt and head", receipt.etag, s.head("r.bin").await?.etag)
}

async fn digest(s: Subject) -> Outcome {
    let (key, bytes) = (s.key("d"), s.random("digest").bytes(2000));
    let options = PutOptions::default();
    let put = |digest| s.store().put_hashed(&key, bytes.clone(), digest, &options);
    match put(sha256(b"other")).await {
        Err(error) if s.store().is_remote() => {
            ensure(!s.store().exists(&key).await?, format!("nothing is stored: {error}"))?;
        }
        Err(error) => equal("what is wrong", error.kind(), ErrorKind::Integrity)?,
        Ok(receipt) => {
            ensure(s.store().is_remote(), "memory and folders look at the bytes")?;
            ensure(receipt.verified != Verified::Payload, "a receipt tells no lie")?;
        }
    }
    let receipt = put(sha256(&bytes)).await?;
    equal("SHA-256", receipt.sha256, Some(sha256(&bytes)))?;
    same_bytes("what was put", &s.read("d").await?, &bytes)
}

async fn head(s: Subject) -> Outcome {
    let before = SystemTime::now();
    let bytes = s.random("head").bytes(321);
    s.put("h", bytes.clone()).await?;
    let head = s.head("h").await?;
    equal("key", head.key.as_str(), &*s.key("h"))?;
    equal("size", head.size, 321)?;
    equal("SHA-256, known before the first byte", head.sha256, Some(sha256(&bytes)))?;
    let etag = head.etag.clone().unwrap_or_default();
    ensure(etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2, format!("{etag} is quoted"))?;
    let modified = head.last_modified.unwrap_or(SystemTime::UNIX_EPOCH);
    let minute = Duration::from_secs(60);
    ensure(before < modified + minute && modified < SystemTime::now() + minute, "it was written just now")?;
    let since = modified.duration_since(SystemTime::UNIX_EPOCH)?;
    equal("parts of a second in the time", since.subsec_nanos(), 0)?;
    let object = s.store().get(&s.key("h")).await?;
    equal("the metadata of a read and of a head", object.metadata, head)
}

async fn missing(s: Subject) -> Outcome {
    let key = s.key("never");
    s.put("never-mind", "there").await?;
    let error = fails("get", s.store().get(&key).await, ErrorKind::NotFound)?;
    equal("the key that the error names", error.key(), Some(&*key))?;
    fails("head", s.store().head(&key).await, ErrorKind::NotFound)?;
    equal("exists", s.store().exists(&key).await?, false)?;
    equal("another exists", s.exists("never-mind").await?, true)
}

async fn overwrite(s: Subject) -> Outcome {
    let mut options = PutOptions::default();
    options.attributes.cache_control = Some("no-store".into());
    options.attributes.metadata.insert("first".into(), "yes".into());
    let first = s.store().put_with(&s.key("o.txt"), "first and longer", &options).await?;
    let mut options = PutOptions::default();
    options.attributes.content_type = Some("application/x-second".into());
    let second = s.store().put_with(&s.key("o.txt"), "second", &options).await?;
    ensure(first.etag != second.etag, "other bytes have another ETag")?;
    same_bytes("the second", &s.read("o.txt").await?, b"second")?;
    let head = s.head("o.txt").await?;
    equal("ETag", head.etag, second.etag)?;
    equal("size", head.size, 6)?;
    equal("SHA-256", head.sha256, Some(sha256(b"second")))?;
    equal("content type", head.attributes.content_type.as_deref(), Some("application/x-second"))?;
    equal("cache control of the first", head.attributes.cache_control, None::<String>)?;
    ensure(head.attributes.metadata.is_empty(), "the first's metadata is gone")
}

async fn stream(s: Subject) -> Outcome {
    let bytes = s.random("stream").bytes(700_000);
    s.put("s", bytes.clone()).await?;
    let mut object = s.store().get(&s.key("s")).await?;
    let mut read = Vec::new();
    while let Some(piece) = object.stream.next().await {
        read.extend_from_slice(&piece?);
    }
    same_bytes("a stream", &read, &bytes)?;
    equal("its length by the range", object.range.end - object.range.start, read.len() as u64)?;
    // One that is not read to its end must not disturb the next.
    let mut dropped = s.store().get(&s.key("s")).await?;
    ensure(dropped.stream.next().await.is_some(), "the first piece is there")?;
    drop(dropped);
    same_bytes("a stream after one that was dropped", &s.read("s").await?, &bytes)
}

async fn stats(s: Subject) -> Outcome {
    for (name, size) in [("in/a", 1), ("in/b/c", 20), ("in/empty", 0), ("other", 300)] {
        s.put(name, vec![b'x'; size]).await?;
    }
    let stats = s.store().stats(&s.key("in/")).await?;
    equal("objects and bytes", (stats.objects, stats.bytes), (3, 21))?;
    let nothing = s.store().stats(&s.key("none/")).await?;
    equal("of nothing", (nothing.objects, nothing.bytes), (0, 0))
}

async fn health(s: Subject) -> Outcome {
    let took = s.store().health().await?;
    ensure(took < Duration::from_secs(60), "it took no minute")?;
    let scheme = match s.backend().kind() {
        "s3" => "s3://",
        "folder" => "file:///",
        _ => "memory://",
    };
    let location = s.store().location();
    ensure(location.starts_with(scheme), format!("{location} begins with {scheme}"))?;
    let secret = s.place().service().map(super::service::Service::secret_key);
    ensure(secret.is_none_or(|secret| !location.contains(secret)), "the location shows no secret")
}
