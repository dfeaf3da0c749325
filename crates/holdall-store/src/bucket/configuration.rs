//! All that is configured of a bucket, as far as it is told.

use crate::error::{Error, ErrorKind, Result};
use holdall_s3::{
    BucketEncryption, BucketLogging, Client, CorsRule, Grant, Lifecycle, ObjectLock, PublicAccessBlock,
    ReplicationRule, Versioning,
};

/// What is configured of a bucket. Each part is what the server said of it, or why it said nothing: `Unsupported` for
/// what it does not have, `PermissionDenied` for what these credentials may not ask.
#[derive(Debug)]
pub struct Configuration {
    /// The region.
    pub region: Result<String>,
    /// Whether versions are kept.
    pub versioning: Result<Versioning>,
    /// What becomes of objects as they age.
    pub lifecycle: Result<Lifecycle>,
    /// What pages of other origins may do.
    pub cors: Result<Vec<CorsRule>>,
    /// How objects are encrypted by default; none when they are not.
    pub encryption: Result<Option<BucketEncryption>>,
    /// The policy, a JSON object.
    pub policy: Result<Option<String>>,
    /// Whether the server takes the policy for public.
    pub policy_public: Result<Option<bool>>,
    /// Which public access is blocked; none when nothing was ever said of it.
    pub access: Result<Option<PublicAccessBlock>>,
    /// The grants of the access control list.
    pub grants: Result<Vec<Grant>>,
    /// Where the access log goes; none when there is no log.
    pub logging: Result<Option<BucketLogging>>,
    /// Rules that copy objects to other buckets.
    pub replication: Result<Vec<ReplicationRule>>,
    /// Whether objects can be locked.
    pub object_lock: Result<Option<ObjectLock>>,
}

impl Configuration {
    pub(super) async fn read(wire: &Client) -> Self {
        let (region, versioning, lifecycle, cors, encryption, policy) = tokio::join!(
            wire.bucket_location(),
            wire.versioning(),
            wire.lifecycle(),
            wire.cors(),
            wire.bucket_encryption(),
            wire.bucket_policy(),
        );
        let (policy_public, access, grants, logging, replication, object_lock) = tokio::join!(
            wire.is_policy_public(),
            wire.public_access_block(),
            wire.bucket_grants(),
            wire.bucket_logging(),
            wire.replication(),
            wire.object_lock(),
        );
        Self {
            region: told(region),
            versioning: told(versioning),
            lifecycle: told(lifecycle),
            cors: told(cors),
            encryption: told(encryption),
            policy: told(policy),
            policy_public: told(policy_public),
            access: told(access),
            grants: told(grants),
            logging: told(logging),
            replication: told(replication),
            object_lock: told(object_lock),
        }
    }

    /// Whether strangers get in, by the policy or by a grant, as far as either is told; none where neither is.
    pub fn is_public(&self) -> Option<bool> {
        let policy = self.policy_public.as_ref().ok().map(|public| public == &Some(true));
        let grants = self.grants.as_ref().ok().map(|grants| grants.iter().any(Grant::is_public));
        match (policy, grants) {
            (None, None) => None,
            (policy, grants) => Some(policy == Some(true) || grants == Some(true)),
        }
    }
}

/// A right that is missing here is none of those that the usual hint speaks of.
fn told<T>(said: holdall_s3::Result<T>) -> Result<T> {
    said.map_err(|error| {
        let error = Error::from(error);
        match error.kind() {
            ErrorKind::PermissionDenied => error
                .with_hint("what is configured of a bucket is for its owner, or who has the right for it"),
            _ => error,
        }
    })
}
