//! Speaks the S3 protocol: sign, send, parse, retry. Knows no store.
//!
//! A [`Client`] is bound to one bucket at one [`Endpoint`]. Every call is one S3 operation; its answer is checked
//! before it is believed: a success with an error body, a truncated listing without a token, a short body, a
//! missing `ETag` or a `Content-Range` that does not match the request is an [`Error`], never a result.
//!
//! Keys are sent exactly as given, byte for byte; nothing is normalised.
//!
//! # Retries
//!
//! A request is tried [`RetryPolicy::attempts`] times in all. What is tried again is decided by the service's error
//! code first and its status second ([`RetryPolicy`]); between attempts the client waits a random share of an
//! exponentially growing bound. Retries of one client draw on one budget, so an endpoint that fails everything is
//! not hammered.
//!
//! # Runtime
//!
//! Futures run on the caller's tokio runtime and are `Send`. The client spawns no task for a request: a
//! connection is driven by whoever waits for its answer, and goes back to the pool when the answer has been read.
//! Dropping a future closes its connection.

mod checksum;
mod client;
mod credentials;
mod date;
mod encode;
mod endpoint;
mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
mod http;
mod object;
mod op;
mod pace;
mod payload;
mod progress;
mod retry;
mod secret;
mod sign;
mod xml;

pub use checksum::{Checksum, ChecksumAlgorithm, Running, Sha256, crc32c, crc64nvme, md5, sha256};
pub use client::{Client, Config, ConfigError, PayloadIntegrity, Seams};
pub use credentials::{Credentials, CredentialsSource};
pub use encode::{decode_key, encode_key, encode_query};
pub use endpoint::{Addressing, Endpoint, EndpointError, is_aws_host};
pub use error::{Error, ErrorKind, Result, Stage};
pub use http::{Timeouts, Transport, TransportConfig};
pub use object::{Acl, Attributes, Encryption, ReadConditions, WriteCondition};
pub use op::bucket::access::PublicAccessBlock;
pub use op::bucket::acl::{Grant, Grantee};
pub use op::bucket::cors::{CorsRule, Unread};
pub use op::bucket::encryption::BucketEncryption;
pub use op::bucket::lifecycle::{Lifecycle, LifecycleFilter, LifecycleRule, Transition};
pub use op::bucket::logging::BucketLogging;
pub use op::bucket::object_lock::{DefaultRetention, ObjectLock};
pub use op::bucket::replication::ReplicationRule;
pub use op::bucket::versioning::Versioning;
pub use op::copy::{CopyAnswer, CopyOptions, CopySource, MetadataDirective};
pub use op::delete::{DeleteAnswer, DeleteFailure, DeleteOptions, DeleteTarget};
pub use op::get::{GetAnswer, GetOptions, GetStream, Head, Range};
pub use op::list::{ListOptions, ListPage, ListPages, ListedObject};
pub use op::lock::{Retention, RetentionMode};
pub use op::multipart::{
    CompletedPart, ListedPart, ListedUpload, PartAnswer, PartCopyOptions, PartList, UploadHandle, UploadList,
};
pub use op::presign::{PostForm, PostPolicy, PresignOptions};
pub use op::put::{PutAnswer, PutOptions};
pub use op::settle::NONCE;
pub use op::versions::{ListedVersion, VersionList};
pub use op::visit::Visit;
pub use pace::RateLimits;
pub use payload::{Payload, Source, SourceStream};
pub use progress::Progress;
pub use retry::RetryPolicy;
pub use secret::Secret;
