//! Sessions and steps, in memory, in folders and on a server that fails.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(clippy::print_stdout, reason = "the seed of a failure must be known")]

mod adopting;
mod away;
mod damage;
mod deleting;
mod expiry;
mod exporting;
mod input;
mod killing;
mod kills;
mod late;
mod listing;
mod model;
mod races;
mod steps;
mod sweeping;
mod world;
