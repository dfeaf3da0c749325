//! A push or pull that is run again: what is unchanged stays, what changed moves, and nothing is deleted that should not.

#![allow(clippy::unwrap_used, reason = "a test")]

mod guard;
mod index;
mod manifest;
mod pull;
mod push;
mod shards;
mod support;
