//! Lanes of a folder's transfer, and how they report.

use super::{TreeEvent, TreeSummary};
use crate::error::{Error, ErrorKind, Result};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// Where lanes leave their events. One wake-up may stand for many of them; lanes wait while nobody takes them.
#[derive(Clone, Default)]
pub(super) struct Events(Arc<Shared>);

/// So many events may wait: memory is not to follow how slowly they are printed.
const MOST: usize = 4096;

#[derive(Default)]
struct Shared {
    events: Mutex<Vec<TreeEvent>>,
    news: Notify,
    room: Notify,
}

impl Events {
    pub(super) async fn add(&self, event: TreeEvent) {
        let mut event = Some(event);
        loop {
            let mut room = pin!(self.0.room.notified());
            // From here on no room that is made goes unnoticed.
            room.as_mut().enable();
            if self.try_add(&mut event) {
                return;
            }
            room.await;
        }
    }

    fn try_add(&self, event: &mut Option<TreeEvent>) -> bool {
        let mut events = self.0.events.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() >= MOST {
            return false;
        }
        events.extend(event.take());
        if events.len() == 1 {
            self.0.news.notify_one();
        }
        true
    }

    /// Waits for events; dropped, it takes none.
    pub(super) async fn taken(&self) -> Vec<TreeEvent> {
        self.0.news.notified().await;
        self.take()
    }

    pub(super) fn take(&self) -> Vec<TreeEvent> {
        let mut taken = Vec::new();
        self.swap(&mut taken);
        taken
    }

    /// Takes all that wait, for a list that is empty: its memory is used again.
    fn swap(&self, empty: &mut Vec<TreeEvent>) {
        std::mem::swap(empty, &mut self.0.events.lock().unwrap_or_else(PoisonError::into_inner));
        self.0.room.notify_waiters();
    }
}

/// Runs lanes to their end and hands on what they report; dropped, it stops them.
pub(super) async fn run(
    mut lanes: JoinSet<Result<()>>,
    events: &Events,
    summary: &mut TreeSummary,
    on_event: &mut (dyn FnMut(TreeEvent) + Send),
) -> Result<()> {
    let mut taken = Vec::new();
    let mut report = || {
        events.swap(&mut taken);
        for event in taken.drain(..) {
            summary.count(&event);
            on_event(event);
        }
    };
    loop {
        tokio::select! {
            () = events.0.news.notified() => report(),
            lane = lanes.join_next() => {
                report();
                match lane {
                    None => return Ok(()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receipt::State;
    use std::time::Duration;

    #[tokio::test]
    async fn events_wait_for_whoever_takes_them_and_none_is_lost() {
        const ALL: usize = 5 * MOST;
        let events = Events::default();
        let mut lanes = JoinSet::new();
        for _ in 0..5 {
            let events = events.clone();
            lanes.spawn(async move {
                for n in 0..ALL / 5 {
                    let (key, state, elapsed) = (n.to_string(), State::Stored, Duration::ZERO);
                    events.add(TreeEvent::Unchanged { key, size: 1, state, elapsed }).await;
                }
                Ok(())
            });
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(events.0.events.lock().unwrap().len(), MOST);
        let (mut summary, mut seen) = (TreeSummary::default(), 0);
        run(lanes, &events, &mut summary, &mut |_| seen += 1).await.unwrap();
        assert_eq!((summary.unchanged, seen), (ALL as u64, ALL));
    }
}
