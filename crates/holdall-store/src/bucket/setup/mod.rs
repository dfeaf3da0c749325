//! Sets a bucket up: what is wanted, the plan from what there is to it, and its execution.

mod apply;
mod cors;
mod decide;
mod lifecycle;
mod policy;

pub(super) use apply::apply;
pub use apply::{Applied, Outcome};
pub use decide::{Plan, Step, Subject, Verdict};

use holdall_s3::BucketEncryption;

/// What pages of these origins may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorsAccess {
    /// Origins, such as `https://app.example.com`; `*` is all.
    pub origins: Vec<String>,
    /// Methods, such as `GET` and `PUT`.
    pub methods: Vec<String>,
}

/// What is wanted of a bucket; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Setup {
    /// Versions are kept.
    pub versioning: bool,
    /// Uploads that are not completed are aborted after so many days.
    pub abort_uploads: Option<u32>,
    /// Versions that were replaced or deleted go for good after so many days.
    pub expire_noncurrent: Option<u32>,
    /// Objects below a prefix are deleted after so many days.
    pub expire: Vec<(String, u32)>,
    /// Pages of other origins may use it.
    pub cors: Option<CorsAccess>,
    /// Objects are encrypted by default.
    pub encryption: Option<BucketEncryption>,
    /// Public access of every kind is blocked.
    pub block_public_access: bool,
    /// Requests without TLS are refused, by a statement of the policy.
    pub deny_plain_http: bool,
    /// The policy, a JSON object in place of the one there is.
    pub policy: Option<String>,
}
