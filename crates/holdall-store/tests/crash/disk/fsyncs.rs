//! What each fsync is for, so that a disk can be told to ignore those of one kind.

use super::event::{Entry, Event, Inode};
use std::collections::{BTreeMap, HashMap};

/// What an fsync brings to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// An object's bytes and record.
    Object,
    /// An object's name.
    ObjectName,
    /// That an object has its name no more.
    Removal,
    /// The name of a folder inside of the store.
    Folder,
    /// The name of the store's folder or of one above it.
    StoreFolder,
    /// The name of the folder that sidecars are in, or of one above it.
    SidecarFolder,
    /// A record that is a file of its own.
    Sidecar,
    /// Its name.
    SidecarName,
    /// The text that says which version the store is of.
    Format,
    /// Its name.
    FormatName,
    /// Nothing that was not there before.
    Nothing,
}

/// The class of every fsync, by where it is among the events. `store` is the path of the store.
pub(crate) fn classes(events: &[Event], store: &str) -> BTreeMap<usize, Class> {
    let mut told = Told::new(events, store);
    let mut classes = BTreeMap::new();
    for (index, event) in events.iter().enumerate() {
        match event {
            Event::Entry(folder, entry) => told.pending.entry(*folder).or_default().push(entry.clone()),
            Event::Fsync(inode) => _ = classes.insert(index, told.class(*inode)),
            _ => {}
        }
    }
    classes
}

/// What a change or an fsync is of, in words. `store` is the path of the store.
pub(crate) fn place_of(events: &[Event], event: &Event, store: &str) -> &'static str {
    let told = Told::new(events, store);
    let (Event::Entry(inode, _) | Event::Change(inode, _) | Event::Fsync(inode)) = event else {
        return match event {
            Event::MadeFile(_) => "of a file without a name",
            _ => "of a folder",
        };
    };
    let is_folder = told.folders.contains_key(inode);
    let path = told.folders.get(inode).or_else(|| told.homes.get(inode));
    match (path.map(|path| told.inside(path)), is_folder) {
        (None, _) => "of a file that is given up",
        (Some(None), _) => "above the store",
        (Some(Some(path)), true) if path.starts_with("/.holdall/odd") => "in a folder of odd keys",
        (Some(Some(path)), true) if path.starts_with("/.holdall/meta") => "in a folder of records",
        (Some(Some("/.holdall/tmp")), _) => "in .holdall/tmp",
        (Some(Some(path)), true) if path.starts_with("/.holdall") => "in .holdall",
        (Some(Some(_)), true) => "in a folder of objects",
        (Some(Some(path)), false) if path.starts_with("/.holdall/meta") => "of a record",
        (Some(Some("/.holdall/format")), _) => "of the format",
        (Some(Some(_)), false) => "of an object",
    }
}

struct Told {
    folders: HashMap<Inode, String>,
    /// Where each file is in the end.
    homes: HashMap<Inode, String>,
    pending: HashMap<Inode, Vec<Entry>>,
    store: String,
}

impl Told {
    fn new(events: &[Event], store: &str) -> Self {
        let (mut folders, mut homes) = (HashMap::new(), HashMap::new());
        for event in events {
            match event {
                Event::MadeFolder(inode, path) => _ = folders.insert(*inode, path.clone()),
                Event::Entry(folder, Entry::Set(name, inode)) => {
                    homes.insert(*inode, format!("{}/{name}", folders[folder]));
                }
                _ => {}
            }
        }
        Self { folders, homes, pending: HashMap::new(), store: format!("/{store}") }
    }

    /// A path below the store; none for what is above it.
    fn inside<'a>(&self, path: &'a str) -> Option<&'a str> {
        path.strip_prefix(&self.store).filter(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn class(&mut self, inode: Inode) -> Class {
        let Some(path) = self.folders.get(&inode) else { return self.class_of_file(inode) };
        let pending = self.pending.remove(&inode).unwrap_or_default();
        let inside = self.inside(path);
        let set = |entry: &Entry| if let Entry::Set(_, inode) = entry { Some(*inode) } else { None };
        let is_file = |entry: &Entry| set(entry).is_some_and(|inode| !self.folders.contains_key(&inode));
        let is_folder = |entry: &Entry| set(entry).is_some_and(|inode| self.folders.contains_key(&inode));
        let names = |name: &str| {
            pending.iter().any(|entry| matches!(entry, Entry::Set(n, inode) if n == name && self.folders.contains_key(inode)))
        };
        match inside {
            None if pending.iter().any(is_folder) => Class::StoreFolder,
            Some("/.holdall") if pending.iter().any(is_file) => Class::FormatName,
            Some("/.holdall") if names("meta") => Class::SidecarFolder,
            Some("/.holdall/meta") if pending.iter().any(is_folder) => Class::SidecarFolder,
            Some(path) if path.starts_with("/.holdall/meta") && pending.iter().any(is_file) => {
                Class::SidecarName
            }
            _ if pending.iter().any(is_file) => Class::ObjectName,
            _ if pending.iter().any(is_folder) => Class::Folder,
            _ if pending.is_empty() => Class::Nothing,
            _ => Class::Removal,
        }
    }

    fn class_of_file(&self, inode: Inode) -> Class {
        match self.homes.get(&inode).and_then(|path| self.inside(path)) {
            Some("/.holdall/format") => Class::Format,
            Some(path) if path.starts_with("/.holdall/meta") => Class::Sidecar,
            Some(_) => Class::Object,
            None => Class::Nothing,
        }
    }
}
