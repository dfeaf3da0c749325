//! The SHA-256 of a whole object that goes in parts, found beside the sending.

use super::source::Opened;
use crate::error::{Error, ErrorKind, Result};
use crate::settings::DigestScope;
use crate::{Sha256, Store};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinHandle;

/// Bytes at hand are hashed in pieces of this size.
const PIECE: usize = 1 << 20;

/// A digest being computed, where the settings ask for one; dropped, it is given up.
#[derive(Default)]
pub(super) struct Whole {
    stop: Arc<AtomicBool>,
    task: Option<JoinHandle<Result<Sha256>>>,
    found: Option<Sha256>,
}

impl Whole {
    pub(super) fn of_file(store: &Store, file: &Opened) -> Self {
        let file = file.clone();
        Self::start(store, move |stop| file.sha256_unless(stop))
    }

    pub(super) fn of_bytes(store: &Store, bytes: &Bytes) -> Self {
        let bytes = bytes.clone();
        Self::start(store, move |stop| {
            let mut digest = ring::digest::Context::new(&ring::digest::SHA256);
            for piece in bytes.chunks(PIECE).take_while(|_| !stop.load(Ordering::Relaxed)) {
                digest.update(piece);
            }
            Ok(finished(digest))
        })
    }

    fn start(store: &Store, hash: impl FnOnce(&AtomicBool) -> Result<Sha256> + Send + 'static) -> Self {
        if store.settings().digest != DigestScope::Whole {
            return Self::default();
        }
        let stop = Arc::new(AtomicBool::new(false));
        let told = stop.clone();
        Self { stop, task: Some(tokio::task::spawn_blocking(move || hash(&told))), found: None }
    }

    /// Waits for the digest; none where none is asked for.
    pub(super) async fn found(&mut self) -> Result<Option<Sha256>> {
        if let Some(task) = self.task.take() {
            let cancelled = |e| Error::new(ErrorKind::Cancelled, "hashing was cancelled").with_source(e);
            self.found = Some(task.await.map_err(cancelled)??);
        }
        Ok(self.found)
    }
}

impl Drop for Whole {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

pub(super) fn finished(digest: ring::digest::Context) -> Sha256 {
    let mut out = [0; 32];
    out.copy_from_slice(digest.finish().as_ref());
    Sha256(out)
}
