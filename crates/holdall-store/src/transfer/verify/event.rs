//! What a verification is told to do, and what it tells.

use crate::error::Error;
use crate::integrity::verify::Proof;
use crate::transfer::Filter;

pub use crate::integrity::verify::Difference;

/// How a prefix is verified.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// Which paths, relative to the prefix and the folder.
    pub filter: Filter,
    /// Read all objects; else no object is read but the manifest.
    pub deep: bool,
    /// Follow symbolic links in the folder; else they are no files.
    pub follow_symlinks: bool,
}

/// Where something is compared with what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The store.
    Store,
    /// The folder.
    Folder,
}

/// What was found of one path. What is as it should be is only counted.
#[derive(Debug)]
#[non_exhaustive]
pub enum VerifyEvent {
    /// The manifest has it, or where there is no manifest the folder, and this side has not.
    Missing {
        /// Relative to the prefix and the folder.
        path: String,
        /// Which side.
        side: Side,
    },
    /// This side has it, and the manifest has not, or where there is no manifest the folder.
    Extra {
        /// Relative to the prefix and the folder.
        path: String,
        /// Which side.
        side: Side,
    },
    /// This side has something else.
    Different {
        /// Relative to the prefix and the folder.
        path: String,
        /// Which side.
        side: Side,
        /// In what.
        by: Difference,
    },
    /// Store and folder have the same, or both nothing, and the manifest says something else.
    Stale {
        /// Relative to the prefix and the folder.
        path: String,
    },
    /// The object has the right size, and nothing tells whether it has the right bytes but reading it.
    Unproven {
        /// Relative to the prefix and the folder.
        path: String,
    },
    /// It could not be found out; the rest goes on.
    Failed {
        /// A key, a path, or a file.
        name: String,
        /// Why.
        error: Error,
    },
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VerifySummary {
    /// Whether the prefix has a manifest, by which all was judged.
    pub manifest: bool,
    /// Objects that are proved by their `ETag`: nobody wrote them since the manifest was.
    pub by_etag: u64,
    /// Objects that are proved by the digest that they were stored with.
    pub by_record: u64,
    /// Objects that were read and have the right bytes.
    pub by_reading: u64,
    /// Bytes of objects that were read.
    pub bytes_read: u64,
    /// Files of the folder that were read and have the right bytes.
    pub files: u64,
    /// Objects of which nothing but the size is known to be right.
    pub unproven: u64,
    /// Paths that a side has not.
    pub missing: u64,
    /// Paths that a side has and should not.
    pub extra: u64,
    /// Paths that are different on a side.
    pub different: u64,
    /// Paths of which the manifest is stale.
    pub stale: u64,
    /// Failed.
    pub failed: u64,
}

impl VerifySummary {
    /// How many differences there are.
    pub fn differences(&self) -> u64 {
        self.missing + self.extra + self.different + self.stale
    }

    /// Whether nothing differs, nothing failed, and of every object the bytes are proved.
    pub fn is_proved(&self) -> bool {
        self.differences() == 0 && self.failed == 0 && self.unproven == 0
    }

    pub(super) fn count(&mut self, event: &VerifyEvent) {
        *match event {
            VerifyEvent::Missing { .. } => &mut self.missing,
            VerifyEvent::Extra { .. } => &mut self.extra,
            VerifyEvent::Different { .. } => &mut self.different,
            VerifyEvent::Stale { .. } => &mut self.stale,
            VerifyEvent::Unproven { .. } => &mut self.unproven,
            VerifyEvent::Failed { .. } => &mut self.failed,
        } += 1;
    }

    pub(super) fn count_proof(&mut self, proof: Proof) {
        *match proof {
            Proof::ETag => &mut self.by_etag,
            Proof::Recorded => &mut self.by_record,
            Proof::Read => &mut self.by_reading,
        } += 1;
    }
}
