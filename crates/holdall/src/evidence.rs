//! Evidence of decisions: bundles of JSON, files that belong to them, and claims that keep both from being replaced in
//! silence.
//!
//! A bundle lies at `{type}/{YYYY}/{MM}/{decision id}.json` below the root of evidence, an attachment at
//! `{YYYY}/{MM}/{decision id}/{name}` below that of attachments. Each has a claim below `by-id/`, one small object that says
//! where it lies and what it is. The claim is written first, and only where there is none: whoever writes it has the name,
//! in whatever month and of whatever type. What no claim names is nobody's. `docs/EVIDENCE.md` has the formats.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! use holdall::evidence::{Evidence, Json, NewBundle, StoreOptions};
//! use holdall::{DecisionId, ErrorKind, EvidenceType, Settings, Store};
//!
//! let evidence = Evidence::open(&Store::memory(), &Settings::default())?;
//! let decision = DecisionId::parse("d-2026-117")?;
//! let kind = EvidenceType::parse("risk")?;
//! let bundle = NewBundle::new(decision.clone(), kind.clone(), Json::parse(br#"{"score": 0.75}"#)?);
//! evidence.store(&bundle, &StoreOptions::default()).await?;
//!
//! let found = evidence.retrieve(&decision).await?;
//! assert_eq!(found.data.canonical(), r#"{"score":0.75}"#);
//!
//! let other = NewBundle::new(decision, kind, Json::parse(br#"{"score": 1}"#)?);
//! let error = evidence.store(&other, &StoreOptions::default()).await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::AlreadyExists);
//! # Ok::<(), holdall::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod adopt;
mod attach;
mod bundle;
mod claim;
mod content;
mod guard;
mod json;
mod layout;
mod list;
mod moment;
mod place;
mod remove;
mod replace;
mod retrieve;
mod share;
mod storing;
mod verify;

pub use adopt::{AdoptOptions, Adopted, Adoption};
pub use attach::{AttachOptions, Attachment};
pub use bundle::{Bundle, ChecksumState, MAX_BUNDLE, NewBundle};
pub use content::Content;
pub use guard::Exclusive;
pub use json::Json;
pub use layout::AttachmentName;
pub use list::{BundleFilter, BundleList, Listed};
pub use moment::Moment;
pub use remove::{RemoveOptions, Removed};
pub use share::Expiry;
pub use storing::{Outcome, StoreOptions, Stored};
pub use verify::{Checked, Proof, VerifyOptions};

use crate::DecisionId;
use crate::roots::{Collection, Root};
use claim::Subject;
use holdall_store::{Error, ErrorKind, Result, Settings, Store};
use place::Place;

/// The evidence in a store. Cheap to clone.
///
/// Every call may be made from any number of tasks and processes at once. In a store with an outbox claims are sent before
/// what they name, and receipts say what waits.
#[derive(Debug, Clone)]
pub struct Evidence {
    store: Store,
    root: Root,
    attachments: Root,
}

impl Evidence {
    /// The evidence in a store, at the places that the settings give it: `evidence/` and `attachments/` unless they say
    /// otherwise. Nothing is asked or made.
    ///
    /// # Errors
    ///
    /// `Config` for places that lie in one another.
    pub fn open(store: &Store, settings: &Settings) -> Result<Self> {
        let root = Root::of(Collection::Evidence, settings)?;
        let attachments = Root::of(Collection::Attachments, settings)?;
        Ok(Self { store: store.clone(), root, attachments })
    }

    /// The evidence at places of one's own choice.
    ///
    /// ```
    /// use holdall::evidence::Evidence;
    /// use holdall::{Root, Store};
    /// let store = Store::memory();
    /// Evidence::at(&store, Root::parse("audit/bundles")?, Root::parse("audit/files")?)?;
    /// assert!(Evidence::at(&store, Root::parse("audit")?, Root::parse("audit/files")?).is_err());
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` where one lies in the other.
    pub fn at(store: &Store, root: Root, attachments: Root) -> Result<Self> {
        if root.as_str().starts_with(attachments.as_str()) || attachments.as_str().starts_with(root.as_str())
        {
            return Err(Error::new(
                ErrorKind::Config,
                "evidence and its attachments would lie in one another",
            )
            .with_fact("evidence", format_args!("{:?}", root.as_str()))
            .with_fact("attachments", format_args!("{:?}", attachments.as_str())));
        }
        Ok(Self { store: store.clone(), root, attachments })
    }

    fn bundle_place(&self, decision: &DecisionId, exclusive: Exclusive) -> Place<'_> {
        let subject = Subject::Bundle(decision.clone());
        Place { store: &self.store, root: &self.root, subject, exclusive }
    }

    fn attachment_place(
        &self,
        decision: &DecisionId,
        name: &AttachmentName,
        exclusive: Exclusive,
    ) -> Place<'_> {
        let subject = Subject::Attachment(decision.clone(), name.clone());
        Place { store: &self.store, root: &self.attachments, subject, exclusive }
    }
}
