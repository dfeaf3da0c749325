//! One bag for everything agents and pipelines produce.

pub use holdall_store as store;
