//! Deleting steps and sessions: the marker first, then exactly what it named.

use super::list::no_session;
use super::publish::{contended, lost_a_race};
use super::sessions::{Found, Sessions};
use super::step::{Step, missing};
use super::tombstone::Tombstone;
use crate::{SessionId, StepId};
use futures_util::stream::{FuturesUnordered, StreamExt};
use holdall_store::{DeleteFailure, DeleteOptions, Error, ErrorKind, Key, Result, State};
use std::time::SystemTime;

/// So often a marker is looked at anew that others swap.
const LOOKS: u32 = 256;
/// So many steps of a session are deleted at once.
const LANES: usize = 16;

/// What deleting a step answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct StepDeleted {
    /// Whether the store did it, or it waits in this machine's outbox.
    pub state: State,
    /// Whether the step was deleted or had expired before, and only what was left of it went now.
    pub finished: bool,
    /// Objects of the step that could not be removed. Nothing names them any more; deleting the step again removes them.
    pub failures: Vec<DeleteFailure>,
}

/// What deleting a session answers.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SessionDeleted {
    /// How many steps were deleted.
    pub steps: u64,
    /// Whether the store did it, or some of it waits in this machine's outbox.
    pub state: State,
    /// Steps that could not be deleted, and why; each other step was.
    pub failures: Vec<(StepId, Error)>,
    /// Objects that could not be removed. Nothing names them any more; deleting the session again removes them.
    pub left: Vec<DeleteFailure>,
}

impl Sessions {
    /// Deletes a step: its marker first, and then exactly the objects that the marker names. Copies on this machine go
    /// with them.
    ///
    /// From the marker's deletion on the step is not there for anybody, and a step of this name that was stored before and
    /// waits in another machine's outbox is not there when it comes (by those two machines' clocks). Killed at any moment
    /// the step is whole or gone; deleting it again removes what is left.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{ErrorKind, SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>")).await?;
    /// let deleted = sessions.delete(&session, &step).await?;
    /// assert!(deleted.failures.is_empty());
    /// assert_eq!(sessions.delete(&session, &step).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a step that is not there; `Unreachable` where the store is away and the step's marker is not on this
    /// machine, since it says what is to be deleted; `Conflict` where others kept changing it. After an error the step is
    /// there as before, or gone and not tidied.
    pub async fn delete(&self, session: &SessionId, step: &StepId) -> Result<StepDeleted> {
        self.delete_by(session, step, None).await
    }

    /// Deletes a step; `whole` is the tombstone of the session that there was before.
    async fn delete_by(
        &self,
        session: &SessionId,
        step: &StepId,
        whole: Option<&Option<Tombstone>>,
    ) -> Result<StepDeleted> {
        let mut looks = LOOKS;
        loop {
            let Some(found) = self.find_by(session, step, whole).await? else {
                return self.finish(session, step).await?.ok_or_else(|| missing(session, step));
            };
            match self.delete_found(&found).await {
                Err(error) if lost_a_race(&error) && !self.store.is_remote() && looks > 0 => looks -= 1,
                other => return other,
            }
        }
    }

    async fn delete_found(&self, found: &Found) -> Result<StepDeleted> {
        let step = &found.step;
        let marker = self.layout.marker(&step.session, &step.step)?;
        let tombstone = self.tombstone_of(step, self.clock.now().max(step.stored));
        self.put_tombstone(&tombstone).await?;
        let if_match = found.etag.clone().filter(|_| !self.store.is_remote());
        let options = DeleteOptions { if_match, ..DeleteOptions::default() };
        let state = self.store.delete_with(marker.as_str(), &options).await?.state;
        self.clear(tombstone, state, !found.is_there()).await
    }

    /// Removes what a tombstone says is left, and then says that nothing is.
    pub(super) async fn clear(
        &self,
        tombstone: Tombstone,
        state: State,
        finished: bool,
    ) -> Result<StepDeleted> {
        let step = tombstone.step.clone().expect("a session's tombstone names no objects");
        let session = &tombstone.session;
        let mut keys: Vec<Key> =
            tombstone.left.iter().map(|key| self.layout.key(session, key)).collect::<Result<_>>()?;
        let entry = tombstone.entry();
        for entry in entry.iter().flat_map(|entry| [entry.clone(), entry.lasting()]) {
            keys.push(self.layout.index(session, &entry)?);
        }
        keys.dedup();
        let failures = self.remove(keys, &self.layout.marker(session, &step)?, state).await;
        if let Some(entry) = entry {
            // Somebody may have stored it anew, at the same time, while its entry was taken out.
            match self.list_again(session, &entry.step).await {
                Err(error) if super::sessions::may_wait(&error) => {}
                Ok(false) => return Err(contended(session, &entry.step)),
                other => drop(other?),
            }
        }
        if failures.is_empty() {
            self.close(tombstone).await?;
        }
        Ok(StepDeleted { state, finished, failures })
    }

    /// Ends a deletion that did not come to its end; none where none was begun, or all of it was done.
    pub(super) async fn finish(&self, session: &SessionId, step: &StepId) -> Result<Option<StepDeleted>> {
        let tombstone = match self.tombstone(session, Some(step)).await? {
            Some(tombstone) if tombstone.time.is_some() || !tombstone.left.is_empty() => tombstone,
            _ => return Ok(None),
        };
        // The step may be there again: what it names stays, and so does its entry.
        let found = self.find(session, step).await?;
        let time = tombstone.time.filter(|time| found.as_ref().is_none_or(|found| found.step.time != *time));
        let named = found.map_or_else(Vec::new, |found| named(self, &found.step));
        let left = tombstone.left.iter().filter(|key| !named.contains(key)).cloned().collect();
        self.clear(Tombstone { left, time, ..tombstone }, State::Stored, true).await.map(Some)
    }

    /// Deletes a session: every step of it. A step that cannot be deleted is reported, and the others go.
    ///
    /// A step that somebody stores meanwhile may stay. Steps of the session that were stored before and wait in another
    /// machine's outbox are not there when they come.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{ErrorKind, SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>")).await?;
    /// assert_eq!(sessions.delete_session(&session).await?.steps, 1);
    /// assert_eq!(sessions.delete_session(&session).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a session without a step; what keeps its steps from being listed.
    pub async fn delete_session(&self, session: &SessionId) -> Result<SessionDeleted> {
        let mut steps = self.marked(session)?;
        let before = &self.tombstone(session, None).await?;
        let mut deleted = SessionDeleted::default();
        let mut work = FuturesUnordered::new();
        let mut has_tombstone = false;
        while let Some(step) = steps.next(self).await? {
            if !has_tombstone {
                self.put_tombstone(&whole(session, self.clock.now())).await?;
                has_tombstone = true;
            }
            if work.len() >= LANES {
                work.next().await.into_iter().for_each(|(step, outcome)| deleted.add(step, outcome));
            }
            work.push(Box::pin(async move {
                let outcome = self.delete_by(session, &step, Some(before)).await;
                (step, outcome)
            }));
        }
        while let Some((step, outcome)) = work.next().await {
            deleted.add(step, outcome);
        }
        let finished = self.finish_all(session, &mut deleted).await?;
        if !has_tombstone && !finished {
            return Err(no_session(session));
        }
        Ok(deleted)
    }

    /// Ends deletions of steps that did not come to their end; answers whether there were any.
    async fn finish_all(&self, session: &SessionId, deleted: &mut SessionDeleted) -> Result<bool> {
        let prefix = self.layout.tombstones(session);
        let mut list = self.store.list(&prefix)?;
        let mut any = false;
        while let Some(object) = list.next().await {
            let object = match object {
                Err(error) if self.says_nothing_there(&error) => break,
                other => other?,
            };
            let name = object.key.as_str().strip_prefix(&prefix).and_then(|name| name.strip_suffix(".json"));
            let Some(step) = name.and_then(|name| StepId::parse(name).ok()) else { continue };
            match self.finish(session, &step).await {
                Ok(None) => {}
                Ok(Some(outcome)) => {
                    any = true;
                    deleted.left.extend(outcome.failures);
                }
                Err(error) => deleted.failures.push((step, error)),
            }
        }
        Ok(any)
    }
}

/// The objects that a marker names, as they follow the session's name.
pub(super) fn named(sessions: &Sessions, step: &Step) -> Vec<String> {
    let parts = step.parts.values().map(|part| sessions.layout.relative(&step.session, &part.key).to_owned());
    parts.chain(step.superseded.iter().flat_map(|old| old.keys.iter().cloned())).collect()
}

fn whole(session: &SessionId, deleted: SystemTime) -> Tombstone {
    Tombstone { session: session.clone(), step: None, deleted, time: None, expires: None, left: Vec::new() }
}

impl SessionDeleted {
    fn add(&mut self, step: StepId, outcome: Result<StepDeleted>) {
        match outcome {
            Ok(outcome) => {
                self.steps += u64::from(!outcome.finished);
                if outcome.state == State::Queued {
                    self.state = State::Queued;
                }
                self.left.extend(outcome.failures);
            }
            // Somebody else deleted it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.failures.push((step, error)),
        }
    }
}
