//! Where cases run: memory, or an S3 service.

use super::failure::Outcome;
use super::service::Service;
use crate::bent::{Bent, Bug};
use crate::server::Server;
use holdall_store::backend::memory::MemoryBackend;
use holdall_store::{Backend, Settings, Store};
use std::sync::Arc;

/// A store in memory, and what holds it, to look into.
pub struct Memory {
    store: Store,
    backend: Arc<MemoryBackend>,
    bug: Option<Bug>,
}

impl Memory {
    fn new(bug: Option<Bug>) -> Self {
        let backend = Arc::new(MemoryBackend::private());
        let shown: Arc<dyn Backend> = match bug {
            Some(bug) => Arc::new(Bent::new(backend.clone(), bug)),
            None => backend.clone(),
        };
        Self { store: Store::with_backend(shown, Settings::default()), backend, bug }
    }
}

/// A place for the stores of a run.
pub enum Place {
    /// Memory of this process.
    Memory(Memory),
    /// An S3 service.
    Service(Box<Service>),
}

impl Place {
    /// Memory.
    pub fn memory() -> Self {
        Self::Memory(Memory::new(None))
    }

    /// Memory with a fault put into it.
    pub fn bent(bug: Bug) -> Self {
        Self::Memory(Memory::new(Some(bug)))
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
            Self::Service(service) => service.store(),
        }
    }

    /// Opens an empty store that nothing else uses.
    pub(crate) async fn own_store(&self) -> Outcome<Store> {
        match self {
            Self::Memory(memory) => Ok(Memory::new(memory.bug).store),
            Self::Service(service) => service.own_store().await,
        }
    }

    /// Opens a store whose bucket nobody made.
    pub(crate) fn missing_store(&self) -> Outcome<Store> {
        match self {
            Self::Memory(..) => Ok(Store::open("memory://nobody-made-this", &Settings::default())?),
            Self::Service(service) => service.missing_store(),
        }
    }

    /// Opens the store with another pair of keys; none of them keeps what it is.
    pub(crate) fn store_as(&self, access: Option<&str>, secret: Option<&str>) -> Outcome<Store> {
        match self {
            Self::Memory(memory) => Ok(memory.store.clone()),
            Self::Service(service) => service.store_as(access, secret),
        }
    }

    /// The service, where there is one.
    pub(crate) fn service(&self) -> Option<&Service> {
        match self {
            Self::Memory(..) => None,
            Self::Service(service) => Some(service),
        }
    }

    /// The memory to look into, where it is that.
    pub(crate) fn memory_backend(&self) -> Option<&MemoryBackend> {
        match self {
            Self::Memory(memory) => Some(&memory.backend),
            Self::Service(_) => None,
        }
    }

    /// Deletes what the run made.
    ///
    /// # Errors
    ///
    /// Says what stays behind.
    pub async fn close(&self) -> Outcome {
        match self {
            Self::Memory(..) => Ok(()),
            Self::Service(service) => service.close().await,
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Memory(..) => "Memory",
            Self::Service(_) => "Service",
        })
    }
}
