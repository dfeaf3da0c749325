//! Goes on with the upload of a file that was cut off, where its journal says that it is the same.

use super::journal::{Begun, Journal, Noted, Sending};
use super::plan::PartPlan;
use super::source::Identity;
use crate::backend::{Held, PartReceipt, Resumed, Ticket, Upload};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::PutOptions;
use crate::store::Store;
use crate::{Encryption, Progress};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An upload whose parts can be sent, and its notes.
pub(super) struct Started {
    pub(super) upload: Box<dyn Upload>,
    /// Parts that the store is known or thought to have.
    pub(super) kept: Vec<PartReceipt>,
    /// Parts that were noted, whether the store has them still or not.
    pub(super) noted: Vec<PartReceipt>,
    pub(super) notes: Option<Notes>,
    pub(super) origin: Origin,
}

/// Who began an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// This call.
    New,
    /// An earlier process; the store says that it is there.
    Resumed,
    /// An earlier process; the store does not say whether it is there.
    Unconfirmed,
}

impl Started {
    /// An upload that ends with this process.
    pub(super) fn without_notes(upload: Box<dyn Upload>) -> Self {
        Self { upload, kept: Vec::new(), noted: Vec::new(), notes: None, origin: Origin::New }
    }
}

/// The journal of an upload under way. A fault of it never fails the upload.
pub(super) struct Notes {
    journal: Journal,
    sending: Sending,
    /// Whether the last note was taken: one that was not may have torn the file.
    is_sound: bool,
    /// Whether an upload is noted that may still be there.
    is_needed: bool,
}

impl Notes {
    pub(super) fn note(&mut self, part: &PartReceipt) {
        if self.is_sound {
            self.is_sound = self.journal.note(part).inspect_err(not_noted).is_ok();
        }
    }

    fn begin(&mut self, ticket: &Ticket) {
        self.is_needed = true;
        self.is_sound = self.journal.begin(&self.sending, ticket).inspect_err(not_noted).is_ok();
    }

    /// Takes note of whether what is noted was given back.
    pub(super) fn given_back(self, aborted: bool) -> Self {
        Self { is_needed: !aborted, ..self }
    }

    /// Removes them: the upload is complete.
    pub(super) fn end(self) {
        if let Err(error) = self.journal.end() {
            tracing::info!(%error, "the journal of an upload that ended cannot be removed");
        }
    }

    /// Removes them unless an upload is left that they alone know of.
    pub(super) fn give_up(self) {
        if !self.is_needed {
            self.end();
        }
    }
}

fn not_noted(error: &std::io::Error) {
    tracing::info!(%error, "an upload cannot be noted, and would not be resumed from here");
}

/// Whether the same upload may go on after this fault, once what is in its way was mended.
pub(super) fn may_go_on(error: &Error) -> bool {
    use ErrorKind as K;
    let passes = [K::Unreachable, K::Timeout, K::Throttled, K::Credentials, K::PermissionDenied, K::Full];
    error.is_transient() || error.kind() == K::Cancelled || passes.contains(&error.kind())
}

/// Whether a fault may be due to what is left of an upload that was resumed: it is gone, or parts of it are.
pub(super) fn is_lost(origin: Origin, error: &Error) -> bool {
    let kind = error.kind();
    let gone = matches!(kind, ErrorKind::NotFound | ErrorKind::InvalidInput);
    match origin {
        Origin::New => false,
        Origin::Resumed => gone,
        // Some servers deny what they do not know: without a new upload every later try would be denied again.
        Origin::Unconfirmed => gone || kind == ErrorKind::PermissionDenied,
    }
}

/// Opens the journal for a file; none where uploads are not resumed, or this one is by another process.
fn open(
    store: &Store,
    key: &Key,
    file: Identity,
    plan: PartPlan,
    options: &PutOptions,
) -> Option<(Notes, Noted)> {
    let folder = store.settings().journal.as_deref().filter(|_| store.is_remote())?;
    // A customer's key is never written down, and no part can be sent without it.
    if matches!(options.encryption, Some(Encryption::Customer(_))) {
        return None;
    }
    let sending = Sending::new(store, key, file, plan.part_size, options);
    match Journal::open(folder, &sending) {
        Ok(opened) => {
            let (journal, noted) = opened?;
            Some((Notes { journal, sending, is_sound: true, is_needed: false }, noted))
        }
        Err(error) => {
            tracing::info!(%error, folder = %folder.display(), "no journal: this upload would not be resumed");
            None
        }
    }
}

/// Goes on with the upload of a file, or begins one.
///
/// # Errors
///
/// What keeps it from being begun, or from finding out what became of it; then its notes stay.
pub(super) async fn start(
    store: &Store,
    key: &Key,
    file: Identity,
    plan: PartPlan,
    options: &PutOptions,
) -> Result<Started> {
    let Some((notes, noted)) = open(store, key, file, plan, options) else {
        return Ok(Started::without_notes(store.backend().begin_upload(key, options).await?));
    };
    let aborted = match noted {
        Noted::Nothing => true,
        Noted::Stale(ticket) => abort(store, key, &ticket, options).await,
        Noted::Same(begun) => match take_up(store, key, plan, options, begun).await? {
            Some(taken) => {
                tracing::debug!(%key, parts = taken.kept.len(), "the upload goes on");
                return Ok(Started { notes: Some(notes), ..taken });
            }
            None => {
                tracing::debug!(%key, "nothing is left of the upload that was noted");
                true
            }
        },
    };
    anew(store, key, options, Some(notes.given_back(aborted))).await
}

/// Begins an upload in place of what was noted.
pub(super) async fn anew(
    store: &Store,
    key: &Key,
    options: &PutOptions,
    notes: Option<Notes>,
) -> Result<Started> {
    let upload = match store.backend().begin_upload(key, options).await {
        Ok(upload) => upload,
        Err(error) => {
            notes.into_iter().for_each(Notes::give_up);
            return Err(error);
        }
    };
    let mut started = Started::without_notes(upload);
    match (notes, started.upload.ticket()) {
        (Some(mut notes), Some(ticket)) => {
            notes.begin(&ticket);
            started.notes = Some(notes);
        }
        (notes, _) => notes.into_iter().for_each(Notes::give_up),
    }
    Ok(started)
}

/// Takes up the upload that was noted, with the parts that count; none when there is nothing to go on with.
async fn take_up(
    store: &Store,
    key: &Key,
    plan: PartPlan,
    options: &PutOptions,
    mut begun: Begun,
) -> Result<Option<Started>> {
    let size_of = |number: u32| plan.range(number - 1).end - plan.range(number - 1).start;
    begun.parts.retain(|part| (1..=plan.count()).contains(&part.number) && part.size == size_of(part.number));
    let noted = begun.parts.clone();
    let taken = |upload, kept, origin| Started { upload, kept, noted, notes: None, origin };
    match store.backend().resume_upload(key, &begun.ticket, options).await {
        Ok(Resumed::Open(upload, held)) => {
            begun.keep_only(&held);
            let origin = if held == Held::Unknown { Origin::Unconfirmed } else { Origin::Resumed };
            Ok(Some(taken(upload, begun.parts, origin)))
        }
        Ok(Resumed::Completed(upload)) if begun.parts.len() == plan.count() as usize => {
            Ok(Some(taken(upload, begun.parts, Origin::Resumed)))
        }
        Ok(Resumed::Completed(_) | Resumed::Gone) => Ok(None),
        Err(error) if may_go_on(&error) => Err(error),
        Err(error) => {
            tracing::warn!(%error, "an upload that was cut off cannot be resumed, and may be left behind");
            Ok(None)
        }
    }
}

/// Gives an upload back that nobody will go on with; answers whether nothing of it is left.
async fn abort(store: &Store, key: &Key, ticket: &Ticket, options: &PutOptions) -> bool {
    let aborted = match store.backend().resume_upload(key, ticket, options).await {
        Ok(Resumed::Open(upload, _)) => upload.abort().await,
        Ok(Resumed::Completed(_) | Resumed::Gone) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = &aborted {
        tracing::warn!(%error, "parts of an earlier upload may be left behind");
    }
    aborted.is_ok()
}

/// A count for sending again what may have counted before: it moves on only where it passes what was reached.
pub(super) fn counted_again(progress: &Progress) -> Progress {
    let (sum, whole) = (Arc::new(AtomicU64::new(0)), progress.clone());
    Progress::calling(move |bytes| whole.reach(sum.fetch_add(bytes, Ordering::Relaxed) + bytes))
}
