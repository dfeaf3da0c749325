//! A folder, a store, and an index of the two.

use holdall_store::transfer::{PullOptions, PushOptions, TreeEvent, TreeSummary};
use holdall_store::{Error, KeyPair, PutOptions, Secret, Settings, Store};
use holdall_testing::fault::{FaultServer, Script};
use holdall_testing::server::Server;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

pub(crate) const MIB: u64 = 1 << 20;

pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
    /// The one that misbehaves when told to.
    pub(crate) server: Option<Arc<FaultServer>>,
    events: Vec<TreeEvent>,
}

/// What a push or pull did: moved, unchanged, deleted, failed.
pub(crate) type Counts = (u64, u64, u64, u64);

fn counts(summary: TreeSummary) -> Counts {
    (summary.done, summary.unchanged, summary.deleted, summary.failed)
}

fn settings(dir: &Path) -> Settings {
    Settings {
        index: Some(dir.join("index")),
        multipart_threshold: 5 * MIB,
        part_size: 5 * MIB,
        attempts: 1,
        ..Settings::default()
    }
}

impl World {
    fn new(name: &str, url: &str, dir: TempDir, settings: Settings) -> Self {
        fs::create_dir(dir.path().join("in")).unwrap();
        let store = Store::open(url, &settings).unwrap();
        Self { name: name.to_owned(), store, dir, server: None, events: Vec::new() }
    }

    pub(crate) fn memory() -> Self {
        let dir = TempDir::new().unwrap();
        let settings = settings(dir.path());
        Self::new("memory", "memory://", dir, settings)
    }

    fn folder() -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("file://{}/store", dir.path().display());
        let settings = settings(dir.path());
        Self::new("folder", &url, dir, settings)
    }

    /// On a server that misbehaves when told to.
    pub(crate) fn s3() -> Self {
        let dir = TempDir::new().unwrap();
        let server = FaultServer::start(Script::new().bucket("b"), 1).unwrap();
        let endpoint = Some(holdall_s3::Endpoint::parse(&server.endpoint()).unwrap());
        let settings = Settings { endpoint, no_sign_request: true, ..settings(dir.path()) };
        let world = Self::new("s3", "s3://b/root", dir, settings);
        Self { server: Some(Arc::new(server)), ..world }
    }

    /// On the servers that the environment describes, each below a bucket of its own.
    async fn real(server: &Server) -> Self {
        let dir = TempDir::new().unwrap();
        let keys = KeyPair {
            access_key_id: server.access_key.clone(),
            secret_access_key: Secret::new(server.secret_key.clone()),
            session_token: None,
        };
        let settings = Settings {
            endpoint: Some(holdall_s3::Endpoint::parse(&server.endpoint).unwrap()),
            region: Some(server.region.clone()),
            addressing: holdall_store::Addressing::Path,
            keys: Some(keys),
            ..settings(dir.path())
        };
        let unique = dir.path().file_name().unwrap().to_string_lossy().to_lowercase().replace(".tmp", "");
        let world = Self::new(&server.name, &format!("s3://holdall-sync-{unique}"), dir, settings);
        world.store.bucket().create().await.unwrap();
        world
    }

    /// Every kind of store. One server is left out: it lists no `ETag`s, so that objects in parts are sent each time,
    /// and has no key below another.
    pub(crate) async fn all() -> Vec<Self> {
        let mut worlds = vec![Self::memory(), Self::folder(), Self::s3()];
        for server in Server::all_from_env().unwrap().into_iter().filter(|server| server.name != "s3s-fs") {
            worlds.push(Self::real(&server).await);
        }
        worlds
    }

    /// Removes what a server has of it.
    pub(crate) async fn end(self) {
        if self.store.is_remote() {
            let keys = self.store.list("").unwrap().collect().await.unwrap().objects;
            let failures = self.store.delete_many(keys.into_iter().map(|object| object.key)).await;
            assert!(failures.is_empty(), "{failures:?}");
            self.store.bucket().delete().await.unwrap();
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("in").join(name)
    }

    /// Writes a file that is old enough for the clock of files to have moved on.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        self
    }

    /// Writes other bytes into the same file, and puts its time of modification back.
    pub(crate) fn write_secretly(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let modified = fs::metadata(self.path(name)).unwrap().modified().unwrap();
        // The clock of files stands still for some milliseconds.
        std::thread::sleep(Duration::from_millis(30));
        fs::write(self.path(name), bytes).unwrap();
        self.date(name, modified);
    }

    pub(crate) fn date(&self, name: &str, modified: SystemTime) {
        fs::File::options().write(true).open(self.path(name)).unwrap().set_modified(modified).unwrap();
    }

    pub(crate) async fn push_with(&mut self, options: &PushOptions) -> Result<Counts, Error> {
        self.events.clear();
        let (dir, events) = (self.dir.path().join("in"), &mut self.events);
        self.store.push(&dir, "p", options, &mut |event| events.push(event)).await.map(counts)
    }

    pub(crate) async fn push(&mut self) -> Counts {
        let counts = self.push_with(&PushOptions::default()).await.unwrap();
        // Whatever was decided, both sides are the same now.
        let stored = self.stored().await;
        for (name, bytes) in self.files() {
            assert!(stored.get(&name) == Some(&bytes), "{}: {name} is another in the store", self.name);
        }
        counts
    }

    pub(crate) async fn pull_with(&mut self, options: &PullOptions) -> Result<Counts, Error> {
        self.events.clear();
        let (dir, events) = (self.dir.path().join("in"), &mut self.events);
        self.store.pull("p", &dir, options, &mut |event| events.push(event)).await.map(counts)
    }

    pub(crate) async fn pull(&mut self) -> Counts {
        let counts = self.pull_with(&PullOptions::default()).await.unwrap();
        let files = self.files();
        for (name, bytes) in self.stored().await {
            assert!(files.get(&name) == Some(&bytes), "{}: {name} is another in the folder", self.name);
        }
        counts
    }

    /// What the last one said, in order: a word and the name relative to the prefix or folder.
    pub(crate) fn said(&self) -> Vec<String> {
        let inside = |path: &str| {
            let dir = self.dir.path().join("in");
            let name = Path::new(path).strip_prefix(&dir).map_or(path.into(), |name| name.to_string_lossy());
            name.strip_prefix("p/").unwrap_or(&name).to_owned()
        };
        let mut said: Vec<String> = self
            .events
            .iter()
            .map(|event| match event {
                TreeEvent::Pushed { receipt, .. } => format!("pushed {}", inside(receipt.key.as_str())),
                TreeEvent::Pulled { path, .. } => format!("pulled {}", inside(path.to_str().unwrap())),
                TreeEvent::Planned { key, .. } => format!("planned {}", inside(key)),
                TreeEvent::Unchanged { key, .. } => format!("unchanged {}", inside(key)),
                TreeEvent::Deleted { name, .. } => format!("deleted {}", inside(name)),
                TreeEvent::WouldDelete { name, .. } => format!("would delete {}", inside(name)),
                TreeEvent::Skipped { name, .. } => format!("skipped {}", inside(name)),
                TreeEvent::Failed { name, error, .. } => {
                    format!("failed {} {:?}", inside(name), error.kind())
                }
                other => format!("{other:?}"),
            })
            .collect();
        said.sort();
        said
    }

    /// Stores an object as somebody else would.
    pub(crate) async fn store(&self, name: &str, bytes: impl Into<bytes::Bytes>) {
        self.store.put_with(&format!("p/{name}"), bytes, &PutOptions::default()).await.unwrap();
    }

    /// All objects below the prefix that are no markers of folders.
    pub(crate) async fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        let mut stored = BTreeMap::new();
        let mut list = self.store.list("p/").unwrap();
        while let Some(object) = list.next().await {
            let key = object.unwrap().key;
            let bytes = self.store.get(key.as_str()).await.unwrap().bytes().await.unwrap();
            if !key.as_str().ends_with('/') {
                stored.insert(key.as_str()["p/".len()..].to_owned(), bytes.to_vec());
            }
        }
        stored
    }

    pub(crate) async fn names_stored(&self) -> Vec<String> {
        self.stored().await.into_keys().collect()
    }

    /// All regular files of the folder.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let top = self.dir.path().join("in");
        let (mut files, mut todo) = (BTreeMap::new(), vec![top.clone()]);
        while let Some(folder) = todo.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let (entry, path) = entry.map(|entry| (entry.file_type().unwrap(), entry.path())).unwrap();
                if entry.is_dir() {
                    todo.push(path);
                } else if entry.is_file() {
                    let name = path.strip_prefix(&top).unwrap().to_str().unwrap().to_owned();
                    files.insert(name, fs::read(path).unwrap());
                }
            }
        }
        files
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    /// The requests since the last time, by operation.
    pub(crate) fn requests(&self) -> BTreeMap<String, usize> {
        let server = self.server.as_ref().unwrap();
        let mut requests = BTreeMap::new();
        for seen in server.log() {
            *requests.entry(format!("{:?}", seen.kind)).or_default() += 1;
        }
        server.clear_log();
        requests
    }

    pub(crate) fn index(&self) -> PathBuf {
        self.dir.path().join("index")
    }
}
