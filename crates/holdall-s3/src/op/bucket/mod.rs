//! Operations on the bucket itself and on what is configured of it, one file each.

pub(crate) mod access;
pub(crate) mod acl;
pub(crate) mod cors;
pub(crate) mod encryption;
pub(crate) mod lifecycle;
pub(crate) mod logging;
pub(crate) mod object_lock;
pub(crate) mod policy;
mod presence;
pub(crate) mod replication;
mod subresource;
pub(crate) mod versioning;
