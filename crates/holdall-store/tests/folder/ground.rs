//! A store in a folder, beside things that are none of its business.

use crate::snapshot::Snapshot;
use holdall_store::{
    Attributes, ErrorKind, Fsync, GetOptions, ListOptions, Location, Metadata, Prefix, PutOptions, Result,
    Settings, Store,
};
use std::future::Future;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What lies outside and must never be read through the store.
pub(crate) const SECRET: &[u8] = b"this is none of the store's business";

/// Why a case cannot run on this machine.
#[derive(Debug)]
pub(crate) struct Skip(pub(crate) String);

/// How a case ends that does not panic.
pub(crate) type Ran = std::result::Result<(), Skip>;

/// A folder with a store and a folder outside of it.
pub(crate) struct Ground {
    dir: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        let ground = Self { dir: tempfile::tempdir().unwrap() };
        std::fs::create_dir(ground.root()).unwrap();
        ground.write_outside("secret", SECRET);
        ground.write_outside("x", SECRET);
        ground.write_outside("b/c/deep", SECRET);
        ground
    }

    /// The store's folder.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// A path in the store.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    pub(crate) fn outside(&self) -> PathBuf {
        self.dir.path().join("outside")
    }

    fn write_outside(&self, name: &str, bytes: &[u8]) {
        write(&self.outside().join(name), bytes);
    }

    /// Writes a file as others would, and the folders above it.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        write(&self.path(name), bytes.as_ref());
    }

    pub(crate) fn store(&self) -> Store {
        open(&self.root(), Fsync::None)
    }

    /// All that lies outside, to compare.
    pub(crate) fn seen_outside(&self) -> Snapshot {
        Snapshot::of(&self.outside())
    }

    /// Asserts that nothing lies beside the store but what was put there.
    pub(crate) fn demand_untouched(&self, before: &Snapshot, what: &str) {
        before.demand_same(&self.seen_outside(), what);
        let mut names: Vec<_> =
            std::fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["outside", "store"], "{what}");
    }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub(crate) fn open(root: &Path, fsync: Fsync) -> Store {
    let settings = Settings { fsync, ..Settings::default() };
    Store::open_location(&Location::Folder(root.to_owned()), &settings).unwrap()
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

/// What a call failed with; none when it did not.
pub(crate) fn kind<T>(answer: &Result<T>) -> Option<ErrorKind> {
    answer.as_ref().err().map(holdall_store::Error::kind)
}

pub(crate) async fn read(store: &Store, key: &str) -> Result<Vec<u8>> {
    Ok(store.get(key).await?.bytes().await?.to_vec())
}

/// All keys below a prefix, and the failures of the listing.
pub(crate) async fn listed(store: &Store, prefix: &str) -> (Vec<Metadata>, Vec<ErrorKind>) {
    let options = ListOptions { prefix: Prefix::parse(prefix).unwrap(), ..ListOptions::default() };
    let mut list = store.list_with(options).unwrap();
    let (mut objects, mut failures) = (Vec::new(), Vec::new());
    while let Some(page) = list.next_page().await {
        let page = page.unwrap();
        objects.extend(page.objects);
        failures.extend(page.failures.iter().map(holdall_store::Error::kind));
    }
    (objects, failures)
}

/// All keys below a prefix; the listing must be whole.
pub(crate) async fn keys(store: &Store, prefix: &str) -> Vec<String> {
    let (objects, failures) = listed(store, prefix).await;
    assert_eq!(failures, [], "below {prefix:?}");
    objects.into_iter().map(|object| object.key.to_string()).collect()
}

/// Metadata with one word in it.
pub(crate) fn noted(note: &str) -> PutOptions {
    let metadata = [("note".to_owned(), note.to_owned())].into();
    PutOptions { attributes: Attributes { metadata, ..Attributes::default() }, ..PutOptions::default() }
}

/// More tags and metadata than fit beside a file on ext4 with blocks of 4 KiB.
pub(crate) fn heavy(note: &str) -> PutOptions {
    let mut options = noted(note);
    options.attributes.metadata.insert("filler".into(), "m".repeat(1800));
    options.tags = (0..10).map(|n| (format!("{n}{}", "t".repeat(100)), "v".repeat(256))).collect();
    options
}

pub(crate) fn etag(metadata: &Metadata) -> String {
    metadata.etag.clone().unwrap()
}

pub(crate) fn note(metadata: &Metadata) -> Option<&str> {
    metadata.attributes.metadata.get("note").map(String::as_str)
}

pub(crate) async fn head_note(store: &Store, key: &str) -> Option<String> {
    let metadata = store.head_with(key, &GetOptions::default()).await.unwrap();
    note(&metadata).map(str::to_owned)
}
