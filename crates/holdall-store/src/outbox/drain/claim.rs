//! Entries that can be sent, taken so that nobody else sends them meanwhile.

use super::{Pauses, Remote, Wanted};
use crate::error::Result;
use crate::outbox::commit::now;
use crate::outbox::entry::Entry;
use crate::outbox::lock::KeyLock;
use crate::outbox::look::{AtHead, Cursor};
use crate::outbox::mark::Mark;
use crate::outbox::payload::blocking;
use crate::outbox::queue::Queue;
use crate::outbox::table::Pending;

/// So many entries are taken at once: reading and marking them is one write to the disk.
const BATCH: usize = 256;
/// No more are taken after so many bytes, so that nobody waits long for a key whose turn has not come.
const BATCH_BYTES: u64 = 8 << 20;

/// An entry that can be sent, and where it goes.
pub(super) struct Sendable {
    pub(super) ready: AtHead,
    pub(super) remote: Remote,
}

/// An entry that is marked as attempted and that nobody else sends, until this is dropped.
pub(super) struct Claim {
    /// As it stood before it was marked.
    pub(super) pending: Pending,
    pub(super) entry: Entry,
    pub(super) remote: Remote,
    /// Its bytes, where they lie beside it.
    pub(super) inline: Vec<u8>,
    #[allow(dead_code, reason = "it is held, not read")]
    lock: KeyLock,
}

impl Claim {
    /// Waits until nobody else sends an entry, and claims it; none when it was settled meanwhile.
    ///
    /// # Errors
    ///
    /// `Timeout` when somebody else goes on sending it, and the outbox's own.
    pub(super) async fn wait(queue: &Queue, found: Sendable) -> Result<Option<Self>> {
        let lock = queue.lock_to_send(&found.ready.entry).await?;
        let claims = claim(queue, vec![(found, lock)]).await?;
        Ok(claims.into_iter().next())
    }
}

/// What a look at the queue brought.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) claims: Vec<Claim>,
    /// Those that somebody else sends now.
    pub(super) contested: Vec<Sendable>,
    /// How many somebody else settled since they were found.
    pub(super) gone: usize,
    /// Entries of other endpoints.
    pub(super) foreign: u64,
    /// Where the next look begins; none after the last key.
    pub(super) next: Option<Cursor>,
}

/// Looks for entries that can go, and claims them.
pub(super) async fn look(wanted: &Wanted, after: Option<Cursor>) -> Result<Batch> {
    let moment = match wanted.pauses {
        Pauses::Kept => now(),
        Pauses::Ended => u64::MAX,
    };
    let queue = wanted.drainer.queue.clone();
    let found = blocking(move || queue.ready_at(moment, after.as_ref(), (BATCH, BATCH_BYTES))).await?;
    // All else that goes there would wait for nothing.
    let last = found.entries.last().filter(|last| wanted.is_away(&last.entry));
    let next = match last {
        Some(last) => found.next.and_then(|_| Cursor::behind(&last.pending)),
        None => found.next,
    };
    let mut batch = Batch { next, ..Batch::default() };
    let mut locked = Vec::with_capacity(found.entries.len());
    for ready in found.entries {
        if !wanted.is_wanted(&ready.entry) {
            continue;
        }
        let Some(remote) = (wanted.drainer.remotes)(&ready.entry.destination)? else {
            batch.foreign += 1;
            continue;
        };
        let lock = wanted.drainer.queue.try_lock_to_send(&ready.entry)?;
        let sendable = Sendable { ready, remote };
        match lock {
            Some(lock) => locked.push((sendable, lock)),
            None => batch.contested.push(sendable),
        }
    }
    let found = locked.len();
    batch.claims = claim(&wanted.drainer.queue, locked).await?;
    batch.gone = found - batch.claims.len();
    Ok(batch)
}

/// Claims what nobody else may send any more, given in the order of keys, unless it was settled before that.
async fn claim(queue: &Queue, locked: Vec<(Sendable, KeyLock)>) -> Result<Vec<Claim>> {
    let looked = queue.clone();
    let claims: Vec<Claim> = blocking(move || {
        let standing = looked.stand(locked.iter().map(|(found, _)| &found.ready.pending))?;
        let claimed = locked.into_iter().zip(standing).filter_map(|((found, lock), pending)| {
            let Sendable { ready: AtHead { entry, inline, .. }, remote } = found;
            Some(Claim { pending: pending?, entry, remote, inline, lock })
        });
        Ok(claimed.collect())
    })
    .await?;
    let unmarked = claims.iter().filter(|claim| !claim.pending.attempted);
    queue.mark_entries(unmarked.map(|claim| (&claim.entry, Mark::Attempted))).await?;
    Ok(claims)
}
