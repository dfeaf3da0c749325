//! Does what is due, each after another look: what is no longer as it was listed stays.

use super::event::{Action, Due};
use super::past::{Past, Walk};
use super::policy::Policy;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Prefix;
use crate::object::{DeleteOptions, GetOptions, Metadata};
use crate::store::Store;
use std::time::SystemTime;

pub(super) struct Hand<'a> {
    pub(super) store: &'a Store,
    pub(super) policy: &'a Policy,
    pub(super) until: SystemTime,
}

impl Hand<'_> {
    /// Deletes or moves an object while it is what was listed; answers whether it did.
    pub(super) async fn take_object(&self, due: &Due, listed: &Metadata) -> Result<bool> {
        let look = GetOptions { expired: true, ..GetOptions::default() };
        let found = match self.store.backend().head(&due.key, &look).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            found => found?,
        };
        if !is_as_listed(listed, &found) {
            return Ok(false);
        }
        match &due.action {
            Action::Transition(class) => self.change_class(found, class).await,
            _ => self.store.delete_as_seen(&due.key, &found).await,
        }
    }

    /// Copies an object onto itself in another storage class.
    async fn change_class(&self, found: Metadata, class: &str) -> Result<bool> {
        let mut attributes = found.attributes;
        attributes.storage_class = Some(class.to_owned());
        match self.store.rewrite(&found.key, found.etag, attributes).await {
            Ok(_) => Ok(true),
            Err(error) if is_another(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes a version for good while it is past; answers whether it did.
    pub(super) async fn take_version(&self, due: &Due) -> Result<bool> {
        if !self.is_past_still(due).await? {
            return Ok(false);
        }
        let options = DeleteOptions { version: due.version.clone(), ..DeleteOptions::default() };
        match self.store.backend().delete(&due.key, &options).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            deleted => deleted.map(|_| true),
        }
    }

    /// Whether a listing of the key's versions, of which the first page has the newest, comes to the same again.
    async fn is_past_still(&self, due: &Due) -> Result<bool> {
        let mut pages = self.store.backend().list_versions(Prefix::listed(due.key.as_str()));
        let mut walk = Walk::default();
        while let Some(page) = pages.next_page().await {
            let versions = page?.versions;
            let is_all = versions.iter().any(|version| version.key != due.key);
            let versions = versions.into_iter().filter(|version| version.key == due.key);
            let past: Vec<Past> = versions.filter_map(|version| walk.next(version)).collect();
            if past.iter().any(|past| self.is(past, due)) {
                return Ok(true);
            }
            if is_all {
                break;
            }
        }
        Ok(walk.finish().is_some_and(|past| self.is(&past, due)))
    }

    fn is(&self, past: &Past, due: &Due) -> bool {
        past.due(self.policy, self.until).as_ref() == Some(due)
    }
}

/// Whether nobody has written an object since it was listed. A listing does not say which version it is, and on some
/// servers no `ETag`.
fn is_as_listed(listed: &Metadata, found: &Metadata) -> bool {
    listed.etag.as_ref().is_none_or(|etag| found.etag.as_ref() == Some(etag))
        && (listed.size, listed.last_modified) == (found.size, found.last_modified)
}

/// Whether an error says that the object is not the one that was looked at.
fn is_another(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Precondition | ErrorKind::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TOP-12: what was replaced or renewed since it was listed stays.
    #[tokio::test]
    async fn what_is_another_than_was_listed_stays() {
        let store = Store::memory();
        let text = "[[rule]]\nname = \"r\"\nprefix = \"\"\nexpire_after = \"1s\"\n";
        let (policy, until) = (Policy::parse(text).unwrap(), SystemTime::now());
        let hand = Hand { store: &store, policy: &policy, until };
        store.put("a", "old").await.unwrap();
        let listed = store.list("").unwrap().collect().await.unwrap().objects.remove(0);
        let due = Due {
            key: listed.key.clone(),
            version: None,
            size: None,
            action: Action::Expire,
            rule: "r".to_owned(),
            since: until,
        };
        store.put("a", "new").await.unwrap();
        assert!(!hand.take_object(&due, &listed).await.unwrap());
        assert_eq!(store.get("a").await.unwrap().bytes().await.unwrap(), "new");
        let listed = store.list("").unwrap().collect().await.unwrap().objects.remove(0);
        assert!(hand.take_object(&due, &listed).await.unwrap());
        assert!(!hand.take_object(&due, &listed).await.unwrap(), "it is gone");
    }

    /// Without the version above it, one that was past is what its key has.
    #[tokio::test]
    async fn a_version_that_became_current_again_stays() {
        let store = Store::memory();
        store.bucket().set_versioning(crate::Versioning::Enabled).await.unwrap();
        let text = "[[rule]]\nname = \"r\"\nprefix = \"\"\nexpire_noncurrent_after = \"1s\"\n";
        let policy = Policy::parse(text).unwrap();
        let until = SystemTime::now() + std::time::Duration::from_secs(60);
        let hand = Hand { store: &store, policy: &policy, until };
        store.put("a", "1").await.unwrap();
        let above = store.put("a", "2").await.unwrap().version.unwrap();
        let mut walk = Walk::default();
        let versions = store.versions("").unwrap().collect().await.unwrap();
        let past: Vec<Past> = versions.into_iter().filter_map(|version| walk.next(version)).collect();
        let due = past[0].due(&policy, until).unwrap();
        store.delete_version("a", &above).await.unwrap();
        assert!(!hand.take_version(&due).await.unwrap());
        assert_eq!(store.get("a").await.unwrap().bytes().await.unwrap(), "1");
    }
}
