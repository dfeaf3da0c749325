//! Uploads in parts.

use md5::{Digest as _, Md5};
use std::time::SystemTime;

use super::{NAMESPACE, quoted};
use crate::encode::{hex, unhex, xml_escape};
use crate::fault::conditions;
use crate::fault::objects::{Attributes, Store, StoredObject, Upload};
use crate::fault::payload;
use crate::fault::reply::{Refusal, Reply, iso};
use crate::fault::request::Request;
use crate::fault::xml;

pub(super) fn create(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    let id = store.begin(Upload {
        bucket: request.bucket.clone(),
        key: request.key.clone(),
        attributes: Attributes::of(request),
        parts: Default::default(),
        begun: SystemTime::now(),
    });
    let (bucket, key) = (xml_escape(&request.bucket), xml_escape(&request.key));
    Ok(Reply::xml(format!(
        "<InitiateMultipartUploadResult xmlns=\"{NAMESPACE}\"><Bucket>{bucket}</Bucket><Key>{key}</Key>\
         <UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    )))
}

pub(super) fn part_number(request: &Request) -> Result<u32, Refusal> {
    let number = request.parameter("partNumber").and_then(|number| number.parse().ok());
    number.filter(|number| (1..=10_000).contains(number)).ok_or_else(|| Refusal::new(400, "InvalidArgument"))
}

pub(super) fn put_part(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let number = part_number(request)?;
    let upload = store.upload(request)?;
    let part = StoredObject::new(request.body.clone(), Attributes::default());
    let reply = Reply::new(200).with("etag", quoted(&part.etag));
    upload.parts.insert(number, part);
    Ok(payload::checksums(request).fold(reply, |reply, (name, value)| reply.with(name, value)))
}

/// Joins the parts that the body names. A second Complete finds no upload, as on servers that keep no memory of it.
pub(super) fn complete(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let upload = store.upload(request)?.clone();
    let named = xml::elements(&request.body, "Part")?;
    conditions::for_write(request, store.bucket(&request.bucket)?.get(&request.key))?;
    if named.is_empty() {
        return Err(Refusal::new(400, "MalformedXML"));
    }
    let (mut bytes, mut digests, mut before) = (Vec::new(), Vec::new(), 0);
    for (place, part) in named.iter().enumerate() {
        let invalid = || Refusal::new(400, "InvalidPart");
        let number: u32 =
            part.get("PartNumber").and_then(|text| text.trim().parse().ok()).ok_or_else(invalid)?;
        if number <= before {
            return Err(Refusal::new(400, "InvalidPartOrder"));
        }
        before = number;
        let etag = part.get("ETag").map(|etag| etag.trim().trim_matches('"'));
        let stored = upload.parts.get(&number).filter(|stored| Some(stored.etag.as_str()) == etag);
        let stored = stored.ok_or_else(invalid)?;
        if place + 1 < named.len() && stored.bytes.len() < store.minimum_part {
            return Err(Refusal::new(400, "EntityTooSmall"));
        }
        bytes.extend_from_slice(&stored.bytes);
        digests.extend(unhex(&stored.etag).unwrap_or_default());
    }
    let etag = format!("{}-{}", hex(&Md5::digest(&digests)), named.len());
    let object = StoredObject { etag: etag.clone(), ..StoredObject::new(bytes, upload.attributes) };
    store.bucket(&request.bucket)?.insert(request.key.clone(), object);
    store.uploads.remove(request.parameter("uploadId").unwrap_or_default());
    let (bucket, key, etag) =
        (xml_escape(&request.bucket), xml_escape(&request.key), xml_escape(&quoted(&etag)));
    Ok(Reply::xml(format!(
        "<CompleteMultipartUploadResult xmlns=\"{NAMESPACE}\"><Location>/{bucket}/{key}</Location>\
         <Bucket>{bucket}</Bucket><Key>{key}</Key><ETag>{etag}</ETag></CompleteMultipartUploadResult>"
    )))
}

pub(super) fn abort(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.upload(request)?;
    store.uploads.remove(request.parameter("uploadId").unwrap_or_default());
    Ok(Reply::new(204))
}

fn number_of(request: &Request, name: &str, default: u32) -> Result<u32, Refusal> {
    let text = request.parameter(name).filter(|text| !text.is_empty());
    text.map_or(Ok(default), |text| text.parse().map_err(|_| Refusal::new(400, "InvalidArgument")))
}

pub(super) fn list_parts(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    let upload = store.upload(request)?;
    let (after, most) =
        (number_of(request, "part-number-marker", 0)?, number_of(request, "max-parts", 1000)?.min(1000));
    let mut rest = upload.parts.range(after.saturating_add(1)..).peekable();
    let (mut parts, mut last) = (String::new(), after);
    for (number, part) in rest.by_ref().take(most as usize) {
        let (etag, modified) = (xml_escape(&quoted(&part.etag)), iso(part.modified));
        let size = part.bytes.len();
        parts += &format!(
            "<Part><PartNumber>{number}</PartNumber><LastModified>{modified}</LastModified><ETag>{etag}</ETag>\
             <Size>{size}</Size></Part>"
        );
        last = *number;
    }
    let truncated = rest.peek().is_some();
    let (bucket, key) = (xml_escape(&request.bucket), xml_escape(&request.key));
    let id = xml_escape(request.parameter("uploadId").unwrap_or_default());
    Ok(Reply::xml(format!(
        "<ListPartsResult xmlns=\"{NAMESPACE}\"><Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId>\
         <PartNumberMarker>{after}</PartNumberMarker><NextPartNumberMarker>{last}</NextPartNumberMarker>\
         <MaxParts>{most}</MaxParts><IsTruncated>{truncated}</IsTruncated>{parts}</ListPartsResult>"
    )))
}

pub(super) fn list_uploads(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    let prefix = request.parameter("prefix").unwrap_or_default();
    let after = (request.parameter("key-marker").unwrap_or_default(), request.parameter("upload-id-marker"));
    let most = number_of(request, "max-uploads", 1000)?.min(1000) as usize;
    let here = store.uploads.iter().filter(|(_, upload)| upload.bucket == request.bucket);
    let mut uploads: Vec<_> = here.filter(|(_, upload)| upload.key.starts_with(prefix)).collect();
    uploads.sort_by(|a, b| (&a.1.key, a.0).cmp(&(&b.1.key, b.0)));
    uploads.retain(|(id, upload)| {
        upload.key.as_str() > after.0
            || (upload.key == after.0 && after.1.is_some_and(|marker| id.as_str() > marker))
    });
    let truncated = uploads.len() > most;
    uploads.truncate(most);
    let mut listed = String::new();
    for (id, upload) in &uploads {
        let (key, begun) = (xml_escape(&upload.key), iso(upload.begun));
        listed += &format!(
            "<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{begun}</Initiated></Upload>"
        );
    }
    let next = uploads.last().filter(|_| truncated).map_or(String::new(), |(id, upload)| {
        let key = xml_escape(&upload.key);
        format!("<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>")
    });
    let bucket = xml_escape(&request.bucket);
    Ok(Reply::xml(format!(
        "<ListMultipartUploadsResult xmlns=\"{NAMESPACE}\"><Bucket>{bucket}</Bucket>{next}\
         <MaxUploads>{most}</MaxUploads><IsTruncated>{truncated}</IsTruncated>{listed}</ListMultipartUploadsResult>"
    )))
}
