//! Digests of whole objects and of parts, and the manifest that says what a folder's files are.

mod digest;
pub(crate) mod manifest;

pub(crate) use digest::composite;
