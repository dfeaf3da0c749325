//! Writes that wait on this machine while their store is away: by a server that fails when it is told to.

#![allow(clippy::unwrap_used, reason = "a test")]

mod copies;
mod drains;
mod folders;
mod kept;
mod large;
mod lists;
mod reads;
mod storm;
mod world;
mod writes;
