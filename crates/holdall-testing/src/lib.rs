//! Servers and suites that holdall is tested with. Never published.

mod chunked;
mod encode;
pub mod fault;
pub mod server;
pub mod sink;
