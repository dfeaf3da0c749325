//! Sends one entry, and writes down what became of it.

use super::Delivery;
use super::claim::Claim;
use crate::Progress;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{CopyOptions, DeleteOptions, MoveOptions, PutOptions};
use crate::outbox::commit::now;
use crate::outbox::entry::{Entry, Kind};
use crate::outbox::mark::Mark;
use crate::outbox::payload::{Content, blocking};
use crate::outbox::queue::Queue;
use crate::receipt::Receipt;
use crate::store::Store;
use crate::telemetry::{Direction, Watch};
use crate::transfer::Opened;
use bytes::Bytes;
use std::path::Path;

/// The bounds of the pause after a failure. In between it is a random share of half the entry's age: so it grows as long
/// as the entry fails, and nothing has to be counted.
const SHORTEST_PAUSE: u64 = 1_000;
const LONGEST_PAUSE: u64 = 60_000;

/// Where an entry stands after a try.
pub(super) enum Fate {
    /// The remote has it: it is to be [settled](settle).
    Arrived(Delivery),
    /// It waits on.
    Stays(Delivery),
    /// The remote is away or cannot be used: it is not the entry's fault, and no other one would fare better.
    Away(Error),
}

/// Sends an entry. Errors are the outbox's own: what the remote says is in the answer.
pub(super) async fn send(queue: &Queue, claim: &mut Claim, progress: Option<&Progress>) -> Result<Fate> {
    let inline = std::mem::take(&mut claim.inline);
    let Some(admission) = claim.remote.breaker.admit() else {
        return Ok(Fate::Away(Error::new(ErrorKind::Unreachable, "the remote was away a moment ago")));
    };
    let body = match Body::of(queue, &claim.entry, inline).await {
        Err(error) if matches!(error.kind(), ErrorKind::Integrity | ErrorKind::Changed) => {
            admission.answered();
            return Ok(Fate::Stays(Delivery::Damaged(error)));
        }
        other => other?,
    };
    let error = match attempt(claim, body, progress).await {
        Ok(delivery) => {
            admission.answered();
            return Ok(Fate::Arrived(delivery));
        }
        Err(error) => error,
    };
    let entry = &claim.entry;
    match error.kind() {
        ErrorKind::Unreachable | ErrorKind::Timeout => {
            admission.failed();
            Ok(Fate::Away(error))
        }
        ErrorKind::Credentials | ErrorKind::Config | ErrorKind::BucketNotFound => {
            admission.answered();
            Ok(Fate::Away(error))
        }
        ErrorKind::Cancelled => Err(error),
        kind if kind == ErrorKind::Throttled || error.is_transient() || is_local(kind) => {
            admission.answered();
            let not_before = now().saturating_add(pause(now().saturating_sub(entry.created)));
            queue.mark_entry(entry, Mark::Retry { not_before }).await?;
            Ok(Fate::Stays(Delivery::Later(error)))
        }
        _ => {
            admission.answered();
            queue.mark_entry(entry, Mark::Parked { why: error.to_string() }).await?;
            Ok(Fate::Stays(Delivery::Parked(error)))
        }
    }
}

/// Writes down that the remote has some entries, and gives up their bytes.
pub(super) async fn settle(queue: &Queue, claims: impl Iterator<Item = &Claim> + Clone) -> Result<()> {
    queue.mark_entries(claims.clone().map(|claim| (&claim.entry, Mark::Done))).await?;
    let large: Vec<Entry> =
        claims.filter(|claim| claim.entry.file.is_some()).map(|claim| claim.entry.clone()).collect();
    if large.is_empty() {
        return Ok(());
    }
    let queue = queue.clone();
    blocking(move || large.iter().try_for_each(|entry| queue.release(entry))).await
}

/// Faults of this machine's disk say nothing of the write.
fn is_local(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Io | ErrorKind::Full)
}

fn pause(age: u64) -> u64 {
    let bound = (age / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    SHORTEST_PAUSE / 10 + crate::disk::unique() % bound
}

/// Tries once. The error is the remote's.
async fn attempt(claim: &Claim, body: Body, progress: Option<&Progress>) -> Result<Delivery> {
    let (store, entry) = (&claim.remote.store, &claim.entry);
    // Whoever marked it before may have sent it.
    if claim.pending.attempted && has_arrived(store, entry).await? {
        return Ok(Delivery::Found);
    }
    match perform(store, entry, body, progress).await {
        Ok(receipt) => Ok(Delivery::Sent(receipt.map(Box::new))),
        // A try that had arrived after all is in the way of this one.
        Err(error) if matches!(error.kind(), ErrorKind::Precondition | ErrorKind::NotFound) => {
            match has_arrived(store, entry).await {
                Ok(true) => Ok(Delivery::Found),
                _ => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether the remote has what an entry does, as far as it can tell.
async fn has_arrived(store: &Store, entry: &Entry) -> Result<bool> {
    let head = match store.head(&entry.key).await {
        Ok(head) => Some(head),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    match entry.kind {
        Kind::Put => Ok(head.and_then(|head| head.nonce).is_some_and(|nonce| nonce == entry.nonce)),
        Kind::Delete => Ok(head.is_none()),
        // The same copy again does no harm.
        Kind::Copy => Ok(false),
        Kind::Move => {
            let from = entry.from.as_deref().unwrap_or_default();
            Ok(head.is_some() && !store.exists(from).await?)
        }
    }
}

/// The bytes of a put, which are those that were acknowledged.
enum Body {
    None,
    Bytes(Bytes),
    File(Opened),
}

impl Body {
    async fn of(queue: &Queue, entry: &Entry, inline: Vec<u8>) -> Result<Self> {
        if entry.kind != Kind::Put {
            return Ok(Self::None);
        }
        if entry.file.is_none() {
            let content = Content::open(&queue.0.ground, entry, inline)?;
            return Ok(Self::Bytes(content.bytes()?.into()));
        }
        let (queue, entry) = (queue.clone(), entry.clone());
        blocking(move || {
            let content = Content::open(&queue.0.ground, &entry, Vec::new())?;
            let Some(file) = content.file()? else { return Ok(Self::None) };
            content.check()?;
            Opened::of(file, Path::new("outbox")).map(Self::File)
        })
        .await
    }
}

/// Does what an entry says.
async fn perform(
    store: &Store,
    entry: &Entry,
    body: Body,
    progress: Option<&Progress>,
) -> Result<Option<Receipt>> {
    let key = Key::parse(&entry.key)?;
    match entry.kind {
        Kind::Put => {
            let mut watch = Watch::begin(Direction::Up, store, &entry.key);
            watch.expect(entry.size);
            let options = put_options(entry, progress)?;
            watch.end(put(store, &key, body, &options).await).map(Some)
        }
        Kind::Delete => {
            let options =
                DeleteOptions { if_match: entry.headers.if_match.clone(), ..DeleteOptions::default() };
            store.delete_with(&entry.key, &options).await.map(|_| None)
        }
        Kind::Copy => store.copy_queued(source(entry)?, &entry.key, copy_options(entry)?).await.map(Some),
        Kind::Move => {
            let options = MoveOptions { condition: entry.headers.condition(), ..MoveOptions::default() };
            Ok(Some(store.rename(source(entry)?, &entry.key, &options).await?.receipt))
        }
    }
}

async fn put(store: &Store, key: &Key, body: Body, options: &PutOptions) -> Result<Receipt> {
    match body {
        Body::None => store.put_unwatched(key, Bytes::new(), None, options).await,
        Body::Bytes(bytes) => store.put_unwatched(key, bytes, None, options).await,
        Body::File(file) => Ok(store.put_opened(key, file, options).await?.end()),
    }
}

fn put_options(entry: &Entry, progress: Option<&Progress>) -> Result<PutOptions> {
    let (nonce, progress) = (Some(entry.nonce.clone()), progress.cloned());
    // They were compared right before.
    let options = entry.headers.options()?;
    let expires = crate::expiry::of(&options.attributes);
    Ok(PutOptions { nonce, progress, expires, digest: entry.sha256, ..options })
}

fn copy_options(entry: &Entry) -> Result<CopyOptions> {
    let put = entry.headers.options()?;
    Ok(CopyOptions {
        attributes: entry.replaces.then_some(put.attributes),
        tags: entry.retags.then_some(put.tags),
        condition: put.condition,
        acl: put.acl,
        encryption: put.encryption,
        keep_storage_class: true,
        ..CopyOptions::default()
    })
}

fn source(entry: &Entry) -> Result<&str> {
    let missing = || Error::new(ErrorKind::Integrity, "a queued copy names no source").with_key(&entry.key);
    entry.from.as_deref().ok_or_else(missing)
}
