//! Storing many steps.

use super::sessions::Sessions;
use super::store::{NewStep, StepReceipt};
use crate::{SessionId, StepId};
use futures_core::Stream;
use futures_util::stream::{self, StreamExt};
use holdall_store::{Error, ErrorKind, Result};
use tokio::task::{JoinError, JoinSet};

/// What became of one step of many.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stored {
    /// Its session.
    pub session: SessionId,
    /// Its name.
    pub step: StepId,
    /// Its receipt, or why it was not stored.
    pub outcome: Result<StepReceipt>,
}

impl Sessions {
    /// Stores many steps, as many at once as the setting `concurrency` says, and answers each as it ends. One that fails does
    /// not keep the others. Steps are taken from the iterator as there is room for them; dropping the stream ends it.
    ///
    /// A step that comes twice is stored twice, in no certain order.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use futures_util::StreamExt;
    /// use holdall::session::{NewStep, Sessions};
    /// use holdall::{SessionId, Settings, StepId, Store};
    ///
    /// let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// let session = SessionId::parse("run-7")?;
    /// let steps: Vec<NewStep> = ["1", "2", "3"]
    ///     .iter()
    ///     .map(|name| Ok(NewStep::new(&session, &StepId::parse(name)?).html("<p>")))
    ///     .collect::<Result<_, holdall::Error>>()?;
    /// let mut stored = std::pin::pin!(sessions.store_many(steps));
    /// while let Some(stored) = stored.next().await {
    ///     stored.outcome?;
    /// }
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store_many<I>(&self, steps: I) -> impl Stream<Item = Stored> + Send
    where
        I: IntoIterator<Item = NewStep>,
        I::IntoIter: Send,
    {
        let sessions = self.clone();
        let at_once = self.store.settings().concurrency.max(1);
        stream::iter(steps)
            .map(move |new| {
                let sessions = sessions.clone();
                async move {
                    let (session, step) = (new.session.clone(), new.step.clone());
                    // In a task of its own, since digests of many steps take more than a core.
                    let mut task = JoinSet::new();
                    task.spawn(async move { sessions.store(new).await });
                    let joined = task.join_next().await.expect("one was spawned");
                    let outcome = joined.unwrap_or_else(|error| Err(ended(error)));
                    Stored { session, step, outcome }
                }
            })
            .buffer_unordered(at_once)
    }
}

fn ended(error: JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "the task that stored the step ended").with_source(error)
}
