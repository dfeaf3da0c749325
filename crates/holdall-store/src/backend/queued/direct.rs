//! What is done to objects of the remote and never waits: tags, legal holds and retention.

use super::QueuedBackend;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;

impl QueuedBackend {
    /// Does something to what the remote has at a key, under the key's lock; refused where a write waits that would take
    /// its place, or is what was meant.
    pub(super) async fn at_rest<T>(&self, key: &Key, work: impl Future<Output = Result<T>>) -> Result<T> {
        let (queue, full) = (self.outbox.open().await?, self.full(key)?);
        let _lock = self.lock(&queue, &[&full]).await?;
        if self.which_wait(&queue, &[&full]).await?.contains(&true) {
            return Err(Error::new(ErrorKind::Conflict, "a write of the object waits in the outbox")
                .with_key(key)
                .with_hint("let it be sent first (`holdall outbox drain`)"));
        }
        work.await
    }

    /// The same of a version, which no write changes that waits.
    pub(super) async fn at_rest_or<T>(
        &self,
        version: Option<&str>,
        key: &Key,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        match version {
            Some(_) => work.await,
            None => self.at_rest(key, work).await,
        }
    }
}
