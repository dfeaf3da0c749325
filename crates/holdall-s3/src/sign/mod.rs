//! AWS Signature Version 4, as S3 uses it: the path is encoded once and never normalised.
//!
//! The signing key depends on the day, the region and the service only, and is kept between requests.

mod header;
mod key;
mod post;
mod query;

pub(crate) use header::{EMPTY_SHA256, UNSIGNED, sign_headers};
pub(crate) use key::{Signer, SigningKey};
pub(crate) use post::sign_policy;
pub(crate) use query::{Presign, presign};

#[cfg(test)]
mod vectors;

pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
