//! The operations, carried out on the store in memory.

mod bucket;
mod copy;
mod delete;
mod listing;
mod multipart;
mod object;
mod page;

use super::Fault;
use super::objects::Store;
use super::reply::{Refusal, Reply};
use super::request::{Kind, Request};

pub(super) const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// Carries a request out. The fault matters only to operations that it changes from within.
pub(super) fn perform(request: &Request, fault: Option<&Fault>, store: &mut Store) -> Reply {
    let answer = match request.kind {
        Kind::ListBuckets => Ok(bucket::list(store)),
        Kind::CreateBucket => bucket::create(request, store),
        Kind::HeadBucket => bucket::head(request, store),
        Kind::DeleteBucket => bucket::delete(request, store),
        Kind::GetBucketLocation => bucket::location(request, store),
        Kind::GetBucketVersioning => bucket::versioning(request, store),
        Kind::GetBucketLifecycle => bucket::lifecycle(request, store),
        Kind::PutBucketLifecycle => bucket::put_lifecycle(request, store),
        Kind::DeleteBucketLifecycle => bucket::delete_lifecycle(request, store),
        Kind::ListObjects => listing::list(request, fault, store),
        Kind::DeleteObjects => delete::many(request, fault, store),
        Kind::DeleteObject => delete::one(request, store),
        Kind::PutObject => object::put(request, store),
        Kind::GetObject | Kind::HeadObject => object::get(request, store),
        Kind::CopyObject => copy::object(request, store),
        Kind::UploadPartCopy => copy::part(request, store),
        Kind::CreateMultipartUpload => multipart::create(request, store),
        Kind::UploadPart => multipart::put_part(request, store),
        Kind::CompleteMultipartUpload => multipart::complete(request, store),
        Kind::AbortMultipartUpload => multipart::abort(request, store),
        Kind::ListParts => multipart::list_parts(request, store),
        Kind::ListMultipartUploads => multipart::list_uploads(request, store),
        Kind::Other => Err(Refusal::new(501, "NotImplemented")),
    };
    answer.unwrap_or_else(|refusal| refusal.reply())
}

fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}
