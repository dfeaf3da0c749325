//! Making a step what it is from now on: its marker is swapped, and what it took the place of goes in time.

use super::clock::unique;
use super::layout::{Due, Entry};
use super::marker;
use super::moment::{self, Moments};
use super::part::{PartName, StepPart};
use super::sessions::{Found, Sessions, may_wait};
use super::step::{Step, Superseded};
use super::store::StepReceipt;
use crate::{SessionId, StepId};
use futures_util::stream::{self, StreamExt};
use holdall_store::{
    Attributes, DeleteFailure, Error, ErrorKind, Key, OnRemoteError, PutOptions, ReadFrom, Receipt, Result,
    State, WriteCondition, WriteMode,
};
use std::collections::BTreeMap;
use std::time::SystemTime;

/// So often a marker is swapped anew behind others who swap it at the same time.
const SWAPS: u32 = 256;
/// So many earlier attempts keep their parts; of more the oldest go before their grace is over.
const MAX_SUPERSEDED: usize = 32;
/// So many deletions are queued at once.
const LANES: usize = 8;

/// A step whose parts are stored, or are being stored, and which nothing names yet.
pub(super) struct Draft {
    pub(super) session: SessionId,
    pub(super) step: StepId,
    moments: Moments,
    generation: String,
    parts: BTreeMap<PartName, StepPart>,
    waited: bool,
}

impl Draft {
    pub(super) fn new(sessions: &Sessions, session: &SessionId, step: &StepId, moments: Moments) -> Self {
        let begun = moment::compact(sessions.clock.now());
        Self {
            session: session.clone(),
            step: step.clone(),
            moments,
            generation: format!("{begun}-{}", unique()),
            parts: BTreeMap::new(),
            waited: false,
        }
    }

    /// The key of a file of this attempt.
    pub(super) fn key(&self, sessions: &Sessions, file: &str) -> Result<Key> {
        sessions.layout.key(&self.session, &format!("{}/{}/{file}", self.step, self.generation))
    }

    pub(super) fn with(self, parts: BTreeMap<PartName, StepPart>, waited: bool) -> Self {
        Self { parts, waited, ..self }
    }

    /// The step, if it takes the place of what is there now.
    pub(super) fn step(&self, sessions: &Sessions, previous: Option<&Found>, entry: &Entry) -> Step {
        let stored = moment::rounded(sessions.clock.now());
        let superseded = previous.map(|previous| self.superseded(sessions, &previous.step, stored));
        Step {
            session: self.session.clone(),
            step: self.step.clone(),
            time: entry.time,
            stored,
            expires: entry.expires,
            generation: self.generation.clone(),
            parts: self.parts.clone(),
            read_from: ReadFrom::Store,
            waited: self.waited,
            superseded: superseded.unwrap_or_default(),
        }
    }

    /// What waits to be removed. What was due when the last one stored was removed by them.
    fn superseded(&self, sessions: &Sessions, previous: &Step, now: SystemTime) -> Vec<Superseded> {
        let own = previous.parts.values().filter(|part| !self.parts.values().any(|new| new.key == part.key));
        let keys = own.map(|part| sessions.layout.relative(&self.session, &part.key).to_owned()).collect();
        let waiting = previous.superseded.iter().filter(|old| !is_due(old, previous.stored, sessions));
        let mut all: Vec<Superseded> = waiting.cloned().chain([Superseded { at: now, keys }]).collect();
        // The oldest give way, which is as if their grace were over.
        let most = all.len().saturating_sub(MAX_SUPERSEDED);
        all.iter_mut().take(most).for_each(|old| old.at = SystemTime::UNIX_EPOCH);
        all
    }
}

pub(super) fn is_due(old: &Superseded, now: SystemTime, sessions: &Sessions) -> bool {
    old.at.checked_add(sessions.grace).is_some_and(|due| due <= now)
}

impl Sessions {
    /// Swaps the marker, and removes what is due.
    pub(super) async fn publish(
        &self,
        draft: Draft,
        mut previous: Option<Found>,
        mut entry: Entry,
    ) -> Result<StepReceipt> {
        let mut outdated = Vec::new();
        let mut swaps = SWAPS;
        let (step, receipt) = loop {
            let mut step = draft.step(self, previous.as_ref(), &entry);
            match self.put_marker(&mut step, self.condition(previous.as_ref())).await {
                Err(error) if lost_a_race(&error) && !self.store.is_remote() && swaps > 0 => {
                    swaps -= 1;
                    previous = self.find(&draft.session, &draft.step).await?;
                    let next =
                        self.enter(&draft.session, &draft.step, draft.moments, previous.as_ref()).await?;
                    outdated.push(std::mem::replace(&mut entry, next));
                }
                receipt => break (step, receipt?),
            }
        };
        outdated.extend(previous.iter().map(|previous| Entry::of(&previous.step)));
        outdated.extend(previous.iter().map(|_| entry.lasting()));
        outdated.retain(|old| *old != entry);
        let leftovers = self.tidy(&step, &outdated, receipt.state).await?;
        if !self.store.is_remote() {
            self.stays_listed(&draft.session, &entry, outdated.is_empty()).await?;
        }
        Ok(StepReceipt { step, state: receipt.state, outbox: receipt.outbox, leftovers })
    }

    /// Where swapping under a condition costs nothing, each swap knows what it takes the place of. A remote store is not
    /// tried with racing writers for it: there two who store at once may leave objects that `verify` finds.
    fn condition(&self, previous: Option<&Found>) -> WriteCondition {
        match previous.map(|previous| &previous.etag) {
            _ if self.store.is_remote() => WriteCondition::Always,
            None => WriteCondition::Absent,
            Some(Some(etag)) => WriteCondition::Matches(etag.clone()),
            Some(None) => WriteCondition::Always,
        }
    }

    /// Puts the marker, behind all it names. One that has to wait says so of itself: see [`super::tombstone`].
    pub(super) async fn put_marker(&self, step: &mut Step, condition: WriteCondition) -> Result<Receipt> {
        if self.store.outbox().is_some() && !step.waited {
            match self.put_marker_now(step, condition.clone()).await {
                Err(error) if may_wait(&error) => step.waited = true,
                other => return other,
            }
        }
        let key = self.layout.marker(&step.session, &step.step)?;
        let options = self.marker_options(step, condition)?;
        self.store.put_with(key.as_str(), marker::write(step, &self.layout), &options).await
    }

    /// Puts the marker, or fails: it does not wait.
    pub(super) async fn put_marker_now(&self, step: &Step, condition: WriteCondition) -> Result<Receipt> {
        let key = self.layout.marker(&step.session, &step.step)?;
        let (on_remote_error, write) = (Some(OnRemoteError::Raise), Some(WriteMode::Direct));
        let options = PutOptions { on_remote_error, write, ..self.marker_options(step, condition)? };
        self.store.put_with(key.as_str(), marker::write(step, &self.layout), &options).await
    }

    fn marker_options(&self, step: &Step, condition: WriteCondition) -> Result<PutOptions> {
        let attributes =
            Attributes { content_type: Some("application/json".to_owned()), ..Attributes::default() };
        let parts = format!("{}{}/{}/", self.layout.session(&step.session), step.step, step.generation);
        let entries = self.entry_keys(&step.session, &Entry::of(step))?;
        let after = entries.into_iter().map(|key| key.as_str().to_owned()).chain([parts]).collect();
        Ok(PutOptions { attributes, condition, after, ..PutOptions::default() })
    }

    /// Removes entries of the index that hold no longer, and parts whose grace is over.
    async fn tidy(&self, step: &Step, outdated: &[Entry], state: State) -> Result<Vec<DeleteFailure>> {
        let due = step.superseded.iter().filter(|old| is_due(old, step.stored, self));
        let mut keys: Vec<Key> = outdated
            .iter()
            .map(|entry| self.layout.index(&step.session, entry))
            .chain(due.flat_map(|old| &old.keys).map(|key| self.layout.key(&step.session, key)))
            .collect::<Result<_>>()?;
        keys.sort_unstable();
        keys.dedup();
        Ok(self.remove(keys, &self.layout.marker(&step.session, &step.step)?, state).await)
    }

    /// Removes objects behind what became of a marker: where that waits, they wait behind it.
    pub(super) async fn remove(&self, keys: Vec<Key>, marker: &Key, state: State) -> Vec<DeleteFailure> {
        if keys.is_empty() || state == State::Stored {
            return self.store.delete_many(keys).await;
        }
        let work = keys.into_iter().map(|key| async move {
            let removed = self.remove_behind(&key, marker).await;
            removed.err().map(|error| DeleteFailure { key, error })
        });
        stream::iter(work).buffer_unordered(LANES).filter_map(|failure| async { failure }).collect().await
    }

    /// Deletes an object behind what waits of a marker. A delete cannot say what it comes after; a put can, and the delete
    /// of a key comes after the put of it. So an empty object is put first, which nothing names.
    async fn remove_behind(&self, key: &Key, marker: &Key) -> Result<()> {
        let options = PutOptions { after: vec![marker.as_str().to_owned()], ..PutOptions::default() };
        self.store.put_with(key.as_str(), bytes::Bytes::new(), &options).await?;
        self.store.delete(key.as_str()).await.map(drop)
    }

    /// Enters a step again that somebody who changed it at the same time took out of the index, or that this one took out
    /// with what it took for outdated.
    pub(super) async fn stays_listed(
        &self,
        session: &SessionId,
        entry: &Entry,
        took_none: bool,
    ) -> Result<()> {
        if took_none && self.is_listed(session, entry).await? {
            return Ok(());
        }
        match self.list_again(session, &entry.step).await? {
            true => Ok(()),
            false => Err(contended(session, &entry.step)),
        }
    }

    /// Enters a step that is there and not in the index. It may go, or be given another moment, before its entry is
    /// written, by somebody who has looked for entries already: then that one goes. Answers whether the index is right; it
    /// may not be where others changed the step at every look.
    pub(super) async fn list_again(&self, session: &SessionId, step: &StepId) -> Result<bool> {
        let mut entered: Option<Entry> = None;
        for _ in 0..SWAPS {
            let found = self.find(session, step).await?.filter(Found::is_there);
            let there = found.map(|found| Entry::of(&found.step));
            if there == entered {
                return Ok(true);
            }
            if let Some(gone) = entered.take() {
                self.store.delete(self.layout.index(session, &gone)?.as_str()).await?;
            }
            if let Some(entry) = there {
                if self.is_listed(session, &entry).await? {
                    return Ok(true);
                }
                self.write_entries(session, &entry).await?;
                entered = Some(entry);
            }
        }
        Ok(false)
    }

    async fn is_listed(&self, session: &SessionId, entry: &Entry) -> Result<bool> {
        self.store.exists(self.layout.index(session, entry)?.as_str()).await
    }

    /// The entries of a step: that of the index, and that of what is due where it is to expire.
    pub(super) fn entry_keys(&self, session: &SessionId, entry: &Entry) -> Result<Vec<Key>> {
        let due = entry.expires.map(|expires| self.layout.due(&Due::new(session, &entry.step, expires)));
        due.into_iter().chain([self.layout.index(session, entry)]).collect()
    }

    /// Writes the entries of a step.
    pub(super) async fn write_entries(&self, session: &SessionId, entry: &Entry) -> Result<()> {
        for key in self.entry_keys(session, entry)? {
            self.store.put(key.as_str(), bytes::Bytes::new()).await?;
        }
        Ok(())
    }
}

/// Whether a condition failed because somebody else came before.
pub(super) fn lost_a_race(error: &Error) -> bool {
    [ErrorKind::Precondition, ErrorKind::AlreadyExists, ErrorKind::NotFound].contains(&error.kind())
}

/// Said when others keep changing a step, so that nobody knows whether it is in the index. What was asked for is done.
pub(super) fn contended(session: &SessionId, step: &StepId) -> Error {
    let message = "others keep changing the same step, which the index may not have as it is";
    super::store::of(Error::new(ErrorKind::Conflict, message), session, step)
        .with_hint("when they have ended, `holdall session verify SESSION --mend` mends the index")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::{Clock, NewStep};
    use holdall_store::{Settings, Store};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    /// To give up was no error: a step that others changed at every look was left out of the index, or an entry of one
    /// that was gone in it.
    #[tokio::test]
    async fn whoever_finds_a_step_changed_at_every_look_says_so() {
        let sessions = Sessions::open(&Store::memory(), &Settings::default()).unwrap();
        let (session, one) = (SessionId::parse("run").unwrap(), StepId::parse("1").unwrap());
        let hour = Duration::from_secs(3600);
        let new = NewStep::new(&session, &one).html("<p>").expires(SystemTime::now() + hour);
        let step = sessions.store(new).await.unwrap().step;
        let entry = Entry::of(&step);
        // Each look finds it as the one before did not: there, and expired.
        let looks = AtomicU64::new(0);
        let now = move || SystemTime::now() + 2 * hour * (looks.fetch_add(1, Ordering::Relaxed) % 2) as u32;
        let restless = sessions.clone().with_clock(Clock::new(now));
        sessions.store.delete(sessions.layout.index(&session, &entry).unwrap().as_str()).await.unwrap();
        let said = restless.stays_listed(&session, &entry, true).await.unwrap_err();
        assert_eq!(said.kind(), ErrorKind::Conflict, "{said}");
        let cleared = restless.clear(sessions.tombstone_of(&step, step.stored), State::Stored, true).await;
        assert_eq!(cleared.unwrap_err().kind(), ErrorKind::Conflict);
        // One who is alone with it enters it.
        sessions.stays_listed(&session, &entry, true).await.unwrap();
        assert!(sessions.is_listed(&session, &entry).await.unwrap());
    }
}
