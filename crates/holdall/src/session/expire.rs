//! Letting steps expire: the marker is swapped for one that says until when its step is there.

use super::layout::Entry;
use super::list::no_session;
use super::moment;
use super::publish::lost_a_race;
use super::sessions::{Found, Sessions};
use super::step::{Step, missing};
use super::store::{StepReceipt, of};
use crate::{SessionId, StepId};
use futures_util::stream::{FuturesUnordered, StreamExt};
use holdall_store::{DeleteFailure, Error, ErrorKind, ReadFrom, Receipt, Result, State, WriteCondition};
use std::time::SystemTime;

/// So often a marker is swapped anew behind others who swap it at the same time.
const SWAPS: u32 = 256;
/// So many steps of a session are given a moment at once.
const LANES: usize = 16;

/// What letting a session expire answers.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SessionExpiration {
    /// How many steps have the moment now.
    pub steps: u64,
    /// Whether the store has all of them, or some wait in this machine's outbox.
    pub state: State,
    /// Steps that are as they were, and why; each other step has the moment.
    pub failures: Vec<(StepId, Error)>,
    /// Entries of the index that could not be removed. `verify` finds them.
    pub left: Vec<DeleteFailure>,
}

impl Sessions {
    /// Lets a step expire: from that moment on, to the millisecond, it is not there for anybody whose clock says so, and a
    /// sweep deletes it. With none it never does. Nothing else of it is changed, and no part is moved.
    ///
    /// A step keeps its moment until it is given another one or is stored again: then it has that of [`NewStep::expires`],
    /// or none.
    ///
    /// [`NewStep::expires`]: super::NewStep::expires
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::session::{NewStep, Sessions};
    /// use holdall::{ErrorKind, SessionId, Settings, StepId, Store};
    /// use std::time::{Duration, SystemTime};
    ///
    /// let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>1</p>")).await?;
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// sessions.set_expiration(&session, &step, Some(tomorrow)).await?;
    /// assert!(sessions.describe(&session, &step).await?.expires >= Some(tomorrow));
    ///
    /// let past = sessions.set_expiration(&session, &step, Some(SystemTime::UNIX_EPOCH)).await;
    /// assert_eq!(past.unwrap_err().kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`, also for a step that has expired; `InvalidInput` for a moment that has passed; `Unreachable` where the
    /// store is away, since a marker that came late could take the place of a newer one. A step that waits in this
    /// machine's outbox gets its moment there. After an error the step has the moment that it had, unless the store fell
    /// silent while it took the marker. After `Conflict` it has the new one: others kept changing it, and the index may not
    /// have it as it is ([`Sessions::verify`] mends that).
    pub async fn set_expiration(
        &self,
        session: &SessionId,
        step: &StepId,
        expires: Option<SystemTime>,
    ) -> Result<StepReceipt> {
        let expires = self.checked_expiry(expires).map_err(|error| of(error, session, step))?;
        Box::pin(self.expire_step(session, step, expires)).await
    }

    fn checked_expiry(&self, expires: Option<SystemTime>) -> Result<Option<SystemTime>> {
        expires.map(|moment| moment::expiry(moment, self.clock.now())).transpose()
    }

    async fn expire_step(
        &self,
        session: &SessionId,
        step: &StepId,
        expires: Option<SystemTime>,
    ) -> Result<StepReceipt> {
        let mut outdated = Vec::new();
        for swap in 1.. {
            let found = self.find(session, step).await?;
            if found.as_ref().is_some_and(|found| found.step.read_from == ReadFrom::LocalCopy) {
                return Err(away(session, step));
            }
            let Some(found) = found.filter(Found::is_there) else { break };
            let now = Step { expires, ..found.step.clone() };
            let entry = Entry::of(&now);
            self.write_entries(session, &entry).await?;
            match self.swap(&now, &found).await {
                Err(error) if lost_a_race(&error) && swap < SWAPS => outdated.push(entry),
                receipt => {
                    let receipt = receipt.map_err(|error| of(error, session, step))?;
                    outdated.extend([Entry::of(&found.step), entry.lasting()]);
                    return self.expired(now, outdated, receipt).await;
                }
            }
        }
        // It went meanwhile: what was entered for it goes too.
        for entry in outdated {
            self.store.delete(self.layout.index(session, &entry)?.as_str()).await?;
            self.stays_listed(session, &entry, false).await?;
        }
        Err(missing(session, step))
    }

    /// Removes entries of the index that hold no longer, or those of attempts that were overtaken.
    async fn expired(&self, step: Step, mut outdated: Vec<Entry>, receipt: Receipt) -> Result<StepReceipt> {
        let (session, entry) = (&step.session, Entry::of(&step));
        let Receipt { state, outbox, .. } = receipt;
        outdated.retain(|old| *old != entry);
        let keys = outdated.iter().map(|old| self.layout.index(session, old)).collect::<Result<_>>()?;
        let leftovers = self.remove(keys, &self.layout.marker(session, &step.step)?, state).await;
        if state == State::Stored {
            self.stays_listed(session, &entry, outdated.is_empty()).await?;
        }
        Ok(StepReceipt { step, state, outbox, leftovers })
    }

    /// Swaps the marker for one of the same attempt, under a condition wherever the store decides one: it would take the
    /// place of what was stored meanwhile, else. It may wait only behind the marker that it is made of.
    async fn swap(&self, step: &Step, found: &Found) -> Result<Receipt> {
        if step.read_from == ReadFrom::Outbox {
            return self.put_marker(&mut step.clone(), WriteCondition::Always).await;
        }
        let condition = found.etag.clone().map_or(WriteCondition::Always, WriteCondition::Matches);
        match self.put_marker_now(step, condition).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.put_marker_now(step, WriteCondition::Always).await
            }
            other => other,
        }
    }

    /// Lets a session expire: every step that is there now. A step that cannot be given the moment is reported, and the
    /// others get it. Steps that are stored later do not inherit it. Run again, it gives the moment to those that lack it.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # use std::time::{Duration, SystemTime};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let session = SessionId::parse("run-7")?;
    /// for name in ["1", "2"] {
    ///     sessions.store(NewStep::new(&session, &StepId::parse(name)?).html("<p>")).await?;
    /// }
    /// let tomorrow = SystemTime::now() + Duration::from_secs(86_400);
    /// let set = sessions.set_session_expiration(&session, Some(tomorrow)).await?;
    /// assert_eq!((set.steps, set.failures.len()), (2, 0));
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a session without a step; `InvalidInput` for a moment that has passed; what keeps its steps from being
    /// listed.
    pub async fn set_session_expiration(
        &self,
        session: &SessionId,
        expires: Option<SystemTime>,
    ) -> Result<SessionExpiration> {
        let expires = self.checked_expiry(expires).map_err(|error| error.with_fact("session", session))?;
        let mut steps = self.marked(session)?;
        let mut set = SessionExpiration::default();
        let mut work = FuturesUnordered::new();
        while let Some(step) = steps.next(self).await? {
            if work.len() >= LANES {
                work.next().await.into_iter().for_each(|(step, outcome)| set.add(step, outcome));
            }
            work.push(async move {
                let outcome = Box::pin(self.expire_step(session, &step, expires)).await;
                (step, outcome)
            });
        }
        while let Some((step, outcome)) = work.next().await {
            set.add(step, outcome);
        }
        if set.steps == 0 && set.failures.is_empty() {
            return Err(no_session(session));
        }
        Ok(set)
    }
}

/// What is said of a step of which only a copy on this machine is known.
fn away(session: &SessionId, step: &StepId) -> Error {
    let message = "the store is away, and a step is given a moment there alone";
    of(Error::new(ErrorKind::Unreachable, message), session, step)
}

impl SessionExpiration {
    fn add(&mut self, step: StepId, outcome: Result<StepReceipt>) {
        match outcome {
            Ok(receipt) => {
                self.steps += 1;
                if receipt.state == State::Queued {
                    self.state = State::Queued;
                }
                self.left.extend(receipt.leftovers);
            }
            // It has expired, or somebody deleted it.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => self.failures.push((step, error)),
        }
    }
}
