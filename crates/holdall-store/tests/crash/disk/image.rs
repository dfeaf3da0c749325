//! What may be in a file, and in a folder, after a power cut.

use super::event::{Change, Entry, Inode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is in a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Image {
    pub(crate) data: Vec<u8>,
    pub(crate) record: Option<Arc<[u8]>>,
    pub(crate) modified: i64,
}

/// What becomes of the changes of a file that were not fsynced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    Kept,
    /// The size is as it was to be, and the bytes are zeros.
    Zeros,
    /// Half of the bytes of every write, and all else.
    Half,
    /// All but what belongs to the bytes.
    NoRecord,
    /// What belongs to the bytes, and none of them.
    OnlyRecord,
}

pub(crate) const FATES: [Fate; 6] =
    [Fate::Lost, Fate::Kept, Fate::Zeros, Fate::Half, Fate::NoRecord, Fate::OnlyRecord];

impl Image {
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Bytes { start, bytes } => {
                self.data.resize(self.data.len().max(start + bytes.len()), 0);
                self.data[*start..start + bytes.len()].copy_from_slice(bytes);
            }
            Change::Size(size) => self.data.resize(*size, 0),
            Change::Record(record) => self.record.clone_from(record),
            Change::Modified(modified) => self.modified = *modified,
        }
    }

    /// What is left of a file with changes under way.
    pub(crate) fn after(&self, pending: &[Change], fate: Fate) -> Self {
        let mut image = self.clone();
        for change in pending {
            match (fate, change) {
                (Fate::Lost, _) | (Fate::NoRecord, Change::Record(_)) => {}
                (Fate::OnlyRecord, Change::Bytes { .. } | Change::Size(_)) => {}
                (Fate::Zeros, Change::Bytes { start, bytes }) => {
                    let end = start + bytes.len();
                    image.data.resize(image.data.len().max(end), 0);
                }
                (Fate::Half, Change::Bytes { start, bytes }) => {
                    let bytes = bytes[..bytes.len() / 2].into();
                    image.apply(&Change::Bytes { start: *start, bytes });
                }
                _ => image.apply(change),
            }
        }
        image
    }
}

/// Applies a change of an entry.
pub(crate) fn enter(entries: &mut BTreeMap<String, Inode>, entry: &Entry) {
    match entry {
        Entry::Set(name, inode) => _ = entries.insert(name.clone(), *inode),
        Entry::Removed(name) => _ = entries.remove(name),
    }
}
