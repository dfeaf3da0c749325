//! Topics, on memory, in folders, and on a server that fails when it is told to.

#![allow(clippy::unwrap_used, reason = "a test")]

mod adopt;
mod backfill;
mod claims;
mod outages;
mod push;
mod world;
mod writing;
