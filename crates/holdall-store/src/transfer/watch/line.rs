//! Whether the destination can be reached, and when it is tried again.

use crate::error::{Error, ErrorKind};
use crate::transfer::push::concerns_all;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(30);

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Line {
    down: Option<Down>,
}

#[derive(Debug)]
struct Down {
    since: Instant,
    again: Instant,
    pause: Duration,
}

/// Whether a fault is the destination's and not one file's.
pub(super) fn is_outage(error: &Error) -> bool {
    error.is_transient() || error.kind() == ErrorKind::Unreachable || concerns_all(error)
}

impl Line {
    /// When it is tried again; none while it is up.
    pub(super) fn again(&self) -> Option<Instant> {
        self.down.as_ref().map(|down| down.again)
    }

    /// Takes note that it failed; answers whether it was up until then.
    pub(super) fn fails(&mut self, now: Instant) -> bool {
        let (since, pause) = match &self.down {
            // What was under way when it broke says the same.
            Some(down) if now < down.again => return false,
            Some(down) => (down.since, (down.pause * 2).min(LONGEST)),
            None => (now, FIRST),
        };
        self.down.replace(Down { since, again: now + pause, pause }).is_none()
    }

    /// Takes note that it works; answers how long it did not.
    pub(super) fn works(&mut self, now: Instant) -> Option<Duration> {
        self.down.take().map(|down| now.saturating_duration_since(down.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_one_failure_of_many_counts() {
        let (mut line, start) = (Line::default(), Instant::now());
        assert!(line.fails(start) && !line.fails(start));
        let mut pauses = Vec::new();
        let mut now = start;
        for _ in 0..8 {
            pauses.push((line.again().unwrap() - now).as_millis());
            now = line.again().unwrap();
            assert!(!line.fails(now));
        }
        assert_eq!(pauses, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        assert_eq!(line.works(now), Some(now - start));
        assert_eq!((line.works(now), line.again()), (None, None));
    }
}
