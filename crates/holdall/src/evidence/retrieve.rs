//! Reading a bundle by its decision alone.

use super::bundle::{self, Bundle, ChecksumState, demand_canonical};
use super::claim::{Claim, Held};
use super::layout::BundlePath;
use super::place::{Found, Place, contended};
use super::{Evidence, Exclusive, MAX_BUNDLE};
use crate::DecisionId;
use bytes::Bytes;
use holdall_store::{Error, ErrorKind, Key, Metadata, Result, sha256};

/// How often a reader looks again that finds something else than the claim says.
const LOOKS: usize = 8;

impl Evidence {
    /// Reads the bundle of a decision, and proves it: by the digest in its claim, and by its checksum over the canonical form of
    /// its evidence.
    ///
    /// Costs two reads. While it is being replaced it is the old one or the new one.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::evidence::Evidence;
    /// use holdall::{DecisionId, ErrorKind, Settings, Store};
    /// let evidence = Evidence::open(&Store::memory(), &Settings::default())?;
    /// let error = evidence.retrieve(&DecisionId::parse("d-1")?).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::NotFound);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound`: the decision has none, or what it has was never adopted. `Incomplete`: it was claimed, and is not there;
    /// storing the same again completes it. `Integrity`: it is not what was stored. `Unsupported`: a later version wrote it.
    pub async fn retrieve(&self, decision: &DecisionId) -> Result<Bundle> {
        let place = self.bundle_place(decision, Exclusive::Required);
        let mut found = place.demand().await?;
        for _ in 0..LOOKS {
            let read = self.read_held(&place, &found.claim).await;
            let Err(error) = read else { return read };
            if !matches!(error.kind(), ErrorKind::Incomplete | ErrorKind::Integrity | ErrorKind::Changed) {
                return Err(error);
            }
            // The claim may be another by now, and what was read a part of what it says.
            let now = place.demand().await?;
            if now.claim == found.claim {
                return Err(error);
            }
            found = now;
        }
        Err(contended(&place.subject))
    }

    /// Reads what a claim holds.
    pub(super) async fn read_held(&self, place: &Place<'_>, claim: &Claim) -> Result<Bundle> {
        let held = claim.holds.as_ref().ok_or_else(none)?;
        let key = place.key(&held.path)?;
        let (document, metadata) = place.read_document(&key, held).await?;
        let path = BundlePath::parse(&held.path).ok_or_else(none)?;
        let digest = sha256(&document).to_hex();
        if !claim.knows(&held.path, &digest) {
            return Err(Error::new(ErrorKind::Integrity, "the bundle is not what its claim says")
                .with_key(&key)
                .with_fact("expected", &held.sha256)
                .with_fact("found", digest));
        }
        let content = bundle::read(&document, &path).map_err(|e| e.with_key(&key))?;
        if !(held.checksum_kept && digest == held.sha256) {
            demand_canonical(&content).map_err(|e| e.with_key(&key))?;
        }
        Ok(Bundle {
            decision: path.decision,
            kind: path.kind,
            version: content.version,
            created_at: content.created_at,
            checksum: content.checksum,
            checksum_state: content.checksum_state,
            metadata: content.metadata,
            data: content.data,
            key,
            document,
            read_from: metadata.read_from,
        })
    }
}

impl Place<'_> {
    /// The claim of something that is there.
    pub(super) async fn demand(&self) -> Result<Found> {
        let found = self.read().await?.filter(|found| found.claim.holds.is_some());
        found.ok_or_else(|| {
            none().with_fact("decision", format_args!("{:?}", self.subject.decision().as_str()))
        })
    }

    /// The bytes of a bundle.
    async fn read_document(&self, key: &Key, held: &Held) -> Result<(Bytes, Metadata)> {
        let object = self.store.get(key.as_str()).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => incomplete(key, held),
            _ => error,
        })?;
        let metadata = object.metadata.clone();
        if metadata.size > MAX_BUNDLE {
            return Err(Error::new(ErrorKind::Integrity, "the bundle is not what its claim says")
                .with_key(key)
                .with_fact("size", metadata.size));
        }
        Ok((object.bytes().await?, metadata))
    }
}

/// Said of a name that has a claim and nothing else.
pub(super) fn incomplete(key: &Key, held: &Held) -> Error {
    Error::new(ErrorKind::Incomplete, "this was claimed, and is not there")
        .with_key(key)
        .with_fact("sha256", &held.sha256)
        .with_hint("store the same again: that completes it")
}

fn none() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such evidence").with_hint(
        "`evidence ls` lists what there is; `evidence adopt` claims what was stored by other programs",
    )
}

impl ChecksumState {
    /// Whether it was computed anew.
    pub fn is_canonical(self) -> bool {
        self == Self::Canonical
    }
}
