//! Reading a step, whole or a part of it.

use super::hashing::Seen;
use super::part::{PartName, StepPart};
use super::sessions::Sessions;
use super::step::Step;
use crate::{SessionId, StepId};
use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use holdall_store::{Error, ErrorKind, GetOptions, Object, ObjectStream, Range, ReadFrom, Result};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// So often a step is looked at anew that is replaced while it is read.
const READINGS: u32 = 6;
/// The pause before the second reading, which doubles.
const PAUSE: Duration = Duration::from_millis(20);
/// So many parts of a step are read at once.
const LANES: usize = 8;

/// A step with the bytes of all its parts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StepContent {
    /// The step.
    pub step: Step,
    /// The bytes by the parts' names.
    pub parts: BTreeMap<PartName, Bytes>,
}

impl StepContent {
    /// The page's HTML, where the step has it.
    pub fn html(&self) -> Option<&Bytes> {
        self.parts.get(&PartName::html())
    }

    /// The screenshot, where the step has one.
    pub fn screenshot(&self) -> Option<&Bytes> {
        self.parts.get(&PartName::screenshot())
    }

    /// The action, where the step has one.
    pub fn action(&self) -> Option<&Bytes> {
        self.parts.get(&PartName::action())
    }
}

/// A part that is being read.
pub struct PartStream {
    /// The step as it was when the part was opened.
    pub step: Step,
    /// What its marker says of the part.
    pub part: StepPart,
    /// Which bytes the stream has; half-open.
    pub range: std::ops::Range<u64>,
    /// Where the bytes come from.
    pub read_from: ReadFrom,
    /// The bytes. Of a whole part the last piece is followed by an error if they are not those of the marker.
    pub stream: ObjectStream,
}

impl fmt::Debug for PartStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PartStream")
            .field("part", &self.part)
            .field("range", &self.range)
            .finish_non_exhaustive()
    }
}

impl Sessions {
    /// Reads a step: all parts into memory, each checked against the marker. They are of one attempt to store it.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{ErrorKind, SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>1</p>")).await?;
    /// let content = sessions.retrieve(&session, &step).await?;
    /// assert_eq!(content.html().unwrap(), "<p>1</p>");
    /// assert!(content.screenshot().is_none());
    ///
    /// let other = StepId::parse("0002")?;
    /// assert_eq!(sessions.retrieve(&session, &other).await.unwrap_err().kind(), ErrorKind::NotFound);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`; `Incomplete` where a part is missing or not what the marker says, also after the marker was read again:
    /// somebody else changed what lies there; `Unreachable` where the store is away and the step is not on this machine.
    pub async fn retrieve(&self, session: &SessionId, step: &StepId) -> Result<StepContent> {
        self.of_one_attempt(session, step, |step| async move {
            let parts = stream::iter(step.parts.clone())
                .map(|(name, part)| async move { Ok::<_, Error>((name, self.whole(&part).await?)) })
                .buffer_unordered(LANES)
                .try_collect()
                .await?;
            Ok(StepContent { step, parts })
        })
        .await
    }

    /// Reads a part into memory, checked against the marker.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, PartName, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).action(r#"{"click": 1}"#)).await?;
    /// let action = sessions.retrieve_part(&session, &step, &PartName::action()).await?;
    /// assert_eq!(action, r#"{"click": 1}"#);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Sessions::retrieve`]; `NotFound` also for a step that has no such part.
    pub async fn retrieve_part(&self, session: &SessionId, step: &StepId, name: &PartName) -> Result<Bytes> {
        self.of_one_attempt(session, step, |step| async move { self.whole(step.part(name)?).await }).await
    }

    /// Opens a part, or a range of it, to be read as it comes, in flat memory. Ranges are half-open.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, PartName, Sessions};
    /// # use holdall::{Range, SessionId, Settings, StepId, Store};
    /// # use futures_util::TryStreamExt;
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>hello</p>")).await?;
    /// let range = Some(Range::Bounded { start: 3, end: 8 });
    /// let part = sessions.open_part(&session, &step, &PartName::html(), range).await?;
    /// let pieces: Vec<_> = part.stream.try_collect().await?;
    /// assert_eq!(pieces.concat(), b"hello");
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Sessions::retrieve_part`], and `InvalidInput` for a range that starts at or past the end. The stream of a
    /// whole part ends with `Integrity` where its bytes are not those of the marker; of a range only the part's size is known
    /// to be right.
    pub async fn open_part(
        &self,
        session: &SessionId,
        step: &StepId,
        name: &PartName,
        range: Option<Range>,
    ) -> Result<PartStream> {
        self.of_one_attempt(session, step, |step| async move {
            let part = step.part(name)?.clone();
            let object = self.open_object(&part, range).await?;
            let read_from = object.metadata.read_from;
            let stream = if range.is_none() { checked(object.stream, part.clone()) } else { object.stream };
            Ok(PartStream { step, part, range: object.range, read_from, stream })
        })
        .await
    }

    /// Opens the object of a part, which has to have the size that the marker says.
    pub(super) async fn open_object(&self, part: &StepPart, range: Option<Range>) -> Result<Object> {
        let options = GetOptions { range, ..GetOptions::default() };
        let object = match self.store.get_with(part.key.as_str(), &options).await {
            // That no object is there is said of a part apart from a range that it does not have.
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                let there = self.store.head(part.key.as_str()).await?;
                same_size(part, there.size)?;
                return Err(error);
            }
            other => other?,
        };
        same_size(part, object.metadata.size)?;
        Ok(object)
    }

    async fn whole(&self, part: &StepPart) -> Result<Bytes> {
        let bytes =
            self.open_object(part, None).await?.bytes().await.map_err(|error| error.with_key(&part.key))?;
        part.check(bytes.len() as u64, holdall_store::sha256(&bytes))?;
        Ok(bytes)
    }

    /// Does something with a step that may be stored again or deleted meanwhile: then once more, with what it is by then.
    pub(super) async fn of_one_attempt<T, F>(
        &self,
        session: &SessionId,
        step: &StepId,
        work: impl Fn(Step) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let mut pause = PAUSE;
        let mut readings = READINGS;
        loop {
            let now = self.describe(session, step).await?;
            let waits = now.read_from;
            let parts = now.parts.clone();
            let error = match work(now).await {
                Err(error) if is_of_the_part(&error, &parts) => error,
                other => return other,
            };
            readings -= 1;
            if readings == 0 {
                return Err(incomplete(session, step, waits, error));
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
}

fn same_size(part: &StepPart, size: u64) -> Result<()> {
    if size == part.size {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Integrity, "a part is not of the size that its step's marker says")
        .with_key(&part.key)
        .with_fact("size", size)
        .with_fact("expected_size", part.size))
}

/// Whether an error says that what the marker names is not there as it says.
fn is_of_the_part(error: &Error, parts: &BTreeMap<PartName, StepPart>) -> bool {
    let kinds = [ErrorKind::NotFound, ErrorKind::Integrity, ErrorKind::Changed];
    let is_object = error.key().is_some_and(|key| parts.values().any(|part| part.key.as_str() == key));
    is_object && kinds.contains(&error.kind())
}

fn incomplete(session: &SessionId, step: &StepId, read_from: ReadFrom, error: Error) -> Error {
    let message = match read_from {
        ReadFrom::Store => "a step's part is missing or not what its marker says",
        _ => "a step's part is not on this machine, or not what its marker says",
    };
    super::store::of(Error::new(ErrorKind::Incomplete, message), session, step)
        .with_hint("`holdall session verify SESSION` names what is wrong; store the step again")
        .with_source(error)
}

/// Follows the bytes of a whole part with an error if they are not those of the marker.
fn checked(stream: ObjectStream, part: StepPart) -> ObjectStream {
    let end = Some((stream, Seen::new(), part));
    Box::pin(stream::try_unfold(end, |state| async move {
        let Some((mut stream, mut seen, part)) = state else { return Ok(None) };
        match stream.next().await.transpose()? {
            Some(piece) => {
                seen.update(&piece);
                Ok(Some((piece, Some((stream, seen, part)))))
            }
            None => {
                let found = seen.finish();
                part.check(found.size, found.sha256)?;
                Ok(None)
            }
        }
    }))
}
