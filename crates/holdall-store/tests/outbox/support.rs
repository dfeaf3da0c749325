//! What the tests have in common.

use holdall_store::Payload;
use holdall_store::outbox::{Destination, Entry, EntryId, Kind, Mark, Options, Pending, Queue};
use std::path::{Path, PathBuf};

pub(crate) fn destination() -> Destination {
    Destination { endpoint: "http://localhost:9000".to_owned(), bucket: "bucket".to_owned() }
}

pub(crate) fn options(folder: &Path) -> Options {
    Options { min_free: 0, allow_volatile: true, ..Options::new(folder.join("outbox")) }
}

pub(crate) fn open(folder: &Path) -> Queue {
    Queue::open(options(folder)).unwrap()
}

pub(crate) fn entry(kind: Kind, key: &str) -> Entry {
    Entry::new(kind, destination(), key)
}

pub(crate) async fn append(queue: &Queue, entry: Entry, payload: Payload) -> EntryId {
    let keys: Vec<String> = [Some(entry.key.clone()), entry.from.clone()].into_iter().flatten().collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let lock = queue.lock(&destination(), &keys).await.unwrap();
    queue.append(&lock, entry, payload).await.unwrap()
}

pub(crate) async fn put(queue: &Queue, key: &str, bytes: impl Into<Vec<u8>>) -> EntryId {
    append(queue, entry(Kind::Put, key), Payload::Bytes(bytes.into().into())).await
}

/// The entry of a name that waits at a key.
pub(crate) fn pending(queue: &Queue, key: &str, id: EntryId) -> Pending {
    let waiting = queue.waiting(&destination(), key).unwrap();
    waiting.into_iter().find(|pending| pending.id == id).unwrap()
}

pub(crate) async fn mark(queue: &Queue, key: &str, id: EntryId, mark: Mark) {
    queue.mark(&pending(queue, key, id), mark).await.unwrap();
}

/// The bytes that a reader of a key sees in the queue; none where it sees nothing there.
pub(crate) fn bytes(queue: &Queue, key: &str) -> Option<Vec<u8>> {
    let latest = queue.latest(&destination(), key).unwrap()?;
    Some(queue.content(&latest).unwrap().bytes().unwrap())
}

/// The keys of the entries that can be sent now.
pub(crate) fn ready(queue: &Queue) -> Vec<String> {
    queue.ready(None, usize::MAX).unwrap().entries.into_iter().map(|(pending, _)| pending.key).collect()
}

/// The files of one of the queue's folders.
pub(crate) fn files(folder: &Path, below: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("outbox").join(below)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub(crate) fn logs(folder: &Path) -> Vec<PathBuf> {
    files(folder, "queue").into_iter().filter(|path| path.extension().is_some_and(|e| e == "log")).collect()
}

/// A folder in memory, where there is some to be used as a disk: thousands of fsyncs take no time there.
pub(crate) fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}
