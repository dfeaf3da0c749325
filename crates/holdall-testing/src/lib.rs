//! Servers and suites that holdall is tested with. Never published.

#[cfg(feature = "suite")]
pub mod bent;
mod chunked;
mod encode;
pub mod fault;
pub mod plain_http;
pub mod random;
pub mod server;
pub mod sink;
#[cfg(feature = "suite")]
pub mod suite;
pub mod tls;
pub mod told;
