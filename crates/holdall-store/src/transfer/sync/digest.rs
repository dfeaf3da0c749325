//! Digests by which a file is known to have an object's bytes.

use crate::Sha256;
use crate::error::Result;
use crate::receipt::Receipt;
use crate::store::Store;
use crate::transfer::plan::PartPlan;
use crate::transfer::source::Opened;

/// A digest of all bytes of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transfer) enum Digest {
    /// Of all of them.
    Whole(Sha256),
    /// Of the digests of parts of a certain size, as a receipt has it.
    Parts { composite: String, part_size: u64 },
}

impl Digest {
    /// The digest of what was just put.
    pub(in crate::transfer) fn of(receipt: &Receipt, store: &Store) -> Option<Self> {
        if let Some(sha256) = receipt.sha256 {
            return Some(Self::Whole(sha256));
        }
        let plan = PartPlan::new(receipt.size, store.settings().part_size, store.backend().limits()).ok()?;
        let composite = receipt.composite.clone()?;
        Some(Self::Parts { composite, part_size: plan.part_size })
    }

    /// Whether a file has these bytes; all of it is read.
    ///
    /// # Errors
    ///
    /// `Changed` when it changes meanwhile.
    pub(in crate::transfer) fn is_of(&self, file: &Opened) -> Result<bool> {
        Ok(match self {
            Self::Whole(sha256) => file.sha256()? == *sha256,
            Self::Parts { composite, part_size } => file.composite(*part_size)? == *composite,
        })
    }
}
