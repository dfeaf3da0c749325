//! A prefix, its manifest and a folder beside one another: whatever differs is found, and nothing is read for it that
//! need not be.

#![allow(clippy::unwrap_used, reason = "a test")]

mod faults;
mod proofs;
mod support;
