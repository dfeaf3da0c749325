//! The client against servers that misbehave: it answers right by trying again, or says what kind of fault there is,
//! in bounded time. It never answers wrong, never hangs and never writes what it was not asked to.
#![allow(
    clippy::unwrap_used,
    clippy::large_futures,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "helpers of tests are tests too"
)]

mod ambiguous_writes;
mod answers;
mod bodies;
mod bounds;
mod clock_and_credentials;
mod connection;
mod every_operation;
mod listings;
mod proxies;
mod rates;
mod redirects;
mod support;
mod tls;
