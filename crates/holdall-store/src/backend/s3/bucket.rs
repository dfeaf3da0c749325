//! The bucket itself.

use super::S3Backend;
use super::hold::demand;
use crate::backend::not_empty;
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{Client, ErrorKind as Wire, ListOptions};

/// The right to see whether a bucket is there and empty.
const LISTING: &str = "the credentials need s3:ListBucket on this bucket, or it is somebody else's";

/// The right to make a bucket.
const CREATING: &str = "the credentials need s3:CreateBucket";

pub(super) async fn exists(client: &Client) -> Result<bool> {
    match client.head_bucket().await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Wire::BucketNotFound => Ok(false),
        Err(error) => Err(needs(LISTING, error)),
    }
}

/// Makes the bucket.
pub(super) async fn create(client: &Client) -> Result<()> {
    demand_absence(client).await?;
    client.create_bucket().await.map_err(|error| needs(CREATING, error))
}

/// Makes the bucket so that its objects can be locked. One of another kind that a server made instead goes again.
pub(super) async fn create_locking(backend: &S3Backend) -> Result<()> {
    demand_absence(&backend.client).await?;
    backend.client.create_locking_bucket().await.map_err(|error| needs(CREATING, error))?;
    match demand(backend).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            remove(&backend.client).await?;
            Err(error)
        }
        // Whoever may make a bucket need not be allowed to ask about it.
        Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Many services say "made" of a bucket that its owner has already.
async fn demand_absence(client: &Client) -> Result<()> {
    if !exists(client).await? {
        return Ok(());
    }
    let error = Error::new(ErrorKind::AlreadyExists, "there is such a bucket already");
    Err(error.with_fact("bucket", client.bucket()))
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
pub(super) fn needs(right: &'static str, error: holdall_s3::Error) -> Error {
    let error = Error::from(error);
    if error.kind() == ErrorKind::PermissionDenied { error.with_hint(right) } else { error }
}
