//! Buckets themselves.

use super::NAMESPACE;
use crate::encode::xml_escape;
use crate::fault::objects::Store;
use crate::fault::reply::{Refusal, Reply};
use crate::fault::request::Request;
use crate::fault::xml;

pub(super) fn list(store: &Store) -> Reply {
    let names: String = store
        .buckets
        .keys()
        .map(|name| {
            let name = xml_escape(name);
            format!(
                "<Bucket><Name>{name}</Name><CreationDate>2026-01-01T00:00:00.000Z</CreationDate></Bucket>"
            )
        })
        .collect();
    Reply::xml(format!(
        "<ListAllMyBucketsResult xmlns=\"{NAMESPACE}\"><Owner><ID>fault</ID></Owner><Buckets>{names}</Buckets>\
         </ListAllMyBucketsResult>"
    ))
}

pub(super) fn create(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    if store.buckets.contains_key(&request.bucket) {
        return Err(Refusal::new(409, "BucketAlreadyOwnedByYou"));
    }
    store.buckets.insert(request.bucket.clone(), Default::default());
    Ok(Reply::new(200).with("location", format!("/{}", request.bucket)))
}

pub(super) fn head(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    Ok(Reply::new(200).with("x-amz-bucket-region", "us-east-1"))
}

pub(super) fn delete(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    if !store.bucket(&request.bucket)?.is_empty() {
        return Err(Refusal::new(409, "BucketNotEmpty"));
    }
    store.buckets.remove(&request.bucket);
    store.lifecycles.remove(&request.bucket);
    Ok(Reply::new(204))
}

pub(super) fn location(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    Ok(Reply::xml(format!("<LocationConstraint xmlns=\"{NAMESPACE}\"/>")))
}

pub(super) fn versioning(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    Ok(Reply::xml(format!("<VersioningConfiguration xmlns=\"{NAMESPACE}\"/>")))
}

/// The rules as they were put, byte for byte.
pub(super) fn lifecycle(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    let rules = store.lifecycles.get(&request.bucket);
    let rules = rules.ok_or_else(|| Refusal::new(404, "NoSuchLifecycleConfiguration"))?;
    Ok(Reply::new(200).with("content-type", "application/xml").body(rules.clone()))
}

pub(super) fn put_lifecycle(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    if xml::elements(&request.body, "Rule")?.is_empty() {
        return Err(Refusal::new(400, "MalformedXML"));
    }
    store.lifecycles.insert(request.bucket.clone(), request.body.clone());
    Ok(Reply::new(200))
}

pub(super) fn delete_lifecycle(request: &Request, store: &mut Store) -> Result<Reply, Refusal> {
    store.bucket(&request.bucket)?;
    store.lifecycles.remove(&request.bucket);
    Ok(Reply::new(204))
}
