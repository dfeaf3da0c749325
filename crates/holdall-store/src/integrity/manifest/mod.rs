//! The manifest of a prefix: `manifest.json`, and `SHA256SUMS` beside it.
//!
//! Both are written and read as streams: neither the number of files nor the length of the document is held in memory.
//! `docs/MANIFEST.md` is the page of the form.

mod entry;
mod read;
mod sums;
mod write;

pub(crate) use entry::{Entry, Expected, Trailer};
pub(crate) use read::{Outcome, Stopped, read};
pub(crate) use sums::Sums;
pub(crate) use write::ManifestWriter;

/// The name and version of the form, which a document begins with.
pub(crate) const SCHEMA: &str = "holdall.manifest/1";

/// The object with the manifest, below the prefix.
pub(crate) const MANIFEST: &str = "manifest.json";

/// The object with what `sha256sum -c` reads, below the prefix.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// Whether a path below the prefix is the manifest's own and no file that it describes.
pub(crate) fn is_own(path: &str) -> bool {
    path == MANIFEST || path == SUMS
}
