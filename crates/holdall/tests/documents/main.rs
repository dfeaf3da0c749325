//! Jobs of documents on stores of all kinds. Each test names the requirements and scenarios that it proves.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests too")]

mod adopting;
mod outputs;
mod places;
mod queued;
mod resuming;
mod scenarios;
mod telling;
mod world;
