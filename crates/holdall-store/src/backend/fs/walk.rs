//! Walks a tree of files in the order of their keys.

use super::names::Mark;
use super::record::Identity;
use super::root::Kind;
use super::window::{self, Entry, Tree, Window};
use crate::disk::{SEARCH, fault, open_beneath};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use rustix::fs::{AtFlags, FileType, OFlags};
use rustix::io::Errno;
use std::ops::Bound;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// What the walk meets.
#[derive(Debug)]
pub(super) enum Item {
    /// A file.
    Object(Named),
    /// A folder with at least one file in it, where folders are not entered; the key ends in a slash.
    Folder(String),
    /// Something that is there and cannot be listed.
    Failed(Error),
}

/// A file that has the name of an object; whether it is one is asked later, of many at once.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) key: Key,
    folder: Arc<OwnedFd>,
    /// The name in the folder, where it is not the key's own.
    disk: Option<String>,
}

impl Named {
    /// Looks at the file; none when it is not there any more.
    pub(super) fn look(&self) -> Result<Option<Identity>> {
        let name = self.disk.as_deref().unwrap_or(self.key.name());
        match rustix::fs::statat(&*self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => {
                Ok(Some(Identity::of_stat(&stat)))
            }
            Ok(_) | Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(fault("the object cannot be looked at", error).with_key(&self.key)),
        }
    }
}

/// What the walk is limited to.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) prefix: String,
    pub(super) from: Bound<String>,
    /// Folders below the prefix are met and not entered.
    pub(super) folded: bool,
    /// The longest key, in bytes.
    pub(super) longest: usize,
}

impl Limits {
    /// Whether keys that begin with a text, or the one key that is it, can be among those asked for.
    fn takes(&self, text: &[u8], is_whole: bool) -> bool {
        let prefix = self.prefix.as_bytes();
        if prefix.is_empty() && matches!(&self.from, Bound::Included(from) if from.is_empty()) {
            return true;
        }
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
    folder: Option<Arc<OwnedFd>>,
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
    /// The key that is looked at.
    key: Vec<u8>,
    /// A folder may be opened by a name that is not its own, so that names must be read to be believed.
    folds_case: bool,
}

/// Every folder on the way may hold as much.
const LEAST: usize = 64 * 1024;

impl Walk {
    pub(super) fn new(tree: Tree, root: &'static str, limits: Limits, bound: usize) -> Self {
        Self {
            tree,
            root,
            limits,
            bound,
            stack: Vec::new(),
            begun: false,
            key: Vec::new(),
            folds_case: false,
        }
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
    pub(super) fn next(&mut self, at: &OwnedFd) -> Option<Item> {
        if !self.begun {
            self.begun = true;
            if let Err(error) = self.enter(at, self.root.to_owned(), Vec::new()) {
                return Some(Item::Failed(error));
            }
        }
        while let Some(level) = self.stack.last_mut() {
            let Some(entry) = level.window.pop() else {
                if let Err(error) = self.turn(at) {
                    return Some(Item::Failed(error));
                }
                continue;
            };
            self.key.clear();
            self.key.extend_from_slice(&level.key);
            self.key.extend_from_slice(level.window.text(&entry));
            if !self.limits.takes(&self.key, entry.mark == Mark::File) {
                continue;
            }
            if let Some(item) = self.visit(at, entry) {
                return Some(item);
            }
        }
        None
    }

    /// Goes on with the names of a folder that did not fit, or leaves it.
    fn turn(&mut self, at: &OwnedFd) -> Result<()> {
        let Some(mut level) = self.stack.pop() else { return Ok(()) };
        let bound = self.bound_here();
        if let Some(after) = level.window.more() {
            // Its room is wanted for the names that follow.
            level.window = Window::default();
            let read = read(at, self.tree, &self.limits, &level.path, &level.key, bound, Some(&after))?;
            if let Some(window) = read {
                level.window = window;
                self.stack.push(level);
            }
        }
        Ok(())
    }

    fn bound_here(&self) -> usize {
        (self.bound >> self.stack.len().min(32)).max(LEAST)
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

    fn visit(&mut self, at: &OwnedFd, entry: Entry) -> Option<Item> {
        let level = self.stack.last_mut()?;
        let Ok(disk) = str::from_utf8(level.window.disk(&entry)) else {
            return Some(refused(&self.key, "the name is not UTF-8 and can be no key"));
        };
        if entry.mark == Mark::File {
            let disk = (self.tree == Tree::Odd).then(|| disk.to_owned());
            return object(at, &level.path, &mut level.folder, disk, (&self.key, self.limits.longest));
        }
        let path = if level.path.is_empty() { disk.to_owned() } else { format!("{}/{disk}", level.path) };
        let is_below = entry.mark == Mark::Folder && self.key.len() > self.limits.prefix.len();
        let entered = if self.limits.folded && is_below {
            match has_object(at, self.tree, &path) {
                Ok(true) => return Some(folder(&self.key)),
                other => other.map(drop),
            }
        } else {
            self.enter(at, path, self.key.clone())
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

/// A file; none when its folder is not there any more.
fn object(
    at: &OwnedFd,
    path: &str,
    folder: &mut Option<Arc<OwnedFd>>,
    disk: Option<String>,
    (key, longest): (&[u8], usize),
) -> Option<Item> {
    let folder = match folder {
        Some(folder) => folder,
        None => match open_beneath(at, path, SEARCH) {
            Ok(opened) => folder.insert(Arc::new(opened)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return None,
            Err(error) => {
                let error = fault("the folder cannot be opened", error).with_fact("folder", path);
                return Some(Item::Failed(error));
            }
        },
    };
    if key.len() > longest {
        return Some(refused(key, "the path is too long for a key"));
    }
    Some(match str::from_utf8(key) {
        Ok(key) => Item::Object(Named { key: Key::listed(key), folder: folder.clone(), disk }),
        Err(_) => refused(key, "the name is not UTF-8 and can be no key"),
    })
}

fn folder(key: &[u8]) -> Item {
    match str::from_utf8(key) {
        Ok(key) => Item::Folder(key.to_owned()),
        Err(_) => refused(key, "the name is not UTF-8 and can be no key"),
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
