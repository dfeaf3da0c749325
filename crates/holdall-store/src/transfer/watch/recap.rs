//! When the manifest of a watched folder is written again.

use std::time::{Duration, Instant};

/// A manifest is written when nothing more was stored for so long,
const QUIET: Duration = Duration::from_secs(1);
/// or so long after the first change that it does not have.
const LONGEST: Duration = Duration::from_secs(10);
/// Writing it takes no more than this part of the time.
const SHARE: u32 = 20;
/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(10);

/// What a manifest does not have yet.
#[derive(Debug)]
pub(super) struct Recap {
    /// The first and the last change.
    changed: Option<(Instant, Instant)>,
    not_before: Instant,
    begun: Option<Instant>,
}

impl Recap {
    pub(super) fn new(now: Instant) -> Self {
        Self { changed: None, not_before: now, begun: None }
    }

    /// Something is different at the destination, or in the folder.
    pub(super) fn change(&mut self, now: Instant) {
        self.changed = Some((self.changed.map_or(now, |(first, _)| first), now));
    }

    /// When it is to be written; `is_quiet` when nothing is under way.
    pub(super) fn due(&self, is_quiet: bool) -> Option<Instant> {
        let (first, last) = self.changed.filter(|_| self.begun.is_none())?;
        let (soon, late) = (last + QUIET, first + LONGEST);
        Some(if is_quiet { soon.min(late) } else { late }.max(self.not_before))
    }

    /// It is being written: what changes from now on is for the next one.
    pub(super) fn begin(&mut self, now: Instant) {
        (self.changed, self.begun) = (None, Some(now));
    }

    /// It was written, or could not be.
    pub(super) fn end(&mut self, is_written: bool, now: Instant) {
        let took = self.begun.take().map_or(Duration::ZERO, |begun| now - begun);
        let pause = took * SHARE;
        if is_written {
            self.not_before = now + pause;
        } else {
            self.change(now);
            self.not_before = now + pause.max(AGAIN);
        }
    }

    /// Whether it is known not to have everything.
    pub(super) fn is_behind(&self) -> bool {
        self.changed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_when_all_is_quiet_and_after_a_while_whatever_goes_on() {
        let start = Instant::now();
        let mut recap = Recap::new(start);
        assert_eq!(recap.due(true), None);
        recap.change(start);
        assert_eq!(recap.due(true), Some(start + QUIET));
        recap.change(start + QUIET / 2);
        assert_eq!(recap.due(true), Some(start + QUIET / 2 + QUIET));
        assert_eq!(recap.due(false), Some(start + LONGEST));
        (1..=20).for_each(|second| recap.change(start + Duration::from_secs(second)));
        assert_eq!(recap.due(true), Some(start + LONGEST));
    }

    #[test]
    fn it_takes_a_part_of_the_time_only_and_is_tried_again() {
        let start = Instant::now();
        let mut recap = Recap::new(start);
        recap.change(start);
        recap.begin(start);
        assert_eq!(recap.due(true), None, "it is under way");
        recap.change(start);
        let end = start + Duration::from_secs(3);
        recap.end(true, end);
        assert_eq!(recap.due(true), Some(end + Duration::from_secs(60)));
        recap.begin(end);
        assert!(!recap.is_behind());
        recap.end(false, end);
        assert_eq!(recap.due(true), Some(end + AGAIN));
    }
}
