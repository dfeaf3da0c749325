//! Servers and suites that holdall is tested with. Never published.

pub mod plain_http;
pub mod random;
pub mod server;
pub mod suite;
