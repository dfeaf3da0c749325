//! One bundle in the place of another, so that at no moment neither is whole.
//!
//! The claim first says what is to come beside what there is, with all its bytes; then they are put; then the claim says that
//! they have come, and names what it gave up; then that is deleted. Once it is announced a replacement only goes forward,
//! by whoever comes first: so there is never more than one, and readers see one of two bundles at every point.

use super::bundle::Built;
use super::claim::Next;
use super::guard;
use super::place::{Found, Place, ROUNDS, contended, json_options};
use super::storing::{Outcome, Stored, unclaimed};
use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Key, PutOptions, Result, State, WriteCondition, sha256};

/// Whether the store has it itself, and whether it decided the condition itself.
pub(super) type How = (bool, bool);

/// A replacement that was brought to its end, or forestalled by somebody else.
struct Forward {
    settled: Option<Found>,
    how: How,
}

impl Place<'_> {
    /// Replaces what a claim holds; none where somebody else changed the claim before anything was done.
    pub(super) async fn replace(&self, found: Found, built: &Built) -> Result<Option<Stored>> {
        let Some(found) = self.announce(found, built).await? else { return Ok(None) };
        let forward = self.forward(&found).await?;
        let found = match forward.settled {
            Some(settled) => settled,
            // Somebody else brought it to its end; it may have been replaced or removed since.
            None => self.read().await?.ok_or_else(|| contended(&self.subject))?,
        };
        let is_stored = forward.how.0 && !found.waits;
        let found = if is_stored { self.finish(found).await? } else { found };
        self.stored(&found, built, Outcome::Replaced, (is_stored, forward.how.1)).map(Some)
    }

    /// Writes into the claim what is to come, once nothing else is; none where somebody else changed the claim.
    async fn announce(&self, mut found: Found, built: &Built) -> Result<Option<Found>> {
        for _ in 0..ROUNDS {
            match &found.claim.next {
                Some(next) if next.held == built.held => return Ok(Some(found)),
                Some(_) => match self.forward(&found).await?.settled {
                    Some(settled) => found = settled,
                    None => return Ok(None),
                },
                None => {
                    self.check_free(&found, built).await?;
                    let document = std::str::from_utf8(&built.bytes).expect("it was made of text").to_owned();
                    let next = Next { held: built.held.clone(), document };
                    return self.swap(&found, found.claim.replacing(next), &[]).await;
                }
            }
        }
        Err(contended(&self.subject))
    }

    /// Refuses a place that has something that nobody claimed.
    async fn check_free(&self, found: &Found, built: &Built) -> Result<()> {
        if found.claim.names(&built.held.path) {
            return Ok(());
        }
        let key = self.key(&built.held.path)?;
        match self.digest_of(&key).await? {
            Some(digest) if digest != built.held.sha256 => Err(unclaimed(&key)),
            _ => Ok(()),
        }
    }

    /// Puts what a claim announces and says that it has come.
    async fn forward(&self, found: &Found) -> Result<Forward> {
        let mut found = found.clone();
        for _ in 0..ROUNDS {
            let Some(next) = found.claim.next.clone() else { break };
            if let Some(how) = self.put_next(&found, &next).await? {
                let settled = self.swap(&found, found.claim.settled(), &[&next.held.path]).await?;
                return Ok(Forward { settled, how });
            }
            let now = self.read().await?.ok_or_else(|| contended(&self.subject))?;
            if now.claim.next != found.claim.next {
                return Ok(Forward { settled: None, how: (!now.waits, true) });
            }
            found = now;
        }
        Err(contended(&self.subject))
    }

    /// Puts the new bundle; none where others changed what is there.
    async fn put_next(&self, found: &Found, next: &Next) -> Result<Option<How>> {
        let key = self.key(&next.held.path)?;
        let Some(condition) = self.condition_for(&key, found, next).await? else { return Ok(None) };
        let WriteCondition::Always = condition else {
            let options = self.after_claim(PutOptions { condition, ..json_options() })?;
            let bytes = Bytes::from(next.document.clone());
            let put = guard::put(self.store, &key, bytes, &options, self.exclusive).await?;
            return Ok(put.map(|put| (put.receipt.state == State::Stored, put.atomic)));
        };
        Ok(Some((!found.waits, true)))
    }

    /// On what condition the new bundle may be put: `Always` where it is there already, none where the claim is another by
    /// now.
    ///
    /// The object is read before the claim is read again: so its `ETag` is that of what the claim gives up, and a put that
    /// comes late changes nothing.
    async fn condition_for(&self, key: &Key, found: &Found, next: &Next) -> Result<Option<WriteCondition>> {
        let object = match self.store.get(key.as_str()).await {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            other => Some(other?),
        };
        let Some(object) = object else { return Ok(Some(WriteCondition::Absent)) };
        let etag = object.metadata.etag.clone();
        let digest = sha256(&object.bytes().await?).to_hex();
        if digest == next.held.sha256 {
            return Ok(Some(WriteCondition::Always));
        }
        let now = self.read().await?;
        if now.is_none_or(|now| now.claim != found.claim) {
            return Ok(None);
        }
        if !found.claim.holds_at(&next.held.path) && !found.claim.was_at(&next.held.path) {
            self.swap(found, found.claim.as_before(), &[]).await?;
            return Err(unclaimed(key));
        }
        let etag = etag.ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the store gives its objects no ETag to tell changes by")
        })?;
        Ok(Some(WriteCondition::Matches(etag)))
    }
}
