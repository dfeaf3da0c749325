//! Digests of whole objects and of parts, the manifest that says what a folder's files are, and what is judged by it.

mod digest;
pub(crate) mod manifest;
pub(crate) mod verify;

pub(crate) use digest::composite;
