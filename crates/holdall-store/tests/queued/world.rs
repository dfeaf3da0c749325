//! A store with an outbox on a fault server.

use holdall_store::outbox::{Delivery, Drained, Pauses, Queue};
use holdall_store::{ErrorKind, OnRemoteError, Result, Settings, Store, Variables};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

pub(crate) struct World {
    pub(crate) bucket: String,
    pub(crate) server: FaultServer,
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
}

/// What was found out of a server is remembered by endpoint and bucket, and ports come back.
fn fresh_bucket() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("q-{since}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let bucket = fresh_bucket();
        let server = FaultServer::start(Script::new().bucket(&bucket), 1).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut world = Self { store: Store::memory(), bucket, server, dir };
        world.store = world.open(change);
        world
    }

    /// The store as another process opens it.
    pub(crate) fn open(&self, change: impl FnOnce(&mut Settings)) -> Store {
        let mut settings = self.settings();
        change(&mut settings);
        Store::from_settings(&settings).unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        let store = format!("s3://{}/root", self.bucket);
        let variables = Variables::from_pairs([
            ("HOLDALL_STORE", store.as_str()),
            ("S3_ENDPOINT_URL", &self.server.endpoint()),
            ("S3_ACCESS_KEY_ID", "AKIDTEST"),
            ("S3_SECRET_ACCESS_KEY", "secret"),
            ("S3_MAX_RETRIES", "2"),
            ("S3_CONNECT_TIMEOUT", "1s"),
            ("S3_READ_TIMEOUT", "1s"),
            ("HOLDALL_PART_SIZE", "5MiB"),
            ("HOLDALL_MULTIPART_THRESHOLD", "5MiB"),
        ]);
        Settings {
            on_remote_error: OnRemoteError::Outbox,
            outbox_dir: Some(self.dir.path().join("outbox")),
            outbox_allow_volatile: true,
            outbox_min_free: 0,
            ..Settings::from_variables(&variables).unwrap()
        }
    }

    /// From now on nothing is answered.
    pub(crate) fn down(&self) {
        self.server.add_rule(Rule::new(Fault::Reset));
    }

    pub(crate) fn up(&self) {
        self.server.clear_rules();
    }

    /// The users' objects that the server has: their keys below the store, and their bytes.
    pub(crate) fn stored(&self) -> BTreeMap<String, Vec<u8>> {
        let objects = self.server.objects(&self.bucket).into_iter();
        objects
            .filter_map(|(key, object)| Some((key.strip_prefix("root/")?.to_owned(), object.bytes)))
            .filter(|(key, _)| !key.starts_with(".holdall/"))
            .collect()
    }

    pub(crate) fn text(&self, key: &str) -> Option<String> {
        Some(String::from_utf8(self.stored().remove(key)?).unwrap())
    }

    /// How often an operation was asked for, of users' keys.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        let log = self.server.log();
        log.iter().filter(|seen| seen.kind == kind && !seen.key.contains(".holdall/")).count()
    }

    pub(crate) async fn queue(&self) -> Queue {
        self.store.outbox().unwrap().queue().await.unwrap().unwrap()
    }

    /// Drains as somebody who asks for it does; answers what became of each key besides.
    pub(crate) async fn drain(&self) -> Result<(Drained, Vec<String>)> {
        // Another handle, which knows nothing of a pause.
        let other = self.open(|_| ());
        let drainer = other.outbox().unwrap().drainer().await?;
        let mut told = Vec::new();
        let drained = drainer.drain(Pauses::Ended, |entry, delivery| {
            let what = match delivery {
                Delivery::Sent(_) => "sent",
                Delivery::Found => "found",
                Delivery::Parked(_) => "parked",
                Delivery::Later(_) => "later",
                Delivery::Damaged(_) => "damaged",
            };
            told.push(format!("{what} {}", entry.key.strip_prefix("root/").unwrap()));
        });
        Ok((drained.await?, told))
    }

    pub(crate) async fn waiting(&self) -> u64 {
        match self.store.outbox().unwrap().queue().await.unwrap() {
            Some(queue) => queue.status().unwrap().entries,
            None => 0,
        }
    }

    pub(crate) async fn read(&self, key: &str) -> std::result::Result<String, ErrorKind> {
        let read = async { self.store.get(key).await?.bytes().await };
        let bytes = in_time(read).await.map_err(|error| error.kind())?;
        Ok(String::from_utf8(bytes.to_vec()).unwrap())
    }

    pub(crate) async fn names(&self) -> std::result::Result<Vec<String>, ErrorKind> {
        let listed = in_time(self.store.list("").unwrap().collect()).await.map_err(|error| error.kind())?;
        Ok(listed.objects.into_iter().map(|object| object.key.as_str().to_owned()).collect())
    }
}

/// Fails a test that hangs.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("this may never end")
}
