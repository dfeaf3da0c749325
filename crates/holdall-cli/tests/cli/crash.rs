//! Transfers that are killed at any moment, on a way to the server that is slow, narrow or breaks: run again they end,
//! whole, without sending more again than was under way, and nothing is left behind that `gc` does not find.
//!
//! Meanwhile somebody looks at what can be seen of the destination: it is whole, the old or the new. The seed is told;
//! `HOLDALL_TEST_SEED` sets it, `HOLDALL_TEST_LONG=1` kills 200 times.

#![allow(clippy::print_stdout, reason = "a failure is understood by what came before it")]

mod cargo;
mod ground;
mod place;
mod tally;
mod verb;
mod watch;
mod weather;

use crate::kills::{is_long, noted, run, server_and_seed, settle};
use crate::shell::stdout;
use cargo::{Cargo, LARGE};
use ground::Ground;
use holdall_testing::random::Random;
use place::Seen;
use std::collections::BTreeSet;
use tally::{Point, Spent, Tally};
use verb::Verb;
use watch::Watcher;
use weather::Weather;

/// Eight verbs have their share of 20 or 200 kills.
fn wanted() -> u64 {
    if is_long() { 25 } else { 3 }
}

fn kill_at_any_moment(verb: Verb) {
    let (server, seed) = server_and_seed("ceph");
    let mut random = Random::named(seed, verb.name());
    let ground = Ground::new(&server, verb);
    let mut tally = Tally::default();
    while tally.kills() < wanted() {
        let most = (1 + random.number() % 4).min(wanted() - tally.kills());
        Round::new(&ground, &mut random).run(most, &mut random, &mut tally);
    }
    println!("{}: {tally}", verb.name());
}

/// One transfer, by as many processes as it takes.
struct Round<'a> {
    ground: &'a Ground,
    cargo: Cargo,
    spent: Spent,
}

impl<'a> Round<'a> {
    fn new(ground: &'a Ground, random: &mut Random) -> Self {
        let cargo = Cargo::new(random, ground.verb.is_tree());
        Self { ground, cargo, spent: Spent::default() }
    }

    fn run(mut self, most: u64, random: &mut Random, tally: &mut Tally) {
        let ground = self.ground;
        ground.set_out(&self.cargo);
        let before = ground.came();
        let watcher = Watcher::start(ground, self.cargo.clone(), random.number());
        while !self.process(self.spent.kills < most, random, tally) {
            if random.number().is_multiple_of(6) {
                ground.gc();
                self.spent.begins_anew();
            }
        }
        tally.looks += watcher.end();
        self.is_whole();
        let came = ground.came() - before;
        let most = self.spent.most(ground.verb, &self.cargo);
        println!("whole: {came} bytes came where {most} may");
        assert!(came <= most, "{came} bytes came where {most} may, {:?}", self.spent);
        tally.add(&self.spent, came, self.cargo.size());
        ground.gc();
        ground.has_no_leftovers();
        ground.clear();
    }

    /// Runs the command once; answers whether it has come to its end.
    fn process(&mut self, is_killed: bool, random: &mut Random, tally: &mut Tally) -> bool {
        let Ground { verb, proxy, shell, .. } = self.ground;
        let (was_there, rest) = (self.is_there(), self.rest());
        let weather = Weather::new(random, *verb, rest, is_killed);
        let kill = is_killed.then(|| weather.moment(random, *verb, rest));
        let before = self.ground.came();
        weather.begin(proxy);
        self.spent.runs += 1;
        self.spent.streams += self.streams();
        self.spent.cuts += u64::from(weather.cut.is_some());
        let words = self.ground.command();
        let mut command = shell.command(&words.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("HOLDALL_READ_TIMEOUT", weather.read_timeout());
        let ended = run(command.spawn().unwrap(), proxy, verb.way(), kill);
        proxy.mend();
        settle(proxy);
        let came = self.ground.came() - before;
        let Some(output) = ended else {
            let point = self.point(came, was_there);
            println!("killed {point:?} {kill:?}, {came} of {rest} bytes came, {weather:?}");
            self.spent.killed(point, *verb, noted(shell).is_empty());
            tally.points[point as usize] += 1;
            return false;
        };
        println!("ended, {came} of {rest} bytes came, {weather:?}");
        // What was moved before it was killed is not there any more.
        let is_moved = verb.moves() && self.spent.kills > 0 && output.status.code() == Some(3);
        if !is_moved {
            stdout(&output);
        }
        true
    }

    /// The files that are at the destination as they are to be.
    fn landed(&self) -> Vec<Seen> {
        let mut there = self.ground.destination().seen();
        there.retain(|seen| self.cargo.is_new(&seen.name, seen.size));
        there
    }

    fn is_there(&self) -> bool {
        self.landed().len() == self.cargo.new.len()
    }

    /// How many bytes of the cargo are still to come, as far as is known.
    fn rest(&self) -> u64 {
        let Ground { verb, shell, .. } = self.ground;
        if !verb.carries() {
            return 0;
        }
        let noted: u64 = noted(shell).iter().sum();
        // One object is moved again, whatever is there.
        let landed = if verb.is_tree() { self.landed().iter().map(|seen| seen.size).sum() } else { 0 };
        self.cargo.size().saturating_sub(noted + landed)
    }

    /// How many large files a run fetches of which nothing is here.
    fn streams(&self) -> u64 {
        let Ground { verb, shell, .. } = self.ground;
        if !verb.is_fetched() {
            return 0;
        }
        let begun = noted(shell).iter().filter(|done| **done > 0).count();
        // One object is fetched again, whatever is there.
        let there =
            if verb.is_tree() { cargo::larges(self.landed().iter().map(|seen| &seen.name)) } else { 0 };
        self.cargo.larges().saturating_sub(begun as u64 + there)
    }

    /// Where a run was killed that so many bytes came of.
    fn point(&self, came: u64, was_there: bool) -> Point {
        let Ground { verb, shell, .. } = self.ground;
        let is_there = self.is_there() && !was_there;
        let has_source = self.ground.source().is_some_and(|source| source.has(LARGE));
        let all_noted = noted(shell).iter().any(|done| self.cargo.has_size(*done));
        let all_streamed = verb.carries() && !verb.resumes() && came >= self.cargo.size();
        if is_there && !has_source {
            Point::After
        } else if is_there || all_noted || all_streamed {
            Point::Between
        } else if came == 0 {
            Point::Before
        } else {
            Point::During
        }
    }

    /// Makes sure that the destination has the cargo and nothing else, and that what was moved is gone.
    fn is_whole(&self) {
        let place = self.ground.destination();
        let names: BTreeSet<_> = place.seen().into_iter().map(|seen| seen.name).collect();
        assert!(names.iter().eq(self.cargo.new.keys()), "{names:?}");
        for (name, bytes) in &self.cargo.new {
            assert!(place.read(name).as_ref() == Some(bytes), "{name} is not what was moved");
        }
        assert!(
            self.ground.source().is_none_or(|source| !source.has(LARGE)),
            "what was moved is there still"
        );
    }
}

#[test]
fn a_push_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::Push);
}

#[test]
fn a_pull_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::Pull);
}

#[test]
fn a_put_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::Put);
}

#[test]
fn a_get_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::Get);
}

#[test]
fn a_copy_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::Copy);
}

#[test]
fn a_copy_of_a_file_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::CopyUp);
}

#[test]
fn a_move_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::Move);
}

#[test]
fn a_move_of_a_file_that_is_killed_at_any_moment_is_whole_in_the_end() {
    kill_at_any_moment(Verb::MoveUp);
}
