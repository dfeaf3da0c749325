//! What happens to a disk.

use crate::child::Said;
use std::sync::Arc;

/// A file or a folder, by when it was made; the first is the folder that everything is in.
pub(crate) type Inode = usize;

pub(crate) const BASE: Inode = 0;

/// A change of an entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Set(String, Inode),
    Removed(String),
}

/// A change of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Bytes {
        start: usize,
        bytes: Arc<[u8]>,
    },
    Size(usize),
    /// What belongs to it; none where that is taken away.
    Record(Option<Arc<[u8]>>),
    /// Nanoseconds since 1970.
    Modified(i64),
}

/// What happens, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    MadeFile(Inode),
    /// With its path below everything, to speak of it.
    MadeFolder(Inode, String),
    Entry(Inode, Entry),
    Change(Inode, Change),
    Fsync(Inode),
    Said(Said),
}
