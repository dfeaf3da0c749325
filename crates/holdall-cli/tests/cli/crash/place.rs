//! A folder or a prefix, seen by others.

use holdall_s3::{Client, ErrorKind, GetOptions, ListOptions};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use tokio::runtime::{Builder, Runtime};

/// A file or an object that can be seen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) size: u64,
    /// Another one for other bytes.
    mark: String,
}

pub(super) enum Place {
    Folder(PathBuf),
    /// With a connection of its own, past the proxy.
    Objects {
        runtime: Runtime,
        client: Client,
        prefix: String,
    },
}

impl Place {
    pub(super) fn objects(client: Client, prefix: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self::Objects { runtime, client, prefix: prefix.to_owned() }
    }

    /// All that has its name; a temporary file has not.
    pub(super) fn seen(&self) -> Vec<Seen> {
        let mut all = Vec::new();
        match self {
            Place::Folder(top) => collect(top, top, &mut all),
            Place::Objects { runtime, client, prefix } => {
                all = runtime.block_on(list(client, prefix));
            }
        }
        all
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.seen().iter().any(|seen| seen.name == name)
    }

    /// The bytes under a name; none where there is nothing.
    pub(super) fn read(&self, name: &str) -> Option<Vec<u8>> {
        match self {
            Place::Folder(top) => match std::fs::read(top.join(name)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                read => Some(read.unwrap()),
            },
            Place::Objects { runtime, client, prefix } => {
                runtime.block_on(get(client, &format!("{prefix}{name}")))
            }
        }
    }
}

/// Whether this is the name of a file that is not whole yet.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with(".holdall-") && name.ends_with(".part")
}

fn collect(top: &Path, dir: &Path, all: &mut Vec<Seen>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries {
        let entry = entry.unwrap();
        let path = entry.path();
        // It may be a temporary file that is gone by now.
        let Ok(metadata) = entry.metadata() else { continue };
        if metadata.is_dir() {
            collect(top, &path, all);
        } else if !is_temporary(&entry.file_name().to_string_lossy()) {
            let times = (metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec());
            let name = path.strip_prefix(top).unwrap().to_string_lossy().into_owned();
            let mark = format!("{} {times:?}", metadata.ino());
            all.push(Seen { name, size: metadata.size(), mark });
        }
    }
}

async fn list(client: &Client, prefix: &str) -> Vec<Seen> {
    let mut all = Vec::new();
    let mut pages = client.list(ListOptions { prefix: prefix.to_owned(), ..ListOptions::default() });
    while let Some(page) = pages.next().await {
        all.extend(page.unwrap().objects.into_iter().map(|object| Seen {
            name: object.key[prefix.len()..].to_owned(),
            size: object.size,
            mark: object.etag.unwrap(),
        }));
    }
    all
}

async fn get(client: &Client, key: &str) -> Option<Vec<u8>> {
    match client.get(key, &GetOptions::default()).await {
        Ok(answer) => Some(answer.body.collect().await.unwrap().to_vec()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => panic!("{key} cannot be read: {error:?}"),
    }
}
