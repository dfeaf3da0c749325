//! Legal holds and retention: versions that nobody deletes by mistake, or at all.

use super::Store;
use crate::Retention;
use crate::error::Result;
use crate::key::Key;

impl Store {
    /// Lays a legal hold on a version of an object, or on the latest, or lifts it. While it lies, to delete the version is
    /// `Held`; a delete that names no version marks the object as deleted all the same.
    ///
    /// # Errors
    ///
    /// `Unsupported` where objects cannot be locked: that takes a bucket which was made for it
    /// ([`Bucket::create_locking`](crate::bucket::Bucket::create_locking)), and neither memory nor folders do; `NotFound`;
    /// `PermissionDenied`; `Conflict` while a write of the key waits in the outbox and no version is named.
    pub async fn hold(&self, key: &str, version: Option<&str>, on: bool) -> Result<()> {
        let key = Key::parse(key)?;
        self.backend().hold(&key, version, on).await.map_err(|e| e.with_key(&key))
    }

    /// Whether a version of an object, or the latest, is under a legal hold.
    ///
    /// # Errors
    ///
    /// As for [`Store::hold`].
    pub async fn held(&self, key: &str, version: Option<&str>) -> Result<bool> {
        let key = Key::parse(key)?;
        self.backend().held(&key, version).await.map_err(|e| e.with_key(&key))
    }

    /// Keeps a version of an object, or the latest, from being deleted until a moment, rounded up to the second: until then
    /// that is `Held`. To retain it for longer is always possible; for shorter, or less strictly, only from governance mode,
    /// for who may, and with `bypass_governance`.
    ///
    /// # Errors
    ///
    /// As for [`Store::hold`]; `Held` for what would weaken the retention that there is; `InvalidInput` for a moment that has
    /// passed.
    pub async fn retain(
        &self,
        key: &str,
        version: Option<&str>,
        retention: Retention,
        bypass_governance: bool,
    ) -> Result<()> {
        let key = Key::parse(key)?;
        let retained = self.backend().retain(&key, version, retention, bypass_governance).await;
        retained.map_err(|e| e.with_key(&key))
    }

    /// How long a version of an object, or the latest, is retained; some servers also say what has ended.
    ///
    /// # Errors
    ///
    /// As for [`Store::hold`].
    pub async fn retention(&self, key: &str, version: Option<&str>) -> Result<Option<Retention>> {
        let key = Key::parse(key)?;
        self.backend().retention(&key, version).await.map_err(|e| e.with_key(&key))
    }
}
