//! Files that belong to the evidence of a decision.

use super::claim::Held;
use super::content::{Content, Measured};
use super::guard;
use super::layout::{AttachmentName, AttachmentPath, attachment_claims};
use super::place::{Found, Place, ROUNDS, contended};
use super::retrieve::incomplete;
use super::storing::{Outcome, Stored, removal_waits, unclaimed};
use super::{Evidence, Exclusive, Moment};
use crate::DecisionId;
use holdall_store::{
    Attributes, Error, ErrorKind, Key, Object, PutOptions, Receipt, Result, State, WriteCondition,
    content_type_of,
};
use std::collections::BTreeMap;

/// How a file is attached.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    /// Its type; by its name unless told.
    pub content_type: Option<String>,
    /// User metadata.
    pub metadata: BTreeMap<String, String>,
    /// The moment of the upload, whose month is a part of the key; now unless told.
    pub at: Option<Moment>,
    /// What is demanded of a store that cannot decide who was first.
    pub exclusive: Exclusive,
}

/// An attachment, as its claim has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The decision that it belongs to.
    pub decision: DecisionId,
    /// Its name.
    pub name: AttachmentName,
    /// The object's key.
    pub key: Key,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes.
    pub sha256: String,
    /// Its type.
    pub content_type: Option<String>,
}

impl Evidence {
    /// Attaches a file to the evidence of a decision, unless it has one of that name already, in whatever month.
    ///
    /// The name is claimed first, with the digest of the bytes; then they are put. A call that is cut off leaves a claim
    /// that the same call completes. The decision need not have a bundle yet.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::evidence::{AttachOptions, AttachmentName, Evidence};
    /// use holdall::{DecisionId, ErrorKind, Settings, Store};
    /// let evidence = Evidence::open(&Store::memory(), &Settings::default())?;
    /// let (decision, name) = (DecisionId::parse("d-1")?, AttachmentName::parse("scan.pdf")?);
    /// evidence.attach(&decision, &name, &"%PDF".into(), &AttachOptions::default()).await?;
    /// let again = evidence.attach(&decision, &name, &"other".into(), &AttachOptions::default()).await;
    /// assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    /// assert_eq!(evidence.attachments(&decision).await?[0].size, 4);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `AlreadyExists`: the decision has another file of this name. `Conflict`: another one was claimed and never came
    /// whole: attach that again, or remove it. `Changed`: the file changed meanwhile; nothing is attached.
    pub async fn attach(
        &self,
        decision: &DecisionId,
        name: &AttachmentName,
        content: &Content,
        options: &AttachOptions,
    ) -> Result<Stored> {
        let place = self.attachment_place(decision, name, options.exclusive);
        let measured = Measured::of(content).await?;
        let month = options.at.unwrap_or_else(Moment::now).month();
        let path = AttachmentPath { month, decision: decision.clone(), name: name.clone() };
        let content_type =
            options.content_type.clone().unwrap_or_else(|| content_type_of(name.as_str(), b""));
        let held = Held {
            content_type: Some(content_type),
            ..Held::new(path.to_string(), measured.size, measured.sha256)
        };
        let upload = Upload { place: &place, content, measured: &measured, options };
        for _ in 0..ROUNDS {
            if let Some(stored) = upload.attempt(&held).await? {
                return Ok(stored);
            }
        }
        Err(contended(&place.subject))
    }

    /// The attachments of a decision, in whatever month they came, in the bytewise order of their names.
    ///
    /// Costs a listing of their claims and one read for each.
    ///
    /// # Errors
    ///
    /// `Integrity` for a claim that is none.
    pub async fn attachments(&self, decision: &DecisionId) -> Result<Vec<Attachment>> {
        let mut found = Vec::new();
        for name in self.attachment_names(decision).await? {
            let place = self.attachment_place(decision, &name, Exclusive::Required);
            let claim = place.read().await?.map(|found| found.claim);
            if let Some(held) = claim.and_then(|claim| claim.holds) {
                found.push(Attachment {
                    decision: decision.clone(),
                    name,
                    key: place.key(&held.path)?,
                    size: held.size,
                    sha256: held.sha256,
                    content_type: held.content_type,
                });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Opens an attachment for reading. Its stream ends with `Integrity` if its bytes are not those that the store noted.
    ///
    /// # Errors
    ///
    /// `NotFound`; `Incomplete`: it was claimed, and is not there; `Integrity`: it has another size or digest than its claim
    /// says.
    pub async fn open_attachment(&self, decision: &DecisionId, name: &AttachmentName) -> Result<Object> {
        let place = self.attachment_place(decision, name, Exclusive::Required);
        let found = place.demand().await?;
        let held = found.claim.holds.as_ref().expect("it was demanded");
        let key = place.key(&held.path)?;
        let object = self.store.get(key.as_str()).await.map_err(|error| match error.kind() {
            ErrorKind::NotFound => incomplete(&key, held),
            _ => error,
        })?;
        held.agrees(&key, object.metadata.size, object.metadata.sha256.map(|digest| digest.to_hex()))?;
        Ok(object)
    }

    /// The names that were ever claimed.
    pub(super) async fn attachment_names(&self, decision: &DecisionId) -> Result<Vec<AttachmentName>> {
        let prefix = format!("{}{}", self.attachments.as_str(), attachment_claims(decision));
        let mut list = self.store.list(&prefix)?;
        let mut names = Vec::new();
        while let Some(object) = list.next().await {
            let key = object?.key;
            let name = key.as_str()[prefix.len()..].strip_suffix(".json");
            let name = name.and_then(|name| AttachmentName::parse(name).ok());
            names.push(name.ok_or_else(|| {
                Error::new(ErrorKind::Integrity, "among the claims lies something that is none")
                    .with_key(&key)
            })?);
        }
        Ok(names)
    }
}

impl Held {
    /// Compares what is known of an object with what was claimed.
    pub(super) fn agrees(&self, key: &Key, size: u64, sha256: Option<String>) -> Result<()> {
        if size == self.size && sha256.as_ref().is_none_or(|digest| *digest == self.sha256) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Integrity, "the attachment is not what its claim says")
            .with_key(key)
            .with_fact("expected", format_args!("{} bytes, {}", self.size, self.sha256))
            .with_fact("found", format_args!("{size} bytes, {}", sha256.as_deref().unwrap_or("no digest"))))
    }
}

/// A file on its way.
struct Upload<'a> {
    place: &'a Place<'a>,
    content: &'a Content,
    measured: &'a Measured,
    options: &'a AttachOptions,
}

impl Upload<'_> {
    /// None where somebody else changed the claim meanwhile.
    async fn attempt(&self, held: &Held) -> Result<Option<Stored>> {
        if let Some(found) = self.place.create(held.clone()).await? {
            return self.fill(&found, held, Outcome::Stored).await.map(Some);
        }
        let Some(found) = self.place.read().await? else { return Ok(None) };
        let Some(holds) = found.claim.holds.clone() else {
            let found = self.place.finish(found).await?;
            if let Some(path) = found.claim.old.first() {
                return Err(removal_waits(path));
            }
            return match self.place.swap(&found, found.claim.renewed(held), &[]).await? {
                Some(found) => self.fill(&found, held, Outcome::Stored).await.map(Some),
                None => Ok(None),
            };
        };
        let key = self.place.key(&holds.path)?;
        let is_there = self.place.store.exists(key.as_str()).await;
        if holds.sha256 == held.sha256 && holds.size == held.size {
            return match is_there? {
                true => self.answer(&found, &holds, Outcome::Unchanged, (!found.waits, true)).map(Some),
                false => self.fill(&found, &holds, Outcome::Completed).await.map(Some),
            };
        }
        let message = match is_there {
            Ok(false) => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "another file was claimed by this name, and is not there yet",
                )
                .with_key(&key)
                .with_hint("attach that one again, or remove it (`evidence rm --attachment`)"));
            }
            _ => "the decision has another attachment of this name",
        };
        Err(Error::new(ErrorKind::AlreadyExists, message)
            .with_key(&key)
            .with_hint("choose another name, or remove the other first"))
    }

    /// Puts the bytes where nothing lies, or the same.
    async fn fill(&self, found: &Found, held: &Held, outcome: Outcome) -> Result<Stored> {
        let key = self.place.key(&held.path)?;
        let put = match self.put(&key, held).await {
            // The claim names bytes that nobody has any more.
            Err(error) if error.kind() == ErrorKind::Changed => {
                self.give_up(found).await?;
                return Err(error);
            }
            other => other?,
        };
        if let Some((receipt, is_atomic)) = put {
            if let Err(error) = self.measured.still_the_same(self.content) {
                self.give_up(found).await?;
                return Err(error);
            }
            let is_stored = !found.waits && receipt.state == State::Stored;
            return self.answer(found, held, outcome, (is_stored, is_atomic));
        }
        let there = self.place.digest_of(&key).await?;
        if there.as_ref() == Some(&held.sha256) {
            return self.answer(found, held, outcome, (!found.waits, true));
        }
        self.place.swap(found, found.claim.withdrawn(Moment::now()), &[]).await?;
        Err(unclaimed(&key))
    }

    async fn give_up(&self, found: &Found) -> Result<()> {
        self.place.give_up(found, Moment::now()).await.map(drop)
    }

    /// What is sent in parts can have no condition: it is looked first.
    async fn put(&self, key: &Key, held: &Held) -> Result<Option<(Receipt, bool)>> {
        let store = self.place.store;
        let attributes = Attributes {
            content_type: held.content_type.clone(),
            metadata: self.options.metadata.clone(),
            ..Attributes::default()
        };
        let digest = Some(self.measured.sha256);
        let options = self.place.after_claim(PutOptions { attributes, digest, ..PutOptions::default() })?;
        let bytes = match self.content {
            Content::Bytes(bytes) => bytes.clone(),
            Content::File(path) if held.size < store.settings().multipart_threshold => {
                let read = tokio::fs::read(path).await;
                read.map_err(|e| Error::io("the file cannot be read", e).with_fact("path", path.display()))?
                    .into()
            }
            Content::File(path) => {
                if store.exists(key.as_str()).await? {
                    return Ok(None);
                }
                return Ok(Some((store.put_file(key.as_str(), path, &options).await?, true)));
            }
        };
        if holdall_store::sha256(&bytes) != self.measured.sha256 {
            return Err(
                Error::new(ErrorKind::Changed, "the file changed while it was attached").with_key(key)
            );
        }
        let options = PutOptions { condition: WriteCondition::Absent, ..options };
        let put = guard::put(store, key, bytes, &options, self.options.exclusive).await?;
        Ok(put.map(|put| (put.receipt, put.atomic)))
    }

    fn answer(&self, found: &Found, held: &Held, outcome: Outcome, how: (bool, bool)) -> Result<Stored> {
        Ok(Stored {
            key: self.place.key(&held.path)?,
            size: held.size,
            checksum: held.sha256.clone(),
            outcome,
            state: if how.0 { State::Stored } else { State::Queued },
            exclusive: if found.atomic && how.1 { Exclusive::Required } else { Exclusive::BestEffort },
        })
    }
}
