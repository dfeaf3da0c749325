//! A claim where it lies: read, made, changed, and what it gave up deleted.

use super::claim::{Claim, Held, Subject};
use super::guard::{self, Exclusive, Guarded};
use crate::Root;
use bytes::Bytes;
use holdall_store::{
    Attributes, DeleteOptions, Error, ErrorKind, Key, PutOptions, ReadFrom, Result, State, Store,
    WriteCondition,
};

/// A claim is small, but while a replacement is under way: then it has all of a bundle as text. What is larger is none, and
/// is not read.
const MAX_CLAIM: u64 = 3 * super::MAX_BUNDLE;

/// How often a change is tried again that others forestall.
pub(super) const ROUNDS: usize = 32;

/// A name in a store.
pub(super) struct Place<'a> {
    pub(super) store: &'a Store,
    pub(super) root: &'a Root,
    pub(super) subject: Subject,
    pub(super) exclusive: Exclusive,
}

/// A claim as it was read or written.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) claim: Claim,
    etag: Option<String>,
    /// It waits in the outbox: others do not know it yet.
    pub(super) waits: bool,
    /// Whether the store decided itself, the last time that it was written by us.
    pub(super) atomic: bool,
}

impl Place<'_> {
    /// A key of the collection.
    pub(super) fn key(&self, path: &str) -> Result<Key> {
        self.root.key(path)
    }

    fn claim_key(&self) -> Result<Key> {
        self.key(&self.subject.claim_path())
    }

    /// Reads the claim; none where nobody ever claimed the name.
    pub(super) async fn read(&self) -> Result<Option<Found>> {
        let key = self.claim_key()?;
        let object = match self.store.get(key.as_str()).await {
            Ok(object) => object,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if object.metadata.size > MAX_CLAIM {
            return Err(Error::new(ErrorKind::Integrity, "a claim of evidence is damaged")
                .with_key(&key)
                .with_fact("size", object.metadata.size));
        }
        let (etag, read_from) = (object.metadata.etag.clone(), object.metadata.read_from);
        let claim = Claim::parse(&object.bytes().await?, &self.subject).map_err(|e| e.with_key(&key))?;
        Ok(Some(Found { claim, etag, waits: read_from == ReadFrom::Outbox, atomic: true }))
    }

    /// Claims the name; none where somebody has.
    pub(super) async fn create(&self, held: Held) -> Result<Option<Found>> {
        self.write(Claim::new(&self.subject, held), WriteCondition::Absent, Vec::new()).await
    }

    /// Changes the claim; none where somebody else did. It is sent only after what waits at the paths in `after`.
    pub(super) async fn swap(&self, found: &Found, claim: Claim, after: &[&str]) -> Result<Option<Found>> {
        let etag = found.etag.clone().ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "the store gives its objects no ETag to tell changes by")
        })?;
        let after = after.iter().map(|path| Ok(self.key(path)?.as_str().to_owned()));
        self.write(claim, WriteCondition::Matches(etag), after.collect::<Result<_>>()?).await
    }

    async fn write(
        &self,
        claim: Claim,
        condition: WriteCondition,
        after: Vec<String>,
    ) -> Result<Option<Found>> {
        let options = PutOptions { condition, after, ..json_options() };
        let bytes = Bytes::from(claim.to_bytes());
        let written = guard::put(self.store, &self.claim_key()?, bytes, &options, self.exclusive).await?;
        Ok(written.map(|Guarded { receipt, atomic }| Found {
            claim,
            etag: receipt.etag,
            waits: receipt.state == State::Queued,
            atomic,
        }))
    }

    /// Options of a put that must not come before the claim that it follows.
    pub(super) fn after_claim(&self, options: PutOptions) -> Result<PutOptions> {
        Ok(PutOptions { after: vec![self.claim_key()?.as_str().to_owned()], ..options })
    }

    /// Removes what is claimed: from the moment that the claim says so nothing is there any more, and its bytes go after it.
    /// Answers the claim as it is then; none where others changed it first.
    pub(super) async fn give_up(&self, found: &Found, at: super::Moment) -> Result<Option<Found>> {
        let Some(removed) = self.swap(found, found.claim.removed(at), &[]).await? else { return Ok(None) };
        self.finish(removed).await.map(Some)
    }

    /// Deletes what the claim gave up. While the claim waits in the outbox nothing is deleted: at the store it may still
    /// be what holds the name.
    pub(super) async fn finish(&self, found: Found) -> Result<Found> {
        if found.claim.old.is_empty() || found.waits {
            return Ok(found);
        }
        let old = found.claim.doomed();
        for path in &old {
            if !self.delete_given_up(path, &found).await? {
                return Ok(found);
            }
        }
        let after: Vec<&str> = old.iter().map(String::as_str).collect();
        let tidied = self.swap(&found, found.claim.tidied(), &after).await?;
        // Who changed it meanwhile found it unfinished too, and finishes it.
        Ok(tidied.unwrap_or(found))
    }

    /// Deletes what a claim gave up; nothing where the claim is another by now, since the path may be in use again.
    ///
    /// The object is looked at before the claim is read again: so its `ETag` is that of what was given up.
    async fn delete_given_up(&self, path: &str, found: &Found) -> Result<bool> {
        let etag = self.etag_at(path).await?;
        let now = self.read().await?;
        if now.is_none_or(|now| now.claim != found.claim) {
            return Ok(false);
        }
        self.delete(path, etag).await?;
        Ok(true)
    }

    /// The `ETag` of what lies at a path; none where nothing does.
    pub(super) async fn etag_at(&self, path: &str) -> Result<Option<String>> {
        match self.store.head(self.key(path)?.as_str()).await {
            Ok(object) => Ok(object.etag),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes the object that has an `ETag`, where the store can say so; else whatever lies there.
    pub(super) async fn delete(&self, path: &str, etag: Option<String>) -> Result<()> {
        let (key, Some(etag)) = (self.key(path)?, etag) else { return Ok(()) };
        let options = DeleteOptions { if_match: Some(etag), ..DeleteOptions::default() };
        match self.store.delete_with(key.as_str(), &options).await {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == ErrorKind::Unsupported => {
                self.store.delete(key.as_str()).await.map(drop)
            }
            Err(error) => Err(error),
        }
    }
}

/// How holdall's own JSON is put.
pub(super) fn json_options() -> PutOptions {
    let content_type = Some("application/json".to_owned());
    PutOptions { attributes: Attributes { content_type, ..Attributes::default() }, ..PutOptions::default() }
}

/// Said when others keep changing the same claim.
pub(super) fn contended(subject: &Subject) -> Error {
    Error::new(ErrorKind::Conflict, "others keep changing the same evidence")
        .with_fact("decision", format_args!("{:?}", subject.decision().as_str()))
        .with_hint("try again when they have ended")
}
