//! The names of one folder in order, as many as fit into a bound.
//!
//! A folder gives its names in no order, so they must be held to be sorted. A folder with more names than fit is read
//! again for those that follow, as often as it takes: time grows then, and memory does not.

use super::names::{Mark, read_odd};
use crate::disk::fault;
use crate::error::Result;
use crate::key::RESERVED;
use rustix::fs::{AtFlags, FileType, RawDir};
use rustix::io::Errno;
use std::cmp::Ordering;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

/// How much of a folder is read by one call.
const READ: usize = 64 * 1024;

/// How names of a tree are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tree {
    /// Paths are keys.
    Plain,
    /// Under `.holdall/odd/`.
    Odd,
}

/// A name of a folder, in its window's bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// The first eight bytes in which names here differ: most comparisons end with them.
    head: u64,
    start: u32,
    /// Of what the name stands for; a folder's ends in a slash.
    len: u16,
    /// Of the name on the disk, which follows; 0 when it is the same.
    disk: u8,
    pub(super) mark: Mark,
}

const ENTRY: usize = size_of::<Entry>();

/// What a short name takes of a folder's size on ext4.
const DIRENT: usize = 20;

/// Names of one folder, sorted by the keys they stand for.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    next: usize,
    /// The last name that is here, when the folder has more.
    cut: Option<Vec<u8>>,
}

impl Window {
    /// A window of one name.
    pub(super) fn of(name: &str) -> Self {
        let mut window = Self::default();
        window.push(format!("{name}/").as_bytes(), None, Mark::Folder);
        window
    }

    /// Reads the names of a folder that `wanted` takes, as many from the first as fit into `bound` bytes.
    pub(super) fn read(
        folder: &OwnedFd,
        tree: Tree,
        bound: usize,
        wanted: impl Fn(&[u8], Mark) -> bool,
    ) -> Result<Self> {
        let mut window = Self::with_room_for(folder, bound);
        each(folder, tree, |text, disk, mark| {
            if wanted(text, mark) && window.cut.as_ref().is_none_or(|cut| text < cut.as_slice()) {
                window.push(text, disk, mark);
                if window.bytes.len() + window.entries.len() * ENTRY > bound {
                    window.halve();
                }
            }
            true
        })?;
        window.sort();
        Ok(window)
    }

    /// Makes room for all names at once, as far as the folder's own size tells: what is not written to takes no memory,
    /// and a list that grows is copied again and again.
    fn with_room_for(folder: &OwnedFd, bound: usize) -> Self {
        let hint = rustix::fs::fstat(folder).map_or(0, |stat| usize::try_from(stat.st_size).unwrap_or(0));
        let (bytes, names) = (hint.min(bound), (hint / DIRENT).min(bound / ENTRY));
        Self { bytes: Vec::with_capacity(bytes), entries: Vec::with_capacity(names), ..Self::default() }
    }

    fn push(&mut self, text: &[u8], disk: Option<&[u8]>, mark: Mark) {
        let start = self.bytes.len() as u32;
        let disk = disk.unwrap_or_default();
        grow(&mut self.bytes, text.len() + disk.len());
        grow(&mut self.entries, 1);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(disk);
        self.entries.push(Entry { head: 0, start, len: text.len() as u16, disk: disk.len() as u8, mark });
    }

    /// What a name adds to a key.
    pub(super) fn text(&self, entry: &Entry) -> &[u8] {
        let start = entry.start as usize;
        &self.bytes[start..start + usize::from(entry.len)]
    }

    /// A name as it is on the disk.
    pub(super) fn disk(&self, entry: &Entry) -> &[u8] {
        let text = self.text(entry);
        if entry.disk == 0 {
            return if entry.mark == Mark::Folder { &text[..text.len() - 1] } else { text };
        }
        let start = entry.start as usize + text.len();
        &self.bytes[start..start + usize::from(entry.disk)]
    }

    fn sort(&mut self) {
        let shared = self.shared();
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            let mut head = [0; 8];
            let rest = &self.text(entry)[shared..];
            let n = rest.len().min(8);
            head[..n].copy_from_slice(&rest[..n]);
            entry.head = u64::from_be_bytes(head);
        }
        entries.sort_unstable_by(|a, b| match a.head.cmp(&b.head) {
            Ordering::Equal => self.text(a).cmp(self.text(b)),
            other => other,
        });
        self.entries = entries;
    }

    /// How many first bytes all names share.
    fn shared(&self) -> usize {
        let Some(first) = self.entries.first().map(|entry| self.text(entry)) else { return 0 };
        self.entries.iter().fold(first.len(), |shared, entry| {
            let text = self.text(entry);
            (0..shared.min(text.len())).find(|n| text[*n] != first[*n]).unwrap_or(shared.min(text.len()))
        })
    }

    /// Forgets the later half of the names; they are read when it is their turn.
    fn halve(&mut self) {
        self.sort();
        self.entries.truncate((self.entries.len() / 2).max(1));
        self.cut = self.entries.last().map(|entry| self.text(entry).to_vec());
        // In the order in which they lie, each moves towards the front and over nothing that is needed still.
        self.entries.sort_unstable_by_key(|entry| entry.start);
        let mut end = 0;
        for entry in &mut self.entries {
            let (start, len) = (entry.start as usize, usize::from(entry.len) + usize::from(entry.disk));
            self.bytes.copy_within(start..start + len, end);
            entry.start = end as u32;
            end += len;
        }
        self.bytes.truncate(end);
    }

    /// Takes the next name.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = *self.entries.get(self.next)?;
        self.next += 1;
        Some(entry)
    }

    /// After which name the folder has more than was held, once all here were taken.
    pub(super) fn more(&mut self) -> Option<Vec<u8>> {
        if self.next < self.entries.len() { None } else { self.cut.take() }
    }
}

/// Makes room by a share of what there is: doubling would hold twice what is needed.
fn grow<T>(list: &mut Vec<T>, more: usize) {
    if list.capacity() - list.len() < more {
        list.reserve_exact(more.max(list.len() / 8).max(1024));
    }
}

/// What a short look into a folder shows.
pub(super) enum Look {
    /// There is a file.
    HasFile,
    /// There is none, but folders of these names.
    Folders(Vec<String>),
}

/// Looks into a folder until there is a file.
pub(super) fn look(folder: &OwnedFd, tree: Tree) -> Result<Look> {
    let (mut folders, mut has_file) = (Vec::new(), false);
    each(folder, tree, |text, disk, mark| {
        match mark {
            Mark::File => has_file = true,
            Mark::Folder if disk.is_none() => folders.push(text[..text.len() - 1].to_vec()),
            Mark::Folder | Mark::Chunk => folders.push(disk.unwrap_or(text).to_vec()),
        }
        !has_file
    })?;
    let folders = folders.into_iter().filter_map(|name| String::from_utf8(name).ok());
    Ok(if has_file { Look::HasFile } else { Look::Folders(folders.collect()) })
}

/// Hands on what a folder's names stand for, the names themselves where they differ, and what they are, until `go_on`
/// says no.
fn each(
    folder: &OwnedFd,
    tree: Tree,
    mut go_on: impl FnMut(&[u8], Option<&[u8]>, Mark) -> bool,
) -> Result<()> {
    let mut buffer = vec![MaybeUninit::uninit(); READ];
    let mut names = RawDir::new(folder, &mut buffer);
    let mut text = Vec::new();
    while let Some(entry) = names.next() {
        let entry = match entry {
            // It was empty, and somebody removed it since it was opened.
            Err(Errno::NOENT) => break,
            other => other.map_err(|e| fault("the folder cannot be read", e))?,
        };
        let name = entry.file_name().to_bytes();
        let kind = match entry.file_type() {
            FileType::Unknown => kind_of(folder, name),
            kind => kind,
        };
        text.clear();
        let (mark, disk) = match tree {
            Tree::Plain => (plain(name, kind, &mut text), None),
            Tree::Odd => (odd(name, kind, &mut text), Some(name)),
        };
        if let Some(mark) = mark
            && !go_on(&text, disk, mark)
        {
            break;
        }
    }
    Ok(())
}

fn kind_of(folder: &OwnedFd, name: &[u8]) -> FileType {
    // What cannot be looked at is met again when it is to be listed.
    rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_or(FileType::RegularFile, |stat| FileType::from_raw_mode(stat.st_mode))
}

fn plain(name: &[u8], kind: FileType, text: &mut Vec<u8>) -> Option<Mark> {
    if matches!(name, b"." | b"..") || name.eq_ignore_ascii_case(RESERVED.as_bytes()) {
        return None;
    }
    text.extend_from_slice(name);
    match kind {
        FileType::RegularFile => Some(Mark::File),
        FileType::Directory => {
            text.push(b'/');
            Some(Mark::Folder)
        }
        _ => None,
    }
}

fn odd(name: &[u8], kind: FileType, text: &mut Vec<u8>) -> Option<Mark> {
    let (mark, bytes) = read_odd(std::str::from_utf8(name).ok()?)?;
    text.extend_from_slice(&bytes);
    match (mark, kind) {
        (Mark::File, FileType::RegularFile) => {}
        (Mark::Folder, FileType::Directory) => text.push(b'/'),
        (Mark::Chunk, FileType::Directory) => {}
        _ => return None,
    }
    Some(mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{CWD, Mode, OFlags};

    fn open(path: &std::path::Path) -> OwnedFd {
        rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    fn all(window: &mut Window) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(entry) = window.pop() {
            all.push(String::from_utf8(window.text(&entry).to_vec()).unwrap());
        }
        all
    }

    #[test]
    fn a_folder_sorts_with_its_slash() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a-b", "a0", "b", "shared-prefix-000000001", "shared-prefix-00000000"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        for name in ["a", "ab", ".holdall", ".HoldAll"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        std::os::unix::fs::symlink("b", folder.path().join("link")).unwrap();
        let mut window = Window::read(&open(folder.path()), Tree::Plain, 1 << 20, |_, _| true).unwrap();
        let wanted = ["a-b", "a/", "a0", "ab/", "b", "shared-prefix-00000000", "shared-prefix-000000001"];
        assert_eq!(all(&mut window), wanted);
        assert_eq!(window.more(), None);
    }

    #[test]
    fn a_folder_that_is_removed_while_it_is_read_has_no_names() {
        let above = tempfile::tempdir().unwrap();
        let path = above.path().join("folder");
        std::fs::create_dir(&path).unwrap();
        let folder = open(&path);
        std::fs::remove_dir(&path).unwrap();
        let mut window = Window::read(&folder, Tree::Plain, 1 << 20, |_, _| true).unwrap();
        assert_eq!(all(&mut window), Vec::<String>::new());
        assert!(matches!(look(&folder, Tree::Plain).unwrap(), Look::Folders(names) if names.is_empty()));
    }

    #[test]
    fn more_names_than_fit_come_in_turns() {
        let folder = tempfile::tempdir().unwrap();
        let mut names: Vec<String> = (0..3000).map(|n| format!("n{}", n * 7919 % 3000)).collect();
        for name in &names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        names.sort();
        let folder = open(folder.path());
        let (mut seen, mut after, mut turns) = (Vec::new(), Vec::new(), 0);
        loop {
            rustix::fs::seek(&folder, rustix::fs::SeekFrom::Start(0)).unwrap();
            let mut window =
                Window::read(&folder, Tree::Plain, 16 * 1024, |name, _| name > after.as_slice()).unwrap();
            assert!(window.bytes.len() + window.entries.len() * ENTRY <= 16 * 1024);
            seen.extend(all(&mut window));
            turns += 1;
            match window.more() {
                Some(last) => after = last,
                None => break,
            }
        }
        assert_eq!(seen, names);
        assert!(turns > 4, "{turns}");
    }
}
