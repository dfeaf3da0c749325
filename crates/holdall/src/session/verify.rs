//! Reading every part, and finding what nothing names.

use super::examine::Group;
use super::finding::{Fault, Finding, VerifySummary};
use super::hashing::Seen;
use super::layout::{Entry, MARKER};
use super::part::{PartName, StepPart};
use super::publish::is_due;
use super::sessions::{Found, Sessions, Standing};
use super::step::Step;
use crate::{SessionId, StepId};
use futures_util::StreamExt;
use holdall_store::{Error, ErrorKind, Key, Result};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

/// What is younger may be of somebody who stores a large step.
const LEFT_ALONE: Duration = Duration::from_secs(86_400);

/// What is verified, and whether it is mended.
///
/// ```
/// use holdall::session::VerifyOptions;
/// assert!(!VerifyOptions::default().mend);
/// ```
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// One step alone.
    pub step: Option<StepId>,
    /// Write entries that the index lacks; remove what is left of deletions, and, once that is a day old, steps that
    /// have expired, entries of what is not there and objects that nothing names: younger ones may be of somebody who stores
    /// a step. No part of a step that is there is touched.
    pub mend: bool,
}

/// A verification under way.
struct Round<'a, F> {
    sessions: &'a Sessions,
    session: &'a SessionId,
    mend: bool,
    summary: VerifySummary,
    found: F,
}

impl Sessions {
    /// Verifies the steps of a session: reads every part, compares it with the marker, and looks for what the index lacks
    /// and for what nothing names. Each finding is handed on; parts are read in flat memory.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions, VerifyOptions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let store = Store::memory();
    /// # let sessions = Sessions::open(&store, &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>")).await?;
    /// let mut faults = Vec::new();
    /// let options = VerifyOptions::default();
    /// let summary = sessions.verify(&session, &options, |finding| faults.push(finding)).await?;
    /// assert_eq!((summary.steps, summary.parts, faults.len()), (1, 1, 0));
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What keeps the session from being listed; `NotFound` for one step that is not there. What is wrong with steps is found
    /// and no error.
    pub async fn verify(
        &self,
        session: &SessionId,
        options: &VerifyOptions,
        found: impl FnMut(Finding) + Send,
    ) -> Result<VerifySummary> {
        let summary = VerifySummary::default();
        let mut round = Round { sessions: self, session, mend: options.mend, summary, found };
        if let Some(step) = &options.step {
            self.describe(session, step).await.map(drop).or_else(readable)?;
        }
        let mut groups = self.groups(session)?;
        while let Some(group) = groups.next(self).await? {
            if options.step.as_ref().is_none_or(|step| group.name == step.as_str()) {
                Box::pin(round.group(group)).await?;
            }
        }
        if options.step.is_none() {
            Box::pin(round.index()).await?;
        }
        Ok(round.summary)
    }
}

/// A marker that cannot be read is a finding.
fn readable(error: Error) -> Result<()> {
    if is_damage(&error) { Ok(()) } else { Err(error) }
}

fn is_damage(error: &Error) -> bool {
    [ErrorKind::Integrity, ErrorKind::Unsupported].contains(&error.kind())
}

impl<F: FnMut(Finding) + Send> Round<'_, F> {
    /// Looks at all that lies below a step's name.
    async fn group(&mut self, group: Group) -> Result<()> {
        // Files beside the folders are of those who put them there.
        let Some(step) = StepId::parse(&group.name).ok().filter(|_| group.is_folder) else { return Ok(()) };
        let found = match self.sessions.find(self.session, &step).await {
            Err(error) if is_damage(&error) => {
                let key = self.sessions.layout.marker(self.session, &step)?;
                self.tell((Fault::Unreadable, key), Some(&step), None, Err(error));
                return Ok(());
            }
            other => other?,
        };
        let mut named = BTreeSet::new();
        match found.as_ref().map(|found| (found, found.standing)) {
            Some((found, Standing::There)) => {
                named.extend(self.named(&found.step)?);
                self.step(&found.step).await?;
            }
            Some((found, Standing::Late)) => return self.late(found, &step).await,
            Some((found, Standing::Expired)) => return self.expired(found).await,
            None => {}
        }
        self.orphans(group, &step, &named).await
    }

    /// The objects that a marker names and whose time has not come.
    fn named(&self, step: &Step) -> Result<Vec<Key>> {
        let now = self.sessions.clock.now();
        let old = step.superseded.iter().filter(|old| !is_due(old, now, self.sessions));
        let old = old.flat_map(|old| &old.keys).map(|key| self.sessions.layout.key(&step.session, key));
        old.chain(step.parts.values().map(|part| Ok(part.key.clone()))).collect()
    }

    async fn step(&mut self, step: &Step) -> Result<()> {
        self.summary.steps += 1;
        for (name, part) in &step.parts {
            let Err(error) = self.part(part).await else { continue };
            let fault = match error.kind() {
                ErrorKind::NotFound => Fault::Missing,
                ErrorKind::Integrity => Fault::Different,
                ErrorKind::Unreachable | ErrorKind::Timeout | ErrorKind::Throttled => return Err(error),
                _ => Fault::Unreadable,
            };
            // Somebody may have stored or deleted it since.
            let now = self.sessions.find(self.session, &step.step).await?;
            if now.is_some_and(|now| now.step.generation == step.generation) {
                self.tell((fault, part.key.clone()), Some(&step.step), Some(name), Err(error));
            }
        }
        for key in self.sessions.entry_keys(self.session, &Entry::of(step))? {
            if self.sessions.store.exists(key.as_str()).await? {
                continue;
            }
            let mended = match self.mend {
                true => self.sessions.store.put(key.as_str(), bytes::Bytes::new()).await.map(|_| true),
                false => Ok(false),
            };
            self.tell((Fault::NotListed, key), Some(&step.step), None, mended);
        }
        Ok(())
    }

    async fn part(&mut self, part: &StepPart) -> Result<()> {
        let mut object = self.sessions.open_object(part, None).await?;
        let mut seen = Seen::new();
        while let Some(piece) = object.stream.next().await {
            seen.update(&piece.map_err(|error| error.with_key(&part.key))?);
        }
        let found = seen.finish();
        part.check(found.size, found.sha256)?;
        self.summary.parts += 1;
        self.summary.bytes += found.size;
        Ok(())
    }

    /// A step that came after it was deleted.
    async fn late(&mut self, found: &Found, step: &StepId) -> Result<()> {
        let key = self.sessions.layout.marker(self.session, &found.step.step)?;
        let mended = match self.mend {
            true => self.sessions.delete(self.session, step).await.map(|deleted| deleted.failures.is_empty()),
            false => Ok(false),
        };
        self.tell((Fault::Late, key), Some(step), None, mended);
        Ok(())
    }

    /// A step that has expired. No sweep finds it that came out of an outbox days after its moment, or has lost its entry.
    async fn expired(&mut self, found: &Found) -> Result<()> {
        let step = &found.step;
        if !self.is_old(step.expires) {
            return Ok(());
        }
        let key = self.sessions.layout.marker(self.session, &step.step)?;
        let mended = match self.mend {
            true => Box::pin(self.sessions.sweep_found(found)).await.map(|swept| swept.is_some()),
            false => Ok(false),
        };
        self.tell((Fault::Expired, key), Some(&step.step), None, mended);
        Ok(())
    }

    /// What no marker names, and nobody is about to name: whoever stores a step may be at work on what is younger.
    async fn orphans(&mut self, group: Group, step: &StepId, named: &BTreeSet<Key>) -> Result<()> {
        let marker = self.sessions.layout.marker(self.session, step)?;
        for object in group.objects {
            if object.key == marker || named.contains(&object.key) || !self.is_old(object.last_modified) {
                continue;
            }
            // Only what holdall makes is its to remove: a file of an attempt. What others put there stays.
            let relative = self.sessions.layout.relative(self.session, &object.key);
            let inner = relative.split_once('/').map(|(_, inner)| inner).unwrap_or_default();
            if !is_of_an_attempt(inner) {
                continue;
            }
            let mended = match self.mend {
                true => self.sessions.store.delete(object.key.as_str()).await.map(|_| true),
                false => Ok(false),
            };
            self.tell((Fault::Orphan, object.key), Some(step), None, mended);
        }
        Ok(())
    }

    fn is_old(&self, written: Option<SystemTime>) -> bool {
        let since = written.and_then(|written| self.sessions.clock.now().duration_since(written).ok());
        since.is_some_and(|since| since >= LEFT_ALONE)
    }

    /// Looks for entries of what is not there.
    async fn index(&mut self) -> Result<()> {
        let prefix = self.sessions.layout.index_prefix(self.session);
        let mut list = self.sessions.store.list(&prefix)?;
        while let Some(object) = list.next().await {
            let object = match object {
                Err(error) if self.sessions.says_nothing_there(&error) => return Ok(()),
                other => other?,
            };
            let Some(entry) = object.key.as_str().strip_prefix(&prefix).and_then(Entry::parse) else {
                continue;
            };
            if !self.is_old(object.last_modified) {
                continue;
            }
            let found = match self.sessions.find(self.session, &entry.step).await {
                Err(error) if is_damage(&error) => continue,
                other => other?,
            };
            let is_own = |found: Found| found.standing != Standing::Late && Entry::of(&found.step) == entry;
            if found.is_some_and(is_own) {
                continue;
            }
            let mended = match self.mend {
                true => self.remove_entry(&object.key, &entry).await.map(|()| true),
                false => Ok(false),
            };
            self.tell((Fault::StaleEntry, object.key), Some(&entry.step), None, mended);
        }
        Ok(())
    }

    /// Ends a deletion of which the entry is left, or removes the entry alone.
    async fn remove_entry(&self, key: &Key, entry: &Entry) -> Result<()> {
        self.sessions.finish(self.session, &entry.step).await?;
        self.sessions.store.delete(key.as_str()).await.map(drop)
    }

    fn tell(
        &mut self,
        (fault, key): (Fault, Key),
        step: Option<&StepId>,
        part: Option<&PartName>,
        mended: Result<bool>,
    ) {
        let (mended, error) = match mended {
            Ok(mended) => (mended, None),
            Err(error) => (false, Some(error)),
        };
        self.summary.faults += 1;
        self.summary.mended += u64::from(mended);
        (self.found)(Finding { fault, key, step: step.cloned(), part: part.cloned(), mended, error });
    }
}

/// Whether what follows a step's name is a file of an attempt: `{time}-{16 digits}/{file}`.
fn is_of_an_attempt(inner: &str) -> bool {
    let Some((generation, file)) = inner.split_once('/') else { return false };
    let Some((time, digits)) = generation.split_once('-') else { return false };
    let is_time = time.len() == 19 && time.is_ascii() && time.ends_with('Z');
    let is_random = digits.len() == 16 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    is_time && is_random && !file.is_empty() && file != MARKER
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_attempts_are_holdalls_to_remove() {
        assert!(is_of_an_attempt("20250102T030405678Z-00000000000000aa/page.html"));
        for inner in
            ["page.html", "old/page.html", "20250102T030405678Z-00000000000000aa", "2025-01/page.html", ""]
        {
            assert!(!is_of_an_attempt(inner), "{inner}");
        }
    }
}
