//! How fast bytes move.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The time that is looked back on: long enough to be calm, short enough to notice a change.
const WINDOW: Duration = Duration::from_secs(10);

/// Counts at moments of the last seconds.
pub(super) struct Rate {
    seen: VecDeque<(Instant, u64)>,
}

impl Rate {
    pub(super) fn new(start: Instant) -> Self {
        Self { seen: VecDeque::from([(start, 0)]) }
    }

    /// Takes note of how many bytes have moved in all.
    pub(super) fn note(&mut self, at: Instant, moved: u64) {
        self.seen.push_back((at, moved));
        while self.seen.len() > 2 && at.duration_since(self.seen[1].0) >= WINDOW {
            self.seen.pop_front();
        }
    }

    /// Bytes a second; none before any moved.
    pub(super) fn per_second(&self) -> Option<f64> {
        let ((from, before), (to, now)) = (self.seen.front()?, self.seen.back()?);
        let seconds = to.duration_since(*from).as_secs_f64();
        let moved = now.saturating_sub(*before);
        (seconds > 0.0 && moved > 0).then(|| moved as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_seconds_count() {
        let start = Instant::now();
        let mut rate = Rate::new(start);
        assert_eq!(rate.per_second(), None);
        for second in 1..=30 {
            rate.note(start + Duration::from_secs(second), second.min(20) * 100);
        }
        assert_eq!(rate.per_second(), None, "nothing has moved for ten seconds");
        rate.note(start + Duration::from_secs(31), 3000);
        assert_eq!(rate.per_second(), Some(100.0));
    }
}
