//! Storing a step.

use super::content::{self, Content, MAX_ACTION, Opened};
use super::hashing::{self, Found as Bytes, Hashing, Seen};
use super::layout::{Entry, MARKER};
use super::moment::{self, Moments};
use super::part::{PartName, StepPart};
use super::publish::Draft;
use super::sessions::{Found, Sessions, may_wait};
use super::step::Step;
use crate::{SessionId, StepId};
use futures_util::stream::{self, StreamExt};
use holdall_store::{Attributes, DeleteFailure, Error, ErrorKind, Key, PutOptions, Receipt, Result, State};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;
use tokio::io::AsyncReadExt;

/// So many parts a step may have.
const MAX_PARTS: usize = 256;
/// So many parts of a step are sent at once.
const LANES: usize = 8;

/// A step that is to be stored.
///
/// ```
/// use holdall::session::{Content, NewStep, PartName};
/// use holdall::{SessionId, StepId};
///
/// let step = NewStep::new(&SessionId::parse("run-7")?, &StepId::parse("0001")?)
///     .html("<p>hello</p>")
///     .part(PartName::parse("console.log")?, Content::file("out/console.log"));
/// # let _ = step;
/// # Ok::<(), holdall::Error>(())
/// ```
#[derive(Debug)]
pub struct NewStep {
    pub(super) session: SessionId,
    pub(super) step: StepId,
    moments: Moments,
    parts: BTreeMap<PartName, Content>,
}

/// What storing a step answers.
#[derive(Debug)]
#[non_exhaustive]
pub struct StepReceipt {
    /// The step as its marker says.
    pub step: Step,
    /// Whether the store has it, or this machine's outbox: then the store gets it later, marker last.
    pub state: State,
    /// The outbox that it waits in.
    pub outbox: Option<PathBuf>,
    /// What is left of earlier attempts because it could not be removed. The step is stored all the same; `verify` finds
    /// and removes it.
    pub leftovers: Vec<DeleteFailure>,
}

impl NewStep {
    /// A step without parts.
    pub fn new(session: &SessionId, step: &StepId) -> Self {
        Self {
            session: session.clone(),
            step: step.clone(),
            moments: Moments::default(),
            parts: BTreeMap::new(),
        }
    }

    /// With the page's HTML. What is not UTF-8 is kept as it is, and the character set that it names is noted.
    pub fn html(self, content: impl Into<Content>) -> Self {
        self.part(PartName::html(), content)
    }

    /// With the screenshot. What is no image is kept and flagged.
    pub fn screenshot(self, content: impl Into<Content>) -> Self {
        self.part(PartName::screenshot(), content)
    }

    /// With the action, which has to be JSON of 16 MiB at most.
    pub fn action(self, content: impl Into<Content>) -> Self {
        self.part(PartName::action(), content)
    }

    /// With a part of any name.
    pub fn part(mut self, name: PartName, content: impl Into<Content>) -> Self {
        self.parts.insert(name, content.into());
        self
    }

    /// Recorded at a moment, to the millisecond; else when it is stored first.
    pub fn at(mut self, time: SystemTime) -> Self {
        self.moments.time = Some(time);
        self
    }

    /// Not there any more from a moment on, to the millisecond. A step that is stored again without one has none.
    pub fn expires(mut self, moment: SystemTime) -> Self {
        self.moments.expires = Some(moment);
        self
    }

    fn check(&self) -> Result<()> {
        let count = self.parts.len();
        if count == 0 || count > MAX_PARTS {
            let message =
                if count == 0 { "a step without parts is none" } else { "a step has too many parts" };
            return Err(of(Error::new(ErrorKind::InvalidInput, message), &self.session, &self.step)
                .with_hint("give it HTML, a screenshot, an action, or another part"));
        }
        self.moments.time.map_or(Ok(()), moment::check)
    }
}

/// Says of which step an error is.
pub(super) fn of(error: Error, session: &SessionId, step: &StepId) -> Error {
    error.with_fact("session", session).with_fact("step", step)
}

/// A step's part, and where its bytes are.
type Put = (PartName, StepPart, State);

impl Sessions {
    /// Stores a step, or stores it again.
    ///
    /// When it returns, all of the step is where the receipt says: in the store, or on this machine's disk. Nobody sees
    /// some of it before the rest, nor parts of it beside those of an earlier attempt. Killed at any moment it has
    /// happened or not. Parts of files and streams pass through memory in pieces. Of several who store one step at once, one
    /// is the last, and the step is theirs as a whole.
    ///
    /// The parts of an earlier attempt stay for those who read them, and are removed by whoever stores, deletes or mends
    /// the step after five minutes ([`Sessions::with_grace`]).
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::session::{NewStep, Sessions};
    /// use holdall::{ErrorKind, SessionId, Settings, State, StepId, Store};
    ///
    /// let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// let receipt = sessions.store(NewStep::new(&session, &step).html("<p>1</p>")).await?;
    /// assert_eq!(receipt.state, State::Stored);
    ///
    /// let empty = sessions.store(NewStep::new(&session, &step)).await.unwrap_err();
    /// assert_eq!(empty.kind(), ErrorKind::InvalidInput);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a step without parts, an action that is no JSON, two parts that would have one file, a time out of
    /// bounds, and an expiry that has passed; `Io` and `Changed` for a part's file; `Integrity` and `Unsupported` where
    /// something else than a marker of this holdall lies in the marker's place; and whatever keeps the store from taking it.
    /// After an error the step is what it was before, unless the store fell silent while it took the marker. After
    /// `Conflict` it is stored: others kept changing it, and the index may not have it ([`Sessions::verify`] mends that).
    pub async fn store(&self, new: NewStep) -> Result<StepReceipt> {
        new.check()?;
        let NewStep { session, step, mut moments, parts } = new;
        let failed = |error| of(error, &session, &step);
        let expiry = |moment| moment::expiry(moment, self.clock.now());
        moments.expires = moments.expires.map(expiry).transpose().map_err(failed)?;
        let parts = open(parts).await.map_err(failed)?;
        let draft = Draft::new(self, &session, &step, moments);
        let (sent, prepared) =
            tokio::join!(self.put_parts(&draft, parts), self.prepare(&session, &step, moments));
        let (sent, (previous, entry)) = match (sent, prepared) {
            (Ok(sent), Ok(prepared)) => (sent, prepared),
            (Err((error, keys)), _) => return Err(failed(self.give_back(error, keys).await)),
            (Ok(sent), Err(error)) => {
                let keys = sent.into_iter().map(|(_, part, _)| part.key).collect();
                return Err(failed(self.give_back(error, keys).await));
            }
        };
        let waited = sent.iter().any(|(.., state)| *state == State::Queued);
        let parts = sent.into_iter().map(|(name, part, _)| (name, part)).collect();
        Box::pin(self.publish(draft.with(parts, waited), previous, entry)).await.map_err(failed)
    }

    /// Finds what is there, and writes the entry of the index: before the marker, so that no step is without one.
    pub(super) async fn prepare(
        &self,
        session: &SessionId,
        step: &StepId,
        moments: Moments,
    ) -> Result<(Option<Found>, Entry)> {
        let previous = match self.find(session, step).await {
            // With the store away it is not known what it has; what waits here is.
            Err(error) if self.store.outbox().is_some() && may_wait(&error) => None,
            other => other?,
        };
        let entry = self.enter(session, step, moments, previous.as_ref()).await?;
        Ok((previous, entry))
    }

    /// Writes the entries of a step that is to be there.
    pub(super) async fn enter(
        &self,
        session: &SessionId,
        step: &StepId,
        Moments { time, expires }: Moments,
        previous: Option<&Found>,
    ) -> Result<Entry> {
        let recorded = previous.filter(|previous| previous.is_there()).map(|previous| previous.step.time);
        let time = time.or(recorded).unwrap_or_else(|| self.clock.now());
        let entry = Entry { expires, ..Entry::new(time, step) };
        self.write_entries(session, &entry).await?;
        Ok(entry)
    }

    /// Sends all parts; with an error, the keys that may have bytes.
    async fn put_parts(
        &self,
        draft: &Draft,
        parts: Vec<(PartName, String, Opened)>,
    ) -> Result<Vec<Put>, (Error, Vec<Key>)> {
        let keys: Result<Vec<Key>> = parts.iter().map(|(_, file, _)| draft.key(self, file)).collect();
        let keys = keys.map_err(|error| (error, Vec::new()))?;
        let failed = AtomicBool::new(false);
        let begun = parts.into_iter().zip(keys.clone()).take_while(|_| !failed.load(Ordering::Relaxed));
        let work = begun.map(|((name, _, opened), key)| async move {
            let put = self.put_part(&name, key, opened).await;
            put.map_err(|error| error.with_fact("part", &name)).map(|(part, state)| (name, part, state))
        });
        let mut work = stream::iter(work).buffer_unordered(LANES);
        let (mut sent, mut error) = (Vec::new(), None);
        // What is under way is waited for: a write that a folder's thread has begun lands even if nobody waits.
        while let Some(put) = work.next().await {
            match put {
                Ok(put) => sent.push(put),
                Err(fault) => {
                    failed.store(true, Ordering::Relaxed);
                    error.get_or_insert(fault);
                }
            }
        }
        error.map_or(Ok(sent), |error| Err((error, keys)))
    }

    async fn put_part(&self, name: &PartName, key: Key, opened: Opened) -> Result<(StepPart, State)> {
        let first = bytes::Bytes::copy_from_slice(opened.first());
        let (found, receipt) = match opened {
            Opened::Bytes(bytes) => {
                let found = Seen::of(&bytes);
                let (content_type, ..) = content::judge(name, &first, found.is_utf8);
                let options = typed(content_type);
                (found, self.store.put_hashed(key.as_str(), bytes, found.sha256, &options).await?)
            }
            Opened::Large(begin, rest, size) => {
                let options = typed(content::type_of(name, &first));
                let (reader, seen) = Hashing::new(Cursor::new(begin).chain(rest));
                let receipt = self.store.put_reader(key.as_str(), reader, size, &options).await?;
                (whole(hashing::found(&seen), size, &receipt)?, receipt)
            }
        };
        let (content_type, charset, flags) = content::judge(name, &first, found.is_utf8);
        let part = StepPart { key, size: found.size, sha256: found.sha256, content_type, charset, flags };
        Ok((part, receipt.state))
    }

    /// Removes what an attempt that failed has sent, which nothing names.
    async fn give_back(&self, error: Error, keys: Vec<Key>) -> Error {
        match self.store.delete_many(keys).await.len() {
            0 => error,
            left => error.with_fact("objects_left", left),
        }
    }
}

fn typed(content_type: String) -> PutOptions {
    let attributes = Attributes { content_type: Some(content_type), ..Attributes::default() };
    PutOptions { attributes, ..PutOptions::default() }
}

/// Refuses a file or a stream that was not of the size it had said.
fn whole(found: Bytes, expected: Option<u64>, receipt: &Receipt) -> Result<Bytes> {
    match expected {
        Some(expected) if expected != found.size => {
            Err(Error::new(ErrorKind::Changed, "a part was not of the size that it had when it was opened")
                .with_key(&receipt.key)
                .with_fact("size", found.size)
                .with_fact("expected_size", expected))
        }
        _ => Ok(found),
    }
}

/// Opens all parts, names their files, and refuses what is refused before anything is sent.
async fn open(parts: BTreeMap<PartName, Content>) -> Result<Vec<(PartName, String, Opened)>> {
    let mut files = BTreeSet::from([MARKER.to_owned()]);
    let mut all = Vec::with_capacity(parts.len());
    for (name, content) in parts {
        let opened = content.open(&name).await?;
        if name == PartName::action() {
            check_action(&opened)?;
        }
        let file = name.file(&content::type_of(&name, opened.first()));
        if !files.insert(file.clone()) {
            return Err(Error::new(ErrorKind::InvalidInput, "two parts of a step would have one file")
                .with_fact("part", name)
                .with_fact("file", file));
        }
        all.push((name, file, opened));
    }
    Ok(all)
}

fn check_action(opened: &Opened) -> Result<()> {
    match opened {
        Opened::Bytes(bytes) if bytes.len() as u64 <= MAX_ACTION => content::check_action(bytes),
        _ => {
            Err(Error::new(ErrorKind::InvalidInput, "an action is too large").with_fact("limit", MAX_ACTION))
        }
    }
}
