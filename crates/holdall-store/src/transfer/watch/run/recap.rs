//! Keeping the manifest current.

use super::{Done, GRACE, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::integrity::manifest::MANIFEST;
use crate::transfer::TreeEvent;
use crate::transfer::push::Push;
use crate::transfer::watch::line::is_outage;
use crate::transfer::watch::told::WatchEvent;
use std::time::Instant;
use tokio::sync::mpsc;

impl Run {
    /// Takes note that the manifest that was written last does not say all.
    pub(super) fn change(&mut self, now: Instant) {
        if let Some(recap) = &mut self.recap {
            recap.change(now);
        }
    }

    /// When the manifest is to be written. Before everything was looked at nobody knows what is there.
    pub(super) fn describe_at(&self) -> Option<Instant> {
        let is_quiet = self.queue.is_empty() && self.scan.is_none() && !self.is_deleting;
        self.recap.as_ref().filter(|_| self.has_scanned)?.due(is_quiet)
    }

    pub(super) fn describe_due(&mut self, now: Instant) {
        let is_away = self.line.again().is_some_and(|again| again > now);
        if is_away || self.describe_at().is_none_or(|due| due > now) {
            return;
        }
        if let Some(recap) = &mut self.recap {
            recap.begin(now);
            let push = self.push.clone();
            self.tasks.spawn(async move { Done::Described(describe(&push).await) });
        }
    }

    pub(super) fn described(&mut self, described: Result<Vec<WatchEvent>>, now: Instant) {
        if let Some(recap) = &mut self.recap {
            recap.end(described.is_ok(), now);
        }
        let name = format!("{}{MANIFEST}", self.push.prefix);
        match described {
            Ok(events) => self.told.extend(events),
            Err(error) if is_outage(&error) => self.fails(error, now),
            // The next try would most often say the same.
            Err(error) if self.said.is_new(&name, error.kind()) => {
                self.told.push(WatchEvent::Failed { name, error });
            }
            Err(error) => tracing::debug!(%error, "the manifest could not be written again"),
        }
    }

    /// Writes the manifest of all that was stored, before the watch ends.
    pub(super) async fn describe_at_the_end(&mut self, out: &mpsc::Sender<WatchEvent>) {
        let is_behind = self.recap.as_ref().is_some_and(super::Recap::is_behind);
        if !is_behind || !self.has_scanned || self.line.again().is_some() {
            return;
        }
        let late = || Error::new(ErrorKind::Incomplete, "the watch ended before the manifest was written");
        let described = tokio::time::timeout(GRACE, describe(&self.push)).await;
        self.described(described.unwrap_or_else(|_| Err(late())), Instant::now());
        self.tell(out).await;
    }
}

async fn describe(push: &Push) -> Result<Vec<WatchEvent>> {
    let mut events = Vec::new();
    let mut on_event = |event| {
        if let TreeEvent::Described { receipt, files } = event {
            events.push(WatchEvent::Described { receipt, files });
        }
    };
    push.recap(&mut on_event).await?;
    Ok(events)
}
