//! Storing a bundle: the claim first, then what it names.

use super::bundle::{Built, NewBundle};
use super::guard::{self, Exclusive};
use super::place::{Found, Place, ROUNDS, contended, json_options};
use super::{Evidence, Moment};
use holdall_store::{Error, ErrorKind, Key, PutOptions, Result, State, WriteCondition, sha256};

/// How evidence is stored.
#[derive(Debug, Clone, Copy, Default)]
pub struct StoreOptions {
    /// Put it in the place of what the decision has.
    pub replace: bool,
    /// What is demanded of a store that cannot decide who was first.
    pub exclusive: Exclusive,
}

/// What storing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// It is new.
    Stored,
    /// It was claimed before, by a call that was cut off, and is whole now.
    Completed,
    /// The very same was there.
    Unchanged,
    /// It is in the place of what was there.
    Replaced,
}

impl Outcome {
    /// The name in output: `stored`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Completed => "completed",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        }
    }
}

/// What storing answers.
#[derive(Debug, Clone)]
pub struct Stored {
    /// The object's key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// The bundle's checksum; of an attachment the SHA-256 of its bytes.
    pub checksum: String,
    /// What was done.
    pub outcome: Outcome,
    /// Whether the store has claim and bytes, or one of them waits in the outbox. While the claim waits, another machine may
    /// still be first: what it named is then parked.
    pub state: State,
    /// Whether the store decided who was first, or it was looked and then written.
    pub exclusive: Exclusive,
}

impl Evidence {
    /// Stores a bundle, unless its decision has another one already.
    ///
    /// The claim on the decision is written first, where there is none: of any number of callers at once one wins, whatever
    /// the types and months. A call that is cut off leaves nothing, the bundle, or a claim without it, which readers are
    /// told (`Incomplete`); the same call again completes it, and is safe to repeat. With `replace` the claim first says
    /// what is to come; readers see the old bundle or the new one, whole, at every moment.
    ///
    /// Costs two puts when it is new; one put and two or three reads when it is not.
    ///
    /// # Errors
    ///
    /// `AlreadyExists`: the decision has another bundle; ask for `replace` if that is meant. `Conflict`: another bundle was
    /// claimed and never came whole, a replacement was cut off, or others keep changing it. `Unsupported`: the store cannot
    /// decide who is first. `InvalidInput`: the bundle is too large, or its type is `by-id`.
    pub async fn store(&self, bundle: &NewBundle, options: &StoreOptions) -> Result<Stored> {
        let place = self.bundle_place(&bundle.decision, options.exclusive);
        let built = bundle.build(bundle.created_at.unwrap_or_else(Moment::now))?;
        for _ in 0..ROUNDS {
            if let Some(stored) = self.store_once(&place, bundle, &built, options.replace).await? {
                return Ok(stored);
            }
        }
        Err(contended(&place.subject))
    }

    /// None where somebody else changed the claim meanwhile.
    async fn store_once(
        &self,
        place: &Place<'_>,
        bundle: &NewBundle,
        built: &Built,
        replace: bool,
    ) -> Result<Option<Stored>> {
        if let Some(found) = place.create(built.held.clone()).await? {
            return place.fill(&found, built, Outcome::Stored).await.map(Some);
        }
        let Some(found) = place.read().await? else { return Ok(None) };
        let Some(holds) = &found.claim.holds else {
            let found = place.finish(found).await?;
            if !found.claim.old.is_empty() {
                return Err(removal_waits(&found.claim.old[0]));
            }
            let renewed = place.swap(&found, found.claim.renewed(&built.held), &[]).await?;
            return match renewed {
                Some(found) => place.fill(&found, built, Outcome::Stored).await.map(Some),
                None => Ok(None),
            };
        };
        if found.claim.next.is_none()
            && let Some(same) = bundle.rebuild(holds)
        {
            return place.complete(&found, &same, replace).await.map(Some);
        }
        if !replace {
            return Err(place.refusal(&found).await?);
        }
        let pending = found.claim.next.as_ref().and_then(|next| bundle.rebuild(&next.held));
        place.replace(found, pending.as_ref().unwrap_or(built)).await
    }
}

impl Place<'_> {
    /// Puts what was claimed just now. Something that lies there is nobody's, unless it is the same.
    pub(super) async fn fill(&self, found: &Found, built: &Built, outcome: Outcome) -> Result<Stored> {
        let key = self.key(&built.held.path)?;
        let options = self.after_claim(PutOptions { condition: WriteCondition::Absent, ..json_options() })?;
        let put = guard::put(self.store, &key, built.bytes.clone(), &options, self.exclusive).await?;
        if let Some(put) = put {
            let is_stored = !found.waits && put.receipt.state == State::Stored;
            return self.stored(found, built, outcome, (is_stored, put.atomic));
        }
        match self.digest_of(&key).await? {
            Some(digest) if digest == built.held.sha256 => {
                self.stored(found, built, outcome, (!found.waits, true))
            }
            Some(_) if found.claim.was_at(&built.held.path) => self.mend(found, built, outcome).await,
            _ => match self.swap(found, found.claim.withdrawn(Moment::now()), &[]).await? {
                Some(_) => Err(unclaimed(&key)),
                None => Err(contended(&self.subject)),
            },
        }
    }

    /// Puts what the claim holds over what lies at its own place and is not that; not where the claim is another by now.
    ///
    /// The object is looked at before the claim is read again: so its `ETag` is not that of what took the place of this.
    async fn mend(&self, found: &Found, built: &Built, outcome: Outcome) -> Result<Stored> {
        let key = self.key(&built.held.path)?;
        let etag = self.etag_at(&built.held.path).await?;
        if self.read().await?.is_none_or(|now| now.claim != found.claim) {
            return Err(contended(&self.subject));
        }
        let condition = etag.map_or(WriteCondition::Absent, WriteCondition::Matches);
        let options = self.after_claim(PutOptions { condition, ..json_options() })?;
        match guard::put(self.store, &key, built.bytes.clone(), &options, self.exclusive).await? {
            Some(put) => self.stored(found, built, outcome, (put.receipt.state == State::Stored, put.atomic)),
            None => Err(contended(&self.subject)),
        }
    }

    /// Makes what the claim holds whole.
    async fn complete(&self, found: &Found, built: &Built, replace: bool) -> Result<Stored> {
        let key = self.key(&built.held.path)?;
        match self.digest_of(&key).await? {
            Some(digest) if digest == built.held.sha256 => {
                let found = self.finish(found.clone()).await?;
                self.stored(&found, built, Outcome::Unchanged, (!found.waits, true))
            }
            None => self.fill(found, built, Outcome::Completed).await,
            Some(_) if replace || found.claim.was_at(&built.held.path) => {
                self.mend(found, built, Outcome::Completed).await
            }
            Some(_) => Err(Error::new(ErrorKind::Integrity, "the bundle is not what its claim says")
                .with_key(&key)
                .with_hint("store the same evidence with `replace` to mend it")),
        }
    }

    /// Why a bundle is not stored.
    async fn refusal(&self, found: &Found) -> Result<Error> {
        let holds = found.claim.holds.as_ref();
        let path = holds.map(|held| held.path.as_str()).unwrap_or_default();
        let key = self.key(path)?;
        let is_there = match self.store.exists(key.as_str()).await {
            Err(error) if error.kind() == ErrorKind::Unreachable => true,
            other => other?,
        };
        let error = match (found.claim.next.is_none(), is_there) {
            (false, _) => {
                Error::new(ErrorKind::Conflict, "a replacement of this evidence is under way, or was cut off")
                    .with_hint("repeat it with `replace`")
            }
            (true, true) => Error::new(ErrorKind::AlreadyExists, "the decision has other evidence already")
                .with_hint("ask for `replace` if it is to take its place"),
            (true, false) => Error::new(
                ErrorKind::Conflict,
                "other evidence was claimed for the decision, and is not there yet",
            )
            .with_hint("store that one again, or ask for `replace` if it will never come"),
        };
        Ok(error.with_key(&key))
    }

    /// The digest of what lies at a key; none where nothing does.
    pub(super) async fn digest_of(&self, key: &Key) -> Result<Option<String>> {
        let object = match self.store.get(key.as_str()).await {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if let Some(digest) = object.metadata.sha256 {
            return Ok(Some(digest.to_hex()));
        }
        if object.metadata.size > super::MAX_BUNDLE {
            return Ok(Some(String::new()));
        }
        Ok(Some(sha256(&object.bytes().await?).to_hex()))
    }

    pub(super) fn stored(
        &self,
        found: &Found,
        built: &Built,
        outcome: Outcome,
        (is_stored, is_atomic): (bool, bool),
    ) -> Result<Stored> {
        Ok(Stored {
            key: self.key(&built.held.path)?,
            size: built.held.size,
            checksum: built.held.checksum.clone().unwrap_or_else(|| built.held.sha256.clone()),
            outcome,
            state: if is_stored { State::Stored } else { State::Queued },
            exclusive: if found.atomic && is_atomic { Exclusive::Required } else { Exclusive::BestEffort },
        })
    }
}

/// What was removed may not be claimed again before its bytes are gone.
pub(super) fn removal_waits(path: &str) -> Error {
    Error::new(ErrorKind::Conflict, "what was removed here is not gone yet")
        .with_fact("path", format_args!("{path:?}"))
        .with_hint("if its removal waits in the outbox, drain that (`holdall outbox drain`), then try again")
}

pub(super) fn unclaimed(key: &Key) -> Error {
    Error::new(ErrorKind::AlreadyExists, "something lies at this place that no claim names")
        .with_key(key)
        .with_hint("`evidence adopt` claims what was there before")
}

#[cfg(test)]
mod tests {
    use super::super::{Json, RemoveOptions};
    use super::*;
    use crate::{DecisionId, EvidenceType};
    use holdall_store::{Settings, Store};

    /// EVI-9, EVI-10
    #[tokio::test]
    async fn who_comes_late_to_a_claim_does_not_write_over_what_took_its_place() {
        let evidence = Evidence::open(&Store::memory(), &Settings::default()).unwrap();
        let decision = DecisionId::parse("d-1").unwrap();
        let bundle = |text: &str| {
            let data = Json::parse(text.as_bytes()).unwrap();
            NewBundle::new(decision.clone(), EvidenceType::parse("risk").unwrap(), data)
        };
        evidence.store(&bundle("{\"n\":0}"), &StoreOptions::default()).await.unwrap();
        evidence.remove(&decision, &RemoveOptions::default()).await.unwrap();
        let place = evidence.bundle_place(&decision, Exclusive::Required);
        let late = bundle("{\"n\":1}").build(Moment::now()).unwrap();
        let removed = place.read().await.unwrap().unwrap();
        let claimed = place.swap(&removed, removed.claim.renewed(&late.held), &[]).await.unwrap().unwrap();
        let replace = StoreOptions { replace: true, ..StoreOptions::default() };
        let there = evidence.store(&bundle("{\"n\":2}"), &replace).await.unwrap();
        let error = place.fill(&claimed, &late, Outcome::Stored).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert_eq!(evidence.retrieve(&decision).await.unwrap().checksum, there.checksum);
    }
}
