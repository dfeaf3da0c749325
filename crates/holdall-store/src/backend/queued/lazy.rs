//! An outbox that is made when the first write is queued, and looked into once it is there.

use crate::error::Result;
use crate::outbox::{Options, Queue, blocking};
use std::path::Path;
use tokio::sync::OnceCell;

/// A queue's folder, and the queue once it was needed.
#[derive(Debug)]
pub(crate) struct Outbox {
    options: Options,
    queue: OnceCell<Queue>,
}

impl Outbox {
    pub(crate) fn new(options: Options) -> Self {
        Self { options, queue: OnceCell::new() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.options.folder
    }

    /// The queue, which is made where it is not there.
    pub(crate) async fn open(&self) -> Result<Queue> {
        let options = &self.options;
        let open = || {
            let options = options.clone();
            blocking(move || Queue::open(options))
        };
        self.queue.get_or_try_init(open).await.cloned()
    }

    /// The queue; none where there is no folder of one yet.
    pub(crate) async fn existing(&self) -> Result<Option<Queue>> {
        if let Some(queue) = self.queue.get() {
            return Ok(Some(queue.clone()));
        }
        // Looked at on the spot: it is one call, and most often there is none.
        match std::fs::symlink_metadata(self.options.folder.join("format")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            // Whatever else is wrong is said by who opens it.
            _ => self.open().await.map(Some),
        }
    }
}
