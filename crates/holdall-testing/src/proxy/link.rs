//! One way of all connections together: how fast, how much so far, and where it is cut.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::{Cut, Shape};

#[derive(Default)]
pub(super) struct Link(Mutex<State>);

#[derive(Default)]
struct State {
    shape: Shape,
    /// When what has been read so far will have passed at the rate.
    busy_until: Option<Instant>,
    came: u64,
    passed: u64,
    /// Sorted by the count of passed bytes that they wait for.
    cuts: Vec<(u64, Cut)>,
}

/// What became of a try to pass bytes on.
pub(super) enum Passed<T> {
    Some(T),
    Cut(Cut),
}

impl Link {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shape(&self, shape: Shape) {
        self.state().shape = shape;
    }

    pub(super) fn cut(&self, after: u64, cut: Cut) {
        let mut state = self.state();
        let at = state.passed + after;
        let place = state.cuts.partition_point(|(other, _)| *other <= at);
        state.cuts.insert(place, (at, cut));
    }

    pub(super) fn forget_cuts(&self) {
        self.state().cuts.clear();
    }

    pub(super) fn cuts_left(&self) -> usize {
        self.state().cuts.len()
    }

    pub(super) fn came(&self) -> u64 {
        self.state().came
    }

    /// Counts bytes that were just read, and answers when they are due on the other side.
    pub(super) fn admit(&self, count: usize, now: Instant) -> Instant {
        let mut state = self.state();
        state.came += count as u64;
        let begins = state.busy_until.map_or(now, |busy| busy.max(now));
        let takes = state.shape.rate.map_or(0.0, |rate| count as f64 / rate.max(1) as f64);
        let ends = begins + Duration::from_secs_f64(takes);
        state.busy_until = Some(ends);
        ends + state.shape.delay
    }

    /// Passes as many bytes on as may pass before a cut, by a call that must not block.
    pub(super) fn pass<E>(
        &self,
        count: usize,
        send: impl FnOnce(usize) -> Result<usize, E>,
    ) -> Result<Passed<usize>, E> {
        let mut state = self.state();
        let room = match state.cuts.first() {
            Some(&(at, cut)) if at <= state.passed => {
                state.cuts.remove(0);
                return Ok(Passed::Cut(cut));
            }
            Some(&(at, _)) => usize::try_from(at - state.passed).unwrap_or(usize::MAX),
            None => usize::MAX,
        };
        let sent = send(count.min(room))?;
        state.passed += sent as u64;
        Ok(Passed::Some(sent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn bytes_are_due_when_the_rate_and_the_delay_say() {
        let (link, start) = (Link::default(), Instant::now());
        assert_eq!(link.admit(1000, start), start);
        link.shape(Shape { delay: 10 * MS, rate: Some(1000) });
        assert_eq!(link.admit(50, start), start + 60 * MS);
        assert_eq!(link.admit(50, start + 10 * MS), start + 110 * MS, "behind what is under way");
        assert_eq!(link.admit(50, start + 500 * MS), start + 560 * MS, "idle time is not saved up");
        link.shape(Shape { delay: 10 * MS, rate: None });
        assert_eq!(link.admit(1 << 30, start + 600 * MS), start + 610 * MS);
        assert_eq!(link.came(), 1150 + (1 << 30));
    }

    fn pass(link: &Link, count: usize) -> Result<usize, Cut> {
        match link.pass(count, Ok::<_, ()>).unwrap() {
            Passed::Some(count) => Ok(count),
            Passed::Cut(cut) => Err(cut),
        }
    }

    #[test]
    fn a_cut_comes_once_between_the_bytes_before_it_and_those_behind() {
        let link = Link::default();
        assert_eq!(pass(&link, 7), Ok(7));
        link.cut(10, Cut::Stall);
        link.cut(3, Cut::Reset);
        link.cut(3, Cut::Reset);
        assert_eq!(link.cuts_left(), 3);
        let seen: Vec<_> = (0..7).map(|_| pass(&link, 5)).collect();
        let (reset, stall) = (Err(Cut::Reset), Err(Cut::Stall));
        assert_eq!(seen, [Ok(3), reset, reset, Ok(5), Ok(2), stall, Ok(5)]);
        assert_eq!(link.cuts_left(), 0);
    }

    #[test]
    fn a_cut_that_is_forgotten_does_not_come() {
        let link = Link::default();
        link.cut(3, Cut::Reset);
        assert_eq!(pass(&link, 5), Ok(3));
        link.forget_cuts();
        assert_eq!((pass(&link, 5), link.cuts_left()), (Ok(5), 0));
    }

    #[test]
    fn what_could_not_be_sent_has_not_passed() {
        let link = Link::default();
        link.cut(4, Cut::Reset);
        assert_eq!(link.pass(9, |_| Err("full")).err(), Some("full"));
        assert_eq!(
            link.pass(9, |_| Ok::<_, ()>(1)).map(|passed| matches!(passed, Passed::Some(1))),
            Ok(true)
        );
        assert_eq!(pass(&link, 9), Ok(3));
        assert_eq!(pass(&link, 9), Err(Cut::Reset));
    }
}
