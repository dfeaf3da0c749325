//! Places for sessions: memory, a folder, and a server behind an outbox.

use holdall::outbox::{Drained, Pauses};
use holdall::session::{Clock, NewStep, Sessions, StepEntry, StepsOptions};
use holdall::{Result, SessionId, Settings, StepId, Store, SweepEvent, SweepOptions, Variables};
use holdall_testing::fault::{Fault, FaultServer, Rule, Script};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

pub(crate) fn session(name: &str) -> SessionId {
    SessionId::parse(name).unwrap()
}

pub(crate) fn step(name: &str) -> StepId {
    StepId::parse(name).unwrap()
}

/// A step whose parts all say which one it is.
pub(crate) fn new(session: &SessionId, step: &StepId, mark: &str) -> NewStep {
    NewStep::new(session, step)
        .html(format!("<p>{mark}</p>"))
        .screenshot([PNG, mark.as_bytes()].concat())
        .action(format!("{{\"mark\": \"{mark}\"}}"))
}

/// What a step that was made so says; the parts have to agree.
pub(crate) async fn mark(sessions: &Sessions, session: &SessionId, step: &StepId) -> Result<String> {
    let content = sessions.retrieve(session, step).await?;
    let html = String::from_utf8(content.html().unwrap().to_vec()).unwrap();
    let mark = html.strip_prefix("<p>").unwrap().strip_suffix("</p>").unwrap().to_owned();
    assert_eq!(&content.screenshot().unwrap()[PNG.len()..], mark.as_bytes(), "a mix");
    assert_eq!(content.action().unwrap(), format!("{{\"mark\": \"{mark}\"}}").as_bytes(), "a mix");
    Ok(mark)
}

/// The keys of all objects.
pub(crate) async fn keys(store: &Store) -> Vec<String> {
    let listed = store.list("").unwrap().collect().await.unwrap();
    listed.objects.into_iter().map(|object| object.key.as_str().to_owned()).collect()
}

/// Deletes what has expired by a clock that is ahead, however short a time ago; answers the markers.
pub(crate) async fn sweep(sessions: &Sessions, by: Duration) -> Vec<String> {
    let later = sessions.clone().with_clock(ahead(by));
    let (options, mut swept) = (SweepOptions { grace: Duration::ZERO, dry_run: false }, Vec::new());
    let mut tell = |event| match event {
        SweepEvent::Deleted { key, .. } => swept.push(key.as_str().to_owned()),
        other => panic!("{other:?}"),
    };
    later.sweep(&options, &mut tell).await.unwrap();
    swept.sort();
    swept
}

/// The moment after some hours from now, and as long a time.
pub(crate) fn hours(n: u64) -> Duration {
    Duration::from_secs(n * 3600)
}

pub(crate) fn in_hours(n: u64) -> SystemTime {
    SystemTime::now() + hours(n)
}

/// A clock that is ahead.
pub(crate) fn ahead(by: Duration) -> Clock {
    Clock::new(move || SystemTime::now() + by)
}

/// A server behind an outbox.
pub(crate) struct World {
    pub(crate) bucket: String,
    pub(crate) server: FaultServer,
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        // What was found out of a server is remembered by endpoint and bucket, and ports come back.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
        let bucket = format!("s-{since}-{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let server = FaultServer::start(Script::new().bucket(&bucket), 1).unwrap();
        Self { bucket, server, dir: tempfile::tempdir().unwrap() }
    }

    /// What says where the store is to whoever reaches the server by an endpoint: with an outbox, or with none.
    pub(crate) fn pairs(&self, endpoint: &str, outbox: Option<&str>) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("HOLDALL_STORE", format!("s3://{}/root", self.bucket)),
            ("S3_ENDPOINT_URL", endpoint.to_owned()),
            ("S3_ACCESS_KEY_ID", "AKIDTEST".to_owned()),
            ("S3_SECRET_ACCESS_KEY", "secret".to_owned()),
            ("HOLDALL_PART_SIZE", "5MiB".to_owned()),
            ("HOLDALL_MULTIPART_THRESHOLD", "5MiB".to_owned()),
        ];
        if let Some(outbox) = outbox {
            pairs.extend([
                ("S3_MAX_RETRIES", "2".to_owned()),
                ("S3_CONNECT_TIMEOUT", "1s".to_owned()),
                ("S3_READ_TIMEOUT", "1s".to_owned()),
                ("HOLDALL_ON_REMOTE_ERROR", "outbox".to_owned()),
                ("HOLDALL_OUTBOX_DIR", self.dir.path().join(outbox).display().to_string()),
                ("HOLDALL_OUTBOX_ALLOW_VOLATILE", "true".to_owned()),
                ("HOLDALL_OUTBOX_MIN_FREE", "0".to_owned()),
            ]);
        }
        pairs
    }

    pub(crate) fn settings(&self, outbox: &str) -> Settings {
        let pairs = self.pairs(&self.server.endpoint(), Some(outbox));
        Settings::from_variables(&Variables::from_pairs(pairs)).unwrap()
    }

    /// Sessions as a machine of this name opens them: each has an outbox of its own.
    pub(crate) fn machine(&self, name: &str) -> Sessions {
        self.machine_with(name, |_| ())
    }

    pub(crate) fn machine_with(&self, name: &str, change: impl FnOnce(&mut Settings)) -> Sessions {
        let mut settings = self.settings(name);
        change(&mut settings);
        Sessions::open(&Store::from_settings(&settings).unwrap(), &settings).unwrap()
    }

    /// From now on nothing is answered.
    pub(crate) fn down(&self) {
        self.server.add_rule(Rule::new(Fault::Reset));
    }

    pub(crate) fn up(&self) {
        self.server.clear_rules();
    }

    /// The keys of users' objects that the server has.
    pub(crate) fn stored(&self) -> Vec<String> {
        let objects = self.server.objects(&self.bucket).into_keys();
        let keys = objects.filter_map(|key| Some(key.strip_prefix("root/")?.to_owned()));
        keys.filter(|key| !key.starts_with(".holdall/")).collect()
    }

    /// Sends what waits on a machine, as another process does.
    pub(crate) async fn drain(&self, machine: &str) -> Result<Drained> {
        let store = Store::from_settings(&self.settings(machine)).unwrap();
        let drainer = store.outbox().unwrap().drainer().await?;
        drainer.drain(Pauses::Ended, |_, _| ()).await
    }
}

/// Runs the same on memory, in a folder and on a server.
pub(crate) async fn everywhere<F: Future<Output = ()>>(test: impl Fn(Sessions) -> F) {
    let settings = Settings::default();
    test(Sessions::open(&Store::memory(), &settings).unwrap()).await;
    let dir = tempfile::tempdir().unwrap();
    let folder = Store::open(&format!("file://{}", dir.path().join("store").display()), &settings).unwrap();
    test(Sessions::open(&folder, &settings).unwrap()).await;
    let world = World::new();
    test(world.machine("one")).await;
}

/// What is listed: by the index alone and with a look at each marker, which has to be the same.
pub(crate) async fn listed(sessions: &Sessions, run: &SessionId) -> Vec<StepEntry> {
    let options = StepsOptions::default();
    let bare = sessions.steps(run, &options).await.unwrap().steps;
    let checked = sessions.steps(run, &StepsOptions { check: true, ..options }).await.unwrap().steps;
    let names = |entries: &[StepEntry]| -> Vec<_> {
        entries.iter().map(|entry| (entry.step.clone(), entry.time, entry.expires)).collect()
    };
    assert_eq!(names(&bare), names(&checked));
    assert!(checked.iter().all(|entry| entry.marker.as_ref().unwrap().expires == entry.expires));
    bare
}

pub(crate) async fn names(sessions: &Sessions, run: &SessionId) -> Vec<String> {
    listed(sessions, run).await.into_iter().map(|entry| entry.step.as_str().to_owned()).collect()
}
