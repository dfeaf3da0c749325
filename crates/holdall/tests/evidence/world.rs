//! Stores of each kind with evidence in them.

use holdall::evidence::{
    AttachmentName, Checked, Evidence, Json, Moment, NewBundle, StoreOptions, Stored, VerifyOptions,
};
use holdall::{DecisionId, Error, EvidenceType, OnRemoteError, Result, Settings, Store, Variables};
use holdall_testing::fault::{Fault, FaultServer, Rule, Script};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

/// A store, and what must live as long as it does.
pub(crate) struct World {
    pub(crate) name: &'static str,
    pub(crate) store: Store,
    pub(crate) evidence: Evidence,
    pub(crate) server: Option<FaultServer>,
    pub(crate) dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn memory() -> Self {
        Self::of("memory", Store::memory(), None, tempfile::tempdir().unwrap())
    }

    pub(crate) fn folder() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        let store = folder_store(dir.path());
        Self::of("folder", store, None, dir)
    }

    /// A bucket on a server, without an outbox.
    pub(crate) fn server() -> Self {
        Self::on_server(OnRemoteError::Raise)
    }

    /// A bucket on a server, with an outbox.
    pub(crate) fn outbox() -> Self {
        Self::on_server(OnRemoteError::Outbox)
    }

    /// Every kind of store, all of which answer alike.
    pub(crate) fn all() -> [Self; 4] {
        [Self::memory(), Self::folder(), Self::server(), Self::outbox()]
    }

    fn on_server(on_remote_error: OnRemoteError) -> Self {
        let bucket = fresh_bucket();
        let server = FaultServer::start(Script::new().bucket(&bucket), 1).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let store = server_store(&server.endpoint(), &bucket, on_remote_error, dir.path());
        let name = if on_remote_error == OnRemoteError::Outbox { "outbox" } else { "server" };
        Self::of(name, store, Some(server), dir)
    }

    fn of(name: &'static str, store: Store, server: Option<FaultServer>, dir: tempfile::TempDir) -> Self {
        let evidence = Evidence::open(&store, &Settings::default()).unwrap();
        Self { name, store, evidence, server, dir }
    }

    pub(crate) fn server_of(&self) -> &FaultServer {
        self.server.as_ref().unwrap()
    }

    /// From now on nothing is answered.
    pub(crate) fn down(&self) {
        self.server_of().add_rule(Rule::new(Fault::Reset));
    }

    pub(crate) fn up(&self) {
        self.server_of().clear_rules();
    }

    /// Sends what waits, as another process would.
    pub(crate) async fn drain(&self) -> holdall::outbox::Drained {
        let other = Store::from_settings(self.store.settings()).unwrap();
        let drainer = other.outbox().unwrap().drainer().await.unwrap();
        drainer.drain(holdall::outbox::Pauses::Ended, |_, _| ()).await.unwrap()
    }

    /// The same store without its outbox: what another machine sees.
    pub(crate) fn elsewhere(&self) -> Evidence {
        let settings = Settings { on_remote_error: OnRemoteError::Raise, ..self.store.settings().clone() };
        Evidence::open(&Store::from_settings(&settings).unwrap(), &Settings::default()).unwrap()
    }

    /// The keys of all objects.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let page = self.store.list("").unwrap().collect().await.unwrap();
        page.objects.into_iter().map(|object| object.key.as_str().to_owned()).collect()
    }

    /// What a verification says: `decision[/attachment] proof-or-kind`.
    pub(crate) async fn verify(&self) -> Vec<String> {
        said(&self.evidence, &VerifyOptions::default()).await
    }
}

pub(crate) async fn said(evidence: &Evidence, options: &VerifyOptions) -> Vec<String> {
    let mut lines = Vec::new();
    let line = |checked: Checked| {
        let decision = checked.decision.map_or("?".to_owned(), |decision| decision.to_string());
        let name = checked.attachment.map(|name| format!("/{name}")).unwrap_or_default();
        let result = checked.result.map_or_else(|e| e.kind().to_string(), |proof| proof.as_str().to_owned());
        lines.push(format!("{decision}{name} {result}"));
    };
    evidence.verify(options, line).await.unwrap();
    lines
}

pub(crate) fn folder_store(path: &std::path::Path) -> Store {
    Store::open(&format!("file://{}/store", path.display()), &Settings::default()).unwrap()
}

fn server_store(
    endpoint: &str,
    bucket: &str,
    on_remote_error: OnRemoteError,
    dir: &std::path::Path,
) -> Store {
    let store = format!("s3://{bucket}/root");
    let variables = Variables::from_pairs([
        ("HOLDALL_STORE", store.as_str()),
        ("S3_ENDPOINT_URL", endpoint),
        ("S3_ACCESS_KEY_ID", "AKIDTEST"),
        ("S3_SECRET_ACCESS_KEY", "secret"),
        ("S3_MAX_RETRIES", "2"),
        ("S3_CONNECT_TIMEOUT", "1s"),
        ("S3_READ_TIMEOUT", "1s"),
        ("HOLDALL_PART_SIZE", "5MiB"),
        ("HOLDALL_MULTIPART_THRESHOLD", "5MiB"),
    ]);
    let settings = Settings {
        on_remote_error,
        outbox_dir: Some(dir.join("outbox")),
        outbox_allow_volatile: true,
        outbox_min_free: 0,
        ..Settings::from_variables(&variables).unwrap()
    };
    Store::from_settings(&settings).unwrap()
}

/// What was found out of a server is remembered by endpoint and bucket, and ports come back.
fn fresh_bucket() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos();
    format!("e-{since}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn decision(text: &str) -> DecisionId {
    DecisionId::parse(text).unwrap()
}

pub(crate) fn name(text: &str) -> AttachmentName {
    AttachmentName::parse(text).unwrap()
}

pub(crate) fn at(text: &str) -> Moment {
    text.parse().unwrap()
}

/// A bundle of a decision, made in January 2026.
pub(crate) fn bundle(id: &str, data: &str) -> NewBundle {
    let data = Json::parse(data.as_bytes()).unwrap();
    let kind = EvidenceType::parse("risk").unwrap();
    NewBundle { created_at: Some(at("2026-01-15T12:00:00Z")), ..NewBundle::new(decision(id), kind, data) }
}

pub(crate) const REPLACE: StoreOptions =
    StoreOptions { replace: true, exclusive: holdall::evidence::Exclusive::Required };

pub(crate) async fn store(evidence: &Evidence, bundle: &NewBundle) -> Result<Stored> {
    evidence.store(bundle, &StoreOptions::default()).await
}

/// The evidence of a decision in its canonical form, or the kind of the error.
pub(crate) async fn read(evidence: &Evidence, id: &str) -> String {
    let read = evidence.retrieve(&decision(id)).await;
    read.map_or_else(|error: Error| error.kind().to_string(), |bundle| bundle.data.canonical())
}

/// Fails a test that hangs.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("this may never end")
}
