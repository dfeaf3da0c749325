//! Versions of objects: listed, brought back, deleted one by one.

use super::Store;
use crate::backend::{VersionListing, keeps_none};
use crate::error::{Error, Result};
use crate::key::Prefix;
use crate::object::{CopyOptions, DeleteOptions, Deleted, Version, VersionPage};
use crate::receipt::Receipt;
use holdall_s3::Versioning;
use std::fmt;

/// A listing of versions under way; memory is one page.
pub struct VersionList {
    pages: Box<dyn VersionListing>,
    ready: std::vec::IntoIter<Version>,
    failures: std::vec::IntoIter<Error>,
}

impl VersionList {
    /// The next page; none after the last.
    pub async fn next_page(&mut self) -> Option<Result<VersionPage>> {
        self.pages.next_page().await
    }

    /// The next version; none after the last. What is there and cannot be listed is an error of its own, after which the
    /// listing goes on.
    pub async fn next(&mut self) -> Option<Result<Version>> {
        loop {
            if let Some(error) = self.failures.next() {
                return Some(Err(error));
            }
            if let Some(version) = self.ready.next() {
                return Some(Ok(version));
            }
            match self.pages.next_page().await? {
                Ok(page) => {
                    self.ready = page.versions.into_iter();
                    self.failures = page.failures.into_iter();
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Reads the whole listing into memory.
    ///
    /// # Errors
    ///
    /// Also when something is there that cannot be listed.
    pub async fn collect(mut self) -> Result<Vec<Version>> {
        let mut all = Vec::new();
        while let Some(version) = self.next().await {
            all.push(version?);
        }
        Ok(all)
    }
}

impl fmt::Debug for VersionList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VersionList").finish_non_exhaustive()
    }
}

impl Store {
    /// Lists the versions of all objects that begin with a prefix, also of those that were deleted: by key, of each the
    /// latest first. Where none are kept, each object is its own only version, `null`. What waits in the outbox is none
    /// yet.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::{Store, Versioning};
    ///
    /// let store = Store::memory();
    /// store.bucket().set_versioning(Versioning::Enabled).await?;
    /// store.put("a", "first").await?;
    /// store.put("a", "second").await?;
    /// store.delete("a").await?;
    /// let versions = store.versions("a")?.collect().await?;
    /// assert!(versions[0].is_latest && versions[0].is_marker);
    /// store.restore_version("a", &versions[2].version).await?;
    /// assert_eq!(store.get("a").await?.bytes().await?, "first");
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a prefix that is none. Faults of the listing come with its pages.
    pub fn versions(&self, prefix: &str) -> Result<VersionList> {
        let pages = self.backend().list_versions(Prefix::parse(prefix)?);
        Ok(VersionList { pages, ready: Vec::new().into_iter(), failures: Vec::new().into_iter() })
    }

    /// Makes a version what the key has, with all that it carries: a copy, which is a version of its own. Those between
    /// stay.
    ///
    /// # Errors
    ///
    /// `NotFound` for a version that there is not, and for one that only says that the object was deleted; `Unsupported`
    /// where none are kept.
    pub async fn restore_version(&self, key: &str, version: &str) -> Result<Receipt> {
        let version = Some(version.to_owned());
        let options = CopyOptions { version, keep_storage_class: true, ..CopyOptions::default() };
        self.copy(key, key, &options).await
    }

    /// Deletes a version for good. What was before the latest takes its place; without its mark a deleted object is back.
    ///
    /// # Errors
    ///
    /// As for [`Store::delete_with`]. That it was not there is no error.
    pub async fn delete_version(&self, key: &str, version: &str) -> Result<Deleted> {
        let options = DeleteOptions { version: Some(version.to_owned()), ..DeleteOptions::default() };
        self.delete_with(key, &options).await
    }

    /// Makes sure that what is replaced or deleted from now on stays as a version.
    ///
    /// # Errors
    ///
    /// `Unsupported` where it does not; `PermissionDenied` where that may not be asked.
    pub async fn demand_versions(&self) -> Result<()> {
        match self.bucket().versioning().await? {
            Versioning::Enabled => Ok(()),
            Versioning::Off | Versioning::Suspended => Err(keeps_none()),
        }
    }
}
