//! What a watch is told to do, and what it tells.

use crate::error::Error;
use crate::object::PutOptions;
use crate::receipt::Receipt;
use crate::transfer::{Filter, MaxDelete, TreeSummary};
use std::path::PathBuf;
use std::time::Duration;

/// How a folder is watched.
#[derive(Debug, Clone, Default)]
pub struct WatchOptions {
    /// Which files.
    pub filter: Filter,
    /// Delete objects below the prefix whose files go, up to this bound at once. What the filter leaves out stays.
    pub delete: Option<MaxDelete>,
    /// How long after a look at everything the next one begins. None: a minute, or a thousand times as long as it took
    /// where that is more, so that an idle watch costs next to nothing.
    pub rescan: Option<Duration>,
    /// Ask nothing of the kernel, and look at everything so often. None: only where the kernel cannot tell of changes,
    /// every ten seconds, or four times as long as it took.
    pub poll: Option<Duration>,
    /// Keep `manifest.json` and `SHA256SUMS` below the prefix current: they are written when nothing was stored for a
    /// second, at the latest ten seconds after a change, and when the watch ends; in a large folder less often, so that
    /// they take a twentieth of the time. They say what is known to be stored of the files that the folder has.
    pub manifest: bool,
    /// How each object is put.
    pub put: PutOptions,
}

/// Why everything is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScanCause {
    /// The watch begins.
    Start,
    /// It is time.
    Due,
    /// More happened than the kernel or this process could keep in mind.
    Overflow,
    /// A folder went, or got another name, and objects of files that were in it are to be deleted.
    Folder,
    /// The destination can be reached again.
    Again,
}

impl ScanCause {
    /// The cause's name in output: `overflow`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Due => "due",
            Self::Overflow => "overflow",
            Self::Folder => "folder",
            Self::Again => "again",
        }
    }
}

/// What happened in a folder that is watched.
#[derive(Debug)]
#[non_exhaustive]
pub enum WatchEvent {
    /// The kernel tells of changes from now on.
    Watching {
        /// How many folders it tells of.
        folders: u64,
    },
    /// The folder is looked at again and again, since the kernel does not tell of changes in all of it.
    Polling {
        /// Why; none where it was asked for.
        error: Option<Error>,
    },
    /// All of the folder was compared with what is at the destination, and what differed was taken in hand.
    Scanned {
        /// Why it was.
        cause: ScanCause,
        /// What was found.
        summary: TreeSummary,
        /// How long it took.
        elapsed: Duration,
    },
    /// A file was stored.
    Pushed {
        /// The file.
        path: PathBuf,
        /// Its receipt.
        receipt: Receipt,
    },
    /// What the stored files are was written beside them.
    Described {
        /// The document's receipt.
        receipt: Receipt,
        /// How many files it describes.
        files: u64,
    },
    /// An object was deleted, since its file is gone.
    Deleted {
        /// The key.
        key: String,
    },
    /// Left out on purpose; said once.
    Skipped {
        /// The file.
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// Failed; the rest goes on. It is tried again when the file changes, and when all is looked at.
    Failed {
        /// The file, or the key of an object.
        name: String,
        /// Why.
        error: Error,
    },
    /// Nothing is deleted until somebody has looked.
    Held {
        /// Why.
        error: Error,
    },
    /// The destination cannot be reached or refuses everything. What changes is kept in mind, and tried again.
    Down {
        /// What it said.
        error: Error,
    },
    /// The destination takes what it is sent again.
    Up {
        /// How long it did not.
        elapsed: Duration,
    },
}
