//! Removing evidence.

use super::layout::AttachmentName;
use super::place::{Place, ROUNDS, contended};
use super::{Evidence, Exclusive, Moment};
use crate::DecisionId;
use holdall_store::{Error, ErrorKind, Result, State};

/// How evidence is removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Remove its attachments, too.
    pub attachments: bool,
    /// What is demanded of a store that cannot decide changes atomically.
    pub exclusive: Exclusive,
}

/// What removing did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Removed {
    /// Whether there was a bundle.
    pub bundle: bool,
    /// Attachments that were removed.
    pub removed: Vec<AttachmentName>,
    /// Attachments that are kept.
    pub kept: Vec<AttachmentName>,
    /// Whether it is done, or waits in the outbox. What waits keeps its bytes until it is removed again after it was sent.
    pub state: State,
}

impl Evidence {
    /// Removes the bundle of a decision; its attachments are kept unless asked.
    ///
    /// The claim first says that nothing is there: from that moment on nobody finds it. Then its bytes are deleted. A call
    /// that is cut off in between is finished by the next one, or by whoever stores evidence for the decision again. The
    /// claim stays, a small object that says when it was removed.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::evidence::{AttachOptions, AttachmentName, Evidence, Json, NewBundle, RemoveOptions, StoreOptions};
    /// use holdall::{DecisionId, EvidenceType, Settings, Store};
    /// let evidence = Evidence::open(&Store::memory(), &Settings::default())?;
    /// let decision = DecisionId::parse("d-1")?;
    /// let bundle = NewBundle::new(decision.clone(), EvidenceType::parse("risk")?, Json::empty());
    /// evidence.store(&bundle, &StoreOptions::default()).await?;
    /// let name = AttachmentName::parse("scan.pdf")?;
    /// evidence.attach(&decision, &name, &"%PDF".into(), &AttachOptions::default()).await?;
    /// let removed = evidence.remove(&decision, &RemoveOptions::default()).await?;
    /// assert_eq!((removed.bundle, removed.kept), (true, vec![name]));
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`: there is nothing to be removed. `Unsupported`: the store cannot change a claim atomically. `Conflict`:
    /// others keep changing it.
    pub async fn remove(&self, decision: &DecisionId, options: &RemoveOptions) -> Result<Removed> {
        let place = self.bundle_place(decision, options.exclusive);
        let names = match options.attachments {
            true => self.attachment_names(decision).await?,
            false => {
                self.attachments(decision).await?.into_iter().map(|attachment| attachment.name).collect()
            }
        };
        let bundle = place.remove().await?;
        let mut done = Removed {
            bundle: bundle.is_some(),
            removed: Vec::new(),
            kept: Vec::new(),
            state: bundle.unwrap_or_default(),
        };
        for name in names {
            if !options.attachments {
                done.kept.push(name);
                continue;
            }
            // One whose removal was cut off is no attachment any more, and its bytes may be there.
            let place = self.attachment_place(decision, &name, options.exclusive);
            if let Some(state) = place.remove().await? {
                done.state = worse(done.state, state);
                done.removed.push(name);
            }
        }
        if !done.bundle && done.removed.is_empty() {
            return Err(nothing(decision));
        }
        Ok(done)
    }

    /// Removes one attachment.
    ///
    /// # Errors
    ///
    /// As for [`Evidence::remove`].
    pub async fn remove_attachment(
        &self,
        decision: &DecisionId,
        name: &AttachmentName,
        exclusive: Exclusive,
    ) -> Result<State> {
        let place = self.attachment_place(decision, name, exclusive);
        place
            .remove()
            .await?
            .ok_or_else(|| nothing(decision).with_fact("attachment", format_args!("{:?}", name.as_str())))
    }
}

impl Place<'_> {
    /// Removes what is claimed, and finishes what was cut off; none where there is nothing to be removed.
    pub(super) async fn remove(&self) -> Result<Option<State>> {
        for _ in 0..ROUNDS {
            let Some(found) = self.read().await? else { return Ok(None) };
            let given_up = match (&found.claim.holds, found.claim.is_unfinished()) {
                (None, false) => return Ok(None),
                (None, true) => Some(self.finish(found).await?),
                (Some(_), _) => self.give_up(&found, Moment::now()).await?,
            };
            if let Some(found) = given_up {
                return Ok(Some(if found.waits { State::Queued } else { State::Stored }));
            }
        }
        Err(contended(&self.subject))
    }
}

fn worse(one: State, other: State) -> State {
    if one == State::Stored { other } else { one }
}

fn nothing(decision: &DecisionId) -> Error {
    Error::new(ErrorKind::NotFound, "there is no such evidence to remove")
        .with_fact("decision", format_args!("{:?}", decision.as_str()))
        .with_hint("`evidence ls` lists what there is; what other programs stored has no claim until `evidence adopt`")
}
