//! Lists versions of objects below the store's prefix.

use super::convert::to_the_second;
use crate::backend::{BoxFuture, VersionListing};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::object::{Version, VersionPage};
use holdall_s3::{Client, ListedVersion};

/// A listing of versions under way.
pub(super) struct S3Versions {
    client: Client,
    root: String,
    prefix: String,
    /// Where the next page begins; none for the first.
    after: Option<(String, String)>,
    is_over: bool,
}

impl S3Versions {
    pub(super) fn new(client: &Client, root: &str, prefix: &Prefix) -> Self {
        let prefix = format!("{root}{prefix}");
        Self { client: client.clone(), root: root.to_owned(), prefix, after: None, is_over: false }
    }

    async fn page(&mut self) -> Result<VersionPage> {
        let page = self.client.list_versions(&self.prefix, self.after.as_ref()).await?;
        self.is_over = page.next.is_none();
        self.after = page.next;
        let versions = page.versions.into_iter().filter_map(|version| self.version(version)).collect();
        Ok(VersionPage { versions, failures: Vec::new() })
    }

    /// A version; none of what is holdall's own, of an object whose key is the store's prefix, and of what the server
    /// was not asked for.
    fn version(&self, listed: ListedVersion) -> Option<Version> {
        let key = listed.key.strip_prefix(&self.root)?;
        if key.is_empty() || Key::is_reserved(key) {
            return None;
        }
        Some(Version {
            key: Key::listed(key),
            version: listed.version,
            is_latest: listed.is_latest,
            is_marker: listed.is_marker,
            size: listed.size,
            etag: listed.etag,
            last_modified: listed.last_modified.map(to_the_second),
        })
    }
}

impl VersionListing for S3Versions {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<VersionPage>>> {
        Box::pin(async move {
            if self.is_over {
                return None;
            }
            let page = self.page().await;
            self.is_over |= page.is_err();
            Some(page)
        })
    }
}
