//! What a child said of its deeds, and what an outbox must have therefore.

use super::work::{Deed, KEYS, content, destination, open, put};
use crate::child::Said;
use crate::operation::Outcome;
use crate::promise::Promise;
use crate::run::runtime;
use holdall_store::Error;
use holdall_store::outbox::{Mark, Queue};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A key that nobody else writes to, with the number of what is put there.
const SPARE: (&str, u64) = ("spare", 1 << 60);

/// When a deed began and ended, in lines.
#[derive(Debug, Clone, Copy)]
struct Span {
    began: u64,
    ended: Option<u64>,
}

/// All deeds, as far as they were spoken of.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    clock: u64,
    deeds: BTreeMap<u64, Span>,
    /// Deeds that left nothing.
    refused: BTreeSet<u64>,
}

impl Ledger {
    /// How many deeds are under way.
    pub(crate) fn open_deeds(&self) -> usize {
        self.deeds.values().filter(|span| span.ended.is_none()).count()
    }

    /// How many puts were acknowledged and not settled since.
    pub(crate) fn promised(&self) -> usize {
        self.deeds
            .iter()
            .filter(|(id, span)| is_put(**id) && span.ended.is_some() && !self.is_settling(**id))
            .count()
    }

    fn is_settling(&self, put: u64) -> bool {
        matches!(Deed::numbered(put + 1), Deed::Settle(_)) && self.deeds.contains_key(&(put + 1))
    }

    fn is_settled(&self, put: u64) -> bool {
        matches!(Deed::numbered(put + 1), Deed::Settle(_))
            && self.deeds.get(&(put + 1)).is_some_and(|span| span.ended.is_some())
    }

    /// From now on what was found is what there is: nothing is under way any more.
    pub(crate) fn fix(&mut self, found: &BTreeSet<u64>) {
        self.clock += 1;
        let under_way: Vec<u64> =
            self.deeds.iter().filter(|(_, span)| span.ended.is_none()).map(|(id, _)| *id).collect();
        for id in under_way {
            let has_happened = match Deed::numbered(id) {
                Deed::Put { .. } => found.contains(&id),
                Deed::Settle(of) => !found.contains(&of),
                Deed::Compact => true,
            };
            if has_happened {
                self.deeds.entry(id).and_modify(|span| span.ended = Some(self.clock));
            } else {
                self.deeds.remove(&id);
                self.refused.insert(id);
            }
        }
    }

    /// Compares an outbox with what was promised; answers which puts wait in it.
    ///
    /// # Errors
    ///
    /// Says what is lost, torn, come back, out of order, or there without having been put.
    pub(crate) fn judge(&self, queue: &Queue) -> Result<BTreeSet<u64>, String> {
        let mut found = BTreeSet::new();
        for key in KEYS {
            let ids = read(queue, key).map_err(|error| format!("{key:?}: {error:?}"))?;
            for id in &ids {
                self.demand_right(key, *id)?;
                if !found.insert(*id) {
                    return Err(format!("put {id} is there twice"));
                }
            }
            self.demand_order(&ids)?;
        }
        let lost = |id: &&u64| is_put(**id) && !found.contains(*id) && !self.is_settling(**id);
        let acknowledged = self.deeds.iter().filter(|(_, span)| span.ended.is_some()).map(|(id, _)| id);
        if let Some(id) = acknowledged.clone().find(lost) {
            return Err(format!("put {id} was acknowledged and is lost"));
        }
        let status = queue.status().map_err(|error| format!("{error:?}"))?;
        match status.entries == found.len() as u64 {
            true => Ok(found),
            false => Err(format!("{} entries are found, and {status:?} counted", found.len())),
        }
    }

    fn demand_right(&self, key: &str, id: u64) -> Result<(), String> {
        let is_of_key = matches!(Deed::numbered(id), Deed::Put { key: own, .. } if own == key);
        if !is_of_key || !self.deeds.contains_key(&id) || self.refused.contains(&id) {
            return Err(format!("put {id} is there, and may not be"));
        }
        match self.is_settled(id) {
            true => Err(format!("put {id} was settled and came back")),
            false => Ok(()),
        }
    }

    fn demand_order(&self, ids: &[u64]) -> Result<(), String> {
        for (nth, first) in ids.iter().enumerate() {
            for second in &ids[nth + 1..] {
                if self.deeds[second].ended.is_some_and(|ended| ended < self.deeds[first].began) {
                    return Err(format!("put {second} was done before {first} began, and stands behind it"));
                }
            }
        }
        Ok(())
    }
}

fn is_put(id: u64) -> bool {
    matches!(Deed::numbered(id), Deed::Put { .. })
}

/// The deeds whose entries wait at a key, each with exactly its bytes.
fn read(queue: &Queue, key: &str) -> Result<Vec<u64>, Error> {
    let mut ids = Vec::new();
    for pending in queue.waiting(&destination(), key)? {
        let entry = queue.entry(&pending)?;
        let id = u64::from_str_radix(&entry.nonce, 16).expect("a number of a deed");
        let bytes = queue.content(&pending)?.bytes()?;
        let Deed::Put { size, .. } = Deed::numbered(id) else { panic!("{id} is no put") };
        assert!(bytes == content(id, size), "put {id} has other bytes");
        ids.push(id);
    }
    Ok(ids)
}

/// Shows that an outbox takes entries over whatever a crash left there, gives them back, and lets go of them.
pub(crate) fn goes_on(folder: &Path) -> Result<(), String> {
    let told = |error: Error| format!("it does not go on: {error:?}");
    let (key, id) = SPARE;
    runtime().block_on(async {
        let queue = open(folder).map_err(told)?;
        for size in [100, 300_000] {
            put(&queue, key, id, size).await.map_err(told)?;
        }
        drop(queue);
        let queue = open(folder).map_err(told)?;
        let waiting = queue.waiting(&destination(), key).map_err(told)?;
        let sizes: Vec<u64> =
            waiting.iter().filter_map(|pending| queue.entry(pending).ok()).map(|entry| entry.size).collect();
        if sizes != [100, 300_000] {
            return Err(format!("it does not go on: {sizes:?} are there"));
        }
        for pending in &waiting {
            queue.content(pending).and_then(|content| content.bytes()).map_err(told)?;
            queue.mark(pending, Mark::Done).await.map_err(told)?;
        }
        Ok(())
    })
}

impl Promise for Ledger {
    fn hear(&mut self, said: &Said) {
        self.clock += 1;
        match said {
            Said::Begin(id) => _ = self.deeds.insert(*id, Span { began: self.clock, ended: None }),
            Said::End(id, Outcome::Done) => {
                self.deeds.entry(*id).and_modify(|span| span.ended = Some(self.clock));
            }
            Said::End(id, Outcome::Refused) if is_put(*id) => _ = self.refused.insert(*id),
            // It may have been half done, as one that was never heard of again.
            Said::End(_, Outcome::Refused) => {}
        }
    }

    fn clock(&self) -> u64 {
        self.clock
    }

    fn demand(&self, base: &Path, turn: usize) -> Result<(), String> {
        let folder = base.join("outbox");
        // The model of a disk knows no modes.
        if folder.exists() {
            std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        let queue = open(&folder).map_err(|error| format!("it cannot be opened: {error:?}"))?;
        let found = self.judge(&queue)?;
        drop(queue);
        if turn.is_multiple_of(4) {
            goes_on(&folder)?;
            let queue = open(&folder).map_err(|error| format!("it cannot be opened: {error:?}"))?;
            if self.judge(&queue)? != found {
                return Err("what was there is not what is there after going on".to_owned());
            }
        }
        Ok(())
    }
}
