//! The bucket itself.

use crate::backend::not_empty;
use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{Client, ErrorKind as Wire, ListOptions};

pub(super) async fn exists(client: &Client) -> Result<bool> {
    match client.head_bucket().await {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == Wire::BucketNotFound => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Makes the bucket. Whether it is there is asked first: many services say "made" of one that its owner has already.
pub(super) async fn create(client: &Client) -> Result<()> {
    if exists(client).await? {
        let error = Error::new(ErrorKind::AlreadyExists, "there is such a bucket already");
        return Err(error.with_fact("bucket", client.bucket()));
    }
    Ok(client.create_bucket().await?)
}

/// Deletes the bucket. That it is empty is not left to the service alone: s3s-fs deletes one with all that is in it.
pub(super) async fn remove(client: &Client) -> Result<()> {
    let mut pages = client.list(ListOptions { page_size: Some(1), ..ListOptions::default() });
    while let Some(page) = pages.next().await {
        let page = page?;
        if !(page.objects.is_empty() && page.prefixes.is_empty()) {
            return Err(not_empty().with_fact("bucket", client.bucket()));
        }
    }
    match client.delete_bucket().await {
        Err(error) if error.kind() == Wire::Conflict => {
            Err(not_empty().with_fact("bucket", client.bucket()).with_source(error))
        }
        other => Ok(other?),
    }
}
