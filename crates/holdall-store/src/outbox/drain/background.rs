//! Drains a queue again and again, as long as somebody wants it.

use super::{Drainer, Pauses};
use crate::error::ErrorKind;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long nothing is looked for after all was sent, or could not be.
const REST: Duration = Duration::from_secs(1);

/// A task that drains a queue until it is ended. Dropped, it ends where it is: what was acknowledged stays.
#[derive(Debug)]
pub struct Draining {
    end: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Drainer {
    /// Drains now and whenever something waits, in a task of its own. Where somebody else drains, it stands by.
    pub fn spawn(self) -> Draining {
        let (end, mut ended) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut is_told = false;
            loop {
                tokio::select! {
                    _ = ended.wait_for(|ended| *ended) => return,
                    () = self.once(&mut is_told) => {}
                }
            }
        });
        Draining { end, task: Some(task) }
    }

    /// Drains once, and rests. That it cannot be done is told once, until it could.
    async fn once(&self, is_told: &mut bool) {
        match self
            .drain(Pauses::Kept, |entry, delivery| tracing::debug!(key = entry.key, ?delivery, "drained"))
            .await
        {
            Ok(_) => *is_told = false,
            Err(error) if error.kind() == ErrorKind::Conflict => {
                tracing::debug!("somebody else drains the outbox");
            }
            Err(error) if std::mem::replace(is_told, true) => {
                tracing::debug!(%error, "the outbox cannot be drained yet");
            }
            Err(error) => tracing::warn!(%error, "the outbox cannot be drained now, and will be tried again"),
        }
        tokio::time::sleep(REST).await;
    }
}

impl Draining {
    /// Ends it after what is under way is given up; that is sent again by whoever drains next.
    pub async fn end(mut self) {
        // The receiver is gone only with the task.
        let _ = self.end.send(true);
        if let Some(task) = self.task.take()
            && let Err(error) = task.await
        {
            tracing::warn!(%error, "the task that drains the outbox had ended");
        }
    }
}

impl Drop for Draining {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}
