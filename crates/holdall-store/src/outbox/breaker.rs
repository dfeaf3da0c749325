//! Knows when an endpoint is away, so that not every write waits to find it out.

use crate::disk::unique;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Lets requests through while an endpoint answers. After one failed, whose attempts were all used up by then, nothing
/// goes for a pause; then one request tries. A pause is a random share of a bound that doubles up to 30 s.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    failures: u32,
    closed_until: Option<Instant>,
    is_probed: bool,
}

/// Leave to send a request, which says how it went.
#[derive(Debug)]
#[must_use = "whoever is let through says how it went"]
pub(crate) struct Admission<'a> {
    breaker: &'a Breaker,
    is_probe: bool,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a request may be sent now.
    pub(crate) fn admit(&self) -> Option<Admission<'_>> {
        let mut state = self.state();
        match state.closed_until {
            None => Some(Admission { breaker: self, is_probe: false }),
            Some(until) if state.is_probed || Instant::now() < until => None,
            Some(_) => {
                state.is_probed = true;
                Some(Admission { breaker: self, is_probe: true })
            }
        }
    }
}

impl Admission<'_> {
    /// The endpoint answered, whatever it said.
    pub(crate) fn answered(self) {
        let mut state = self.breaker.state();
        (state.failures, state.closed_until) = (0, None);
    }

    /// The endpoint cannot be reached or fails; answers whether that is news.
    pub(crate) fn failed(self) -> bool {
        let mut state = self.breaker.state();
        // Those that were under way when the first failed say nothing new.
        if !self.is_probe && state.closed_until.is_some() {
            return false;
        }
        let is_news = state.failures == 0;
        state.failures = state.failures.saturating_add(1);
        state.closed_until = Some(Instant::now() + pause(state.failures, unique()));
        is_news
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.is_probe {
            self.breaker.state().is_probed = false;
        }
    }
}

/// A random share of the bound after so many failures, at least a tenth of it.
fn pause(failures: u32, random: u64) -> Duration {
    let bound = FIRST_PAUSE.saturating_mul(1 << failures.saturating_sub(1).min(16)).min(LONGEST_PAUSE);
    bound.mul_f64(0.1 + 0.9 * (random as f64 / u64::MAX as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_grows_and_is_bounded() {
        assert_eq!(pause(1, u64::MAX), Duration::from_secs(1));
        assert_eq!(pause(1, 0), Duration::from_millis(100));
        assert_eq!(pause(4, u64::MAX), Duration::from_secs(8));
        assert_eq!(pause(1000, u64::MAX), Duration::from_secs(30));
    }

    #[test]
    fn one_at_a_time_tries_an_endpoint_that_was_away() {
        let breaker = Breaker::default();
        let (first, other) = (breaker.admit().unwrap(), breaker.admit().unwrap());
        first.failed();
        assert!(breaker.admit().is_none());
        other.failed();
        assert_eq!(breaker.state().failures, 1);
        breaker.state().closed_until = Some(Instant::now());
        let probe = breaker.admit().unwrap();
        assert!(breaker.admit().is_none());
        // Given up, it leaves its turn to the next one.
        drop(probe);
        let probe = breaker.admit().unwrap();
        probe.failed();
        assert_eq!(breaker.state().failures, 2);
        breaker.state().closed_until = Some(Instant::now());
        breaker.admit().unwrap().answered();
        assert!(breaker.admit().is_some());
    }
}
