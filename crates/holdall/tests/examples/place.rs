//! Where examples are run: a folder, and a bucket on Ceph.

use holdall::{Settings, Store, Variables};
use holdall_testing::server::Server;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A store, and the variables by which programs find it.
pub(crate) struct Place {
    pub(crate) name: &'static str,
    variables: Vec<(&'static str, String)>,
    dir: TempDir,
}

impl Place {
    /// A folder always, and a new bucket where the environment names a Ceph server.
    pub(crate) async fn all(test: &str) -> Vec<Self> {
        let mut places = vec![Self::folder()];
        if let Some(server) = Server::from_env("ceph") {
            let place = Self::ceph(&server.unwrap(), test);
            place.store().bucket().create().await.unwrap();
            places.push(place);
        }
        places
    }

    fn folder() -> Self {
        let dir = TempDir::new().unwrap();
        std::fs::create_dir(dir.path().join("store")).unwrap();
        let url = format!("file://{}", dir.path().join("store").display());
        Self::new("folder", dir, vec![("HOLDALL_STORE", url)])
    }

    fn ceph(server: &Server, test: &str) -> Self {
        let variables = vec![
            ("S3_BUCKET", format!("holdall-examples-{test}-{}", std::process::id())),
            ("S3_ENDPOINT_URL", server.endpoint.clone()),
            ("S3_REGION", server.region.clone()),
            ("S3_FORCE_PATH_STYLE", "true".to_owned()),
            ("S3_ACCESS_KEY_ID", server.access_key.clone()),
            ("S3_SECRET_ACCESS_KEY", server.secret_key.clone()),
            ("HOLDALL_ACL", "public-read".to_owned()),
        ];
        Self::new("ceph", TempDir::new().unwrap(), variables)
    }

    fn new(name: &'static str, dir: TempDir, mut variables: Vec<(&'static str, String)>) -> Self {
        variables.push(("HOME", dir.path().display().to_string()));
        // A folder of the system's temporary ones may be in memory, where no outbox is kept.
        variables.push(("HOLDALL_ON_REMOTE_ERROR", "raise".to_owned()));
        Self { name, variables, dir }
    }

    pub(crate) fn is_remote(&self) -> bool {
        self.name == "ceph"
    }

    /// A path that goes with the place.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings::from_variables(&Variables::from_pairs(self.variables.clone())).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::from_settings(&self.settings()).unwrap()
    }

    /// Runs an example as its user does; answers what it printed.
    pub(crate) fn run(&self, example: &str, args: &[&str]) -> String {
        let variables = self.variables.iter().map(|(name, value)| (*name, value));
        let mut command = Command::new(built(example));
        let ran = command.args(args).env_clear().envs(variables).output().unwrap();
        succeeded(&ran, example);
        String::from_utf8(ran.stdout).unwrap()
    }

    /// Deletes what was stored, and the bucket.
    pub(crate) async fn close(self) {
        let store = self.store();
        let all = store.list("").unwrap().collect().await.unwrap();
        let failures = store.delete_many(all.objects.into_iter().map(|object| object.key)).await;
        assert!(failures.is_empty(), "{failures:?}");
        if self.is_remote() {
            store.bucket().delete().await.unwrap();
        }
    }
}

pub(crate) fn succeeded(ran: &Output, what: &str) {
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{what} ended with {}: {said}", ran.status);
}

/// An example, which cargo puts beside the folder of this test.
fn built(example: &str) -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let path = this.parent().and_then(Path::parent).unwrap().join("examples").join(example);
    assert!(
        path.exists(),
        "{} is not there: build it with `cargo build --workspace --examples`",
        path.display()
    );
    path
}
