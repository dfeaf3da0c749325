//! The sessions of a store.

use super::index::StepsOptions;
use super::sessions::Sessions;
use crate::SessionId;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use holdall_store::{Error, ErrorKind, ListOptions, Prefix, Result};

/// So many sessions are looked at at once.
const LANES: usize = 16;
const MOST: u32 = 1000;

/// Which sessions are listed.
///
/// ```
/// use holdall::session::SessionsOptions;
/// let some = SessionsOptions { prefix: "run-".to_owned(), ..SessionsOptions::default() };
/// assert_eq!(some.limit, 100);
/// ```
#[derive(Debug, Clone)]
pub struct SessionsOptions {
    /// Goes on behind this session, whether it is there or not.
    pub after: Option<SessionId>,
    /// So many sessions at most, 1 to 1000.
    pub limit: u32,
    /// Only sessions whose name begins so.
    pub prefix: String,
}

impl Default for SessionsOptions {
    fn default() -> Self {
        Self { after: None, limit: 100, prefix: String::new() }
    }
}

/// A page of sessions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions that have a step, in the bytewise order of their names with a slash behind each.
    pub sessions: Vec<SessionId>,
    /// The last of them, behind which the next page begins; none where there is no more.
    pub next: Option<SessionId>,
}

impl Sessions {
    /// Lists the sessions that have a step, in the store's order. None is no error.
    ///
    /// Each session costs two requests: it is listed because a step of it is there, not because something of it lies about.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions, SessionsOptions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// assert!(sessions.list(&SessionsOptions::default()).await?.sessions.is_empty());
    /// let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>")).await?;
    /// assert_eq!(sessions.list(&SessionsOptions::default()).await?.sessions, [session]);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a limit out of bounds; `Unreachable` where the store is away, and never a shorter list.
    pub async fn list(&self, options: &SessionsOptions) -> Result<SessionPage> {
        if !(1..=MOST).contains(&options.limit) {
            let error = Error::new(ErrorKind::InvalidInput, "a page has 1 to 1000 sessions");
            return Err(error.with_fact("limit", options.limit));
        }
        let root = self.layout.0.as_str();
        // All that begins with the name and a slash is the session's itself.
        let after = options.after.as_ref().map(|after| format!("{root}{after}/"));
        let mut names = self.names(&options.prefix, after)?;
        let mut page = SessionPage::default();
        while let Some(some) = names.next(self).await? {
            for session in self.with_steps(some).await? {
                if page.sessions.len() as u32 == options.limit {
                    page.next = page.sessions.last().cloned();
                    return Ok(page);
                }
                page.sessions.push(session);
            }
        }
        Ok(page)
    }

    fn names(&self, prefix: &str, after: Option<String>) -> Result<Names> {
        let root = self.layout.0.as_str().to_owned();
        let list = self.store.list_with(ListOptions {
            prefix: Prefix::parse(&format!("{root}{prefix}"))?,
            delimiter: Some("/".to_owned()),
            start_after: after,
            keys_only: true,
            ..ListOptions::default()
        })?;
        Ok(Names { root, list, ready: Vec::new() })
    }

    /// Every session of which anything lies in the store, a page at a time.
    pub(super) fn all_names(&self) -> Result<Names> {
        self.names("", None)
    }

    /// Those that have a step.
    async fn with_steps(&self, sessions: Vec<SessionId>) -> Result<Vec<SessionId>> {
        let first = &StepsOptions { limit: 1, check: true, ..StepsOptions::default() };
        let looked: Vec<Option<SessionId>> = stream::iter(sessions)
            .map(|session| async move {
                let page = Box::pin(self.steps(&session, first)).await?;
                Ok::<_, Error>((!page.steps.is_empty()).then_some(session))
            })
            .buffered(LANES)
            .try_collect()
            .await?;
        Ok(looked.into_iter().flatten().collect())
    }
}

/// What is said of a session of which no step is there.
pub(super) fn no_session(session: &SessionId) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such session")
        .with_fact("session", session)
        .with_hint("`holdall session ls` lists the sessions")
}

/// Names of sessions as the store lists them.
pub(super) struct Names {
    root: String,
    list: holdall_store::ObjectList,
    ready: Vec<SessionId>,
}

impl Names {
    /// The next names, as many as are looked at at once; none after the last. What can be no session's name is none.
    pub(super) async fn next(&mut self, sessions: &Sessions) -> Result<Option<Vec<SessionId>>> {
        while self.ready.is_empty() {
            let page = match self.list.next_page().await {
                None => return Ok(None),
                Some(Err(error)) if sessions.says_nothing_there(&error) => return Ok(None),
                Some(page) => page?,
            };
            if let Some(error) = page.failures.into_iter().next() {
                return Err(error);
            }
            let name =
                |prefix: &String| SessionId::parse(prefix.strip_prefix(&self.root)?.strip_suffix('/')?).ok();
            self.ready = page.prefixes.iter().filter_map(name).collect();
        }
        let rest = self.ready.split_off(self.ready.len().min(LANES));
        Ok(Some(std::mem::replace(&mut self.ready, rest)))
    }
}
