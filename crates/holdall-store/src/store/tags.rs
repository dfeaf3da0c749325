//! Tags of objects.

use super::Store;
use crate::error::Result;
use crate::key::Key;

impl Store {
    /// Asks for an object's tags, in no certain order.
    ///
    /// # Errors
    ///
    /// `NotFound`; `PermissionDenied`, since S3 has a right of its own for it; `Unsupported` where there are no tags.
    pub async fn tags(&self, key: &str) -> Result<Vec<(String, String)>> {
        let key = Key::parse(key)?;
        self.backend().tags(&key).await.map_err(|e| e.with_key(&key))
    }

    /// Replaces all tags of an object that is there by these; none removes them. At one moment: nobody sees some of them.
    ///
    /// The object stays the one that it is, with its bytes, `ETag` and version, and in memory, in a folder and on AWS with its
    /// time. A write that waits in the outbox is not tagged.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall_store::Store;
    ///
    /// let store = Store::memory();
    /// let receipt = store.put("log.txt", "hello").await?;
    /// store.set_tags("log.txt", &[("keep".to_owned(), "short".to_owned())]).await?;
    /// assert_eq!(store.tags("log.txt").await?, [("keep".to_owned(), "short".to_owned())]);
    /// assert_eq!(store.head("log.txt").await?.etag, receipt.etag);
    /// # Ok::<(), holdall_store::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`; `InvalidInput` for more than 10 tags, a name that is empty, longer than 128 characters or there twice, and
    /// a value longer than 256 characters; `Conflict` while a write of the key waits in the outbox: let it be sent first;
    /// `Unsupported` where the server does not do it; `PermissionDenied`.
    pub async fn set_tags(&self, key: &str, tags: &[(String, String)]) -> Result<()> {
        let key = Key::parse(key)?;
        self.backend().set_tags(&key, tags).await.map_err(|e| e.with_key(&key))
    }

    /// Adds tags to those that an object has, in the place of those of the same names; answers all that it has then.
    ///
    /// They are read and written back: what somebody else changes in between is lost.
    ///
    /// # Errors
    ///
    /// As for [`Store::tags`] and [`Store::set_tags`].
    pub async fn add_tags(&self, key: &str, tags: &[(String, String)]) -> Result<Vec<(String, String)>> {
        let named = |name: &String| tags.iter().any(|(other, _)| other == name);
        let mut all = self.tags(key).await?;
        all.retain(|(name, _)| !named(name));
        all.extend_from_slice(tags);
        self.set_tags(key, &all).await?;
        Ok(all)
    }

    /// Removes the tags of these names; that an object has none of a name is no error. Answers those that are left.
    ///
    /// They are read and written back: what somebody else changes in between is lost.
    ///
    /// # Errors
    ///
    /// As for [`Store::tags`] and [`Store::set_tags`].
    pub async fn remove_tags(&self, key: &str, names: &[String]) -> Result<Vec<(String, String)>> {
        let mut left = self.tags(key).await?;
        let before = left.len();
        left.retain(|(name, _)| !names.contains(name));
        if left.len() < before {
            self.set_tags(key, &left).await?;
        }
        Ok(left)
    }
}
