//! Put, get and head.

use super::quoted;
use crate::fault::conditions;
use crate::fault::objects::{Attributes, Store, StoredObject};
use crate::fault::payload;
use crate::fault::reply::{Refusal, Reply};
use crate::fault::request::{Kind, Request};

pub(super) fn put(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let bucket = store.bucket(&request.bucket)?;
    conditions::for_write(request, bucket.get(&request.key))?;
    let mut object = StoredObject::new(request.body.clone(), Attributes::of(request));
    object.checksums =
        payload::checksums(request).map(|(name, value)| (name.to_owned(), value.clone())).collect();
    let reply = Reply::new(200).with("etag", quoted(&object.etag));
    let reply = object.checksums.iter().fold(reply, |reply, (name, value)| reply.with(name, value));
    bucket.insert(request.key.clone(), object);
    Ok(reply)
}

pub(super) fn get(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let object = store.object(&request.bucket, &request.key)?;
    conditions::for_read(request, "", object)?;
    let size = object.bytes.len() as u64;
    let range = match conditions::range(request.header("range"), size) {
        Ok(range) => range,
        Err(refusal) => return Ok(refusal.reply().with("content-range", format!("bytes */{size}"))),
    };
    let (status, first, end) = match range {
        Some((first, last)) => (206, first, last + 1),
        None => (200, 0, size),
    };
    let mut reply = describe(request, object);
    reply.status = status;
    if range.is_some() {
        reply.set("content-range", &format!("bytes {first}-{}/{size}", end - 1));
    }
    if range.is_none() && request.header("x-amz-checksum-mode").is_some_and(|mode| mode == "ENABLED") {
        object.checksums.iter().for_each(|(name, value)| reply.set(name, value));
    }
    match request.kind {
        Kind::HeadObject => reply.length = Some(end - first),
        _ => reply.body = object.bytes[first as usize..end as usize].to_vec(),
    }
    Ok(reply)
}

fn describe(request: &Request, object: &StoredObject) -> Reply {
    let mut reply = Reply::new(200)
        .with("etag", quoted(&object.etag))
        .with("last-modified", httpdate::fmt_http_date(object.modified))
        .with("accept-ranges", "bytes")
        .with("content-type", "binary/octet-stream");
    object.headers.iter().for_each(|(name, value)| reply.set(name, value));
    for (name, value) in &object.metadata {
        reply.set(&format!("x-amz-meta-{name}"), value);
    }
    for (name, value) in &request.query {
        if let Some(name) = name.strip_prefix("response-") {
            reply.set(name, value);
        }
    }
    reply
}
