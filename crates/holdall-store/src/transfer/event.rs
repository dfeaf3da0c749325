//! What a folder's transfer is told to do, and what it tells.

use super::{Compare, Fetched, Filter, MaxDelete, Shard};
use crate::Progress;
use crate::error::Error;
use crate::object::PutOptions;
use crate::receipt::{Receipt, State};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// How a folder is pushed.
#[derive(Debug, Clone, Default)]
pub struct PushOptions {
    /// Which files.
    pub filter: Filter,
    /// Only the files of this share of the folder, and with `delete` only the objects of it: other machines move the
    /// rest at the same time.
    pub shard: Option<Shard>,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
    /// Follow symbolic links; else they are skipped and reported.
    pub follow_symlinks: bool,
    /// By what files are told that need not be sent.
    pub compare: Compare,
    /// Delete objects below the prefix that the folder has no file for, up to this bound. What the filter leaves out
    /// stays.
    pub delete: Option<MaxDelete>,
    /// Write what the files are to `manifest.json` and `SHA256SUMS` below the prefix, last and only when nothing failed.
    /// Files of the folder with these names take no part.
    pub manifest: bool,
    /// How each object is put. An object that is unchanged keeps the attributes that it has. Its `progress` counts the
    /// bytes of all that are sent, and is told by and by how many there will be.
    pub put: PutOptions,
}

/// How a prefix is pulled.
#[derive(Debug, Clone, Default)]
pub struct PullOptions {
    /// Which keys, by their name relative to the prefix.
    pub filter: Filter,
    /// Say what would be done and do nothing.
    pub dry_run: bool,
    /// By what objects are told that need not be fetched.
    pub compare: Compare,
    /// Delete files in the folder that there is no object for, up to this bound. What the filter leaves out stays, and
    /// so do symbolic links and whatever else is no regular file.
    pub delete: Option<MaxDelete>,
    /// Counts the bytes of all objects that are fetched, and is told by and by how many there will be.
    pub progress: Option<Progress>,
}

/// What happened to one file or object of a folder's transfer.
#[derive(Debug)]
#[non_exhaustive]
pub enum TreeEvent {
    /// A file was stored.
    Pushed {
        /// The file.
        path: PathBuf,
        /// Its receipt.
        receipt: Receipt,
    },
    /// What the files are was stored: `SHA256SUMS`, then `manifest.json`; not told of one that was the same already.
    Described {
        /// Its receipt.
        receipt: Receipt,
        /// How many files it describes.
        files: u64,
    },
    /// An object was written to a file.
    Pulled {
        /// The file.
        path: PathBuf,
        /// The object, and how it was fetched.
        fetched: Fetched,
    },
    /// The file has the bytes of the object already.
    Unchanged {
        /// The key.
        key: String,
        /// Bytes.
        size: u64,
        /// Where the object is: `Queued` where it waits in the outbox, or where the store was away and could not be asked.
        state: State,
        /// How long it took to find out; zero where a look at names, sizes and times was enough.
        elapsed: Duration,
    },
    /// Was deleted at the destination, since the source has it not.
    Deleted {
        /// The key of an object, or the file.
        name: String,
        /// Bytes.
        size: u64,
    },
    /// Would be deleted, were this not a dry run.
    WouldDelete {
        /// The key of an object, or the file.
        name: String,
        /// Bytes.
        size: u64,
    },
    /// Would be moved, were this not a dry run.
    Planned {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// Bytes.
        size: u64,
    },
    /// Left out on purpose: a symbolic link, a socket, an object that only marks a folder.
    Skipped {
        /// The file, or the key of an object.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Failed; the rest goes on.
    Failed {
        /// The file, or the key of an object.
        name: String,
        /// Why.
        error: Error,
        /// How long it was tried; zero for what is no transfer of a file.
        elapsed: Duration,
    },
}

/// What a folder's transfer did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TreeSummary {
    /// Files or objects moved (or planned).
    pub done: u64,
    /// Of them those that wait in the outbox.
    #[serde(default, skip_serializing_if = "is_none")]
    pub queued: u64,
    /// Bytes moved.
    pub bytes: u64,
    /// Files or objects that were the same already.
    pub unchanged: u64,
    /// Their bytes.
    pub unchanged_bytes: u64,
    /// Files or objects deleted (or to be).
    pub deleted: u64,
    /// Their bytes.
    pub deleted_bytes: u64,
    /// Left out on purpose.
    pub skipped: u64,
    /// Failed.
    pub failed: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl TreeEvent {
    /// A failure of something that is no transfer of a file, or came before it.
    pub(super) fn failed(name: impl ToString, error: Error) -> Self {
        Self::Failed { name: name.to_string(), error, elapsed: Duration::ZERO }
    }
}

impl TreeSummary {
    /// What two transfers did together.
    pub(super) fn and(self, other: Self) -> Self {
        let add = u64::saturating_add;
        Self {
            done: add(self.done, other.done),
            queued: add(self.queued, other.queued),
            bytes: add(self.bytes, other.bytes),
            unchanged: add(self.unchanged, other.unchanged),
            unchanged_bytes: add(self.unchanged_bytes, other.unchanged_bytes),
            deleted: add(self.deleted, other.deleted),
            deleted_bytes: add(self.deleted_bytes, other.deleted_bytes),
            skipped: add(self.skipped, other.skipped),
            failed: add(self.failed, other.failed),
        }
    }

    pub(super) fn count(&mut self, event: &TreeEvent) {
        let mut moved = |size: u64| {
            self.done += 1;
            self.bytes += size;
        };
        match event {
            TreeEvent::Pushed { receipt, .. } => {
                moved(receipt.size);
                self.queued += u64::from(receipt.state == State::Queued);
            }
            TreeEvent::Pulled { fetched, .. } => moved(fetched.size),
            TreeEvent::Planned { size, .. } => moved(*size),
            TreeEvent::Unchanged { size, .. } => {
                self.unchanged += 1;
                self.unchanged_bytes += size;
            }
            TreeEvent::Deleted { size, .. } | TreeEvent::WouldDelete { size, .. } => {
                self.deleted += 1;
                self.deleted_bytes += size;
            }
            TreeEvent::Described { .. } => {}
            TreeEvent::Skipped { .. } => self.skipped += 1,
            TreeEvent::Failed { .. } => self.failed += 1,
        }
    }
}
