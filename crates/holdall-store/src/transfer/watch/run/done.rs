//! What becomes of what was begun, and what is told of it.

use super::{Done, Run, SOON};
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::TreeEvent;
use crate::transfer::watch::line::is_outage;
use crate::transfer::watch::queue::{Task, Then, Why};
use crate::transfer::watch::send::Sent;
use crate::transfer::watch::told::{ScanCause, WatchEvent};
use std::time::Instant;
use tokio::task::JoinError;

/// A file that was found and does not come to rest is left to whoever closes it, or to the next look.
const PATIENCE: u32 = 6;

impl Run {
    pub(super) fn done(&mut self, done: Result<Done, JoinError>) -> Result<()> {
        let ended = |e| Error::new(ErrorKind::Cancelled, "a task of the watch ended early").with_source(e);
        let now = Instant::now();
        match done.map_err(ended)? {
            Done::Sent(sent) => {
                let (task, sent) = *sent;
                self.sending -= 1;
                let relative = task.relative.clone();
                let then = self.sent(task, sent, now);
                self.queue.finish(&relative, then, now);
            }
            Done::Described(described) => self.described(described, now),
            Done::Deleted(names) => {
                self.is_deleting = false;
                self.change(now);
                names.iter().for_each(|name| self.queue.finish(name, Then::Done, now));
            }
            Done::Entered(entered) => {
                entered.files.iter().for_each(|file| self.touch(file, Why::Appeared, now));
                entered.limit.into_iter().for_each(|limit| self.poll(Some(limit)));
                if entered.has_more {
                    self.want_scan(now + SOON, ScanCause::Overflow);
                }
            }
        }
        if let (true, Some(log)) = (self.queue.is_empty(), &self.push.log) {
            log.flush();
        }
        Ok(())
    }

    /// Takes note of how a file fared, and says what becomes of it.
    pub(super) fn sent(&mut self, task: Task, sent: Sent, now: Instant) -> Then {
        let is_found = matches!(task.why, Why::Found(_));
        match sent {
            Sent::There { event, file } => {
                self.recent.note(&task.relative, file);
                self.gone.is_there(&task.relative);
                self.works(now);
                if let Some(scan) = self.scan.as_mut().filter(|_| is_found) {
                    scan.summary.count(&event);
                }
                if let TreeEvent::Pushed { path, receipt } = *event {
                    self.change(now);
                    self.told.push(WatchEvent::Pushed { path, receipt });
                }
                Then::Done
            }
            Sent::Nothing => Then::Done,
            Sent::Young(_) if is_found && task.tries >= PATIENCE => Then::Done,
            Sent::Young(seen) => Then::Later(Task { seen: Some(seen), ..task }),
            Sent::Gone => {
                self.change(now);
                if self.options.delete.is_some() {
                    self.gone.add(&task.relative, now);
                }
                Then::Done
            }
            Sent::Failed(error) if is_outage(&error) => {
                self.fails(error, now);
                Then::Retry(task)
            }
            Sent::Failed(error) => {
                self.fail(self.root.path.join(&*task.relative).display().to_string(), error, is_found);
                Then::Done
            }
        }
    }

    pub(super) fn works(&mut self, now: Instant) {
        if let Some(elapsed) = self.line.works(now) {
            self.told.push(WatchEvent::Up { elapsed });
        }
    }

    pub(super) fn fails(&mut self, error: Error, now: Instant) {
        if self.line.fails(now) {
            self.told.push(WatchEvent::Down { error });
        }
    }

    /// Tells of a failure; one that every look at everything would meet again is told once.
    pub(super) fn fail(&mut self, name: String, error: Error, is_found: bool) {
        if let Some(scan) = self.scan.as_mut().filter(|_| is_found) {
            scan.summary.failed += 1;
        }
        if !is_found || self.said.is_new(&name, error.kind()) {
            self.told.push(WatchEvent::Failed { name, error });
        }
    }

    /// Takes events of the survey and of deletions.
    pub(super) fn count(&mut self, events: Vec<TreeEvent>) {
        for event in events {
            if let Some(scan) = &mut self.scan {
                scan.summary.count(&event);
            }
            match event {
                TreeEvent::Deleted { name, .. } => self.told.push(WatchEvent::Deleted { key: name }),
                TreeEvent::Skipped { name, reason } if self.said.is_new(&name, reason) => {
                    self.told.push(WatchEvent::Skipped { name, reason });
                }
                TreeEvent::Failed { name, error, .. } if self.said.is_new(&name, error.kind()) => {
                    self.told.push(WatchEvent::Failed { name, error });
                }
                _ => {}
            }
        }
    }
}
