//! A store on a fault server, with short waits.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use holdall_store::{ErrorKind, Settings, Store, Variables};
use holdall_testing::fault::{FaultServer, Kind, Rule, Script};
use holdall_testing::proxy::Proxy;

pub(crate) const MIB: usize = 1 << 20;

/// Fails a test that hangs.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("this took so long that it may never end")
}

/// Runs cases, some at once, each on a task of its own, and fails when any of them panicked.
pub(crate) async fn all_of<F>(cases: impl Iterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    // More of these large bodies at once would be slow enough on a busy machine to look stalled.
    const AT_ONCE: usize = 3;
    let mut tasks = tokio::task::JoinSet::new();
    let all = async {
        for case in cases {
            if tasks.len() >= AT_ONCE {
                tasks.join_next().await.unwrap().unwrap();
            }
            tasks.spawn(case);
        }
        tasks.join_all().await;
    };
    in_time(all).await;
}

/// A bucket's name that no other server of these tests has had: what was found out about a server is remembered by
/// endpoint and bucket, and ports come back.
fn fresh_bucket() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("b-{since}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

fn settings(endpoint: &str, bucket: &str) -> Settings {
    let store = format!("s3://{bucket}");
    let variables = Variables::from_pairs([
        ("HOLDALL_STORE", store.as_str()),
        ("S3_ENDPOINT_URL", endpoint),
        ("S3_ACCESS_KEY_ID", "AKIDTEST"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
        ("S3_MAX_RETRIES", "3"),
        ("S3_CONNECT_TIMEOUT", "1s"),
        ("S3_READ_TIMEOUT", "1s"),
        ("S3_MAX_CONCURRENCY", "4"),
        ("HOLDALL_PART_SIZE", "5MiB"),
        ("HOLDALL_MULTIPART_THRESHOLD", "5MiB"),
    ]);
    Settings::from_variables(&variables).unwrap()
}

pub(crate) struct World {
    pub(crate) bucket: String,
    pub(crate) server: FaultServer,
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn good() -> Self {
        Self::seeded(1)
    }

    pub(crate) fn seeded(seed: u64) -> Self {
        let bucket = fresh_bucket();
        let server = FaultServer::start(Script::new().bucket(&bucket), seed).unwrap();
        let store = Store::from_settings(&settings(&server.endpoint(), &bucket)).unwrap();
        Self { bucket, server, store, dir: tempfile::tempdir().unwrap() }
    }

    /// With a journal, and parts sent one by one.
    pub(crate) fn resuming() -> Self {
        let mut world = Self::good();
        world.store = world.store_with(|_| ());
        world
    }

    /// The store as another process would open it, with a journal.
    pub(crate) fn store_with(&self, change: impl FnOnce(&mut Settings)) -> Store {
        let journal = Some(self.dir.path().join("journal"));
        let mut settings =
            Settings { journal, concurrency: 1, ..settings(&self.server.endpoint(), &self.bucket) };
        change(&mut settings);
        Store::from_settings(&settings).unwrap()
    }

    /// The store as it is reached another way.
    pub(crate) fn through(&self, proxy: &Proxy, change: impl FnOnce(&mut Settings)) -> Store {
        let mut settings = settings(&proxy.endpoint(), &self.bucket);
        change(&mut settings);
        Store::from_settings(&settings).unwrap()
    }

    pub(crate) fn with(rule: Rule) -> Self {
        let world = Self::good();
        world.server.add_rule(rule);
        world
    }

    pub(crate) fn stored(&self, key: &str) -> Option<Vec<u8>> {
        self.server.object(&self.bucket, key).map(|object| object.bytes)
    }

    /// The user's keys that the server has.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.server.objects(&self.bucket).into_keys().filter(|key| !key.starts_with(".holdall/")).collect()
    }

    pub(crate) fn count(&self, kind: Kind) -> usize {
        self.server.log().iter().filter(|seen| seen.kind == kind).count()
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Reads an object and says what kind of fault there was.
    pub(crate) async fn get(&self, key: &str) -> Result<Vec<u8>, ErrorKind> {
        let read = async { self.store.get(key).await?.bytes().await };
        in_time(read).await.map(|bytes| bytes.to_vec()).map_err(|error| error.kind())
    }
}

/// All names below a folder, relative, folders with a slash.
pub(crate) fn names(dir: &Path) -> BTreeSet<String> {
    let mut out = BTreeSet::new();
    let mut todo = vec![dir.to_owned()];
    while let Some(next) = todo.pop() {
        for entry in std::fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                todo.push(path);
                out.insert(name + "/");
            } else {
                out.insert(name);
            }
        }
    }
    out
}

pub(crate) fn bytes(len: usize) -> Vec<u8> {
    static ALL: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    let all = ALL.get_or_init(|| {
        (0..(16_u64 << 20) / 8).flat_map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()).collect()
    });
    all[..len].to_vec()
}
