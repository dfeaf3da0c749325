//! Stores of all kinds, and folders to put into them.

use holdall::topic::{Pushed, Roles, Topic, Topics};
use holdall::transfer::{PushOptions, TreeEvent, VerifyOptions, VerifySummary};
use holdall::{OnRemoteError, Settings, Store, Variables};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// A store, and what it lies in for as long as it is wanted.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) server: Option<FaultServer>,
    pub(crate) bucket: String,
    dir: TempDir,
}

/// What was found out of a server is remembered by endpoint and bucket, and ports come back.
fn fresh_bucket() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("t-{since}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl World {
    pub(crate) fn memory(change: impl FnOnce(&mut Settings)) -> Self {
        Self::open("memory://", (None, String::new()), TempDir::new().unwrap(), change)
    }

    pub(crate) fn folder(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        let url = format!("file://{}", dir.path().join("store").display());
        Self::open(&url, (None, String::new()), dir, change)
    }

    pub(crate) fn s3(change: impl FnOnce(&mut Settings)) -> Self {
        let bucket = fresh_bucket();
        let server = FaultServer::start(Script::new().bucket(&bucket), 1).unwrap();
        let url = format!("s3://{bucket}");
        Self::open(&url, (Some(server), bucket), TempDir::new().unwrap(), change)
    }

    /// A server, and an outbox before it.
    pub(crate) fn queued() -> Self {
        Self::s3(|settings| settings.on_remote_error = OnRemoteError::Outbox)
    }

    /// One of each kind.
    pub(crate) fn all() -> [Self; 3] {
        [Self::memory(|_| ()), Self::folder(|_| ()), Self::s3(|_| ())]
    }

    fn open(
        url: &str,
        (server, bucket): (Option<FaultServer>, String),
        dir: TempDir,
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let endpoint = server.as_ref().map(FaultServer::endpoint).unwrap_or_default();
        let mut variables = vec![("HOLDALL_STORE", url)];
        if server.is_some() {
            variables.extend([
                ("S3_ENDPOINT_URL", endpoint.as_str()),
                ("S3_ACCESS_KEY_ID", "AKIDTEST"),
                ("S3_SECRET_ACCESS_KEY", "secret"),
                ("S3_MAX_RETRIES", "2"),
                ("S3_CONNECT_TIMEOUT", "1s"),
                ("S3_READ_TIMEOUT", "1s"),
            ]);
        }
        let mut settings = Settings::from_variables(&Variables::from_pairs(variables)).unwrap();
        settings.index = Some(dir.path().join("index"));
        settings.outbox_dir = Some(dir.path().join("outbox"));
        settings.outbox_allow_volatile = true;
        settings.outbox_min_free = 0;
        change(&mut settings);
        let store = Store::from_settings(&settings).unwrap();
        Self { store, settings, server, bucket, dir }
    }

    /// The topics as another process opens them.
    pub(crate) fn topics(&self) -> Topics {
        let store = if self.server.is_some() {
            Store::from_settings(&self.settings).unwrap()
        } else {
            self.store.clone()
        };
        Topics::open(&store, &self.settings).unwrap()
    }

    pub(crate) fn topic(&self, title: &str) -> Topic {
        self.topics().topic(title).unwrap()
    }

    pub(crate) fn kind(&self) -> &'static str {
        self.store.backend().kind()
    }

    /// A folder with these files, each of which has its path for its bytes.
    pub(crate) fn files(&self, name: &str, paths: &[&str]) -> std::path::PathBuf {
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for path in paths {
            write(&dir.join(path), path.as_bytes());
        }
        dir
    }

    /// From now on nothing is answered.
    pub(crate) fn down(&self) {
        self.server.as_ref().unwrap().add_rule(Rule::new(Fault::Reset));
    }

    pub(crate) fn up(&self) {
        self.server.as_ref().unwrap().clear_rules();
    }

    /// How many puts the server was asked for, but those on which it was tried.
    pub(crate) fn puts(&self) -> usize {
        let log = self.server.as_ref().unwrap().log();
        log.iter().filter(|seen| seen.kind == Kind::Put && !seen.key.contains(".holdall/")).count()
    }

    /// The keys that the server was sent objects for, in their order.
    pub(crate) fn sent(&self) -> Vec<String> {
        let log = self.server.as_ref().unwrap().log();
        let put = log.into_iter().filter(|seen| seen.kind == Kind::Put && !seen.key.contains(".holdall/"));
        put.map(|seen| seen.key).collect()
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        let all = self.store.list("").unwrap().collect().await.unwrap().objects;
        all.into_iter().map(|object| object.key.to_string()).collect()
    }

    pub(crate) async fn text(&self, key: &str) -> String {
        let bytes = self.store.get(key).await.unwrap().bytes().await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

pub(crate) async fn push(topic: &Topic, dir: &Path) -> holdall::Result<Pushed> {
    push_with(topic, dir, &PushOptions::default()).await.0
}

/// Pushes, and answers what failed besides.
pub(crate) async fn push_with(
    topic: &Topic,
    dir: &Path,
    options: &PushOptions,
) -> (holdall::Result<Pushed>, Vec<String>) {
    let mut failed = Vec::new();
    let mut on_event = |event: TreeEvent| {
        if let TreeEvent::Failed { error, .. } = event {
            failed.push(error.to_string());
        }
    };
    let pushed = in_time(topic.push(dir, options, &mut on_event)).await;
    (pushed, failed)
}

pub(crate) async fn verify(topic: &Topic, dir: Option<&Path>) -> VerifySummary {
    topic.verify(dir, &VerifyOptions::default(), &mut |_| ()).await.unwrap()
}

/// From now on the server refuses what has a condition.
pub(crate) fn without_conditions(world: &World) {
    for header in ["if-none-match", "if-match"] {
        let refused = Rule::new(Fault::refuse(501, "NotImplemented")).on(Kind::Put).header(header);
        world.server.as_ref().unwrap().add_rule(refused);
    }
}

pub(crate) fn usual() -> Roles {
    Roles::default()
}

/// Fails a test that hangs.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this may never end")
}
