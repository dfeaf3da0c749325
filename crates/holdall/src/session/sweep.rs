//! Deleting the steps that have expired: what is due is found in an index by day, and each step goes as a deletion takes it.
//!
//! A step's entry is written before its marker says the moment, and means nothing without it. It stays for days behind its
//! day, so that a sweep that was cut off ends what it had begun and a step that comes late out of an outbox is found.

use super::layout::Due;
use super::moment;
use super::sessions::{Found, Sessions};
use super::tombstone::NEVER;
use crate::{SessionId, StepId};
use futures_util::stream::{self, StreamExt};
use holdall_store::{
    DeleteOptions, ErrorKind, Key, ListOptions, Metadata, Page, Prefix, Result, State, SweepEvent,
    SweepOptions, SweepSummary,
};
use std::time::{Duration, SystemTime};

/// So long an entry stays when nothing is due by it any more.
const SETTLED: Duration = Duration::from_secs(2 * 86_400);

/// What went of a step.
pub(super) struct Swept {
    pub(super) size: u64,
    pub(super) expired: SystemTime,
}

impl Sessions {
    /// Deletes all steps that have expired, each after a look at its marker right before: the marker first, under a
    /// condition where the store decides one, then exactly the objects that it named, its entries, and copies on this
    /// machine. A step that was stored again or given another moment meanwhile stays. An event names a step by its marker,
    /// with the size of its parts.
    ///
    /// It reads the days up to today of the index of what is due, and each step that is. It may be cut off at any moment and
    /// be made again, by several at once: each step is there whole or not at all. Memory is that of a page of the index.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{Clock, NewStep, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store, SweepOptions};
    /// # use std::time::{Duration, SystemTime};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// let hour = Duration::from_secs(3600);
    /// let new = NewStep::new(&session, &step).html("<p>").expires(SystemTime::now() + hour);
    /// sessions.store(new).await?;
    /// let later = sessions.with_clock(Clock::new(move || SystemTime::now() + 2 * hour));
    /// let swept = later.sweep(&SweepOptions::default(), &mut |event| println!("{event:?}")).await?;
    /// assert_eq!(swept.deleted, 1);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What keeps the index from being listed. A step that cannot be deleted is an event, and the rest go on; what is left
    /// of one that was deleted goes with the next sweep.
    pub async fn sweep(
        &self,
        options: &SweepOptions,
        on_event: &mut (dyn FnMut(SweepEvent) + Send),
    ) -> Result<SweepSummary> {
        let (now, prefix) = (self.clock.now(), self.layout.dues());
        let today = moment::day(now);
        let mut summary = SweepSummary::default();
        let listing = ListOptions { prefix: Prefix::parse(&prefix)?, ..ListOptions::default() };
        let mut pages = self.store.list_with(listing)?;
        while let Some(page) = pages.next_page().await {
            let page = match page {
                Err(error) if self.says_nothing_there(&error) => break,
                other => other?,
            };
            let mut due = read(page, &prefix)?;
            let is_last = due.iter().any(|(due, _)| due.day > today);
            due.retain(|(due, _)| due.day <= today);
            let work =
                due.into_iter().map(|(due, entry)| Box::pin(self.sweep_entry(due, entry, now, options)));
            let mut work = stream::iter(work).buffer_unordered(self.store.settings().concurrency.max(1));
            while let Some((key, swept)) = work.next().await {
                add(&mut summary, key, swept, on_event);
            }
            if is_last {
                break;
            }
        }
        Ok(summary)
    }

    /// Deletes what is due by an entry; answers the marker's key, or the entry's where that has none.
    async fn sweep_entry(
        &self,
        due: Due,
        entry: Metadata,
        now: SystemTime,
        options: &SweepOptions,
    ) -> (Key, Result<Option<Swept>>) {
        let key = self.layout.marker(&due.session, &due.step).unwrap_or_else(|_| entry.key.clone());
        let swept = async {
            let swept = self.sweep_due(&due, now, options).await?;
            if !options.dry_run && is_settled(&due, &entry, now) {
                self.store.delete(entry.key.as_str()).await?;
            }
            Ok(swept)
        };
        (key, swept.await)
    }

    async fn sweep_due(&self, due: &Due, now: SystemTime, options: &SweepOptions) -> Result<Option<Swept>> {
        let Due { session, step, .. } = due;
        let Some(found) = self.find(session, step).await? else {
            return self.end(session, step, options).await.map(|()| None);
        };
        // Where it was given a moment on another day, that has an entry of its own.
        let expires = found.step.expires.filter(|moment| moment::day(*moment) == due.day);
        let is_due = |moment: &SystemTime| moment.checked_add(options.grace).is_some_and(|due| due <= now);
        match expires.filter(is_due) {
            Some(expired) if options.dry_run => Ok(Some(Swept { size: found.step.size(), expired })),
            Some(_) => Box::pin(self.sweep_found(&found)).await,
            None => Ok(None),
        }
    }

    /// Ends what a sweep or a deletion had begun that did not come to its end.
    async fn end(&self, session: &SessionId, step: &StepId, options: &SweepOptions) -> Result<()> {
        if options.dry_run {
            return Ok(());
        }
        match self.finish(session, step).await? {
            Some(ended) => ended.failures.into_iter().next().map_or(Ok(()), |failure| Err(failure.error)),
            None => Ok(()),
        }
    }

    /// Deletes a step as it was looked at; none if somebody put another marker in its place. What has to go is noted where
    /// a deletion notes it, but the note is no tombstone: what was stored before and comes later is there, unless it has
    /// expired itself.
    pub(super) async fn sweep_found(&self, found: &Found) -> Result<Option<Swept>> {
        let (session, step) = (&found.step.session, &found.step.step);
        let before = self.tombstone(session, Some(step)).await?;
        let deleted = before.as_ref().map_or(NEVER, |before| before.deleted);
        let mut note = self.tombstone_of(&found.step, deleted);
        note.left.extend(before.into_iter().flat_map(|before| before.left));
        self.put_tombstone(&note).await?;
        let Some(state) = self.delete_marker(found).await? else {
            self.finish(session, step).await?;
            return Ok(None);
        };
        let mut cleared = self.clear(note, state, true).await?;
        match cleared.failures.pop() {
            Some(failure) => Err(failure.error),
            None => Ok(found.step.expires.map(|expired| Swept { size: found.step.size(), expired })),
        }
    }

    /// Deletes a marker under a condition; where the store decides none, after another look. None if it is another one.
    async fn delete_marker(&self, found: &Found) -> Result<Option<State>> {
        let key = self.layout.marker(&found.step.session, &found.step.step)?;
        let pinned = DeleteOptions { if_match: found.etag.clone(), ..DeleteOptions::default() };
        let deleted = match self.store.delete_with(key.as_str(), &pinned).await {
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                let now = self.find(&found.step.session, &found.step.step).await?;
                if now.is_none_or(|now| now.etag != found.etag) {
                    return Ok(None);
                }
                self.store.delete(key.as_str()).await
            }
            other => other,
        };
        match deleted {
            Ok(deleted) => Ok(Some(deleted.state)),
            Err(error) if [ErrorKind::NotFound, ErrorKind::Precondition].contains(&error.kind()) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The entries of a page. What others put there is none.
fn read(page: Page, prefix: &str) -> Result<Vec<(Due, Metadata)>> {
    let entry = |object: Metadata| Some((Due::parse(object.key.as_str().strip_prefix(prefix)?)?, object));
    match page.failures.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(page.objects.into_iter().filter_map(entry).collect()),
    }
}

fn add(
    summary: &mut SweepSummary,
    key: Key,
    swept: Result<Option<Swept>>,
    on_event: &mut (dyn FnMut(SweepEvent) + Send),
) {
    match swept {
        Ok(None) => {}
        Ok(Some(Swept { size, expired })) => {
            summary.deleted += 1;
            summary.bytes += size;
            on_event(SweepEvent::Deleted { key, size, expired });
        }
        Err(error) => {
            summary.failed += 1;
            on_event(SweepEvent::Failed { key, error });
        }
    }
}

/// Whether nobody can be about to put a marker by an entry any more: its day has long passed, and so has the day on which it
/// was written, perhaps out of an outbox with its marker behind it.
fn is_settled(due: &Due, entry: &Metadata, now: SystemTime) -> bool {
    let Some(before) = now.checked_sub(SETTLED) else { return false };
    due.day < moment::day(before) && entry.last_modified.is_some_and(|written| written < before)
}
