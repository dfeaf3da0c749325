//! The bucket itself: whether it is there, made, deleted, counted.

use super::Configuration;
use super::setup::{Applied, Plan, Setup};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{Stats, Store};
use holdall_s3::{ListOptions, Versioning};
use std::time::Duration;

/// The bucket, or the folder, that a store is in. Cheap to clone.
///
/// Of a store below a prefix it is the whole bucket.
#[derive(Debug, Clone)]
pub struct Bucket {
    pub(super) store: Store,
}

impl Bucket {
    /// The bucket behind a store.
    pub fn of(store: &Store) -> Self {
        Self { store: store.clone() }
    }

    /// The kind of place: `memory`, `folder`, `s3`.
    pub fn kind(&self) -> &'static str {
        self.store.backend().kind()
    }

    /// The bucket's URL, without the prefix of the store.
    pub fn location(&self) -> String {
        match self.name() {
            Some(name) => format!("s3://{name}"),
            None => self.store.location(),
        }
    }

    /// The bucket's name; none where there is a folder or memory instead.
    pub fn name(&self) -> Option<String> {
        self.wire().map(|wire| wire.bucket().to_owned())
    }

    /// Asks whether it is there.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` when the service does not tell, as of a bucket of somebody else's.
    pub async fn exists(&self) -> Result<bool> {
        self.store.backend().exists().await
    }

    /// Makes it.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, whoever owns it; on every server, also those that answer "made" to its owner.
    pub async fn create(&self) -> Result<()> {
        self.store.backend().create().await
    }

    /// Makes it where it is not there, and answers whether it did.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` or `PermissionDenied` when it is somebody else's.
    pub async fn create_if_missing(&self) -> Result<bool> {
        if self.exists().await? {
            return Ok(false);
        }
        match self.create().await {
            Ok(()) => Ok(true),
            // Somebody was faster: it is there, if it may be used.
            Err(error) if error.kind() == ErrorKind::AlreadyExists && self.exists().await? => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes it so that its objects can be locked: by legal holds and retention ([`Store::hold`], [`Store::retain`]). It keeps
    /// versions, for ever. A bucket that is there cannot be made such a one here.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`, whoever owns it; `Unsupported` for memory, folders and servers that have no such buckets, and nothing
    /// is left there then.
    pub async fn create_locking(&self) -> Result<()> {
        self.store.backend().create_locking().await
    }

    /// Makes sure that its objects can be locked.
    ///
    /// # Errors
    ///
    /// `Unsupported` where they cannot; `PermissionDenied` for who may not ask: that is `s3:GetBucketObjectLockConfiguration`.
    pub async fn demand_locks(&self) -> Result<()> {
        self.store.backend().demand_locks().await
    }

    /// Deletes it if it is empty; objects are never deleted. A folder takes its `.holdall/` along, in which nothing of
    /// an object is left; give it nothing to write meanwhile.
    ///
    /// # Errors
    ///
    /// `Conflict` when something is in it, also an old version; `BucketNotFound`; `Unsupported` for memory.
    pub async fn delete(&self) -> Result<()> {
        self.store.backend().remove().await
    }

    /// Counts objects and bytes of the whole bucket, by listing it; old versions are not counted.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`; `PermissionDenied` for who may not list it; whatever else ends the listing early.
    pub async fn count(&self) -> Result<Stats> {
        let Some(wire) = self.wire() else { return self.store.stats("").await };
        let mut stats = Stats::default();
        let mut pages = wire.list(ListOptions::default());
        while let Some(page) = pages.next().await {
            for object in page?.objects {
                stats.objects += 1;
                stats.bytes += object.size;
            }
        }
        Ok(stats)
    }

    /// Whether versions are kept of what is replaced and deleted.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` for who may not ask: on S3 that is `s3:GetBucketVersioning`.
    pub async fn versioning(&self) -> Result<Versioning> {
        self.store.backend().versioning().await
    }

    /// Keeps versions from now on, or no more of them; those that there are stay. In a folder the file of an object that
    /// is replaced or deleted becomes a version without being copied.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for [`Versioning::Off`], which is how a store begins; `Unsupported` where the file system has no
    /// hard links, or the server no versions; `PermissionDenied`.
    pub async fn set_versioning(&self, versioning: Versioning) -> Result<()> {
        self.store.backend().set_versioning(versioning).await
    }

    /// Asks whether it may be used, and answers how long that took.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`, `PermissionDenied`, `Unreachable`, …
    pub async fn check(&self) -> Result<Duration> {
        self.store.health().await
    }

    /// Asks for all that is configured of it, at once.
    ///
    /// # Errors
    ///
    /// `BucketNotFound`; `Unsupported` where there is a folder or memory instead of a bucket.
    pub async fn configuration(&self) -> Result<Configuration> {
        let Some(wire) = self.wire() else {
            return Err(Error::new(ErrorKind::Unsupported, "only buckets of a service can be configured")
                .with_fact("store", self.store.location()));
        };
        if !self.exists().await? {
            return Err(Error::new(ErrorKind::BucketNotFound, "there is no such bucket")
                .with_fact("bucket", wire.bucket()));
        }
        // Twelve questions at once are a large future.
        Ok(Box::pin(Configuration::read(wire)).await)
    }

    /// Compares what is wanted with what there is, and answers the steps between. Changes nothing.
    ///
    /// # Errors
    ///
    /// As for [`configuration`](Self::configuration), but a bucket that is missing is a step; `InvalidInput` for wishes
    /// that cannot be.
    pub async fn plan(&self, wanted: &Setup) -> Result<Plan> {
        Plan::make(self, wanted).await
    }

    /// Carries out the changes of a plan, in a safe order, then reads all back: what the server took and does not keep
    /// has failed.
    ///
    /// # Errors
    ///
    /// That the bucket cannot be made or read back. A step that fails is an outcome, and the rest go on.
    pub async fn apply(&self, plan: &Plan) -> Result<Vec<Applied>> {
        super::setup::apply(self, plan).await
    }

    pub(super) fn wire(&self) -> Option<&holdall_s3::Client> {
        self.store.backend().wire()
    }
}
