//! Compares holdall-s3 with others who speak S3: the official SDK, its signer, curl, boto3 and the aws command.
//!
//! Every comparison is a test of this crate; the library is what they share. Servers are those that the environment
//! names (`HOLDALL_TEST_CEPH` and so on); for a server that is not named no trial exists.

mod bench;
mod keys;
mod trials;

pub use bench::{Bench, payload, read};
pub use keys::odd_keys;
pub use trials::{Case, run, say};
