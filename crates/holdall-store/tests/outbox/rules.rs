//! The rules of the outbox as a small model: writers, a drainer, a remote that refuses, takes and keeps silent, and
//! crashes at every step. All schedules up to a depth are tried, and long ones at random; each rule that is left out must
//! be found out.

use holdall_testing::random::{Random, seed_from_env};
use std::collections::HashSet;

/// A part, and the marker that names it.
const KEYS: usize = 2;
const MARKER: usize = 1;
const WRITES: u8 = 4;

/// A rule that is not kept, to show that its breach is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Breach {
    None,
    /// A key with entries is written to directly.
    DirectBeside,
    /// A key counts as clean before its entry's removal is on the disk.
    CleanTooEarly,
    /// An attempted entry is sent again without a look.
    SentWithoutALook,
    /// A marker goes without regard to its part.
    NoDependency,
    /// Entries of a key are sent in any order.
    AnyOrder,
    /// A put is acknowledged before its entry is on the disk.
    AcknowledgedTooEarly,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Entry {
    write: u8,
    key: usize,
    /// The last write of the part, where it was queued when this was.
    after: Option<u8>,
    attempted: bool,
    is_durable: bool,
    arrived: Arrived,
    /// What the drainer knows: it has been sent, and the mark may not be on the disk yet.
    done: Done,
}

/// Whether the remote took it, by this attempt or by one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Arrived {
    No,
    Now,
    Before,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Done {
    No,
    /// A send is on its way, and may yet arrive.
    OnItsWay,
    /// It was answered, or seen there.
    Known,
    /// Somebody else wrote there since it was first tried.
    Parked,
}

/// What another machine writes, which knows nothing of the queue.
const FOREIGN: u8 = 100;

#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct World {
    next: u8,
    queue: Vec<Entry>,
    /// The last write that each key of the remote took, and the highest that it ever took.
    remote: [u8; KEYS],
    highest: [u8; KEYS],
    /// The last write of each key that was acknowledged.
    acknowledged: [u8; KEYS],
    crashes: u8,
    has_foreign: bool,
    /// Whether an entry that had arrived was sent over what another machine wrote after it.
    has_overwritten: bool,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Foreign,
    /// The remote takes the put, or refuses it, or takes it and its answer is lost.
    Put(usize, Answer),
    Sync,
    Attempt(usize),
    Arrive(usize),
    Answered(usize),
    Look(usize),
    Remove(usize),
    Crash,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Taken,
    Refused,
    Lost,
}

impl Entry {
    fn send(&mut self) {
        self.done = Done::OnItsWay;
        if self.arrived == Arrived::Now {
            self.arrived = Arrived::Before;
        }
    }
}

impl World {
    fn steps(&self, breach: Breach) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.next < WRITES {
            for key in 0..KEYS {
                steps.extend([Answer::Taken, Answer::Refused, Answer::Lost].map(|a| Step::Put(key, a)));
            }
        }
        if self.queue.iter().any(|entry| !entry.is_durable) {
            steps.push(Step::Sync);
        }
        if !self.has_foreign && self.next > 0 {
            steps.push(Step::Foreign);
        }
        if self.crashes < 2 {
            steps.push(Step::Crash);
        }
        for (nth, entry) in self.queue.iter().enumerate() {
            match entry.done {
                Done::No if self.may_go(nth, breach) => {
                    let looks = entry.attempted && breach != Breach::SentWithoutALook;
                    steps.push(if looks { Step::Look(nth) } else { Step::Attempt(nth) });
                }
                Done::No | Done::Parked => {}
                Done::OnItsWay if entry.arrived == Arrived::Now => steps.push(Step::Answered(nth)),
                Done::OnItsWay => steps.extend([Step::Arrive(nth), Step::Answered(nth)]),
                Done::Known => steps.push(Step::Remove(nth)),
            }
        }
        steps
    }

    fn may_go(&self, nth: usize, breach: Breach) -> bool {
        let entry = &self.queue[nth];
        let is_head = !self.queue[..nth].iter().any(|other| other.key == entry.key);
        let waits = entry.after.is_some_and(|after| self.queue.iter().any(|other| other.write == after));
        entry.is_durable
            && (is_head || breach == Breach::AnyOrder)
            && (!waits || breach == Breach::NoDependency)
    }

    fn take(&mut self, key: usize, write: u8) {
        self.remote[key] = write;
        self.highest[key] = self.highest[key].max(write);
    }

    fn put(&mut self, key: usize, answer: Answer, breach: Breach) {
        self.next += 1;
        let write = self.next;
        let is_waiting = |entry: &&Entry| {
            let is_over = breach == Breach::CleanTooEarly && entry.done == Done::Known;
            entry.key == key && !is_over
        };
        let part = self.queue.iter().rev().find(|entry| entry.key != MARKER).map(|entry| entry.write);
        let waits_for_part = key == MARKER && part.is_some() && breach != Breach::NoDependency;
        let is_clean = !self.queue.iter().any(|entry| is_waiting(&entry)) && !waits_for_part;
        let goes_direct = is_clean || breach == Breach::DirectBeside;
        if goes_direct && answer == Answer::Taken {
            self.take(key, write);
            self.acknowledged[key] = write;
            return;
        }
        let attempted = goes_direct && answer == Answer::Lost;
        if attempted {
            self.take(key, write);
        }
        let after = part.filter(|_| key == MARKER);
        let arrived = if attempted { Arrived::Before } else { Arrived::No };
        self.queue.push(Entry { write, key, after, attempted, is_durable: false, arrived, done: Done::No });
        if breach == Breach::AcknowledgedTooEarly {
            self.acknowledged[key] = write;
        }
    }

    fn after(&self, step: Step, breach: Breach) -> Self {
        let mut world = self.clone();
        match step {
            Step::Put(key, answer) => world.put(key, answer, breach),
            Step::Sync => {
                for entry in &mut world.queue {
                    if !std::mem::replace(&mut entry.is_durable, true) {
                        world.acknowledged[entry.key] = world.acknowledged[entry.key].max(entry.write);
                    }
                }
            }
            // The mark is on the disk before anything is sent.
            Step::Attempt(nth) => {
                world.queue[nth].attempted = true;
                world.queue[nth].send();
            }
            Step::Arrive(nth) => {
                let entry = &mut world.queue[nth];
                let (key, write) = (entry.key, entry.write);
                let was_there = std::mem::replace(&mut entry.arrived, Arrived::Now) == Arrived::Before;
                world.has_overwritten |= was_there && world.remote[key] != write;
                world.take(key, write);
            }
            Step::Foreign => {
                world.has_foreign = true;
                world.remote[0] = FOREIGN;
            }
            Step::Answered(nth) => {
                let entry = &mut world.queue[nth];
                let has_it = world.remote[entry.key] == entry.write;
                entry.done = if has_it { Done::Known } else { Done::No };
            }
            Step::Look(nth) => {
                let entry = &mut world.queue[nth];
                match world.remote[entry.key] {
                    there if there == entry.write => entry.done = Done::Known,
                    FOREIGN => entry.done = Done::Parked,
                    _ => entry.send(),
                }
            }
            Step::Remove(nth) => drop(world.queue.remove(nth)),
            Step::Crash => {
                world.crashes += 1;
                world.queue.retain(|entry| entry.is_durable);
                let is_parked = |entry: &&mut Entry| entry.done == Done::Parked;
                world
                    .queue
                    .iter_mut()
                    .filter(|entry| !is_parked(entry))
                    .for_each(|entry| entry.done = Done::No);
            }
        }
        world
    }

    /// What a reader of a key sees: the queue first.
    fn read(&self, key: usize) -> u8 {
        let queued = self.queue.iter().rev().find(|entry| entry.key == key);
        queued.map_or(self.remote[key], |entry| entry.write)
    }

    fn judge(&self) -> Result<(), String> {
        for key in 0..KEYS {
            if self.read(key) < self.acknowledged[key] {
                let (seen, wanted) = (self.read(key), self.acknowledged[key]);
                return Err(format!("write {wanted} of key {key} was acknowledged, and {seen} is read"));
            }
            if self.remote[key] < self.highest[key] {
                return Err(format!(
                    "key {key} went back from {} to {}",
                    self.highest[key], self.remote[key]
                ));
            }
        }
        if self.has_overwritten {
            return Err("an entry that had arrived was sent again over a later write".to_owned());
        }
        let marker = self.remote[MARKER];
        let part = self.queue.iter().find(|entry| entry.key != MARKER && entry.write < marker);
        match part.filter(|part| part.is_durable && self.remote[part.key] != part.write) {
            Some(part) => Err(format!("marker {marker} is there before part {}", part.write)),
            None => Ok(()),
        }
    }
}

/// Tries every schedule up to a depth; answers how many worlds there are, or the shortest way to one that breaks a rule.
fn exhaust(breach: Breach, depth: usize) -> Result<usize, String> {
    let mut seen = HashSet::from([World::default()]);
    let mut edge = vec![(World::default(), String::new())];
    for _ in 0..depth {
        let mut next = Vec::new();
        for (world, way) in edge {
            for step in world.steps(breach) {
                let after = world.after(step, breach);
                if seen.insert(after.clone()) {
                    let way = format!("{way} {step:?}");
                    after.judge().map_err(|why| format!("{why} after{way}"))?;
                    next.push((after, way));
                }
            }
        }
        edge = next;
    }
    Ok(seen.len())
}

#[test]
fn every_schedule_keeps_the_rules() {
    let is_long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|value| value == "1");
    let worlds = exhaust(Breach::None, if is_long { 14 } else { 9 }).unwrap();
    println!("{worlds} worlds");
    assert!(worlds > 5_000, "{worlds}");
}

#[test]
fn a_rule_that_is_not_kept_is_found_out() {
    for breach in [
        Breach::DirectBeside,
        Breach::CleanTooEarly,
        Breach::SentWithoutALook,
        Breach::NoDependency,
        Breach::AnyOrder,
        Breach::AcknowledgedTooEarly,
    ] {
        let why = exhaust(breach, 11).err();
        println!("{breach:?}: {why:?}");
        assert!(why.is_some(), "{breach:?} breaks nothing");
    }
}

#[test]
fn long_schedules_keep_the_rules_and_end_with_everything_sent() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    for round in 0..20_000 {
        let mut random = Random::named(seed, &format!("rules {round}"));
        let mut world = World::default();
        for _ in 0..80 {
            let steps = world.steps(Breach::None);
            let Some(step) = steps.get((random.number() % steps.len().max(1) as u64) as usize) else { break };
            world = world.after(*step, Breach::None);
            world.judge().unwrap();
        }
        while let Some(step) = next_of_drain(&world) {
            world = world.after(step, Breach::None);
            world.judge().unwrap();
        }
        if !world.queue.iter().any(|entry| entry.done == Done::Parked) {
            assert!(world.queue.is_empty(), "{world:?}");
            assert!((0..KEYS).all(|key| world.remote[key] >= world.acknowledged[key]), "{world:?}");
        }
    }
}

/// What a drainer does next when nothing fails any more.
fn next_of_drain(world: &World) -> Option<Step> {
    let steps = world.steps(Breach::None);
    let waits = |nth: usize| world.queue[nth].arrived != Arrived::Now;
    let is_wanted = |step: &&Step| match step {
        Step::Sync | Step::Attempt(_) | Step::Look(_) | Step::Remove(_) => true,
        Step::Arrive(nth) => waits(*nth),
        Step::Answered(nth) => !waits(*nth),
        Step::Put(..) | Step::Foreign | Step::Crash => false,
    };
    steps.iter().find(is_wanted).copied()
}
