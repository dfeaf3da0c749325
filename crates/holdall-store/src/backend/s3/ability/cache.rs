//! Remembers probes between processes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Servers are upgraded: what was found is asked again after a week.
const AGE: Duration = Duration::from_secs(7 * 86_400);
const SCHEMA: &str = "holdall.probes/1";

/// One endpoint and bucket's file; none without a home.
#[derive(Debug)]
pub(super) struct Cache(Option<PathBuf>);

#[derive(serde::Serialize, serde::Deserialize)]
struct File {
    schema: String,
    abilities: BTreeMap<String, bool>,
}

impl Cache {
    /// The file for a bucket's URL. Nothing is remembered of servers on this machine: what listens on a port there
    /// changes from one run to the next.
    pub(super) fn of(url: &str, loopback: bool) -> Self {
        if loopback {
            return Self(None);
        }
        let name = crate::sha256(url.as_bytes()).to_hex();
        Self(folder().map(|folder| folder.join(format!("{}.json", &name[..32]))))
    }

    /// What is remembered. A file that cannot be read or is too old is as good as none: the server is asked again.
    pub(super) fn load(&self) -> BTreeMap<String, bool> {
        self.0.as_deref().and_then(read).unwrap_or_default()
    }

    /// Remembers, where that is possible; the next process asks again where it is not.
    pub(super) fn store(&self, abilities: &BTreeMap<String, bool>) {
        let Some(path) = &self.0 else { return };
        let file = File { schema: SCHEMA.to_owned(), abilities: abilities.clone() };
        if let Err(error) = write(path, &file) {
            tracing::debug!(%error, "probes cannot be remembered");
        }
    }
}

fn folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")))?;
    Some(base.join("holdall").join("probes"))
}

fn read(path: &Path) -> Option<BTreeMap<String, bool>> {
    let age = SystemTime::now().duration_since(path.metadata().ok()?.modified().ok()?).unwrap_or_default();
    let file: File = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (age < AGE && file.schema == SCHEMA).then_some(file.abilities)
}

fn write(path: &Path, file: &File) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    std::fs::create_dir_all(folder)?;
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&temporary, serde_json::to_vec(file)?)?;
    std::fs::rename(&temporary, path)
}
