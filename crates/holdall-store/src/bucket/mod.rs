//! Administers the bucket or the folder that a store is in: makes, deletes and describes it, and sets it up.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! # let dir = tempfile::tempdir()?;
//! use holdall_store::{Settings, Store};
//!
//! let url = format!("file://{}", dir.path().join("bag").display());
//! let bucket = Store::open(&url, &Settings::default())?.bucket();
//! assert!(bucket.create_if_missing().await?);
//! assert_eq!(bucket.count().await?.objects, 0);
//! bucket.delete().await?;
//! assert!(!bucket.exists().await?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod administer;
mod configuration;
mod setup;

pub use administer::Bucket;
pub use configuration::Configuration;
pub use holdall_s3::{
    BucketEncryption, BucketLogging, CorsRule, DefaultRetention, Grant, Grantee, Lifecycle, LifecycleFilter,
    LifecycleRule, ObjectLock, PublicAccessBlock, ReplicationRule, Transition, Versioning,
};
pub use setup::{Applied, CorsAccess, Outcome, Plan, Setup, Step, Subject, Verdict};
