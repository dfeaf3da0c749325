//! Bounds on how fast bytes move and requests go out, over all connections together.

use std::num::NonZeroU64;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How fast a [`Transport`](crate::Transport) may be; what is not set is not bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimits {
    /// Bytes a second, of all connections and both directions together, heads of requests and answers included.
    pub bandwidth: Option<NonZeroU64>,
    /// Requests a second, every attempt counted.
    pub requests: Option<NonZeroU64>,
}

/// What was not used counts for so long: traffic that comes in bursts still reaches the rate.
const CREDIT: Duration = Duration::from_millis(100);

/// Gives out a rate to whoever asks, in the order of asking.
pub(crate) struct Pace {
    rate: NonZeroU64,
    /// When all that was given out is used up.
    used_up: Mutex<Instant>,
}

/// A share of a rate, in time.
pub(crate) struct Share {
    pub(crate) begins: Instant,
    pub(crate) ends: Instant,
}

impl Pace {
    pub(crate) fn new(rate: NonZeroU64) -> Self {
        Self { rate, used_up: Mutex::new(Instant::now()) }
    }

    /// Takes so many units of the rate.
    pub(crate) fn take(&self, units: u64) -> Share {
        let lasts = u128::from(units) * 1_000_000_000 / u128::from(self.rate.get());
        let lasts = Duration::from_nanos(u64::try_from(lasts).unwrap_or(u64::MAX >> 2));
        let now = Instant::now();
        let mut used_up = self.used_up.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = (*used_up).max(now.checked_sub(CREDIT).unwrap_or(now));
        *used_up = begins + lasts;
        Share { begins, ends: *used_up }
    }

    /// Waits for the turn of one unit.
    pub(crate) async fn turn(&self) {
        let begins = self.take(1).begins;
        if begins > Instant::now() {
            tokio::time::sleep_until(begins).await;
        }
    }

    /// How much to move at once so that the rate is seen within a second.
    pub(crate) fn piece(&self) -> usize {
        usize::try_from(self.rate.get() / 20).unwrap_or(usize::MAX).clamp(1024, 1 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(rate: u64) -> Pace {
        Pace::new(NonZeroU64::new(rate).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn turns_come_at_the_rate() {
        let (pace, start) = (pace(10), Instant::now());
        for _ in 0..31 {
            pace.turn().await;
        }
        let took = start.elapsed();
        assert!((2_900..=3_010).contains(&took.as_millis()), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_not_used_counts_for_a_moment_alone() {
        let pace = pace(1000);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let now = Instant::now();
        assert_eq!(pace.take(50).ends, now - Duration::from_millis(50));
        assert_eq!(pace.take(1050).ends, now + Duration::from_secs(1));
    }
}
