//! A folder that was pushed with a manifest, and what a verification says of it.

use holdall_store::transfer::{PushOptions, VerifyEvent, VerifyOptions, VerifySummary};
use holdall_store::{Addressing, Error, KeyPair, Secret, Settings, Store};
use holdall_testing::fault::{FaultServer, Script};
use holdall_testing::server::Server;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) store: Store,
    pub(crate) dir: TempDir,
    /// Of the store that is one: it counts what is asked of it.
    pub(crate) server: Option<FaultServer>,
}

fn settings(dir: &Path) -> Settings {
    Settings {
        index: Some(dir.join("index")),
        multipart_threshold: 5 << 20,
        part_size: 5 << 20,
        attempts: 1,
        ..Settings::default()
    }
}

impl World {
    fn new(name: &str, url: &str, dir: TempDir, settings: Settings) -> Self {
        fs::create_dir(dir.path().join("in")).unwrap();
        Self { name: name.to_owned(), store: Store::open(url, &settings).unwrap(), dir, server: None }
    }

    pub(crate) fn memory() -> Self {
        let dir = TempDir::new().unwrap();
        let settings = settings(dir.path());
        Self::new("memory", "memory://", dir, settings)
    }

    pub(crate) fn folder() -> Self {
        let dir = TempDir::new().unwrap();
        let url = format!("file://{}/store", dir.path().display());
        let settings = settings(dir.path());
        Self::new("folder", &url, dir, settings)
    }

    pub(crate) fn s3() -> Self {
        let dir = TempDir::new().unwrap();
        let server = FaultServer::start(Script::new().bucket("b"), 1).unwrap();
        let endpoint = Some(holdall_s3::Endpoint::parse(&server.endpoint()).unwrap());
        let settings = Settings { endpoint, no_sign_request: true, ..settings(dir.path()) };
        Self { server: Some(server), ..Self::new("s3", "s3://b", dir, settings) }
    }

    /// On a server that the environment describes, in a bucket of its own.
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
            addressing: Addressing::Path,
            keys: Some(keys),
            ..settings(dir.path())
        };
        let unique = dir.path().file_name().unwrap().to_string_lossy().to_lowercase().replace(".tmp", "");
        let world = Self::new(&server.name, &format!("s3://holdall-verify-{unique}"), dir, settings);
        world.store.bucket().create().await.unwrap();
        world
    }

    /// One in memory, and all servers that there are.
    pub(crate) async fn all() -> Vec<Self> {
        let mut worlds = vec![Self::memory()];
        for server in Server::all_from_env().unwrap() {
            worlds.push(Self::real(&server).await);
        }
        worlds
    }

    /// Removes what a server has of it.
    pub(crate) async fn end(self) {
        let keys = self.store.list("").unwrap().collect().await.unwrap().objects;
        let failures = self.store.delete_many(keys.into_iter().map(|object| object.key)).await;
        assert!(failures.is_empty(), "{failures:?}");
        if self.store.is_remote() {
            self.store.bucket().delete().await.unwrap();
        }
    }

    pub(crate) fn folder_path(&self) -> PathBuf {
        self.dir.path().join("in")
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder_path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
    }

    pub(crate) async fn put(&self, name: &str, bytes: Vec<u8>) {
        match &self.server {
            // As others do it, who record no digest.
            Some(server) => server.put_object("b", &format!("p/{name}"), &bytes),
            None => drop(self.store.put(&format!("p/{name}"), bytes).await.unwrap()),
        }
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.store.delete(&format!("p/{name}")).await.unwrap();
    }

    pub(crate) async fn push(&self, manifest: bool) {
        let options = PushOptions { manifest, ..PushOptions::default() };
        let summary = self.store.push(&self.folder_path(), "p", &options, &mut |_| {}).await.unwrap();
        assert_eq!(summary.failed, 0, "{}", self.name);
    }

    /// Verifies, with the folder or without, and answers what was said, too.
    pub(crate) async fn verify(
        &self,
        with_folder: bool,
        options: &VerifyOptions,
    ) -> Result<(VerifySummary, BTreeSet<String>), Error> {
        let dir = self.folder_path();
        let dir = with_folder.then_some(dir.as_path());
        let (mut said, mut count) = (BTreeSet::new(), 0);
        let summary = self
            .store
            .verify("p", dir, options, &mut |event| {
                count += 1;
                said.insert(in_words(&event));
            })
            .await?;
        assert_eq!(said.len(), count, "{}: something is said twice", self.name);
        assert_eq!(summary.differences() + summary.unproven + summary.failed, count as u64);
        Ok((summary, said))
    }

    pub(crate) async fn said(&self, with_folder: bool, deep: bool) -> BTreeSet<String> {
        let options = VerifyOptions { deep, ..VerifyOptions::default() };
        self.verify(with_folder, &options).await.unwrap().1
    }
}

fn in_words(event: &VerifyEvent) -> String {
    match event {
        VerifyEvent::Missing { path, side } => format!("missing {side:?} {path}"),
        VerifyEvent::Extra { path, side } => format!("extra {side:?} {path}"),
        VerifyEvent::Different { path, side, .. } => format!("different {side:?} {path}"),
        VerifyEvent::Stale { path } => format!("stale {path}"),
        VerifyEvent::Unproven { path } => format!("unproven {path}"),
        VerifyEvent::Failed { name, error } => format!("failed {name} {:?}", error.kind()),
        other => format!("{other:?}"),
    }
}

pub(crate) fn set(said: &[&str]) -> BTreeSet<String> {
    said.iter().map(|text| (*text).to_owned()).collect()
}
