//! Cuts the power after every event, and looks at what may be left.

use super::build::Tree;
use super::event::{BASE, Change, Entry, Event, Inode};
use super::image::{FATES, Fate, Image, enter};
use crate::promise::Promise;
use crate::run::is_long;
use holdall_testing::random::Random;
use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A file as the disk has it, and what it may not have yet.
#[derive(Debug, Default)]
struct File {
    durable: Image,
    pending: Vec<Change>,
}

/// A folder as the disk has it, and what it may not have yet.
#[derive(Debug, Default)]
struct Folder {
    durable: BTreeMap<String, Inode>,
    pending: Vec<Entry>,
    /// Whether what is in it means nothing to readers: it is there, or not, as a whole.
    is_scrap: bool,
}

/// A disk in the middle of its work.
#[derive(Debug, Default)]
struct Disk {
    files: BTreeMap<Inode, File>,
    folders: BTreeMap<Inode, Folder>,
}

/// Which of the changes of entries under way are on the disk, in the order of [`Disk::pending`].
type Chosen = Vec<bool>;

/// What was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cuts {
    pub(crate) cuts: usize,
    pub(crate) states: usize,
    /// Of them different from all others, which were made and opened.
    pub(crate) opened: usize,
}

impl Cuts {
    pub(crate) fn add(&mut self, other: Self) {
        self.cuts += other.cuts;
        self.states += other.states;
        self.opened += other.opened;
    }
}

impl Folder {
    fn choices(&self) -> usize {
        if self.is_scrap { self.pending.len().min(1) } else { self.pending.len() }
    }

    /// What is in it when these changes are on the disk.
    fn after(&self, chosen: &[bool]) -> BTreeMap<String, Inode> {
        let mut left = self.durable.clone();
        let is_kept = |index: usize| chosen[if self.is_scrap { 0 } else { index }];
        let kept = self.pending.iter().enumerate().filter(|(index, _)| is_kept(*index));
        kept.for_each(|(_, entry)| enter(&mut left, entry));
        left
    }
}

impl Disk {
    fn apply(&mut self, event: &Event) {
        match event {
            Event::MadeFile(inode) => _ = self.files.insert(*inode, File::default()),
            Event::MadeFolder(inode, path) => {
                let is_scrap =
                    ["/.holdall/tmp", "/.holdall/lock", "/outbox/lock"].iter().any(|end| path.ends_with(end));
                self.folders.insert(*inode, Folder { is_scrap, ..Folder::default() });
            }
            Event::Entry(folder, entry) => self.folder(*folder).pending.push(entry.clone()),
            Event::Change(file, change) => self.file(*file).pending.push(change.clone()),
            Event::Fsync(inode) if self.files.contains_key(inode) => {
                let file = self.file(*inode);
                std::mem::take(&mut file.pending).iter().for_each(|change| file.durable.apply(change));
            }
            Event::Fsync(inode) => {
                let folder = self.folder(*inode);
                std::mem::take(&mut folder.pending).iter().for_each(|e| enter(&mut folder.durable, e));
            }
            Event::Said(_) => {}
        }
    }

    fn file(&mut self, inode: Inode) -> &mut File {
        self.files.get_mut(&inode).expect("a file is made before it is changed")
    }

    fn folder(&mut self, inode: Inode) -> &mut Folder {
        self.folders.get_mut(&inode).expect("a folder is made before it is changed")
    }

    /// The folders that changes of entries are under way in, one for each such change; that of scrap counts as one.
    fn pending(&self) -> Vec<Inode> {
        self.folders
            .iter()
            .flat_map(|(inode, folder)| std::iter::repeat_n(*inode, folder.choices()))
            .collect()
    }

    /// What is left when these changes of entries are on the disk: all paths, and the inodes of files.
    fn paths(&self, chosen: &Chosen) -> (Vec<String>, BTreeMap<String, Inode>) {
        let mut chosen = chosen.iter();
        let mut entries = BTreeMap::new();
        for (inode, folder) in &self.folders {
            let chosen: Vec<bool> = chosen.by_ref().take(folder.choices()).copied().collect();
            entries.insert(*inode, folder.after(&chosen));
        }
        let (mut folders, mut files) = (Vec::new(), BTreeMap::new());
        let mut to_do = vec![(BASE, String::new())];
        while let Some((inode, path)) = to_do.pop() {
            for (name, inode) in &entries[&inode] {
                let path = format!("{path}/{name}");
                if self.folders.contains_key(inode) {
                    folders.push(path.clone());
                    to_do.push((*inode, path));
                } else {
                    files.insert(path, *inode);
                }
            }
        }
        (folders, files)
    }

    /// What may be left of files when these changes of entries are on the disk.
    fn trees(&self, chosen: &Chosen, random: &mut Random) -> Vec<Tree> {
        let (folders, files) = self.paths(chosen);
        let is_open = files.values().any(|inode| !self.files[inode].pending.is_empty());
        let made = |fate: &mut dyn FnMut() -> Fate| {
            let image =
                |inode: &Inode, fate| self.files[inode].durable.after(&self.files[inode].pending, fate);
            let files = files.iter().map(|(path, inode)| (path.clone(), image(inode, fate()))).collect();
            Tree { folders: folders.clone(), files }
        };
        if !is_open {
            return vec![made(&mut || Fate::Kept)];
        }
        let mut trees: Vec<Tree> = FATES.iter().map(|fate| made(&mut || *fate)).collect();
        trees.push(made(&mut || FATES[(random.number() % FATES.len() as u64) as usize]));
        trees
    }
}

/// Choices of what is on the disk: nothing, all, all but one, one alone, what one folder has up to some change with
/// nothing or all of the others, and some at random.
fn choices(pending: &[Inode], random: &mut Random) -> Vec<Chosen> {
    let n = pending.len();
    let mut all: Vec<Chosen> = vec![vec![false; n], vec![true; n]];
    for one in 0..n {
        all.push((0..n).map(|i| i == one).collect());
        all.push((0..n).map(|i| i != one).collect());
        for others in [false, true] {
            all.push((0..n).map(|i| if pending[i] == pending[one] { i <= one } else { others }).collect());
        }
    }
    let tries = if is_long() { 100 } else { 8 };
    if n > 1 {
        all.extend((0..tries).map(|_| (0..n).map(|_| random.number().is_multiple_of(2)).collect::<Chosen>()));
    }
    let mut seen = HashSet::new();
    all.retain(|chosen| seen.insert(chosen.clone()));
    all
}

struct Exploration<'a> {
    promise: &'a mut dyn Promise,
    random: Random,
    seen: HashSet<u64>,
    done: Cuts,
}

/// Cuts the power after every event that `when` names, and demands of everything that may be left that it has what was
/// acknowledged, nothing torn and nothing else, and takes writes again.
///
/// # Errors
///
/// Describes the first state of which that is not so.
pub(crate) fn explore(
    promise: &mut dyn Promise,
    events: &[Event],
    when: impl Fn(usize, &Event) -> bool,
    seed: u64,
) -> Result<Cuts, String> {
    let random = Random::new(seed);
    let mut exploration = Exploration { promise, random, seen: HashSet::new(), done: Cuts::default() };
    let mut disk = Disk::default();
    for (index, event) in events.iter().enumerate() {
        disk.apply(event);
        if let Event::Said(said) = event {
            exploration.promise.hear(said);
        }
        if when(index, event) {
            exploration.cut(&disk).map_err(|why| {
                let before = events[..=index].iter().rev().take(4).rev();
                format!(
                    "the power is cut after event {index}, the last of {:?}\n  {why}",
                    before.collect::<Vec<_>>()
                )
            })?;
        }
    }
    Ok(exploration.done)
}

impl Exploration<'_> {
    fn cut(&mut self, disk: &Disk) -> Result<(), String> {
        self.done.cuts += 1;
        let pending = disk.pending();
        for chosen in choices(&pending, &mut self.random) {
            for tree in disk.trees(&chosen, &mut self.random) {
                self.done.states += 1;
                let mut hasher = DefaultHasher::new();
                (&tree, self.promise.clock()).hash(&mut hasher);
                if self.seen.insert(hasher.finish()) {
                    self.done.opened += 1;
                    self.open(&tree).map_err(|why| format!("{why}\n  with {}", described(&tree)))?;
                }
            }
        }
        Ok(())
    }

    fn open(&self, tree: &Tree) -> Result<(), String> {
        let folder = tempfile::tempdir_in(scratch()).unwrap();
        tree.build(folder.path());
        self.promise.demand(folder.path(), self.done.opened)
    }
}

/// Memory, where there is some to be used as a disk.
pub(crate) fn scratch() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

fn described(tree: &Tree) -> String {
    let files = tree.files.iter().map(|(path, image)| {
        let record =
            image.record.as_ref().map_or("no record".to_owned(), |r| format!("a record of {}", r.len()));
        format!("\n    {path}: {} bytes, {record}", image.data.len())
    });
    files.collect()
}
