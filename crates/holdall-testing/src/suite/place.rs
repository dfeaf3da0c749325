//! Where cases run: memory, a folder, or an S3 service.

use super::failure::{Failure, Outcome};
use super::service::Service;
use crate::bent::{Bent, Bug};
use crate::server::Server;
use holdall_store::backend::memory::MemoryBackend;
use holdall_store::backend::queued::QueuedBackend;
use holdall_store::outbox::{Destination, Drainer, Options, Pauses, Remote};
use holdall_store::{Backend, ErrorKind, Location, OnRemoteError, Settings, Store, WriteMode, sha256};
use rustix::io::Errno;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A store in memory, and what holds it, to look into.
pub struct Memory {
    store: Store,
    backend: Arc<MemoryBackend>,
    before: Before,
    /// Stores of the same kind that were made since.
    others: Mutex<Vec<Memory>>,
    /// The folder of its outbox goes with it.
    _folder: Option<tempfile::TempDir>,
}

/// What stands before memory.
#[derive(Debug, Clone, Copy)]
enum Before {
    Nothing,
    Bug(Bug),
    Outbox(WriteMode),
}

impl Memory {
    fn new(before: Before) -> io::Result<Self> {
        let backend = Arc::new(MemoryBackend::private());
        let (shown, settings, folder): (Arc<dyn Backend>, _, _) = match before {
            Before::Nothing => (backend.clone(), Settings::default(), None),
            Before::Bug(bug) => (Arc::new(Bent::new(backend.clone(), bug)), Settings::default(), None),
            Before::Outbox(write) => {
                let folder = tempfile::tempdir()?;
                let on_remote_error = OnRemoteError::Outbox;
                let settings = Settings { write, on_remote_error, ..Settings::default() };
                (Arc::new(queued(&backend, folder.path(), &settings)), settings, Some(folder))
            }
        };
        Ok(Self {
            store: Store::with_backend(shown, settings),
            backend,
            before,
            others: Mutex::default(),
            _folder: folder,
        })
    }
}

/// Memory behind an outbox. Its folder may lie in memory as well: no power is cut here.
fn queued(memory: &Arc<MemoryBackend>, folder: &Path, settings: &Settings) -> QueuedBackend {
    let destination = Destination { endpoint: "memory:".to_owned(), bucket: "suite".to_owned() };
    let options = Options { min_free: 0, allow_volatile: true, ..Options::new(folder.join("outbox")) };
    QueuedBackend::new(memory.clone(), memory.clone(), (destination, ""), options, settings)
}

/// Stores in folders, gone with this.
pub struct Folders {
    parent: tempfile::TempDir,
    settings: Settings,
    made: AtomicU32,
}

impl Folders {
    /// Opens a folder by its name, which need not be there.
    fn open(&self, name: &str) -> Outcome<Store> {
        Ok(Store::open_location(&Location::Folder(self.parent.path().join(name)), &self.settings)?)
    }

    /// What is kept of an object beside its bytes, as another program sees it.
    pub(super) fn record(&self, key: &str) -> Outcome<String> {
        let root = self.parent.path().join("store");
        let mut value = vec![0; 65_536];
        match rustix::fs::getxattr(root.join(key), "user.holdall", &mut value[..]) {
            Ok(n) => {
                value.truncate(n);
                // The short form has neither tags nor an ACL, and is no text.
                Ok(String::from_utf8_lossy(&value).into_owned())
            }
            Err(Errno::OPNOTSUPP) => sidecar(&root, key),
            Err(error) => Err(error.into()),
        }
    }
}

/// The record of an object that is a file of its own.
fn sidecar(root: &Path, key: &str) -> Outcome<String> {
    let hash = sha256(key.as_bytes()).to_hex();
    for entry in std::fs::read_dir(root.join(".holdall/meta").join(&hash[..2]))? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&hash)) {
            return Ok(std::fs::read_to_string(path)?);
        }
    }
    Err(Failure::new(format!("there is no record of {key:?}")))
}

/// A place for the stores of a run.
pub enum Place {
    /// Memory of this process.
    Memory(Memory),
    /// A folder of this machine.
    Folder(Box<Folders>),
    /// An S3 service.
    Service(Box<Service>),
}

impl Place {
    /// Memory.
    ///
    /// # Panics
    ///
    /// Never: nothing on a disk is needed.
    pub fn memory() -> Self {
        Self::Memory(Memory::new(Before::Nothing).expect("memory needs no folder"))
    }

    /// Memory with a fault put into it.
    ///
    /// # Panics
    ///
    /// Never: nothing on a disk is needed.
    pub fn bent(bug: Bug) -> Self {
        Self::Memory(Memory::new(Before::Bug(bug)).expect("memory needs no folder"))
    }

    /// Memory behind an outbox: writes go to it directly, or wait for ever.
    ///
    /// # Errors
    ///
    /// Says why the outbox's folder cannot be made.
    pub fn queued(write: WriteMode) -> Outcome<Self> {
        Ok(Self::Memory(Memory::new(Before::Outbox(write))?))
    }

    /// A folder of this machine; `fsync` as the settings say.
    ///
    /// # Errors
    ///
    /// Says why it cannot be made.
    pub fn folder(settings: Settings) -> Outcome<Self> {
        let parent = tempfile::tempdir()?;
        std::fs::create_dir(parent.path().join("store"))?;
        Ok(Self::Folder(Box::new(Folders { parent, settings, made: AtomicU32::new(0) })))
    }

    /// A server, with a bucket made for this run.
    ///
    /// # Errors
    ///
    /// Says why the bucket cannot be made.
    pub async fn server(server: &Server) -> Outcome<Self> {
        Ok(Self::Service(Box::new(Service::with_bucket(server).await?)))
    }

    /// The bucket that the environment names, with a prefix made for this run.
    ///
    /// # Errors
    ///
    /// Says what the environment lacks, or why the bucket cannot be used.
    pub async fn environment(server: &Server, prefix: &str) -> Outcome<Self> {
        let service = Service::in_environment(server, prefix)?;
        service.store()?.health().await?;
        Ok(Self::Service(Box::new(service)))
    }

    /// Opens the store that most cases share.
    ///
    /// # Errors
    ///
    /// Says why it does not open.
    pub fn store(&self) -> Outcome<Store> {
        match self {
            Self::Memory(memory) => Ok(memory.store.clone()),
            Self::Folder(folders) => folders.open("store"),
            Self::Service(service) => service.store(),
        }
    }

    /// Opens an empty store that nothing else uses.
    pub(crate) async fn own_store(&self) -> Outcome<Store> {
        match self {
            Self::Memory(memory) => {
                let own = Memory::new(memory.before)?;
                let mut kept = memory.others.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push(own);
                Ok(kept.last().expect("it was pushed").store.clone())
            }
            Self::Folder(folders) => {
                let name = format!("own-{}", folders.made.fetch_add(1, Ordering::Relaxed));
                std::fs::create_dir(folders.parent.path().join(&name))?;
                folders.open(&name)
            }
            Self::Service(service) => service.own_store().await,
        }
    }

    /// Opens an empty store of its own in which objects can be locked, where there is such a thing.
    pub(crate) async fn locking_store(&self) -> Outcome<Store> {
        match self.service() {
            Some(service) => service.locking_store().await,
            None => self.own_store().await,
        }
    }

    /// Whether a write is acknowledged before the store has it.
    pub(super) fn writes_behind(&self) -> bool {
        matches!(self, Self::Memory(Memory { before: Before::Outbox(WriteMode::Behind), .. }))
    }

    /// Opens a store whose bucket nobody made.
    pub(crate) fn missing_store(&self) -> Outcome<Store> {
        match self {
            Self::Memory(..) => Ok(Store::open("memory://nobody-made-this", &Settings::default())?),
            Self::Folder(folders) => {
                folders.open(&format!("missing-{}", folders.made.fetch_add(1, Ordering::Relaxed)))
            }
            Self::Service(service) => service.missing_store(),
        }
    }

    /// Opens the store with another pair of keys; none of them keeps what it is.
    pub(crate) fn store_as(&self, access: Option<&str>, secret: Option<&str>) -> Outcome<Store> {
        match self {
            Self::Memory(memory) => Ok(memory.store.clone()),
            Self::Folder(folders) => folders.open("store"),
            Self::Service(service) => service.store_as(access, secret),
        }
    }

    /// Whether writes wait in an outbox.
    pub fn is_behind(&self) -> bool {
        matches!(self, Self::Memory(memory) if matches!(memory.before, Before::Outbox(WriteMode::Behind)))
    }

    /// Has what waits in an outbox below a prefix sent, so that it can be looked at where it is.
    pub(crate) async fn settle(&self, prefix: &str) -> Outcome {
        let Self::Memory(memory) = self else { return Ok(()) };
        let Some(outbox) = memory.store.outbox() else { return Ok(()) };
        let Some(queue) = outbox.queue().await? else { return Ok(()) };
        let base = Store::with_backend(memory.backend.clone(), Settings::default());
        let remote = Remote::new(base);
        let drainer = Drainer::new(queue, move |_| Ok(Some(remote.clone())), 4).below(prefix);
        loop {
            match drainer.drain(Pauses::Kept, |_, _| ()).await {
                // Another case has its things sent.
                Err(error) if error.kind() == ErrorKind::Conflict => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                other => return other.map(drop).map_err(Into::into),
            }
        }
    }

    /// The service, where there is one.
    pub(crate) fn service(&self) -> Option<&Service> {
        match self {
            Self::Memory(..) | Self::Folder(..) => None,
            Self::Service(service) => Some(service),
        }
    }

    /// The memory to look into, where it is that.
    pub(crate) fn memory_backend(&self) -> Option<&MemoryBackend> {
        match self {
            Self::Memory(memory) => Some(&memory.backend),
            Self::Folder(_) | Self::Service(_) => None,
        }
    }

    /// The folders to look into, where it is those.
    pub(crate) fn folders(&self) -> Option<&Folders> {
        match self {
            Self::Folder(folders) => Some(folders),
            Self::Memory(_) | Self::Service(_) => None,
        }
    }

    /// Deletes what the run made.
    ///
    /// # Errors
    ///
    /// Says what stays behind.
    pub async fn close(&self) -> Outcome {
        match self {
            Self::Memory(..) | Self::Folder(..) => Ok(()),
            Self::Service(service) => service.close().await,
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory(..) => "Memory",
            Self::Folder(..) => "Folder",
            Self::Service(_) => "Service",
        })
    }
}
