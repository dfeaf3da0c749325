//! Claims for evidence that other programs stored: nothing else is written, and what lies there stays as it is.

use super::bundle::{self, ChecksumState};
use super::claim::Held;
use super::layout::{AttachmentName, AttachmentPath, BY_ID, BundlePath};
use super::place::Place;
use super::verify::digest_of;
use super::{BundleFilter, Evidence, Exclusive, Listed, MAX_BUNDLE};
use crate::{DecisionId, EvidenceType};
use holdall_store::{Error, ErrorKind, Key, Metadata, Result, sha256};

/// What is adopted.
#[derive(Debug, Clone, Default)]
pub struct AdoptOptions {
    /// Bundles of this type alone, and no attachments.
    pub kind: Option<EvidenceType>,
    /// Say what would be done, and write nothing.
    pub dry_run: bool,
    /// What is demanded of a store that cannot decide who was first.
    pub exclusive: Exclusive,
}

/// What was done with one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Adoption {
    /// It has a claim now, or would have in a dry run.
    Adopted,
    /// The same, but that its checksum is of another kind: it is kept, and marked so in the claim.
    ChecksumKept,
    /// A claim named it before.
    Claimed,
}

impl Adoption {
    /// The name in output: `adopted`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Adopted => "adopted",
            Self::ChecksumKept => "checksum_kept",
            Self::Claimed => "claimed",
        }
    }
}

/// One object that was looked at.
#[derive(Debug)]
pub struct Adopted {
    /// Its key, where it has one.
    pub key: Option<Key>,
    /// What was done, or why it was not adopted: `AlreadyExists` (the name has another, in another month or of another type),
    /// `Integrity` (it is no bundle, or not that of its key), `InvalidInput` (something else lies there).
    pub result: Result<Adoption>,
}

impl Evidence {
    /// Claims bundles and attachments that have no claim, in the order of their keys: of two of one name the first.
    ///
    /// Each bundle is read; an attachment is read where no digest was stored with it. Run again it goes on where it was cut
    /// off, since what has a claim is only looked at. No object but claims is ever written.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::evidence::{AdoptOptions, Evidence};
    /// use holdall::{Settings, Store};
    /// let store = Store::memory();
    /// store.put("attachments/2025/11/d-1/scan.pdf", "%PDF").await?;
    /// let evidence = Evidence::open(&store, &Settings::default())?;
    /// evidence.adopt(&AdoptOptions::default(), |adopted| assert!(adopted.result.is_ok())).await?;
    /// assert_eq!(evidence.attachments(&holdall::DecisionId::parse("d-1")?).await?.len(), 1);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What keeps it from listing. A fault of one object is handed on, and the rest go on.
    pub async fn adopt(&self, options: &AdoptOptions, mut found: impl FnMut(Adopted) + Send) -> Result<()> {
        let filter = BundleFilter { kind: options.kind.clone(), ..BundleFilter::default() };
        let mut list = self.list(&filter).await?;
        while let Some(bundle) = list.next().await {
            match bundle {
                Ok(bundle) => {
                    let result = self.adopt_bundle(&bundle, options).await;
                    found(Adopted { key: Some(bundle.key), result });
                }
                Err(error) if error.kind() == ErrorKind::InvalidInput => {
                    found(Adopted { key: None, result: Err(error) });
                }
                Err(error) => return Err(error),
            }
        }
        match options.kind {
            Some(_) => Ok(()),
            None => self.adopt_attachments(options, &mut found).await,
        }
    }

    async fn adopt_bundle(&self, listed: &Listed, options: &AdoptOptions) -> Result<Adoption> {
        let place = self.bundle_place(&listed.decision, options.exclusive);
        let path = &listed.key.as_str()[self.root.as_str().len()..];
        if let Some(adoption) = place.look(path).await? {
            return Ok(adoption);
        }
        if listed.size > MAX_BUNDLE {
            return Err(Error::new(ErrorKind::Integrity, "the bundle is too large to be one")
                .with_key(&listed.key)
                .with_fact("size", listed.size));
        }
        let document = self.store.get(listed.key.as_str()).await?.bytes().await?;
        let parsed = BundlePath::parse(path).expect("it was listed by its path");
        let content = bundle::read(&document, &parsed).map_err(|e| e.with_key(&listed.key))?;
        let kept = content.checksum_state == ChecksumState::Kept;
        let held = Held {
            created_at: Some(content.created_at.to_string()),
            checksum: Some(content.checksum),
            checksum_kept: kept,
            ..Held::new(path.to_owned(), document.len() as u64, sha256(&document))
        };
        place.adopt(held, options.dry_run).await?;
        Ok(if kept { Adoption::ChecksumKept } else { Adoption::Adopted })
    }

    async fn adopt_attachments(
        &self,
        options: &AdoptOptions,
        found: &mut (impl FnMut(Adopted) + Send),
    ) -> Result<()> {
        let root = self.attachments.as_str();
        let claims = format!("{root}{BY_ID}/");
        let mut list = self.store.list(root)?;
        while let Some(object) = list.next().await {
            let object = object?;
            if object.key.as_str().starts_with(&claims) {
                continue;
            }
            let result = match AttachmentPath::parse(&object.key.as_str()[root.len()..]) {
                Some(path) => self.adopt_attachment(&object, (&path.decision, &path.name), options).await,
                None => {
                    Err(Error::new(ErrorKind::InvalidInput, "an object lies among attachments and is none")
                        .with_key(&object.key))
                }
            };
            found(Adopted { key: Some(object.key), result });
        }
        Ok(())
    }

    async fn adopt_attachment(
        &self,
        object: &Metadata,
        (decision, name): (&DecisionId, &AttachmentName),
        options: &AdoptOptions,
    ) -> Result<Adoption> {
        let place = self.attachment_place(decision, name, options.exclusive);
        let path = &object.key.as_str()[self.attachments.as_str().len()..];
        if let Some(adoption) = place.look(path).await? {
            return Ok(adoption);
        }
        let known = self.store.head(object.key.as_str()).await?;
        let (size, digest) = match known.sha256 {
            Some(digest) => (known.size, digest.to_hex()),
            None => digest_of(self.store.get(object.key.as_str()).await?).await?,
        };
        let held =
            Held { content_type: known.attributes.content_type, ..Held::of(path.to_owned(), size, digest) };
        place.adopt(held, options.dry_run).await?;
        Ok(Adoption::Adopted)
    }
}

impl Place<'_> {
    /// What the claim says of something at a path; none where there is no claim.
    async fn look(&self, path: &str) -> Result<Option<Adoption>> {
        match self.read().await? {
            None => Ok(None),
            Some(found) if found.claim.names(path) => Ok(Some(Adoption::Claimed)),
            Some(_) => Err(self.taken(path)?),
        }
    }

    async fn adopt(&self, held: Held, dry_run: bool) -> Result<()> {
        let path = held.path.clone();
        if dry_run || self.create(held).await?.is_some() {
            return Ok(());
        }
        // Somebody was faster: with the same, or with another.
        self.look(&path).await.map(drop)
    }

    fn taken(&self, path: &str) -> Result<Error> {
        Ok(Error::new(ErrorKind::AlreadyExists, "the name has something else, or it was removed")
            .with_key(self.key(path)?)
            .with_hint("look at both and remove one of them"))
    }
}
