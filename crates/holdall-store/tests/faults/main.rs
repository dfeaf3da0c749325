//! The store on a server that misbehaves: files whole or not at all, folders that say what failed, uploads that are
//! given back, and no wrong answer after any number of random faults.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "helpers of tests are tests too"
)]

mod chaos;
mod copies;
mod deletes;
mod downloads;
mod folders;
mod integrity;
mod model;
mod progress;
mod resume;
mod resume_get;
mod shaped;
mod sources;
mod support;
mod sweeps;
mod uploads;
