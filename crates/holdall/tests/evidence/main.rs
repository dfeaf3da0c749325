//! Evidence in memory, in folders and on a server, through outages and races (EVI-8 … EVI-11, MIG-1).

#![allow(clippy::unwrap_used, clippy::large_futures, reason = "helpers of tests are tests too")]

mod adopting;
mod attaching;
mod canonical;
mod cut;
mod formats;
mod listing;
mod outages;
mod races;
mod removing;
mod storing;
mod verifying;
mod world;
