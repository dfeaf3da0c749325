//! The servers of this crate, asked over bare sockets.
#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod client;
mod faults;
mod proxy;
mod s3;
mod sink;
mod tls;
