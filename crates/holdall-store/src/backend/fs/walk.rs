//! Walks a tree of files in the order of their keys.

use super::names::Mark;
use super::record::Identity;
use super::root::Kind;
use super::window::{self, Name, Tree, Window};
use crate::disk::{SEARCH, fault, open_beneath};
use crate::error::{Error, ErrorKind, Result};
use crate::key::MAX_KEY;
use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;
use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What the walk meets.
#[derive(Debug)]
pub(super) enum Item {
    /// A file.
    Object { key: String, identity: Identity },
    /// A folder with at least one file in it, where folders are not entered; the key ends in a slash.
    Folder(String),
    /// Something that is there and cannot be listed.
    Failed(Error),
}

/// What the walk is limited to.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) prefix: String,
    pub(super) from: Bound<String>,
    /// Folders below the prefix are met and not entered.
    pub(super) folded: bool,
}

impl Limits {
    /// Whether keys that begin with a text, or the one key that is it, can be among those asked for.
    fn takes(&self, text: &[u8], is_whole: bool) -> bool {
        let prefix = self.prefix.as_bytes();
        let leads_there = !is_whole && prefix.starts_with(text);
        if !text.starts_with(prefix) && !leads_there {
            return false;
        }
        let (from, included) = match &self.from {
            Bound::Included(from) => (from.as_bytes(), true),
            Bound::Excluded(from) => (from.as_bytes(), false),
            Bound::Unbounded => return true,
        };
        text > from || (text == from && (included || !is_whole)) || (!is_whole && from.starts_with(text))
    }
}

/// A folder on the way.
#[derive(Debug)]
struct Level {
    /// Relative to the store.
    path: String,
    /// What its keys begin with.
    key: Vec<u8>,
    window: Window,
    /// To look at files by; closed between pages.
    folder: Option<OwnedFd>,
}

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    tree: Tree,
    root: &'static str,
    limits: Limits,
    /// Bound on the names held for a folder, in bytes; those below it get half as much each.
    bound: usize,
    stack: Vec<Level>,
    begun: bool,
    /// A folder may be opened by a name that is not its own, so that names must be read to be believed.
    folds_case: bool,
}

/// Every folder on the way may hold as much.
const LEAST: usize = 64 * 1024;

impl Walk {
    pub(super) fn new(tree: Tree, root: &'static str, limits: Limits, bound: usize) -> Self {
        Self { tree, root, limits, bound, stack: Vec::new(), begun: false, folds_case: false }
    }

    /// Goes on at a later key.
    pub(super) fn seek(&mut self, from: Bound<String>) {
        self.limits.from = from;
        while self.stack.last().is_some_and(|level| !self.limits.takes(&level.key, false)) {
            self.stack.pop();
        }
    }

    /// Says what kind of file system it is on, before it begins.
    pub(super) fn on(&mut self, kind: Kind) {
        self.folds_case = kind.folds_case;
    }

    /// Closes what is open, until the walk goes on.
    pub(super) fn rest(&mut self) {
        self.stack.iter_mut().for_each(|level| level.folder = None);
    }

    /// The next in order; none after the last.
    pub(super) fn next(&mut self, at: &Arc<OwnedFd>) -> Option<Item> {
        if !self.begun {
            self.begun = true;
            if let Err(error) = self.enter(at, self.root.to_owned(), Vec::new()) {
                return Some(Item::Failed(error));
            }
        }
        while let Some(level) = self.stack.last_mut() {
            let Some(name) = level.window.pop() else {
                if let Err(error) = self.turn(at) {
                    return Some(Item::Failed(error));
                }
                continue;
            };
            let mut key = level.key.clone();
            key.extend_from_slice(&name.text);
            if !self.limits.takes(&key, name.mark == Mark::File) {
                continue;
            }
            if let Some(item) = self.visit(at, key, &name) {
                return Some(item);
            }
        }
        None
    }

    /// Goes on with the names of a folder that did not fit, or leaves it.
    fn turn(&mut self, at: &OwnedFd) -> Result<()> {
        let bound = self.bound_here();
        let Some(mut level) = self.stack.pop() else { return Ok(()) };
        if let Some(after) = level.window.more() {
            let read = read(at, self.tree, &self.limits, &level.path, &level.key, bound, Some(&after))?;
            if let Some(window) = read {
                level.window = window;
                self.stack.push(level);
            }
        }
        Ok(())
    }

    fn bound_here(&self) -> usize {
        (self.bound >> self.stack.len().clamp(1, 32)).max(LEAST)
    }

    fn enter(&mut self, at: &OwnedFd, path: String, key: Vec<u8>) -> Result<()> {
        let bound = self.bound_here();
        let window = match self.only(&key) {
            Some(name) => Window::of(name),
            None => match read(at, self.tree, &self.limits, &path, &key, bound, None)? {
                Some(window) => window,
                None => return Ok(()),
            },
        };
        self.stack.push(Level { path, key, window, folder: None });
        Ok(())
    }

    /// The one name of a folder that leads to the prefix, where there is no need to read the folder.
    fn only(&self, key: &[u8]) -> Option<&str> {
        if self.tree == Tree::Odd || self.folds_case {
            return None;
        }
        let rest = self.limits.prefix.get(key.len()..)?;
        rest.split_once('/').map(|(name, _)| name).filter(|name| super::names::is_path(name))
    }

    fn visit(&mut self, at: &Arc<OwnedFd>, key: Vec<u8>, name: &Name) -> Option<Item> {
        let Ok(disk) = str::from_utf8(&name.disk) else {
            return Some(refused(&key, "the name is not UTF-8 and can be no key"));
        };
        let level = self.stack.last_mut()?;
        let path = if level.path.is_empty() { disk.to_owned() } else { format!("{}/{disk}", level.path) };
        if name.mark == Mark::File {
            return object(at, level, disk, key);
        }
        let entered =
            if self.limits.folded && name.mark == Mark::Folder && key.len() > self.limits.prefix.len() {
                match has_object(at, self.tree, &path) {
                    Ok(true) => return Some(folder(key)),
                    other => other.map(drop),
                }
            } else {
                self.enter(at, path, key)
            };
        entered.err().map(Item::Failed)
    }
}

/// Reads a folder's names after one; none when it is not there any more.
fn read(
    at: &OwnedFd,
    tree: Tree,
    limits: &Limits,
    path: &str,
    key: &[u8],
    bound: usize,
    after: Option<&[u8]>,
) -> Result<Option<Window>> {
    let Some(folder) = open(at, path)? else { return Ok(None) };
    let mut whole = key.to_vec();
    let whole = std::cell::RefCell::new(&mut whole);
    let wanted = |name: &[u8], mark: Mark| {
        let mut whole = whole.borrow_mut();
        whole.truncate(key.len());
        whole.extend_from_slice(name);
        after.is_none_or(|after| name > after) && limits.takes(&whole, mark == Mark::File)
    };
    Window::read(&folder, tree, bound, wanted).map(Some).map_err(|e| e.with_fact("folder", path))
}

fn open(at: &OwnedFd, path: &str) -> Result<Option<OwnedFd>> {
    match open_beneath(at, path, OFlags::RDONLY | OFlags::DIRECTORY) {
        Ok(folder) => Ok(Some(folder)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(error) => Err(fault("the folder cannot be opened", error).with_fact("folder", path)),
    }
}

/// Looks at a file; none when it is not there any more.
fn object(at: &OwnedFd, level: &mut Level, disk: &str, key: Vec<u8>) -> Option<Item> {
    let failed = |error| Some(Item::Failed(fault("the object cannot be looked at", error).with_key(disk)));
    let folder = match &level.folder {
        Some(folder) => folder,
        None => match open_beneath(at, &level.path, SEARCH) {
            Ok(folder) => level.folder.insert(folder),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return None,
            Err(error) => return failed(error),
        },
    };
    let stat = match rustix::fs::statat(folder, disk, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return None,
        Err(error) => return failed(error),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    if key.len() > MAX_KEY {
        return Some(refused(&key, "the path is too long for a key"));
    }
    match String::from_utf8(key) {
        Ok(key) => Some(Item::Object { key, identity: Identity::of_stat(&stat) }),
        Err(error) => Some(refused(error.as_bytes(), "the name is not UTF-8 and can be no key")),
    }
}

fn folder(key: Vec<u8>) -> Item {
    match String::from_utf8(key) {
        Ok(key) => Item::Folder(key),
        Err(error) => refused(error.as_bytes(), "the name is not UTF-8 and can be no key"),
    }
}

fn refused(key: &[u8], message: &str) -> Item {
    let error = Error::new(ErrorKind::InvalidInput, message).with_hint("rename the file");
    Item::Failed(error.with_key(String::from_utf8_lossy(key)))
}

/// Whether there is a file in a folder or below it.
fn has_object(at: &OwnedFd, tree: Tree, path: &str) -> Result<bool> {
    let mut left = vec![path.to_owned()];
    while let Some(path) = left.pop() {
        let Some(folder) = open(at, &path)? else { continue };
        let named = |e: Error| e.with_fact("folder", &path);
        match window::look(&folder, tree).map_err(named)? {
            window::Look::HasFile => return Ok(true),
            window::Look::Folders(names) => left.extend(names.iter().map(|name| format!("{path}/{name}"))),
        }
    }
    Ok(false)
}
