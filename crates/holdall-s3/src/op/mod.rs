//! The operations, one file each.

pub(crate) mod bucket;
pub(crate) mod copy;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod lock;
pub(crate) mod multipart;
pub(crate) mod presign;
mod probe;
pub(crate) mod put;
pub(crate) mod settle;
mod tagging;
pub(crate) mod versions;
pub(crate) mod visit;
