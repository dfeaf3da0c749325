//! What evidence there is, and whether it is whole.

use super::claim::{Claim, Subject};
use super::content::finished;
use super::layout::{AttachmentName, AttachmentPath, BY_ID};
use super::place::Place;
use super::retrieve::incomplete;
use super::{BundleFilter, ChecksumState, Evidence, Exclusive};
use crate::DecisionId;
use futures_util::StreamExt;
use holdall_store::{Error, ErrorKind, Key, Metadata, Object, Result};

/// What is looked at.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// One decision; else all, and what no claim names.
    pub decision: Option<DecisionId>,
    /// Read attachments, too.
    pub deep: bool,
}

/// What speaks for something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Proof {
    /// It was read: it has the digest of its claim, and a bundle's checksum is that of its evidence.
    Read,
    /// It was read and has the digest of its claim; the checksum is of another kind, from before it was adopted.
    ChecksumKept,
    /// Its size and the digest that it was stored with are those of its claim; it was not read.
    Recorded,
    /// Its size is that of its claim; it was not read, and nothing else is known.
    Size,
}

impl Proof {
    /// The name in output: `read`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ChecksumKept => "checksum_kept",
            Self::Recorded => "recorded",
            Self::Size => "size",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug)]
pub struct Checked {
    /// The decision that it is of, where that is known.
    pub decision: Option<DecisionId>,
    /// The attachment; none for a bundle.
    pub attachment: Option<AttachmentName>,
    /// The object's key, or the claim's where that is what is wrong.
    pub key: Option<Key>,
    /// What speaks for it, or what is wrong: `Incomplete` (claimed and not there, or a change was cut off), `Integrity`
    /// (not what was stored), `NotFound` (no claim names it), `Unsupported` (of a later version).
    pub result: Result<Proof>,
}

impl Evidence {
    /// Looks at evidence and hands each thing on with what speaks for it, or what is wrong with it.
    ///
    /// Bundles are read as [`Evidence::retrieve`] reads them; attachments are looked at, and read where that is asked for
    /// (`deep`). Without a decision it goes through all claims, and through all that lies there, to find what no claim
    /// names. Costs two reads for a bundle, one more and a look for each that is found by listing; flat in memory. Nothing
    /// is changed.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::evidence::{Evidence, Json, NewBundle, StoreOptions, VerifyOptions};
    /// use holdall::{DecisionId, EvidenceType, Settings, Store};
    /// let evidence = Evidence::open(&Store::memory(), &Settings::default())?;
    /// let bundle = NewBundle::new(DecisionId::parse("d-1")?, EvidenceType::parse("risk")?, Json::empty());
    /// evidence.store(&bundle, &StoreOptions::default()).await?;
    /// let mut fine = 0;
    /// evidence.verify(&VerifyOptions::default(), |checked| fine += u32::from(checked.result.is_ok())).await?;
    /// assert_eq!(fine, 1);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a decision without evidence; what keeps it from listing. A fault of one thing is handed on, and the
    /// rest go on.
    pub async fn verify(&self, options: &VerifyOptions, mut found: impl FnMut(Checked) + Send) -> Result<()> {
        if let Some(decision) = &options.decision {
            let any = self.verify_decision(decision, options.deep, &mut found).await?;
            return if any {
                Ok(())
            } else {
                self.bundle_place(decision, Exclusive::Required).demand().await.map(drop)
            };
        }
        self.verify_claims(options.deep, &mut found).await?;
        self.verify_bundles(&mut found).await?;
        self.verify_attachments(&mut found).await
    }

    /// Whether there is anything.
    async fn verify_decision(
        &self,
        decision: &DecisionId,
        deep: bool,
        found: &mut (impl FnMut(Checked) + Send),
    ) -> Result<bool> {
        let bundle = Subject::Bundle(decision.clone());
        let mut any = self.verify_claim(bundle, deep, found).await;
        for name in self.attachment_names(decision).await? {
            any |= self.verify_claim(Subject::Attachment(decision.clone(), name), deep, found).await;
        }
        Ok(any)
    }

    async fn verify_claims(&self, deep: bool, found: &mut (impl FnMut(Checked) + Send)) -> Result<()> {
        for (root, is_bundle) in [(&self.root, true), (&self.attachments, false)] {
            let prefix = format!("{}{BY_ID}/", root.as_str());
            let mut list = self.store.list(&prefix)?;
            while let Some(object) = list.next().await {
                let key = object?.key;
                match subject_of(&key.as_str()[prefix.len()..], is_bundle) {
                    Some(subject) => drop(self.verify_claim(subject, deep, found).await),
                    None => found(foreign(key)),
                }
            }
        }
        Ok(())
    }

    /// Hands on what a claim says and what there is; whether there is anything.
    async fn verify_claim(
        &self,
        subject: Subject,
        deep: bool,
        found: &mut (impl FnMut(Checked) + Send),
    ) -> bool {
        let place = self.place_of(subject);
        let (key, result) = match place.read().await {
            Err(error) => (place.key(&place.subject.claim_path()).ok(), Err(error)),
            Ok(None) => return false,
            Ok(Some(there)) if there.claim.holds.is_none() && !there.claim.is_unfinished() => return false,
            Ok(Some(there)) => {
                let key = there.claim.holds.as_ref().and_then(|held| place.key(&held.path).ok());
                (key, self.prove(&place, &there.claim, deep).await)
            }
        };
        let (decision, attachment) = match place.subject {
            Subject::Bundle(decision) => (decision, None),
            Subject::Attachment(decision, name) => (decision, Some(name)),
        };
        found(Checked { decision: Some(decision), attachment, key, result });
        true
    }

    async fn prove(&self, place: &Place<'_>, claim: &Claim, deep: bool) -> Result<Proof> {
        let proof = match (&claim.holds, &place.subject) {
            (Some(_), Subject::Bundle(_)) => match self.read_held(place, claim).await?.checksum_state {
                ChecksumState::Canonical => Proof::Read,
                ChecksumState::Kept => Proof::ChecksumKept,
            },
            (Some(_), Subject::Attachment(..)) => self.prove_attachment(place, claim, deep).await?,
            (None, _) => Proof::Read,
        };
        if claim.is_unfinished() {
            return Err(Error::new(
                ErrorKind::Incomplete,
                "a change of this evidence is under way, or was cut off",
            )
            .with_hint("repeat the change: that finishes it"));
        }
        Ok(proof)
    }

    async fn prove_attachment(&self, place: &Place<'_>, claim: &Claim, deep: bool) -> Result<Proof> {
        let held = claim.holds.as_ref().expect("the caller looked");
        let key = place.key(&held.path)?;
        let missing = |error: Error| match error.kind() {
            ErrorKind::NotFound => incomplete(&key, held),
            _ => error,
        };
        if deep {
            let object = self.store.get(key.as_str()).await.map_err(missing)?;
            let digest = digest_of(object).await?;
            held.agrees(&key, digest.0, Some(digest.1))?;
            return Ok(Proof::Read);
        }
        let object = self.store.head(key.as_str()).await.map_err(missing)?;
        held.agrees(&key, object.size, object.sha256.map(|digest| digest.to_hex()))?;
        Ok(if object.sha256.is_some() { Proof::Recorded } else { Proof::Size })
    }

    /// Finds bundles that no claim names.
    async fn verify_bundles(&self, found: &mut (impl FnMut(Checked) + Send)) -> Result<()> {
        let mut list = self.list(&BundleFilter::default()).await?;
        while let Some(bundle) = list.next().await {
            match bundle {
                Ok(bundle) => {
                    let place = self.bundle_place(&bundle.decision, Exclusive::Required);
                    self.verify_listed(&place, &bundle.key, found).await;
                }
                // An object that is no bundle; a listing that breaks off says nothing of the rest.
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    found(Checked { decision: None, attachment: None, key: None, result: Err(error) });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn verify_attachments(&self, found: &mut (impl FnMut(Checked) + Send)) -> Result<()> {
        let root = self.attachments.as_str();
        let claims = format!("{root}{BY_ID}/");
        let mut list = self.store.list(root)?;
        while let Some(object) = list.next().await {
            let Metadata { key, .. } = object?;
            if key.as_str().starts_with(&claims) {
                continue;
            }
            match AttachmentPath::parse(&key.as_str()[root.len()..]) {
                Some(path) => {
                    let place = self.attachment_place(&path.decision, &path.name, Exclusive::Required);
                    self.verify_listed(&place, &key, found).await;
                }
                None => found(foreign(key)),
            }
        }
        Ok(())
    }

    /// Says of what lies there that no claim names it; what one does was looked at by its claim.
    async fn verify_listed(&self, place: &Place<'_>, key: &Key, found: &mut (impl FnMut(Checked) + Send)) {
        let path = &key.as_str()[place.root.as_str().len()..];
        // A claim that cannot be read was told of.
        let is_named =
            place.read().await.map_or(true, |there| there.is_some_and(|there| there.claim.names(path)));
        if is_named {
            return;
        }
        let attachment = match &place.subject {
            Subject::Bundle(_) => None,
            Subject::Attachment(_, name) => Some(name.clone()),
        };
        let error = Error::new(ErrorKind::NotFound, "no claim names this")
            .with_key(key)
            .with_hint("`evidence adopt` claims what was there before, unless the name has another");
        found(Checked {
            decision: Some(place.subject.decision().clone()),
            attachment,
            key: Some(key.clone()),
            result: Err(error),
        });
    }

    fn place_of(&self, subject: Subject) -> Place<'_> {
        let root = match subject {
            Subject::Bundle(_) => &self.root,
            Subject::Attachment(..) => &self.attachments,
        };
        Place { store: &self.store, root, subject, exclusive: Exclusive::Required }
    }
}

/// What a claim's place below `by-id/` says that it is of.
fn subject_of(rest: &str, is_bundle: bool) -> Option<Subject> {
    let name = rest.strip_suffix(".json")?;
    if is_bundle {
        return DecisionId::parse(name).ok().map(Subject::Bundle);
    }
    let (decision, name) = name.split_once('/')?;
    Some(Subject::Attachment(DecisionId::parse(decision).ok()?, AttachmentName::parse(name).ok()?))
}

fn foreign(key: Key) -> Checked {
    let error =
        Error::new(ErrorKind::InvalidInput, "an object lies among evidence and is none").with_key(&key);
    Checked { decision: None, attachment: None, key: Some(key), result: Err(error) }
}

/// Size and digest of all bytes.
pub(super) async fn digest_of(mut object: Object) -> Result<(u64, String)> {
    let (mut size, mut digest) = (0, ring::digest::Context::new(&ring::digest::SHA256));
    while let Some(piece) = object.stream.next().await {
        let piece = piece?;
        size += piece.len() as u64;
        digest.update(&piece);
    }
    Ok((size, finished(digest).to_hex()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claims_place_says_what_it_is_of() {
        let decision = DecisionId::parse("d-1").unwrap();
        assert_eq!(subject_of("d-1.json", true), Some(Subject::Bundle(decision.clone())));
        let name = AttachmentName::parse("a.json").unwrap();
        assert_eq!(subject_of("d-1/a.json.json", false), Some(Subject::Attachment(decision, name)));
        for rest in ["d-1", "d-1/a.json", ".json", "a/b/c.json"] {
            assert_eq!(subject_of(rest, true), None, "{rest}");
        }
    }
}
