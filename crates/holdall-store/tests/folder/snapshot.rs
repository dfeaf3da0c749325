//! A folder as it was: every name, every byte, every time but that of access.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// What there is of one name. The time of change tells of whatever else was done to it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    mode: u32,
    owner: (u32, u32),
    inode: u64,
    links: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    content: Vec<u8>,
}

/// All below a folder, by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<Vec<u8>, Seen>);

impl Snapshot {
    pub(crate) fn of(root: &Path) -> Self {
        let mut all = BTreeMap::new();
        let mut left = vec![root.to_owned()];
        while let Some(path) = left.pop() {
            let seen = see(&path);
            if std::fs::symlink_metadata(&path).unwrap().is_dir() {
                left.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            }
            all.insert(path.as_os_str().as_bytes().to_vec(), seen);
        }
        Self(all)
    }

    pub(crate) fn demand_same(&self, now: &Self, what: &str) {
        let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
        for (path, seen) in &self.0 {
            assert_eq!(now.0.get(path), Some(seen), "{what}: {}", shown(path));
        }
        for path in now.0.keys() {
            assert!(self.0.contains_key(path), "{what}: {} was made", shown(path));
        }
    }
}

fn see(path: &Path) -> Seen {
    let stat = std::fs::symlink_metadata(path).unwrap();
    let kind = stat.file_type();
    let content = if kind.is_symlink() {
        std::fs::read_link(path).unwrap().as_os_str().as_bytes().to_vec()
    } else if kind.is_file() {
        std::fs::read(path).unwrap_or_default()
    } else {
        assert!(kind.is_dir() || kind.is_fifo() || kind.is_socket() || kind.is_char_device(), "{path:?}");
        Vec::new()
    };
    Seen {
        mode: stat.mode(),
        owner: (stat.uid(), stat.gid()),
        inode: stat.ino(),
        links: stat.nlink(),
        size: stat.size(),
        modified: (stat.mtime(), stat.mtime_nsec()),
        changed: (stat.ctime(), stat.ctime_nsec()),
        content,
    }
}
