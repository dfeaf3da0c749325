//! Looks at everything: the folder, what is listed of it, and the index.

use super::kernel::{Hand, Kernel};
use super::told::ScanCause;
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::TreeSummary;
use crate::transfer::push::{Job, Push, Survey, walk};
use crate::transfer::sync::Surplus;
use std::sync::{Arc, PoisonError};
use std::time::Instant;
use tokio::task::JoinSet;

/// A look at everything under way; dropped, it is given up.
pub(super) struct Scan {
    pub(super) cause: ScanCause,
    pub(super) start: Instant,
    pub(super) summary: TreeSummary,
    /// With the jobs and the surplus of this survey.
    push: Arc<Push>,
    survey: JoinSet<Result<Option<Error>>>,
    /// Whether all of it was seen, and what was found is still on its way.
    pub(super) is_seen: bool,
}

impl Scan {
    /// Begins; with a kernel all folders are watched first.
    pub(super) fn start(push: &Arc<Push>, kernel: Option<Kernel>, cause: ScanCause) -> Self {
        let push = Arc::new(push.again());
        let mut survey = JoinSet::new();
        survey.spawn(look(push.clone(), kernel));
        Self { cause, start: Instant::now(), summary: TreeSummary::default(), push, survey, is_seen: false }
    }

    /// What may have to be sent; none after the last. Dropped, it takes none.
    pub(super) async fn next(&mut self) -> Option<Job> {
        self.push.jobs.next().await
    }

    /// What is at the destination only, once all was seen.
    pub(super) fn surplus(&self) -> Option<Surplus> {
        self.push.surplus.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// How the survey ended, once nothing comes of it any more; and what keeps the kernel from telling of all folders.
    pub(super) async fn ended(&mut self) -> Result<Option<Error>> {
        match self.survey.join_next().await {
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Err(cancelled(error)),
            None => Ok(None),
        }
    }
}

fn cancelled(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "looking at everything ended early").with_source(error)
}

/// Says in the end, whatever it is, that nothing more is found.
struct End(Arc<Push>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.jobs.end();
    }
}

async fn look(push: Arc<Push>, kernel: Option<Kernel>) -> Result<Option<Error>> {
    let _end = End(push.clone());
    let limit = match kernel {
        Some(kernel) => enter(kernel).await?,
        None => None,
    };
    let cursor = push.cursor().await?;
    let walking = walk(&push.store, &push.dir, &push.options)?;
    Survey::new(push, cursor).run(walking).await?;
    Ok(limit)
}

/// Watches all folders.
pub(super) async fn enter(kernel: Kernel) -> Result<Option<Error>> {
    let entered = tokio::task::spawn_blocking(move || kernel.enter("", Hand::Nothing));
    Ok(entered.await.map_err(cancelled)?.limit)
}
