//! Gives back the parts of uploads that nobody finishes, and removes the objects of probes that were cut off.

use super::super::{UnfinishedUpload, UploadPage};
use super::ability::{PROBES, remove_whole};
use crate::error::{ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{GcOptions, Leftover};
use holdall_s3::{Client, ListOptions, ListedUpload, UploadHandle};
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
            let Some(age) = age(upload.initiated).filter(|age| *age >= options.older_than) else { continue };
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

/// A page of the uploads below a prefix; none of those that are holdall's own.
pub(super) async fn unfinished(
    client: &Client,
    root: &str,
    prefix: &Prefix,
    after: Option<&(String, String)>,
) -> Result<UploadPage> {
    let page = client.list_uploads(&format!("{root}{prefix}"), after).await?;
    let upload = |upload: ListedUpload| {
        let key = upload.key.strip_prefix(root).filter(|key| !key.is_empty() && !Key::is_reserved(key))?;
        Some(UnfinishedUpload { key: Key::listed(key), id: upload.id, initiated: upload.initiated })
    };
    Ok(UploadPage { uploads: page.uploads.into_iter().filter_map(upload).collect(), next: page.next })
}

async fn abort(client: &Client, upload: &ListedUpload) -> Result<()> {
    Ok(client.abort_upload(&UploadHandle::existing(&*upload.key, &*upload.id)).await?)
}

/// Removes objects that processes tried the server on and were killed before they removed them. Where listing is not
/// permitted they are not looked for: uploads can be.
pub(super) async fn remove_probes(
    client: &Client,
    root: &str,
    options: &GcOptions,
    found: &mut (dyn FnMut(Leftover) + Send),
) -> Result<()> {
    let prefix = format!("{root}{}", Key::reserved(PROBES));
    let mut pages = client.list(ListOptions { prefix, ..ListOptions::default() });
    while let Some(page) = pages.next().await {
        let page = match page.map_err(crate::error::Error::from) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return Ok(()),
            page => page?,
        };
        for object in page.objects {
            let Some(age) = age(object.last_modified).filter(|age| *age >= options.older_than) else {
                continue;
            };
            let removed = if options.dry_run { Ok(()) } else { remove_whole(client, &object.key).await };
            let name = object.key[root.len()..].to_owned();
            let (size, error) = (Some(object.size), removed.err().map(Into::into));
            found(Leftover { kind: "probe", name, age, size, left: None, error });
        }
    }
    Ok(())
}

/// By this machine's clock; what is of the future is young.
fn age(since: Option<SystemTime>) -> Option<Duration> {
    Some(SystemTime::now().duration_since(since?).unwrap_or_default())
}
