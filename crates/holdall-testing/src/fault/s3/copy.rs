//! Copies within the server.

use super::{NAMESPACE, quoted};
use crate::encode::xml_escape;
use crate::fault::conditions;
use crate::fault::objects::{Attributes, Store, StoredObject};
use crate::fault::reply::{Refusal, Reply, iso};
use crate::fault::request::{Request, decode};

fn source(request: &Request, store: &mut Store) -> Result<StoredObject, Refusal> {
    let header = request.header("x-amz-copy-source").unwrap_or_default();
    let plain = decode(header.split('?').next().unwrap_or(header));
    let plain = plain.strip_prefix('/').unwrap_or(&plain);
    let (bucket, key) = plain.split_once('/').ok_or_else(|| Refusal::new(400, "InvalidArgument"))?;
    let replaced = request.header("x-amz-metadata-directive") == Some("REPLACE");
    if bucket == request.bucket && key == request.key && !replaced && request.parameter("uploadId").is_none()
    {
        return Err(Refusal::new(400, "InvalidRequest"));
    }
    let object = store.object(bucket, key)?;
    conditions::for_read(request, "x-amz-copy-source-", object)?;
    Ok(object.clone())
}

pub(super) fn object(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let source = source(request, store)?;
    let attributes = match request.header("x-amz-metadata-directive") {
        Some("REPLACE") => Attributes::of(request),
        _ => source.attributes(),
    };
    let bucket = store.bucket(&request.bucket)?;
    conditions::for_write(request, bucket.get(&request.key))?;
    let copy = StoredObject { checksums: source.checksums, ..StoredObject::new(source.bytes, attributes) };
    let reply = result("CopyObjectResult", &copy);
    bucket.insert(request.key.clone(), copy);
    Ok(reply)
}

pub(super) fn part(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let source = source(request, store)?;
    let size = source.bytes.len() as u64;
    let range = conditions::range(request.header("x-amz-copy-source-range"), size)?;
    let (first, last) = range.map_or((0, size as usize), |(first, last)| (first as usize, last as usize + 1));
    let part = StoredObject::new(source.bytes[first..last].to_vec(), Attributes::default());
    let number = super::multipart::part_number(request)?;
    let reply = result("CopyPartResult", &part);
    store.upload(request)?.parts.insert(number, part);
    Ok(reply)
}

fn result(element: &str, object: &StoredObject) -> Reply {
    let (etag, modified) = (xml_escape(&quoted(&object.etag)), iso(object.modified));
    Reply::xml(format!(
        "<{element} xmlns=\"{NAMESPACE}\"><LastModified>{modified}</LastModified><ETag>{etag}</ETag></{element}>"
    ))
}
