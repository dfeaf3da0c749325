//! Lanes of a folder's transfer, and how they report.

use super::{TreeEvent, TreeSummary};
use crate::error::{Error, ErrorKind, Result};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Where lanes leave their events. One wake-up may stand for many of them.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Shared>);

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<TreeEvent>>,
    news: Notify,
}

impl Events {
    pub(super) fn add(&self, event: TreeEvent) {
        let mut events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        let first = events.is_empty();
        events.push(event);
        drop(events);
        if first {
            self.0.news.notify_one();
        }
    }

    fn take(&self) -> Vec<TreeEvent> {
        std::mem::take(&mut *self.0.events.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs lanes to their end and hands on what they report; dropped, it stops them.
pub(super) async fn run(
    mut lanes: JoinSet<Result<()>>,
    events: Events,
    on_event: &mut (dyn FnMut(TreeEvent) + Send),
) -> Result<TreeSummary> {
    let mut summary = TreeSummary::default();
    let mut report = |summary: &mut TreeSummary| {
        for event in events.take() {
            summary.count(&event);
            on_event(event);
        }
    };
    loop {
        tokio::select! {
            () = events.0.news.notified() => report(&mut summary),
            lane = lanes.join_next() => {
                report(&mut summary);
                match lane {
                    None => return Ok(summary),
                    Some(Ok(result)) => result?,
                    Some(Err(error)) => {
                        return Err(Error::new(ErrorKind::Cancelled, "a lane ended early").with_source(error));
                    }
                }
            }
        }
    }
}

/// A prefix as a folder of keys: with a slash at its end, unless it is empty.
pub(super) fn as_folder(prefix: &str) -> String {
    if prefix.is_empty() || prefix.ends_with('/') { prefix.to_owned() } else { format!("{prefix}/") }
}
