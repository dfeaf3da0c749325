//! Gives back the parts of uploads that nobody finishes.

use crate::error::Result;
use crate::object::{GcOptions, Leftover};
use holdall_s3::{Client, ListedUpload, UploadHandle};
use std::time::{Duration, SystemTime};

/// Aborts uploads below the store's prefix that were begun longer ago than the options say. One whose age the server
/// does not tell is left.
pub(super) async fn abort_stale(
    client: &Client,
    root: &str,
    options: &GcOptions,
    found: &mut (dyn FnMut(Leftover) + Send),
) -> Result<()> {
    let mut after = None;
    loop {
        let page = client.list_uploads(root, after.as_ref()).await?;
        for upload in &page.uploads {
            let Some(age) = age(upload).filter(|age| *age >= options.older_than) else { continue };
            let error = if options.dry_run { None } else { abort(client, upload).await.err() };
            let name = upload.key.get(root.len()..).unwrap_or(&upload.key).to_owned();
            found(Leftover { kind: "upload", name, age, size: None, left: None, error });
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn abort(client: &Client, upload: &ListedUpload) -> Result<()> {
    Ok(client.abort_upload(&UploadHandle::existing(&*upload.key, &*upload.id)).await?)
}

/// By this machine's clock; an upload of the future is young.
fn age(upload: &ListedUpload) -> Option<Duration> {
    Some(SystemTime::now().duration_since(upload.initiated?).unwrap_or_default())
}
