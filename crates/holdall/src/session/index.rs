//! The steps of a session in the order in which they were recorded, the newest first.

use super::layout::{Entry, inverted};
use super::sessions::Sessions;
use super::step::Step;
use crate::{SessionId, StepId};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use holdall_store::{Error, ErrorKind, ListOptions, Prefix, Result};
use std::time::{Duration, SystemTime};

/// So many markers are looked at at once.
const LANES: usize = 16;
const MOST: u32 = 1000;

/// Which steps of a session are listed.
///
/// ```
/// use holdall::session::StepsOptions;
/// let latest = StepsOptions { limit: 20, ..StepsOptions::default() };
/// assert!(latest.after.is_none() && !latest.check);
/// ```
#[derive(Debug, Clone)]
pub struct StepsOptions {
    /// Goes on behind another page: its [`StepPage::next`].
    pub after: Option<String>,
    /// So many steps at most, 1 to 1000.
    pub limit: u32,
    /// Only steps that were recorded at this moment or later.
    pub since: Option<SystemTime>,
    /// Only steps that were recorded before this moment.
    pub until: Option<SystemTime>,
    /// Only steps whose name begins so.
    pub prefix: String,
    /// Look at the marker of each step, and leave out what is not there: one request more for each. Without it a step may
    /// be listed whose storing or deletion somebody was killed in, or has under way.
    pub check: bool,
}

impl Default for StepsOptions {
    fn default() -> Self {
        Self { after: None, limit: 100, since: None, until: None, prefix: String::new(), check: false }
    }
}

/// A step as the index knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepEntry {
    /// Its name.
    pub step: StepId,
    /// When it was recorded.
    pub time: SystemTime,
    /// From when on it is not there any more.
    pub expires: Option<SystemTime>,
    /// What its marker says, where it was looked at.
    pub marker: Option<Step>,
}

/// A page of steps.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StepPage {
    /// The steps, those that were recorded last first; of one millisecond those that never expire first, and then by when they
    /// do and by their names.
    pub steps: Vec<StepEntry>,
    /// Where the next page begins; none where there is no more.
    pub next: Option<String>,
}

impl Sessions {
    /// Lists the steps of a session, a page at a time, those that were recorded last first. A session without steps has an
    /// empty page. The latest page costs one request or two, however many steps there are.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions, StepsOptions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # use std::time::{Duration, UNIX_EPOCH};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let session = SessionId::parse("run-7")?;
    /// for n in 1..=3u64 {
    ///     let step = StepId::parse(&n.to_string())?;
    ///     let time = UNIX_EPOCH + Duration::from_secs(n);
    ///     sessions.store(NewStep::new(&session, &step).html("<p>").at(time)).await?;
    /// }
    /// let options = StepsOptions { limit: 2, ..StepsOptions::default() };
    /// let latest = sessions.steps(&session, &options).await?;
    /// let names: Vec<&str> = latest.steps.iter().map(|entry| entry.step.as_str()).collect();
    /// assert_eq!(names, ["3", "2"]);
    /// let options = StepsOptions { after: latest.next, ..options };
    /// assert_eq!(sessions.steps(&session, &options).await?.steps[0].step.as_str(), "1");
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a limit out of bounds and for a place to go on from that no page gave; `Unreachable` where the
    /// store is away, and never a shorter list.
    pub async fn steps(&self, session: &SessionId, options: &StepsOptions) -> Result<StepPage> {
        let mut page = StepPage::default();
        let mut after = options.begin()?;
        while (page.steps.len() as u32) < options.limit {
            let missing = options.limit - page.steps.len() as u32;
            let (entries, next) = self.entries(session, options, after, missing).await?;
            page.steps.extend(self.looked_at(session, entries, options.check).await?);
            page.next.clone_from(&next);
            match next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        Ok(page)
    }

    /// So many entries of the index, and where to go on.
    async fn entries(
        &self,
        session: &SessionId,
        options: &StepsOptions,
        after: Option<String>,
        most: u32,
    ) -> Result<(Vec<Entry>, Option<String>)> {
        let prefix = self.layout.index_prefix(session);
        // One more than is wanted says whether there is more.
        let before = after.as_deref().and_then(Entry::parse);
        let page_size = if options.prefix.is_empty() { (most + 1).min(MOST) } else { MOST };
        let now = self.clock.now();
        let mut list = self.store.list_with(ListOptions {
            start_after: after.map(|after| format!("{prefix}{after}")),
            prefix: Prefix::parse(&prefix)?,
            page_size: Some(page_size),
            keys_only: true,
            ..ListOptions::default()
        })?;
        let mut entries: Vec<Entry> = Vec::new();
        while let Some(object) = list.next().await {
            let object = match object {
                Err(error) if self.says_nothing_there(&error) => break,
                other => other?,
            };
            // What others put there is no entry.
            let Some(entry) = object.key.as_str().strip_prefix(&prefix).and_then(Entry::parse) else {
                continue;
            };
            if options.since.is_some_and(|since| entry.time < since) {
                break;
            }
            let is_due = entry.expires.is_some_and(|moment| moment <= now);
            if is_due || !entry.step.as_str().starts_with(&options.prefix) {
                continue;
            }
            // A step that is being given a moment has two entries, of which its marker knows one.
            let mut same = entries.iter().rev().take_while(|other| other.time == entry.time).chain(&before);
            if !options.check && same.any(|other| other.is_beside(&entry)) {
                continue;
            }
            if entries.len() as u32 == most {
                let last = entries.last().map(Entry::name);
                return Ok((entries, last));
            }
            entries.push(entry);
        }
        Ok((entries, None))
    }

    /// Looks at the markers, where that is wanted, and leaves out what is not there at this time.
    async fn looked_at(
        &self,
        session: &SessionId,
        entries: Vec<Entry>,
        check: bool,
    ) -> Result<Vec<StepEntry>> {
        let bare = |Entry { time, step, expires }, marker| StepEntry { step, time, expires, marker };
        if !check {
            return Ok(entries.into_iter().map(|entry| bare(entry, None)).collect());
        }
        let looked: Vec<Option<StepEntry>> = stream::iter(entries)
            .map(|entry| async move {
                let found = self.find(session, &entry.step).await?;
                let found = found.filter(|found| found.is_there() && Entry::of(&found.step) == entry);
                Ok::<_, Error>(found.map(|found| bare(entry, Some(found.step))))
            })
            .buffered(LANES)
            .try_collect()
            .await?;
        Ok(looked.into_iter().flatten().collect())
    }
}

impl StepsOptions {
    /// The name behind which the page begins.
    fn begin(&self) -> Result<Option<String>> {
        if !(1..=MOST).contains(&self.limit) {
            return Err(Error::new(ErrorKind::InvalidInput, "a page has 1 to 1000 steps")
                .with_fact("limit", self.limit));
        }
        if let Some(after) = self.after.as_deref().filter(|after| Entry::parse(after).is_none()) {
            let shown: String = after.chars().take(80).collect();
            return Err(Error::new(ErrorKind::InvalidInput, "no page ends there")
                .with_fact("after", format_args!("{shown:?}"))
                .with_hint("give what the page before says as its next"));
        }
        // Behind all of the moment itself: a tilde sorts after what follows it in entries. They are of whole milliseconds.
        let until = self.until.map(|until| {
            let whole = until.checked_sub(Duration::from_nanos(1)).unwrap_or(SystemTime::UNIX_EPOCH);
            let first = whole.checked_add(Duration::from_millis(1)).unwrap_or(until);
            format!("{}~", inverted(first))
        });
        Ok(self.after.clone().max(until))
    }
}
