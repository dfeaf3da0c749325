//! Sessions of a store, opened.

use super::clock::Clock;
use super::layout::Layout;
use super::marker::{self, MAX_MARKER};
use super::step::{Step, missing, unknown};
use super::tombstone::Tombstone;
use crate::{Collection, Root, SessionId, StepId};
use bytes::Bytes;
use holdall_store::{
    Error, ErrorKind, Key, Metadata, OnRemoteError, Origin, ReadFrom, Resolved, Result, Settings, Sources,
    Store,
};
use std::time::Duration;

/// So long the parts of a step that was stored again stay for those who read it.
const GRACE: Duration = Duration::from_secs(300);
/// So often what another one writes is read again.
const READINGS: u32 = 4;

/// Steps of agents by session, in a store. Cheap to clone.
///
/// Any number of tasks, processes and machines may use the same sessions at once. A step is there when its marker is,
/// and then all of its parts are; storing it again replaces all of it at one moment.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// use holdall::session::{NewStep, Sessions, StepsOptions};
/// use holdall::{SessionId, Settings, StepId, Store};
///
/// let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
/// let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
/// let new = NewStep::new(&session, &step)
///     .html("<h1>Shop</h1>")
///     .screenshot(&b"\x89PNG\r\n\x1a\n"[..])
///     .action(r#"{"click": "buy"}"#);
/// sessions.store(new).await?;
///
/// let content = sessions.retrieve(&session, &step).await?;
/// assert_eq!(content.html().unwrap(), "<h1>Shop</h1>");
/// let latest = sessions.steps(&session, &StepsOptions::default()).await?;
/// assert_eq!(latest.steps[0].step, step);
/// # Ok::<(), holdall::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Sessions {
    pub(super) store: Store,
    pub(super) layout: Layout,
    pub(super) grace: Duration,
    pub(super) clock: Clock,
}

/// A marker that was found.
pub(super) struct Found {
    pub(super) step: Step,
    pub(super) etag: Option<String>,
    pub(super) standing: Standing,
}

/// Whether a step is there whose marker is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    There,
    /// Its moment has come, and no sweep.
    Expired,
    /// It came out of an outbox after it was deleted.
    Late,
}

impl Found {
    pub(super) fn is_there(&self) -> bool {
        self.standing == Standing::There
    }
}

impl Sessions {
    /// Sessions in a store that is open. Writes wait while the store is away if the store has an outbox.
    ///
    /// # Errors
    ///
    /// `Config` for settings that give collections no places of their own.
    pub fn open(store: &Store, settings: &Settings) -> Result<Self> {
        let layout = Layout(Root::of(Collection::Sessions, settings)?);
        Ok(Self { store: store.clone(), layout, grace: GRACE, clock: Clock::default() })
    }

    /// Sessions in the store that settings name, with an outbox unless the settings say otherwise: what a store on S3
    /// does not take is kept on this machine and sent later.
    ///
    /// ```
    /// use holdall::session::Sessions;
    /// use holdall::{Sources, Variables};
    ///
    /// let variables = Variables::from_pairs([("HOLDALL_STORE", "memory://checkpoints")]);
    /// let sessions = Sessions::from_sources(&Sources::new(variables))?;
    /// assert!(!sessions.as_store().is_remote());
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config`: also where there is no folder for an outbox (set `HOLDALL_OUTBOX_DIR`, or `HOLDALL_ON_REMOTE_ERROR=raise`).
    pub fn from_sources(sources: &Sources) -> Result<Self> {
        let settings = Self::settings_of(sources.resolve()?);
        Self::open(&Store::from_settings(&settings)?, &settings)
    }

    /// Sessions in the store that the environment names; as [`Sessions::from_sources`].
    ///
    /// ```no_run
    /// let sessions = holdall::session::Sessions::from_env()?;
    /// println!("{}", sessions.as_store().location());
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config`, naming the variable at fault.
    pub fn from_env() -> Result<Self> {
        Self::from_sources(&Sources::from_env())
    }

    /// The settings that sessions are opened with: `on_remote_error` is `outbox` where nobody set it.
    ///
    /// ```
    /// use holdall::session::Sessions;
    /// use holdall::{OnRemoteError, Sources, Variables};
    ///
    /// let resolve = |pairs: &[(&str, &str)]| {
    ///     Sources::new(Variables::from_pairs(pairs.iter().copied())).resolve()
    /// };
    /// let settings = Sessions::settings_of(resolve(&[])?);
    /// assert_eq!(settings.on_remote_error, OnRemoteError::Outbox);
    /// let settings = Sessions::settings_of(resolve(&[("HOLDALL_ON_REMOTE_ERROR", "raise")])?);
    /// assert_eq!(settings.on_remote_error, OnRemoteError::Raise);
    /// # Ok::<(), holdall::Error>(())
    /// ```
    pub fn settings_of(resolved: Resolved) -> Settings {
        let is_set =
            |name| resolved.values.iter().any(|v| v.setting.name == name && v.origin != Origin::Default);
        let mut settings = resolved.settings.clone();
        if !is_set("on_remote_error") {
            settings.on_remote_error = OnRemoteError::Outbox;
        }
        settings
    }

    /// The same sessions, but that the parts of what is stored again stay for so long; five minutes else.
    ///
    /// ```
    /// # use holdall::{Settings, Store, session::Sessions};
    /// use std::time::Duration;
    /// let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// let sessions = sessions.with_grace(Duration::from_secs(3600));
    /// # let _ = sessions;
    /// # Ok::<(), holdall::Error>(())
    /// ```
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The same sessions by another clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// The store that they are in.
    pub fn as_store(&self) -> &Store {
        &self.store
    }

    /// What all keys of a session begin with.
    ///
    /// ```
    /// # use holdall::{SessionId, Settings, Store, session::Sessions};
    /// let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// assert_eq!(sessions.prefix_of(&SessionId::parse("run-7")?), "sessions/run-7/");
    /// # Ok::<(), holdall::Error>(())
    /// ```
    pub fn prefix_of(&self, session: &SessionId) -> String {
        self.layout.session(session)
    }

    /// Describes a step: what its marker says. No part is read.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, PartName, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>1</p>")).await?;
    /// let described = sessions.describe(&session, &step).await?;
    /// assert_eq!(described.part(&PartName::html())?.size, 8);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`; `Unreachable` where the store is away and nothing of the step is on this machine; `Integrity` for a
    /// marker that is damaged and `Unsupported` for one of a later holdall.
    pub async fn describe(&self, session: &SessionId, step: &StepId) -> Result<Step> {
        match self.find(session, step).await? {
            Some(found) if found.is_there() => Ok(found.step),
            Some(found) if found.step.read_from == ReadFrom::LocalCopy => Err(unknown(session, step)),
            _ => Err(missing(session, step)),
        }
    }

    /// Looks for a marker, and whether what it says still holds.
    pub(super) async fn find(&self, session: &SessionId, step: &StepId) -> Result<Option<Found>> {
        self.find_by(session, step, None).await
    }

    /// Looks for a marker; `whole` is the tombstone of the session that counts, where that is another than there is now.
    pub(super) async fn find_by(
        &self,
        session: &SessionId,
        step: &StepId,
        whole: Option<&Option<Tombstone>>,
    ) -> Result<Option<Found>> {
        let key = self.layout.marker(session, step)?;
        let Some((bytes, metadata)) = self.small(&key).await? else { return Ok(None) };
        let step = marker::read(&bytes, (session, step), &self.layout, metadata.read_from)
            .map_err(|error| error.with_key(&key))?;
        let standing = if step.expires.is_some_and(|moment| moment <= self.clock.now()) {
            Standing::Expired
        } else if self.is_deleted_since(&step, whole).await? {
            Standing::Late
        } else {
            Standing::There
        };
        Ok(Some(Found { step, etag: metadata.etag, standing }))
    }

    /// Whether a step came to the store after it was deleted. Only what waited in an outbox can; and what waits still, or
    /// is a copy of this machine's, is what this machine knows of.
    async fn is_deleted_since(&self, step: &Step, whole: Option<&Option<Tombstone>>) -> Result<bool> {
        if !step.waited || step.read_from != ReadFrom::Store {
            return Ok(false);
        }
        let of_session = async {
            match whole {
                Some(whole) => Ok(whole.clone()),
                None => self.tombstone(&step.session, None).await,
            }
        };
        let of_step = self.tombstone(&step.session, Some(&step.step));
        let (own, whole) = tokio::try_join!(of_step, of_session)?;
        Ok(own.into_iter().chain(whole).any(|tombstone| tombstone.deleted >= step.stored))
    }

    /// The tombstone of a step, or of a whole session.
    pub(super) async fn tombstone(
        &self,
        session: &SessionId,
        step: Option<&StepId>,
    ) -> Result<Option<Tombstone>> {
        let key = match step {
            Some(step) => self.layout.tombstone(session, step)?,
            None => self.layout.session_tombstone(session)?,
        };
        let Some((bytes, _)) = self.small(&key).await? else { return Ok(None) };
        Tombstone::read(&bytes, session, step).map(Some).map_err(|error| error.with_key(&key))
    }

    /// Reads a small object of holdall's; none where there is none.
    pub(super) async fn small(&self, key: &Key) -> Result<Option<(Bytes, Metadata)>> {
        let mut readings = READINGS;
        loop {
            readings -= 1;
            match self.small_once(key).await {
                Err(error) if error.kind() == ErrorKind::Changed && readings > 0 => {}
                other => return other,
            }
        }
    }

    async fn small_once(&self, key: &Key) -> Result<Option<(Bytes, Metadata)>> {
        let object = match self.store.get(key.as_str()).await {
            Ok(object) => object,
            Err(error) if self.says_nothing_there(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let metadata = object.metadata.clone();
        if metadata.size > MAX_MARKER {
            return Err(Error::new(ErrorKind::Integrity, "an object of holdall's is larger than any is")
                .with_key(key)
                .with_fact("bytes", metadata.size)
                .with_fact("limit", MAX_MARKER));
        }
        let bytes = object.bytes().await.map_err(|error| error.with_key(key))?;
        Ok(Some((bytes, metadata)))
    }

    /// Whether an error says that there is no object. The first put makes the folder of a store.
    pub(super) fn says_nothing_there(&self, error: &Error) -> bool {
        match error.kind() {
            ErrorKind::NotFound => true,
            ErrorKind::BucketNotFound => !self.store.is_remote(),
            _ => false,
        }
    }
}

/// Whether an error says nothing of the write itself, so that it may wait in an outbox.
pub(super) fn may_wait(error: &Error) -> bool {
    let kinds = [ErrorKind::Unreachable, ErrorKind::Timeout, ErrorKind::Throttled, ErrorKind::Conflict];
    kinds.contains(&error.kind()) || error.is_transient()
}
