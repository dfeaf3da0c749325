//! Follows a process's calls, and answers what they do to the disk.

use super::event::{BASE, Change, Entry, Event, Inode};
use crate::child::Said;
use crate::trace::{Call, unquote};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

/// An open file or folder and where it is written next.
#[derive(Debug, Clone, Copy)]
struct Opened {
    inode: Inode,
    next: usize,
}

/// What is at an inode now, as the processes see it.
#[derive(Debug)]
enum Node {
    File(Vec<u8>),
    Folder { path: String, entries: BTreeMap<String, Inode> },
}

/// The disk as processes see it, and all that happened to it.
#[derive(Debug)]
pub(crate) struct Recorder {
    base: PathBuf,
    nodes: Vec<Node>,
    opened: Vec<Opened>,
    descriptors: HashMap<i64, usize>,
    /// Those of processes that are not being followed at the moment.
    others: HashMap<u32, HashMap<i64, usize>>,
    events: Vec<Event>,
    /// For every call that changed something: which one it is, and where its first event is.
    changing: Vec<(usize, usize)>,
}

/// A way to a name: the folder, and the name in it.
type Place = Option<(Inode, String)>;

impl Recorder {
    /// Begins with an empty folder.
    pub(crate) fn new(base: &Path) -> Self {
        let folder = Node::Folder { path: String::new(), entries: BTreeMap::new() };
        Self {
            base: base.to_owned(),
            nodes: vec![folder],
            opened: Vec::new(),
            descriptors: HashMap::new(),
            others: HashMap::new(),
            events: vec![Event::MadeFolder(BASE, String::new())],
            changing: Vec::new(),
        }
    }

    /// All that happened.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Which of the calls followed last changed something, and where the first event of each is.
    pub(crate) fn changing(&self) -> &[(usize, usize)] {
        &self.changing
    }

    /// Follows all calls of a process, from its beginning to its end.
    ///
    /// # Errors
    ///
    /// Names a call that changes the disk and is not understood, or a line that tells of a failure.
    pub(crate) fn follow(&mut self, calls: &[Call]) -> Result<(), String> {
        self.descriptors.clear();
        self.go_on(calls)
    }

    /// Follows a process for as long as it runs alone.
    ///
    /// # Errors
    ///
    /// As for [`Recorder::follow`].
    pub(crate) fn follow_part(&mut self, process: u32, calls: &[Call]) -> Result<(), String> {
        self.descriptors = self.others.remove(&process).unwrap_or_default();
        self.go_on(calls)?;
        self.others.insert(process, std::mem::take(&mut self.descriptors));
        Ok(())
    }

    fn go_on(&mut self, calls: &[Call]) -> Result<(), String> {
        self.changing.clear();
        for (index, call) in calls.iter().enumerate() {
            let before = self.events.len();
            if call.answer.is_some_and(|answer| answer >= 0) {
                self.one(call)?;
            }
            if self.events.len() > before {
                self.changing.push((index, before));
            }
        }
        Ok(())
    }

    fn one(&mut self, call: &Call) -> Result<(), String> {
        let answer = call.answer.unwrap_or(-1);
        match call.name.as_str() {
            "openat" => self.open(call, answer, call.argument(2)),
            "openat2" => {
                self.open(call, answer, call.argument(2).split(", resolve").next().unwrap_or_default())
            }
            "close" => _ = self.descriptors.remove(&call.number(0)),
            "dup" => self.duplicate(call.number(0), answer),
            "fcntl" if call.argument(1).starts_with("F_DUPFD") => self.duplicate(call.number(0), answer),
            "fcntl" | "ioctl" if !call.argument(1).contains("CLONE") => {}
            "writev" if call.number(0) == 1 => self.said(call)?,
            "write" | "pwrite64" => self.write(call, answer),
            "copy_file_range" => self.copy(call, answer),
            "ioctl" => self.clone_whole(call),
            "ftruncate" => self.change(call.number(0), Change::Size(call.number(1) as usize)),
            "fsetxattr" => self.change(call.number(0), Change::Record(Some(call.bytes(2).into()))),
            "fremovexattr" => self.change(call.number(0), Change::Record(None)),
            "utimensat" => self.change(call.number(0), Change::Modified(modified(call.argument(2)))),
            "fsync" | "fdatasync" => {
                _ = self.at(call.number(0)).map(|inode| self.events.push(Event::Fsync(inode)))
            }
            "mkdir" => self.make(self.place("AT_FDCWD", &call.text(0))),
            "mkdirat" => self.make(self.place(call.argument(0), &call.text(1))),
            "linkat" => self.link(call),
            "renameat" | "renameat2" => self.rename(call),
            "unlinkat" => self.remove(self.place(call.argument(0), &call.text(1))),
            name => return Err(format!("the model of a disk knows nothing of {name}: {call:?}")),
        }
        Ok(())
    }

    fn at(&self, descriptor: i64) -> Option<Inode> {
        Some(self.opened[*self.descriptors.get(&descriptor)?].inode)
    }

    fn folder(&self, inode: Inode) -> &BTreeMap<String, Inode> {
        match &self.nodes[inode] {
            Node::Folder { entries, .. } => entries,
            Node::File(_) => panic!("the kernel took a file for a folder"),
        }
    }

    /// Finds the folder that a path leads to, and the last name of it; none for what is elsewhere.
    fn place(&self, at: &str, path: &str) -> Place {
        let (start, path) = match path.starts_with('/') {
            true => (BASE, Path::new(path).strip_prefix(&self.base).ok()?.to_str()?),
            false => (self.at(at.parse().ok()?)?, path),
        };
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let names = above.split('/').filter(|name| !matches!(*name, "" | "."));
        let inode = names.fold(start, |inode, name| self.folder(inode)[name]);
        let name = if name == "." { "" } else { name };
        Some((inode, name.to_owned()))
    }

    fn open(&mut self, call: &Call, descriptor: i64, flags: &str) {
        self.descriptors.remove(&descriptor);
        let Some((above, name)) = self.place(call.argument(0), &call.text(1)) else { return };
        let there = if name.is_empty() { Some(above) } else { self.folder(above).get(&name).copied() };
        let inode = match there {
            _ if flags.contains("O_TMPFILE") => self.new_file(),
            Some(inode) => inode,
            None => {
                assert!(flags.contains("O_CREAT"), "the model of a disk has lost {name:?}");
                let inode = self.new_file();
                self.enter(above, name, inode);
                inode
            }
        };
        self.descriptors.insert(descriptor, self.opened.len());
        self.opened.push(Opened { inode, next: 0 });
        assert!(!flags.contains("O_TRUNC") && !flags.contains("O_APPEND"), "not in the model: {flags}");
    }

    fn duplicate(&mut self, from: i64, to: i64) {
        match self.descriptors.get(&from).copied() {
            Some(opened) => self.descriptors.insert(to, opened),
            None => self.descriptors.remove(&to),
        };
    }

    fn new_file(&mut self) -> Inode {
        self.nodes.push(Node::File(Vec::new()));
        self.events.push(Event::MadeFile(self.nodes.len() - 1));
        self.nodes.len() - 1
    }

    fn make(&mut self, place: Place) {
        let Some((above, name)) = place else { return };
        let Node::Folder { path, .. } = &self.nodes[above] else { return };
        let path = format!("{path}/{name}");
        let inode = self.nodes.len();
        self.nodes.push(Node::Folder { path: path.clone(), entries: BTreeMap::new() });
        self.events.push(Event::MadeFolder(inode, path));
        self.enter(above, name, inode);
    }

    fn enter(&mut self, folder: Inode, name: String, inode: Inode) {
        self.entry(folder, Entry::Set(name, inode));
    }

    fn entry(&mut self, folder: Inode, entry: Entry) {
        let Node::Folder { entries, .. } = &mut self.nodes[folder] else { return };
        match entry.clone() {
            Entry::Set(name, inode) => entries.insert(name, inode),
            Entry::Removed(name) => entries.remove(&name),
        };
        self.events.push(Event::Entry(folder, entry));
    }

    fn remove(&mut self, place: Place) {
        if let Some((folder, name)) = place {
            self.entry(folder, Entry::Removed(name));
        }
    }

    fn link(&mut self, call: &Call) {
        let source = call.text(1);
        let inode = match source.strip_prefix("/proc/self/fd/") {
            Some(descriptor) => self.at(descriptor.parse().expect("a descriptor")),
            None => self.place(call.argument(0), &source).map(|(folder, name)| self.folder(folder)[&name]),
        };
        if let (Some(inode), Some((folder, name))) = (inode, self.place(call.argument(2), &call.text(3))) {
            self.enter(folder, name, inode);
        }
    }

    fn rename(&mut self, call: &Call) {
        let from = self.place(call.argument(0), &call.text(1));
        let to = self.place(call.argument(2), &call.text(3));
        if let (Some((from, old)), Some((to, new))) = (from, to) {
            let inode = self.folder(from)[&old];
            self.enter(to, new, inode);
            self.entry(from, Entry::Removed(old));
        }
    }

    fn write(&mut self, call: &Call, count: i64) {
        let Some(opened) = self.descriptors.get(&call.number(0)).copied() else { return };
        let bytes = &call.bytes(1)[..count as usize];
        let at = if call.name == "pwrite64" { Some(call.number(3) as usize) } else { None };
        self.bytes(opened, at, bytes);
    }

    /// Bytes at a place, or where the file is written next.
    fn bytes(&mut self, opened: usize, at: Option<usize>, bytes: &[u8]) {
        let Opened { inode, next } = self.opened[opened];
        if at.is_none() {
            self.opened[opened].next += bytes.len();
        }
        self.changed(inode, Change::Bytes { start: at.unwrap_or(next), bytes: bytes.into() });
    }

    fn copy(&mut self, call: &Call, count: i64) {
        let (Some(from), Some(into)) = (self.at(call.number(0)), self.descriptors.get(&call.number(2)))
        else {
            return;
        };
        let start: usize =
            call.argument(1).trim_matches(['[', ']']).split(' ').next().unwrap_or_default().parse().unwrap();
        assert_eq!(call.argument(3), "NULL", "the model appends copies");
        let Node::File(data) = &self.nodes[from] else { return };
        let bytes = data[start..start + count as usize].to_vec();
        self.bytes(*into, None, &bytes);
    }

    fn clone_whole(&mut self, call: &Call) {
        let Some(Node::File(data)) = self.at(call.number(2)).map(|inode| &self.nodes[inode]) else { return };
        let change = Change::Bytes { start: 0, bytes: data.as_slice().into() };
        self.change(call.number(0), change);
    }

    fn change(&mut self, descriptor: i64, change: Change) {
        if let Some(inode) = self.at(descriptor) {
            self.changed(inode, change);
        }
    }

    fn changed(&mut self, inode: Inode, change: Change) {
        let Node::File(data) = &mut self.nodes[inode] else { return };
        match &change {
            Change::Bytes { start, bytes } => {
                data.resize(data.len().max(start + bytes.len()), 0);
                data[*start..start + bytes.len()].copy_from_slice(bytes);
            }
            Change::Size(size) => data.resize(*size, 0),
            Change::Record(_) | Change::Modified(_) => {}
        }
        self.events.push(Event::Change(inode, change));
    }

    fn said(&mut self, call: &Call) -> Result<(), String> {
        let line =
            call.argument(1).trim_start_matches("[{iov_base=").split(", iov_len").next().unwrap_or_default();
        let line = String::from_utf8_lossy(&unquote(line)).into_owned();
        self.events.push(Event::Said(Said::parse(&line)?));
        Ok(())
    }
}

/// Reads the second of two times, `[UTIME_OMIT, {tv_sec=1, tv_nsec=2}]`.
fn modified(times: &str) -> i64 {
    let (_, second) = times.rsplit_once("{tv_sec=").expect("a time of modification");
    let (seconds, rest) = second.split_once(", tv_nsec=").expect("nanoseconds");
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    seconds.parse::<i64>().expect("seconds") * 1_000_000_000 + digits.parse::<i64>().expect("nanoseconds")
}
