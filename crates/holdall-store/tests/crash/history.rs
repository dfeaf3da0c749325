//! What a child said that it did, and what may therefore be in the store.

use crate::check::Contents;
use crate::child::Said;
use crate::operation::{Operation, Outcome};
use std::collections::{BTreeMap, BTreeSet};

/// The number of the write that a key has, none when it has nothing.
pub(crate) type Number = Option<u64>;

/// What a change leaves at its key.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Leaves {
    Exactly(Number),
    /// What was at another key at some moment of the change.
    CopyOf(String),
    /// The same, and that is no longer there.
    MoveOf(String),
    /// What some write before it had put.
    Earlier,
}

/// Moments are counted in lines; what has not ended ends at the end of time.
#[derive(Debug, Clone)]
struct Change {
    key: String,
    leaves: Leaves,
    began: u64,
    ended: u64,
}

const NEVER: u64 = u64::MAX;

/// All that was begun and acknowledged, in the order in which it was said.
#[derive(Debug, Clone, Default)]
pub(crate) struct History {
    clock: u64,
    changes: Vec<Change>,
    /// Where the changes of what is under way are.
    open: BTreeMap<u64, Vec<usize>>,
    keys: Vec<String>,
    /// Since when versions are kept, and what has them kept.
    kept: Option<u64>,
    keeping: Option<u64>,
}

impl History {
    /// A line was read; `operation` answers what an id stands for.
    pub(crate) fn hear(&mut self, said: &Said, operation: impl Fn(u64) -> Operation) {
        self.clock += 1;
        match said {
            Said::Begin(id) => self.begin(*id, &operation(*id)),
            Said::End(id, outcome) => self.end(*id, *outcome),
        }
    }

    fn begin(&mut self, id: u64, operation: &Operation) {
        let leaves = match operation {
            Operation::Put(version, _) | Operation::Upload { version, .. } => {
                Leaves::Exactly(Some(version.number))
            }
            Operation::Tag { number, .. } => Leaves::Exactly(Some(*number)),
            Operation::Copy { from, .. } => Leaves::CopyOf(from.clone()),
            Operation::Rename { from, .. } => Leaves::MoveOf(from.clone()),
            Operation::Delete(_) => Leaves::Exactly(None),
            Operation::Undo(_) => Leaves::Earlier,
            Operation::KeepVersions => {
                self.keeping = Some(id);
                return;
            }
        };
        let mut under_way = Vec::new();
        for key in operation.targets() {
            under_way.push(self.changes.len());
            let leaves = match operation {
                Operation::Rename { from, .. } if key == from => Leaves::Exactly(None),
                _ => leaves.clone(),
            };
            self.change(key, leaves, NEVER);
        }
        self.open.insert(id, under_way);
    }

    fn end(&mut self, id: u64, outcome: Outcome) {
        if self.keeping == Some(id) {
            self.kept = Some(self.clock);
        }
        for change in self.open.remove(&id).unwrap_or_default() {
            match outcome {
                Outcome::Done => self.changes[change].ended = self.clock,
                // It changed nothing: it is a change of no key.
                Outcome::Refused => self.changes[change].key.clear(),
            }
        }
    }

    /// The writes of a key that stay as versions whatever came after them.
    pub(crate) fn kept(&self, key: &str) -> Vec<u64> {
        let Some(since) = self.kept else { return Vec::new() };
        if self.changes.iter().any(|change| change.key == key && change.leaves == Leaves::Earlier) {
            return Vec::new();
        }
        let acknowledged =
            |change: &&Change| change.key == key && change.ended != NEVER && change.began >= since;
        let numbers = self.changes.iter().filter(acknowledged).filter_map(|change| match change.leaves {
            Leaves::Exactly(number) => number,
            _ => None,
        });
        numbers.collect()
    }

    /// What was seen is from now on what is there: nothing is under way any more.
    pub(crate) fn settle(&mut self, contents: &Contents) {
        self.clock += 1;
        self.open.clear();
        self.changes.clear();
        for (key, seen) in contents {
            let number = seen.as_ref().map(|seen| seen.number);
            self.change(key, Leaves::Exactly(number), self.clock);
        }
    }

    fn change(&mut self, key: &str, leaves: Leaves, ended: u64) {
        if !self.keys.iter().any(|known| known == key) {
            self.keys.push(key.to_owned());
        }
        self.changes.push(Change { key: key.to_owned(), leaves, began: self.clock, ended });
    }

    /// Every key that was ever written to.
    pub(crate) fn keys(&self) -> &[String] {
        &self.keys
    }

    /// The keys of what is under way.
    pub(crate) fn keys_under_way(&self) -> Vec<String> {
        self.open.values().flatten().map(|change| self.changes[*change].key.clone()).collect()
    }

    /// Looks at what is being moved: it is at one of its keys at least.
    ///
    /// # Errors
    ///
    /// Says what is lost.
    pub(crate) fn judge_moves(&self, contents: &Contents) -> Result<(), String> {
        let number = |key: &str| contents.get(key).and_then(|seen| seen.as_ref().map(|seen| seen.number));
        for change in self.open.values().flatten().map(|change| &self.changes[*change]) {
            let Leaves::MoveOf(from) = &change.leaves else { continue };
            let later = |other: &Change| other.began > change.began;
            if self.changes.iter().any(|c| later(c) && (c.key == *from || c.key == change.key)) {
                continue;
            }
            let moved = self.possible(from, change.began, change.ended, &mut Vec::new());
            let is_there = |key: &str| number(key).is_some_and(|number| moved.contains(&Some(number)));
            if moved.iter().any(Option::is_some) && !is_there(from) && !is_there(&change.key) {
                return Err(format!("{from:?} was being moved to {:?} and is at neither", change.key));
            }
        }
        Ok(())
    }

    /// How many lines were read.
    pub(crate) fn clock(&self) -> u64 {
        self.clock
    }

    /// What a key may have had between two moments: what had begun by the second, and was not followed before the
    /// first by a whole change that began after it had ended.
    fn possible(&self, key: &str, from: u64, to: u64, on_the_way: &mut Vec<usize>) -> BTreeSet<Number> {
        let of_key = || self.changes.iter().enumerate().filter(|(_, change)| change.key == key);
        let latest = of_key().filter(|(_, change)| change.ended < from).map(|(_, change)| change.began).max();
        let mut numbers = BTreeSet::new();
        if latest.is_none() {
            numbers.insert(None);
        }
        for (index, change) in of_key() {
            let followed = latest.is_some_and(|latest| change.ended < latest);
            if followed || change.began > to || on_the_way.contains(&index) {
                continue;
            }
            match &change.leaves {
                Leaves::Exactly(number) => numbers.extend([*number]),
                Leaves::Earlier => {
                    let before = of_key().filter(|(_, other)| other.began < change.began);
                    numbers.extend(before.filter_map(|(_, other)| match other.leaves {
                        Leaves::Exactly(number) => Some(number).filter(Option::is_some),
                        _ => None,
                    }));
                }
                Leaves::CopyOf(source) | Leaves::MoveOf(source) => {
                    on_the_way.push(index);
                    let copied = self.possible(source, change.began, change.ended, on_the_way);
                    on_the_way.pop();
                    numbers.extend(copied.into_iter().filter(Option::is_some));
                }
            }
        }
        numbers
    }

    /// Compares what a key has with what it may have.
    ///
    /// # Errors
    ///
    /// Says what was promised.
    pub(crate) fn judge(&self, key: &str, number: Number) -> Result<(), String> {
        let wanted = self.possible(key, NEVER, NEVER, &mut Vec::new());
        if wanted.contains(&number) {
            return Ok(());
        }
        let name = |number: &Number| number.map_or("nothing".to_owned(), |number| format!("write {number}"));
        let wanted: Vec<String> = wanted.iter().map(name).collect();
        Err(format!("{} is there, and only {} may be", name(&number), wanted.join(" or ")))
    }
}
