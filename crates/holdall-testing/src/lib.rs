//! Servers and suites that holdall is tested with. Never published.

#[cfg(feature = "suite")]
pub mod bent;
mod chunked;
mod encode;
pub mod fault;
mod listener;
pub mod plain_http;
pub mod proxy;
pub mod random;
pub mod server;
pub mod sink;
mod stop;
#[cfg(feature = "suite")]
pub mod suite;
pub mod tls;
pub mod told;
