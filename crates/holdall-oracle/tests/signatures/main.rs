//! Signatures of random requests, compared with those of `aws-sigv4`, AWS's own signer. No server is needed.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod presigned;
mod requests;
mod signer;
