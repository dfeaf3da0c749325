//! Copying a step.

use super::moment::Moments;
use super::publish::Draft;
use super::sessions::Sessions;
use super::store::{StepReceipt, of};
use crate::{SessionId, StepId};
use holdall_store::{CopyOptions, Error, ErrorKind, Result, State};
use std::collections::BTreeMap;

impl Sessions {
    /// Copies a step to another name or session, inside the store and without bringing its bytes here. The copy is there
    /// whole or not at all; what has its name is replaced as [`Sessions::store`] replaces it. It is recorded now, and expires when its source
    /// does.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # use holdall::session::{NewStep, Sessions};
    /// # use holdall::{SessionId, Settings, StepId, Store};
    /// # let sessions = Sessions::open(&Store::memory(), &Settings::default())?;
    /// # let (session, step) = (SessionId::parse("run-7")?, StepId::parse("0001")?);
    /// sessions.store(NewStep::new(&session, &step).html("<p>")).await?;
    /// let kept = SessionId::parse("kept")?;
    /// sessions.copy((&session, &step), (&kept, &step)).await?;
    /// assert_eq!(sessions.retrieve(&kept, &step).await?.html().unwrap(), "<p>");
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Sessions::retrieve`] of the source and for [`Sessions::store`] of the copy.
    pub async fn copy(
        &self,
        (from_session, from): (&SessionId, &StepId),
        (session, step): (&SessionId, &StepId),
    ) -> Result<StepReceipt> {
        let failed = |error: Error| of(error, session, step);
        let (draft, moments, parts, waited) = self
            .of_one_attempt(from_session, from, |source| async move {
                let moments = Moments { expires: source.expires, ..Moments::default() };
                let draft = Draft::new(self, session, step, moments);
                let (mut parts, mut waited) = (BTreeMap::new(), false);
                for (name, part) in source.parts {
                    let key = draft.key(self, &name.file(&part.content_type))?;
                    let copied =
                        self.store.copy(part.key.as_str(), key.as_str(), &CopyOptions::default()).await?;
                    if copied.size != part.size {
                        let message = "a part is not of the size that its step's marker says";
                        return Err(Error::new(ErrorKind::Integrity, message).with_key(&part.key));
                    }
                    waited |= copied.state == State::Queued;
                    let mut copy = part.clone();
                    copy.key = key;
                    parts.insert(name, copy);
                }
                Ok((draft, moments, parts, waited))
            })
            .await?;
        let (previous, entry) = self.prepare(session, step, moments).await.map_err(failed)?;
        Box::pin(self.publish(draft.with(parts, waited), previous, entry)).await.map_err(failed)
    }
}
