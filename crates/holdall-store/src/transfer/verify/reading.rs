//! Hashes the bytes of objects: small ones by one stream, large ones by ranges at once, in memory that the store's
//! buffers bound.

use crate::error::{Error, ErrorKind, Result};
use crate::object::{GetOptions, Metadata};
use crate::store::Store;
use crate::transfer::buffers::Buffer;
use crate::transfer::plan::PartPlan;
use crate::transfer::whole::finished;
use crate::{Range, Sha256};
use futures_util::{FutureExt, StreamExt};
use ring::digest::{Context, SHA256};
use std::collections::VecDeque;
use tokio::task::JoinHandle;

/// So many ranges of one object are fetched at once.
const AT_ONCE: usize = 4;

/// Reads an object as it was listed, and answers the digest of its bytes.
///
/// # Errors
///
/// `Changed` when it is another by now; `Integrity` when it does not have the digest that was recorded with it.
pub(in crate::transfer) async fn digest_of(
    store: &Store,
    listed: &Metadata,
    options: GetOptions,
) -> Result<Sha256> {
    let reading = Reading { store, listed, options };
    // Without an ETag nothing proves that ranges are of one object.
    if listed.etag.is_none() || listed.size < 2 * store.settings().part_size {
        return reading.by_stream().await;
    }
    let plan = PartPlan::new(listed.size, store.settings().part_size, store.backend().limits())?;
    reading.by_ranges(plan).await
}

struct Reading<'a> {
    store: &'a Store,
    listed: &'a Metadata,
    options: GetOptions,
}

/// A range under way; dropped, it ends.
struct Fetching(JoinHandle<Result<Buffer>>);

impl Drop for Fetching {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Reading<'_> {
    async fn by_stream(self) -> Result<Sha256> {
        let mut object = self.store.backend().get(&self.listed.key, &self.options).await?;
        if object.metadata.size != self.listed.size {
            return Err(replaced(self.listed));
        }
        let mut digest = Context::new(&SHA256);
        while let Some(piece) = object.stream.next().await {
            digest.update(&piece?);
        }
        Ok(finished(digest))
    }

    async fn by_ranges(self, plan: PartPlan) -> Result<Sha256> {
        let (mut digest, mut under_way) = (Context::new(&SHA256), VecDeque::new());
        let mut left = (0..plan.count()).map(|index| plan.range(index)).peekable();
        loop {
            while let Some(range) = left.peek()
                && under_way.len() < AT_ONCE
            {
                let buffer = self.store.buffers().take((range.end - range.start) as usize);
                // Whoever has a buffer waits for no other: each object's next range could else wait for all.
                let buffer = if under_way.is_empty() { Some(buffer.await) } else { buffer.now_or_never() };
                let Some(buffer) = buffer else { break };
                under_way.extend(left.next().map(|range| self.fetch(range, buffer)));
            }
            let Some(mut next) = under_way.pop_front() else { return Ok(finished(digest)) };
            let fetched = (&mut next.0).await.map_err(cancelled)??;
            let hashed = tokio::task::spawn_blocking(move || {
                digest.update(&fetched.bytes);
                digest
            });
            digest = hashed.await.map_err(cancelled)?;
        }
    }

    fn fetch(&self, range: std::ops::Range<u64>, mut buffer: Buffer) -> Fetching {
        let (store, listed, mut options) = (self.store.clone(), self.listed.clone(), self.options.clone());
        options.conditions.if_match.clone_from(&listed.etag);
        options.range = Some(Range::Bounded { start: range.start, end: range.end });
        Fetching(tokio::spawn(async move {
            let mut object = match store.backend().get(&listed.key, &options).await {
                Err(error) if error.kind() == ErrorKind::Precondition => return Err(replaced(&listed)),
                other => other?,
            };
            if object.metadata.etag != listed.etag
                || object.metadata.size != listed.size
                || object.range != range
            {
                return Err(replaced(&listed));
            }
            while let Some(piece) = object.stream.next().await {
                buffer.bytes.extend_from_slice(&piece?);
            }
            Ok(buffer)
        }))
    }
}

fn cancelled(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "reading was cancelled").with_source(error)
}

pub(super) fn replaced(listed: &Metadata) -> Error {
    Error::new(ErrorKind::Changed, "the object was replaced while it was looked at").with_key(&listed.key)
}
