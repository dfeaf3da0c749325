//! What kills and cuts cost, and where they fell.

use super::cargo::Cargo;
use super::verb::Verb;
use crate::kills::{AHEAD, BESIDES, PART};
use std::fmt;

/// Requests under way at once, of each file, and files under way at once.
pub(super) const AT_ONCE: u64 = 2;

/// Where a command was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Point {
    /// Before it sent anything, or was sent.
    Before,
    During,
    /// All bytes of a file had passed, and it had not its name yet; or it was copied, and the source not deleted yet.
    Between,
    /// All was at the destination.
    After,
}

/// What happened in a round.
#[derive(Debug, Default)]
pub(super) struct Spent {
    pub(super) runs: u64,
    pub(super) kills: u64,
    pub(super) cuts: u64,
    /// How many downloads began with a stream of the whole object.
    pub(super) streams: u64,
    /// How often nothing was left to go on with.
    anew: u64,
}

impl Spent {
    pub(super) fn begins_anew(&mut self) {
        self.anew += 1;
    }

    pub(super) fn killed(&mut self, point: Point, verb: Verb, is_unknown: bool) {
        self.kills += 1;
        // A command of one object that has done its work does it once more when it is run again.
        let is_done = point == Point::After && !verb.is_tree() && is_unknown;
        if is_done || !verb.resumes() {
            self.begins_anew();
        }
    }

    /// So many bytes may have come: the cargo, again for each kill what was under way, for each cut what was on that
    /// connection, and for each stream what its sockets held when it was left.
    pub(super) fn most(&self, verb: Verb, cargo: &Cargo) -> u64 {
        let besides = self.runs * BESIDES;
        if !verb.carries() {
            return besides;
        }
        let larges = cargo.larges();
        let flight = larges.min(AT_ONCE) * AT_ONCE * PART;
        let cut = if verb.is_fetched() { AHEAD } else { PART };
        let again = self.kills * flight + self.cuts * cut + self.streams * AHEAD;
        (1 + self.anew) * cargo.size() + again + besides
    }
}

/// What happened in all rounds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) points: [u64; 4],
    /// How many files and objects somebody else looked at.
    pub(super) looks: u64,
    rounds: u64,
    runs: u64,
    cuts: u64,
    came: u64,
    needed: u64,
}

impl Tally {
    pub(super) fn kills(&self) -> u64 {
        self.points.iter().sum()
    }

    pub(super) fn add(&mut self, spent: &Spent, came: u64, size: u64) {
        self.rounds += 1;
        self.runs += spent.runs;
        self.cuts += spent.cuts;
        self.came += came;
        self.needed += size;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points: [before, during, between, after], looks, rounds, runs, cuts, came, needed } = self;
        let mib = |bytes: &u64| bytes >> 20;
        write!(
            f,
            "{} kills in {rounds} rounds and {runs} runs ({before} before the first byte, {during} during the \
             transfer, {between} between the last byte and the end, {after} after it), {cuts} cuts, {looks} looks, \
             {} MiB came for {} MiB",
            self.kills(),
            mib(came),
            mib(needed)
        )
    }
}
