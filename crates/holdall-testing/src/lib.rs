//! Servers and suites that holdall is tested with. Never published.

pub mod sink;
