//! Keeps objects: where and how bytes are stored. Knows no domain word.
//!
//! A [`Store`] is opened by URL and answers alike wherever the objects are. What it promises is written in
//! `docs/SEMANTICS.md`; the behaviour suite holds every backend to it.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall_store::Store;
//!
//! let store = Store::memory();
//! let receipt = store.put("notes/a.txt", "hello").await?;
//! assert_eq!(receipt.size, 5);
//! assert_eq!(store.get("notes/a.txt").await?.bytes().await?, "hello");
//! # Ok::<(), holdall_store::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod backend;
pub mod bucket;
mod content_type;
mod disk;
pub mod doctor;
mod error;
mod expiry;
mod integrity;
mod key;
mod object;
#[cfg(feature = "object-store")]
pub mod object_store;
pub mod outbox;
mod receipt;
pub mod retention;
mod settings;
mod store;
pub mod telemetry;
pub mod transfer;
mod url;

pub use backend::{
    Backend, BoxFuture, Held, Limits, Listing, PartDigest, PartReceipt, ReadAt, Resumed, Ticket,
    UnfinishedUpload, Upload, UploadPage, VersionListing,
};
pub use content_type::content_type_of;
pub use error::{Error, ErrorKind, Result};
pub use holdall_s3::{
    Acl, Addressing, Attributes, Checksum, Encryption, Payload, PostForm, PostPolicy, Progress, Range,
    ReadConditions, Retention, RetentionMode, Secret, Sha256, Source, SourceStream, Versioning,
    WriteCondition, sha256,
};
pub use key::{Key, Prefix};
pub use object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, MoveOptions, Object, ObjectStream, Page, PresignMethod, PresignOptions, PutOptions, ReadFrom,
    Version, VersionPage,
};
pub use receipt::{Receipt, State, Verified};
pub use settings::{
    DigestScope, Fsync, KeyPair, LocalCopy, LogFormat, OnRemoteError, Origin, Rank, Resolved, SETTINGS,
    Setting, Settings, SettingsError, Sources, Value, Variables, WriteMode, parse_size, parse_time,
};
pub use store::{
    AuditEvent, AuditSummary, ExpirationEvent, ExpirationSummary, Left, LeftKind, ObjectList, Stats, Store,
    SweepEvent, SweepOptions, SweepSummary, VersionList,
};
pub use url::{Location, UrlStrategy};
