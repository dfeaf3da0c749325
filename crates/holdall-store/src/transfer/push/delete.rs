//! Deletes the objects that a folder has no file for.

use super::Push;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::transfer::sync::{Names, Surplus};
use crate::transfer::tree::run;
use crate::transfer::{TreeEvent, TreeSummary};
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use tokio::task::JoinSet;

/// So many are deleted by one request.
const BATCH: usize = 1000;

/// What is said when not all of both sides is known, or the destination has not all of the source.
pub(in crate::transfer) fn not_after_failures() -> Error {
    Error::new(ErrorKind::Incomplete, "nothing was deleted, since not everything succeeded")
        .with_hint("mend what failed, and run it again")
}

impl Push {
    /// Deletes what is surplus, where that is asked for and may be done.
    pub(super) async fn delete(
        self: Arc<Self>,
        summary: &mut TreeSummary,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<()> {
        let surplus = self.surplus.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (Some(most), Some(surplus)) = (self.options.delete, surplus) else { return Ok(()) };
        if summary.failed > 0 && !surplus.is_empty() {
            let event = TreeEvent::failed(&self.prefix, not_after_failures());
            summary.count(&event);
            on_event(event);
            return Ok(());
        }
        let allowed = surplus.check(most);
        if !self.options.dry_run {
            allowed?;
            return self.in_turn(surplus, summary, on_event).await;
        }
        self.in_turn(surplus, summary, on_event).await?;
        allowed
    }

    async fn in_turn(
        self: &Arc<Self>,
        surplus: Surplus,
        summary: &mut TreeSummary,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<()> {
        let mut lane = JoinSet::new();
        let push = self.clone();
        lane.spawn(async move { push.delete_all(surplus.into_names()).await });
        run(lane, &self.events, summary, on_event).await
    }

    async fn delete_all(&self, names: Names) -> Result<()> {
        let fault = |e| Error::io("the list of what is to be deleted cannot be read", e);
        let mut names = names.read().map_err(fault)?;
        loop {
            let batch = names.by_ref().take(BATCH).collect::<std::io::Result<Vec<_>>>().map_err(fault)?;
            if batch.is_empty() {
                return Ok(());
            }
            self.delete_batch(batch).await;
        }
    }

    pub(in crate::transfer) async fn delete_batch(&self, batch: Vec<(String, u64)>) {
        let keys: Vec<Key> =
            batch.iter().map(|(name, _)| Key::listed(&format!("{}{name}", self.prefix))).collect();
        let mut failures = HashMap::new();
        if !self.options.dry_run {
            let failed = self.store.delete_many(keys.clone()).await;
            failures.extend(failed.into_iter().map(|failure| (failure.key, failure.error)));
        }
        for (key, (_, size)) in keys.into_iter().zip(batch) {
            let name = key.to_string();
            self.events
                .add(match failures.remove(&key) {
                    Some(error) => TreeEvent::failed(name, error),
                    None if self.options.dry_run => TreeEvent::WouldDelete { name, size },
                    None => TreeEvent::Deleted { name, size },
                })
                .await;
        }
    }
}
