//! How the way to the server is while a command runs, and when it is killed.

use super::verb::Verb;
use crate::kills::{MIB, Moment};
use holdall_testing::proxy::{Cut, Proxy, Shape, Way};
use holdall_testing::random::Random;
use std::time::Duration;

const RATE: u64 = 2 * MIB;

#[derive(Debug)]
pub(super) struct Weather {
    pub(super) shape: Shape,
    pub(super) cut: Option<(Way, u64, Cut)>,
}

impl Weather {
    /// What suits a run that has so many bytes to move. One that is not killed is not made to take long.
    pub(super) fn new(random: &mut Random, verb: Verb, rest: u64, is_killed: bool) -> Self {
        let cut = random.number().is_multiple_of(3).then(|| cut(random, verb, rest));
        let delay = Duration::from_millis(20);
        let shape = match random.number() % 4 {
            _ if !verb.carries() => Shape { delay, rate: None },
            0 => Shape { delay, rate: None },
            // What waits for its turn looks like silence, which a stall makes be short.
            1 if is_killed && cut.is_none_or(|(.., cut)| cut != Cut::Stall) => {
                Shape { delay, rate: Some(RATE) }
            }
            _ => Shape::default(),
        };
        Self { shape, cut }
    }

    pub(super) fn begin(&self, proxy: &Proxy) {
        proxy.shape(self.shape);
        if let Some((way, after, cut)) = self.cut {
            proxy.cut(way, after, cut);
        }
    }

    /// How long silence is borne: less than a stall lasts, and more than the rate makes.
    pub(super) fn read_timeout(&self) -> &'static str {
        if self.cut.is_some_and(|(.., cut)| cut == Cut::Stall) { "2s" } else { "30s" }
    }

    /// When to kill: before anything passes, among the bytes, about when the last has passed, or at any time.
    pub(super) fn moment(&self, random: &mut Random, verb: Verb, rest: u64) -> Moment {
        let mut millis = |below: u64| Duration::from_millis(random.number() % below);
        let (soon, late) = (millis(40), millis(1500));
        if !verb.carries() {
            // Requests of some hundred bytes pass, and each is under way for a while.
            return Moment { bytes: random.number() % 3000, then: soon };
        }
        let most = if self.shape.rate.is_some() { rest.min(2 * RATE) } else { rest }.max(1500);
        match random.number() % 6 {
            0 => Moment { bytes: 0, then: soon / 3 },
            1 | 2 => Moment { bytes: 1 + random.number() % most, then: soon },
            3 | 4 => Moment { bytes: most, then: soon },
            _ => Moment { bytes: 0, then: late },
        }
    }
}

fn cut(random: &mut Random, verb: Verb, rest: u64) -> (Way, u64, Cut) {
    let way = if random.number().is_multiple_of(2) { Way::Up } else { Way::Down };
    let most = if way == verb.way() { rest.max(4000) } else { 4000 };
    let cut = if random.number().is_multiple_of(3) { Cut::Stall } else { Cut::Reset };
    (way, random.number() % most, cut)
}
