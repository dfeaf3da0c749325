//! The bucket itself.

use crate::backend::not_empty;
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{Client, ErrorKind as Wire, ListOptions};

/// The right to see whether a bucket is there and empty.
const LISTING: &str = "the credentials need s3:ListBucket on this bucket, or it is somebody else's";

pub(super) async fn exists(client: &Client) -> Result<bool> {
    match client.head_bucket().await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Wire::BucketNotFound => Ok(false),
        Err(error) => Err(needs(LISTING, error)),
    }
}

/// Makes the bucket. Whether it is there is asked first: many services say "made" of one that its owner has already.
pub(super) async fn create(client: &Client) -> Result<()> {
    if exists(client).await? {
        let error = Error::new(ErrorKind::AlreadyExists, "there is such a bucket already");
        return Err(error.with_fact("bucket", client.bucket()));
    }
    client.create_bucket().await.map_err(|error| needs("the credentials need s3:CreateBucket", error))
}

/// Deletes the bucket. That it is empty is not left to the service alone: s3s-fs deletes one with all that is in it.
pub(super) async fn remove(client: &Client) -> Result<()> {
    let mut pages = client.list(ListOptions { page_size: Some(1), ..ListOptions::default() });
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| needs(LISTING, error))?;
        if !(page.objects.is_empty() && page.prefixes.is_empty()) {
            return Err(not_empty().with_fact("bucket", client.bucket()));
        }
    }
    match client.delete_bucket().await {
        Err(error) if error.kind() == Wire::Conflict => {
            Err(not_empty().with_fact("bucket", client.bucket()).with_source(error))
        }
        other => other.map_err(|error| needs("the credentials need s3:DeleteBucket on this bucket", error)),
    }
}

/// Names the right that is missing, which is none of those that objects need.
fn needs(right: &'static str, error: holdall_s3::Error) -> Error {
    let error = Error::from(error);
    if error.kind() == ErrorKind::PermissionDenied { error.with_hint(right) } else { error }
}
