//! Looking at everything: when, and what comes of it.

use super::Run;
use crate::error::{Error, ErrorKind, Result};
use crate::transfer::push::{Job, concerns_all, not_after_failures};
use crate::transfer::sync::Surplus;
use crate::transfer::watch::line::is_outage;
use crate::transfer::watch::queue::Why;
use crate::transfer::watch::scan::Scan;
use crate::transfer::watch::told::{ScanCause, WatchEvent};
use crate::transfer::{MaxDelete, TreeSummary};
use std::time::{Duration, Instant};

/// The least time between two looks, and how many times as long as the last one took. A look keeps a core busy at most:
/// its share of an idle watch is a thousandth.
const RESCAN: (Duration, u32) = (Duration::from_secs(60), 1000);
const POLL: (Duration, u32) = (Duration::from_secs(10), 4);

impl Run {
    pub(super) fn want_scan(&mut self, at: Instant, cause: ScanCause) {
        if self.next_scan.is_none_or(|(planned, _)| at < planned) {
            self.next_scan = Some((at, cause));
        }
    }

    pub(super) fn scan_due(&mut self, now: Instant) {
        let due = self.next_scan.filter(|(at, _)| *at <= now && self.scan.is_none());
        let Some((_, cause)) = due else { return };
        self.next_scan = None;
        self.recent.clear();
        let kernel = self.kernel.clone().filter(|_| self.has_scanned);
        self.scan = Some(Scan::start(&self.push, kernel, cause));
    }

    /// Takes what the survey found, or its end.
    pub(super) async fn found(&mut self, job: Option<Job>) -> Result<()> {
        let Some(scan) = &mut self.scan else { return Ok(()) };
        let now = Instant::now();
        if let Some(job) = job {
            let relative = job.relative.clone();
            self.touch(&relative, Why::Found(job), now);
            return Ok(());
        }
        match scan.ended().await {
            Ok(limit) => {
                scan.is_seen = true;
                self.works(now);
                limit.into_iter().for_each(|limit| self.poll(Some(limit)));
                Ok(())
            }
            Err(error) => self.not_scanned(error, now),
        }
    }

    pub(super) fn not_scanned(&mut self, error: Error, now: Instant) -> Result<()> {
        self.scan = None;
        self.root.check()?;
        if !self.has_scanned && (concerns_all(&error) || !is_outage(&error)) {
            return Err(error);
        }
        if is_outage(&error) {
            self.fails(error, now);
        } else {
            self.fail(self.root.path.display().to_string(), error, true);
        }
        let again = self.line.again().unwrap_or(now + self.pause(Duration::ZERO));
        self.want_scan(again, ScanCause::Again);
        Ok(())
    }

    /// Ends a look at everything, once what it found is done with.
    pub(super) fn settle_scan(&mut self) -> Result<()> {
        if self.queue.has_found() || !self.scan.as_ref().is_some_and(|scan| scan.is_seen) {
            return Ok(());
        }
        let events = self.push.events.take();
        self.count(events);
        let Some(scan) = self.scan.take() else { return Ok(()) };
        let elapsed = scan.start.elapsed();
        let surplus = scan.surplus();
        if !std::mem::replace(&mut self.has_scanned, true) {
            // Nobody knows what the one that is there says.
            self.change(Instant::now());
        }
        if let (Some(most), Some(surplus)) = (self.options.delete, surplus) {
            self.root.check()?;
            match self.may_delete(&surplus, most, scan.summary.failed) {
                Ok(()) => {
                    self.gone.allow(most, surplus.there());
                    self.said.forget("", ErrorKind::Precondition);
                    let fault = |e| Error::io("the list of what is to be deleted cannot be read", e);
                    self.surplus = Some(surplus.into_names().read().map_err(fault)?);
                }
                Err(error) => self.hold(error),
            }
        }
        self.told.push(WatchEvent::Scanned { cause: scan.cause, summary: scan.summary, elapsed });
        let pause = self.pause(look_alone(&scan.summary, elapsed));
        self.want_scan(Instant::now() + pause, ScanCause::Due);
        Ok(())
    }

    pub(super) fn may_delete(&self, surplus: &Surplus, most: MaxDelete, failed: u64) -> Result<()> {
        if failed > 0 && !surplus.is_empty() {
            return Err(not_after_failures());
        }
        surplus.check(most)
    }

    pub(super) fn hold(&mut self, error: Error) {
        self.gone.hold();
        if self.said.is_new("", error.kind()) {
            self.told.push(WatchEvent::Held { error });
        }
    }

    pub(super) fn pause(&self, took: Duration) -> Duration {
        let (given, (usual, share)) = match self.is_polling {
            true => (self.options.poll, POLL),
            false => (self.options.rescan, RESCAN),
        };
        given.unwrap_or_else(|| usual.max(took.saturating_mul(share)))
    }
}

/// How long a look took, as far as it is known: one that moved much says little of the next.
fn look_alone(summary: &TreeSummary, elapsed: Duration) -> Duration {
    if summary.done > summary.unchanged / 10 { Duration::ZERO } else { elapsed }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_that_moved_much_is_followed_by_another_soon() {
        let summary = |done, unchanged| TreeSummary { done, unchanged, ..TreeSummary::default() };
        let took = Duration::from_secs(9);
        assert_eq!(look_alone(&summary(1000, 0), took), Duration::ZERO);
        assert_eq!(look_alone(&summary(5, 1000), took), took);
        assert_eq!(look_alone(&summary(0, 0), took), took);
    }
}
