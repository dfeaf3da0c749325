//! Stores of all kinds, and documents to publish there.

use holdall::document::{Document, Documents, Job, JobEvent, JobSpec, Ready, Reference, Refused, Report};
use holdall::outbox::Pauses;
use holdall::{Settings, Store, Variables};
use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script, Seen};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

pub(crate) const REFERENCE: &str = "25/00284/F";
pub(crate) const ACCESS: &str = "AKIDCANARY";
pub(crate) const SECRET: &str = "canary-secret";

/// A store, and what it lies in for as long as it is wanted.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) settings: Settings,
    pub(crate) server: Option<FaultServer>,
    pub(crate) bucket: String,
    pub(crate) dir: TempDir,
}

/// What was found out of a server is remembered by endpoint and bucket, and ports come back.
fn fresh_bucket() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("d-{since}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl World {
    pub(crate) fn memory() -> Self {
        Self::open("memory://", (None, String::new()), TempDir::new().unwrap(), &[])
    }

    pub(crate) fn folder() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        let url = format!("file://{}", dir.path().join("store").display());
        Self::open(&url, (None, String::new()), dir, &[])
    }

    /// A server whose objects are public.
    pub(crate) fn s3() -> Self {
        Self::s3_with(&[])
    }

    pub(crate) fn s3_with(more: &[(&str, &str)]) -> Self {
        let bucket = fresh_bucket();
        let server = FaultServer::start(Script::new().bucket(&bucket).rule(no_acls()), 1).unwrap();
        let url = format!("s3://{bucket}");
        Self::open(&url, (Some(server), bucket), TempDir::new().unwrap(), more)
    }

    /// A server, and an outbox before it.
    pub(crate) fn queued() -> Self {
        Self::s3_with(&[("HOLDALL_ON_REMOTE_ERROR", "outbox"), ("S3_MAX_RETRIES", "1")])
    }

    fn open(
        url: &str,
        (server, bucket): (Option<FaultServer>, String),
        dir: TempDir,
        more: &[(&str, &str)],
    ) -> Self {
        let endpoint = server.as_ref().map(FaultServer::endpoint).unwrap_or_default();
        let mut variables = vec![("HOLDALL_STORE", url), ("HOLDALL_ROOTS", "documents=planning/")];
        if server.is_some() {
            variables.extend([
                ("S3_ENDPOINT_URL", endpoint.as_str()),
                ("S3_ACCESS_KEY_ID", ACCESS),
                ("S3_SECRET_ACCESS_KEY", SECRET),
                ("HOLDALL_ACL", "public-read"),
                ("S3_CONNECT_TIMEOUT", "1s"),
                ("S3_READ_TIMEOUT", "1s"),
            ]);
        }
        variables.retain(|(name, _)| more.iter().all(|(other, _)| other != name));
        if !more.iter().any(|(name, _)| *name == "S3_MAX_RETRIES") {
            variables.push(("S3_MAX_RETRIES", "3"));
        }
        variables.extend_from_slice(more);
        let mut settings = Settings::from_variables(&Variables::from_pairs(variables)).unwrap();
        settings.outbox_dir = Some(dir.path().join("outbox"));
        settings.outbox_allow_volatile = true;
        settings.outbox_min_free = 0;
        settings.staging_dir = Some(dir.path().join("staging"));
        settings.local_dir = Some(dir.path().join("local"));
        let store = Store::from_settings(&settings).unwrap();
        Self { store, settings, server, bucket, dir }
    }

    /// The documents as another process opens them.
    pub(crate) fn documents(&self) -> Documents {
        let store = if self.server.is_some() {
            Store::from_settings(&self.settings).unwrap()
        } else {
            self.store.clone()
        };
        Documents::open(&store, &self.settings).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn is_there(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// A job of files with these names, each of which has its name for its bytes unless it is there already.
    pub(crate) fn spec(&self, names: &[&str]) -> JobSpec {
        for name in names.iter().filter(|name| !self.is_there(name)) {
            std::fs::write(self.path(name), name).unwrap();
        }
        self.spec_of(names)
    }

    fn spec_of(&self, names: &[&str]) -> JobSpec {
        let document = |name: &&str| Document {
            path: self.path(name),
            source_url: Some(source(name)),
            ..Document::default()
        };
        let documents = names.iter().map(document).collect();
        JobSpec::new(Reference::parse(REFERENCE).unwrap(), documents).unwrap()
    }

    pub(crate) fn job(&self, names: &[&str]) -> Job {
        self.documents().job(self.spec(names), &self.path("job.journal")).unwrap()
    }

    /// The same job, whose documents are not fetched again.
    pub(crate) fn job_again(&self, names: &[&str]) -> Job {
        self.documents().job(self.spec_of(names), &self.path("job.journal")).unwrap()
    }

    /// The public URL of a document.
    pub(crate) fn url(&self, name: &str) -> Option<String> {
        match &self.server {
            Some(server) => Some(format!("{}/{}/planning/25_00284_F/{name}", server.endpoint(), self.bucket)),
            None => Some(format!("https://test-bucket.example.com/planning/25_00284_F/{name}")),
        }
    }

    pub(crate) fn server(&self) -> &FaultServer {
        self.server.as_ref().unwrap()
    }

    /// From now on nothing is answered.
    pub(crate) fn down(&self) {
        self.server().add_rule(Rule::new(Fault::Reset));
    }

    pub(crate) fn up(&self) {
        self.server().clear_rules();
        self.server().add_rule(no_acls());
    }

    /// What the server was asked, but that by which it was tried.
    pub(crate) fn seen(&self, kind: Kind) -> Vec<Seen> {
        let log = self.server().log().into_iter();
        log.filter(|seen| seen.kind == kind && !seen.key.contains(".holdall/")).collect()
    }

    pub(crate) async fn keys(&self) -> Vec<String> {
        let all = self.store.list("").unwrap().collect().await.unwrap().objects;
        all.into_iter().map(|object| object.key.to_string()).collect()
    }

    pub(crate) async fn text(&self, key: &str) -> String {
        let bytes = self.store.get(key).await.unwrap().bytes().await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    pub(crate) async fn drain(&self) {
        let store = Store::from_settings(&self.settings).unwrap();
        let drainer = store.outbox().unwrap().drainer().await.unwrap();
        drainer.drain(Pauses::Ended, |_, _| ()).await.unwrap();
    }
}

/// Nobody may read an ACL back, so that the server's word has to do.
fn no_acls() -> Rule {
    Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Other).query("acl")
}

pub(crate) fn source(name: &str) -> String {
    format!("https://portal.example/{name}")
}

/// An ingester that takes note of what it was handed, and refuses some.
#[derive(Default)]
pub(crate) struct Ingester {
    pub(crate) handed: Mutex<Vec<Ready>>,
    pub(crate) refuses: Option<&'static str>,
}

impl Ingester {
    pub(crate) fn refusing(name: &'static str) -> Self {
        Self { refuses: Some(name), ..Self::default() }
    }

    pub(crate) async fn take(&self, ready: Ready) -> Result<(), Refused> {
        assert!(ready.path.exists(), "the file stays until it is ingested");
        let name = ready.path.file_name().unwrap().to_string_lossy().into_owned();
        self.handed.lock().unwrap().push(ready);
        if self.refuses == Some(&*name) { Err("it is no PDF".into()) } else { Ok(()) }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let handed = self.handed.lock().unwrap();
        handed.iter().map(|ready| ready.path.file_name().unwrap().to_string_lossy().into_owned()).collect()
    }
}

/// Runs a job; answers what was told besides.
pub(crate) async fn run(job: &mut Job, ingester: &Ingester) -> (Report, Vec<String>) {
    let mut told = Vec::new();
    let mut on_event = |event: JobEvent<'_>| told.push(words(event));
    let report = in_time(job.run(&|ready| ingester.take(ready), &mut on_event)).await.unwrap();
    (report, told)
}

fn words(event: JobEvent<'_>) -> String {
    match event {
        JobEvent::Uploaded { number, .. } => format!("{number} uploaded"),
        JobEvent::Queued { number, .. } => format!("{number} queued"),
        JobEvent::UploadFailed { number, fault, .. } => format!("{number} not uploaded: {}", fault.kind),
        JobEvent::Ingested { number } => format!("{number} ingested"),
        JobEvent::IngestionFailed { number, fault, .. } => {
            format!("{number} not ingested: {}", fault.message)
        }
        JobEvent::Deleted { number, .. } => format!("{number} deleted"),
        JobEvent::Kept { number, fault, .. } => format!("{number} kept: {}", fault.kind),
        _ => "something else".to_owned(),
    }
}

pub(crate) fn urls(job: &Job) -> Vec<Option<String>> {
    job.records().into_iter().map(|record| record.url).collect()
}

/// Fails a test that hangs.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("this may never end")
}
