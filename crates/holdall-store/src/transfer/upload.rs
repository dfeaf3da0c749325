//! Stores bytes, files and streams: whole when they are small, else in parts.

use super::feed::{Awaited, Blocking, Feed};
use super::parts::{Part, PartSender, Stored};
use super::plan::PartPlan;
use super::resume::{self, Started};
use super::source::{Identity, Opened};
use super::whole::{Whole, finished};
use crate::backend::queued::{self, Written};
use crate::backend::read_at::{Checked, checksums_of};
use crate::content_type::SNIFF;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::PutOptions;
use crate::receipt::Receipt;
use crate::settings::DigestScope;
use crate::store::Store;
use crate::telemetry::{Direction, Watch};
use crate::{Payload, WriteCondition};
use bytes::Bytes;
use holdall_s3::{ChecksumAlgorithm, PayloadIntegrity};
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use tokio::io::AsyncRead;

/// A file up to this size is read on the spot: handing it to another thread costs more than reading it.
const INLINE: u64 = 256 * 1024;

/// Whether an object of this size is sent in parts. One with a condition is not: servers that honour a condition on
/// a put ignore it when the parts are put together.
pub(crate) fn goes_in_parts(store: &Store, size: u64, options: &PutOptions) -> bool {
    let limits = store.backend().limits();
    let free = options.condition == WriteCondition::Always;
    size > limits.max_put || (free && size >= store.settings().multipart_threshold.max(1))
}

fn no_condition_in_parts(key: &Key, size: u64) -> Error {
    Error::new(ErrorKind::Unsupported, "a condition needs an object that is sent whole")
        .with_key(key)
        .with_fact("bytes", size)
        .with_hint(
            "objects over 5 GiB, and streams over the multipart threshold, cannot be put under a condition",
        )
}

pub(crate) async fn put_bytes_in_parts(
    store: &Store,
    key: &Key,
    bytes: Bytes,
    options: &PutOptions,
) -> Result<Receipt> {
    if let Some(queued) = store.outbox() {
        let (start, direct, payload) =
            (Instant::now(), store.directly(queued), Payload::Bytes(bytes.clone()));
        let send = |options| async move { Box::pin(put_bytes_in_parts(&direct, key, bytes, &options)).await };
        return Ok(
            match Box::pin(queued.put_bytes(key, queued::Bytes::Payload(payload), options, send)).await? {
                Written::Direct(receipt) => receipt,
                Written::Queued(waits) => queued.receipt(key, &waits.entry, start),
            },
        );
    }
    let (size, all) = (bytes.len() as u64, bytes.clone());
    let piece = move |range: Range<u64>| {
        let part = bytes.slice(range.start as usize..range.end as usize);
        async move { Ok(Part::AtHand(part)) }
    };
    let whole = Whole::of_bytes(store, &all);
    Ok(in_parts(store, key, (size, None), whole, options, piece).await?.end())
}

/// Sends parts that `read` brings, as many at once as buffers and concurrency allow. Those of a file that an earlier
/// process sent are left out.
async fn in_parts<R, F>(
    store: &Store,
    key: &Key,
    (size, file): (u64, Option<Identity>),
    mut whole: Whole,
    options: &PutOptions,
    read: R,
) -> Result<Stored>
where
    R: Fn(Range<u64>) -> F + Send + Sync,
    F: Future<Output = Result<Part>> + Send + 'static,
{
    if options.condition != WriteCondition::Always {
        return Err(no_condition_in_parts(key, size));
    }
    let start = Instant::now();
    let plan = PartPlan::new(size, store.settings().part_size, store.backend().limits())?;
    let started = match file {
        Some(file) => resume::start(store, key, file, plan, options).await,
        None => store.backend().begin_upload(key, options).await.map(Started::without_notes),
    };
    let started = started.map_err(|e| e.with_key(key))?;
    let origin = started.origin;
    let mut sender = PartSender::new(started, options.progress.clone());
    let is_lost = |sent: &Result<_>| sent.as_ref().is_err_and(|error| resume::is_lost(origin, error));
    let mut sent = send_all(store, &mut sender, (plan, &mut whole), &read).await;
    if is_lost(&sent) && sender.begin_with_all(plan.count()).await {
        tracing::debug!(%key, "the upload that was resumed may be complete");
        sent = send_all(store, &mut sender, (plan, &mut whole), &read).await;
    }
    if is_lost(&sent) {
        tracing::debug!(%key, "the upload that was resumed is not whole, and begins anew");
        let notes = sender.give_back().await;
        let progress = options.progress.as_ref().map(resume::counted_again);
        let options = PutOptions { progress: progress.clone(), ..options.clone() };
        let started = resume::anew(store, key, &options, notes).await.map_err(|e| e.with_key(key))?;
        sender = PartSender::new(started, progress);
        sent = send_all(store, &mut sender, (plan, &mut whole), &read).await;
    }
    match sent {
        Ok(mut stored) => {
            stored.receipt.elapsed = start.elapsed();
            Ok(stored)
        }
        Err(error) => Err(sender.fail(error).await.with_key(key)),
    }
}

async fn send_all<R, F>(
    store: &Store,
    sender: &mut PartSender,
    (plan, whole): (PartPlan, &mut Whole),
    read: &R,
) -> Result<Stored>
where
    R: Fn(Range<u64>) -> F + Send + Sync,
    F: Future<Output = Result<Part>> + Send + 'static,
{
    let most = store.settings().concurrency;
    for index in 0..plan.count() {
        sender.room(most).await?;
        sender.send(index + 1, read(plan.range(index)))?;
    }
    // A source that changed under either reading is no object.
    let sha256 = whole.found().await?;
    let mut stored = sender.complete().await?;
    stored.receipt.sha256 = sha256;
    Ok(stored)
}

/// Runs a reading of a file where it disturbs nobody.
pub(super) async fn blocking<T: Send + 'static>(
    size: u64,
    read: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    if size <= INLINE {
        return read();
    }
    let joined = tokio::task::spawn_blocking(read).await;
    joined.unwrap_or_else(|e| Err(Error::new(ErrorKind::Cancelled, "reading was cancelled").with_source(e)))
}

impl Store {
    /// Stores a file: by one request below the multipart threshold, else in parts.
    ///
    /// # Errors
    ///
    /// `Io` for a file that cannot be read (`InvalidInput` for a folder), `Changed` for one that grows, shrinks or is
    /// modified while it is read. After an error the key has what it had before.
    pub async fn put_file(&self, key: &str, path: &Path, options: &PutOptions) -> Result<Receipt> {
        let key = Key::parse(key)?;
        let mut watch = Watch::begin(Direction::Up, self, key.as_str());
        let stored = self.put_path(&key, path, options, &mut watch).await;
        watch.end(stored)
    }

    async fn put_path(
        &self,
        key: &Key,
        path: &Path,
        options: &PutOptions,
        watch: &mut Watch<'_>,
    ) -> Result<Receipt> {
        let file = Opened::open(path, true)?;
        watch.expect(file.size());
        if let Some(progress) = &options.progress {
            progress.expect(file.size());
            progress.complete();
        }
        Ok(self.put_opened(key, file, options).await?.end())
    }

    /// Stores a file as a step of something else, which may note that it is there before the upload's notes end.
    pub(crate) async fn put_opened(&self, key: &Key, file: Opened, options: &PutOptions) -> Result<Stored> {
        let start = Instant::now();
        let size = file.size();
        let in_parts = goes_in_parts(self, size, options);
        let receipt = if !in_parts && size <= self.most_in_memory() {
            let bytes = self.read_whole(file).await?;
            let options = self.prepared(key, &bytes[..bytes.len().min(SNIFF)], options).await?;
            self.put_whole(key, Payload::Bytes(bytes), &options).await?
        } else {
            let mut first = Vec::new();
            if options.attributes.content_type.is_none() {
                file.read_at(&mut first, 0, SNIFF.min(size as usize))?;
            }
            let options = self.prepared(key, &first, options).await?;
            if in_parts {
                return self.put_opened_in_parts(key, file, &options).await;
            }
            let bytes = file.part(0..size);
            let _leave = self.buffers().leave().await;
            let checksums = checksums_of(bytes.clone(), self.checksums()).await?;
            self.put_whole(key, Payload::Source(Arc::new(Checked { bytes, checksums })), &options).await?
        };
        Ok(Stored::without_notes(Receipt { elapsed: start.elapsed(), ..receipt }))
    }

    async fn read_whole(&self, file: Opened) -> Result<Bytes> {
        let size = file.size();
        if size <= INLINE {
            // These are few enough beside the bound.
            let mut bytes = Vec::new();
            file.read_all(&mut bytes)?;
            return Ok(bytes.into());
        }
        let mut buffer = self.buffers().take(size as usize + 1).await;
        blocking(size, move || file.read_all(&mut buffer.bytes).map(|()| buffer.freeze())).await
    }

    /// The largest file that is held in memory while it is stored.
    fn most_in_memory(&self) -> u64 {
        if self.is_remote() { INLINE } else { self.settings().multipart_threshold.max(INLINE) }
    }

    /// The checksums that a file is to be sent with.
    fn checksums(&self) -> Vec<ChecksumAlgorithm> {
        let settings = self.settings();
        let (integrity, whole) = (settings.integrity, settings.digest == DigestScope::Whole);
        let mut wanted = Vec::new();
        if !self.is_remote() || whole || integrity == PayloadIntegrity::Signed {
            wanted.push(ChecksumAlgorithm::Sha256);
        }
        match integrity {
            PayloadIntegrity::Checksum(algorithm) if self.is_remote() && !wanted.contains(&algorithm) => {
                wanted.push(algorithm);
            }
            _ => {}
        }
        wanted
    }

    async fn put_opened_in_parts(&self, key: &Key, file: Opened, options: &PutOptions) -> Result<Stored> {
        if let Some(queued) = self.outbox() {
            let (start, direct, again) = (Instant::now(), self.directly(queued), file.clone());
            let send =
                |options| async move { Box::pin(direct.put_opened_in_parts(key, file, &options)).await };
            return Ok(
                match Box::pin(queued.put_bytes(key, queued::Bytes::File(again), options, send)).await? {
                    Written::Direct(stored) => stored,
                    Written::Queued(waits) => Stored::without_notes(queued.receipt(key, &waits.entry, start)),
                },
            );
        }
        let (size, identity) = (file.size(), file.identity());
        let buffers = self.buffers().clone();
        let is_remote = self.is_remote();
        let read = |range: Range<u64>| {
            let (file, buffers) = (file.clone(), buffers.clone());
            async move {
                let part = file.part(range);
                if is_remote {
                    return Ok(Part::At(part, buffers.leave().await));
                }
                let mut buffer = buffers.take(part.len() as usize).await;
                blocking(part.len(), move || {
                    part.read_at(&mut buffer.bytes, 0, part.len() as usize)?;
                    part.still_the_same()?;
                    Ok(Part::AtHand(buffer.freeze()))
                })
                .await
            }
        };
        let whole = Whole::of_file(self, &file);
        in_parts(self, key, (size, Some(identity)), whole, options, read).await
    }

    /// Stores what a reader gives until its end, of unknown length, in flat memory.
    ///
    /// `expected` sets the parts' size so that they suffice; without it an object of more than 10,000 parts of the
    /// set size is refused as `InvalidInput` when it comes to that, and nothing stays behind.
    ///
    /// # Errors
    ///
    /// `Io` when the reader fails; `Unsupported` for a condition on more than the multipart threshold.
    pub async fn put_reader<R>(
        &self,
        key: &str,
        reader: R,
        expected: Option<u64>,
        options: &PutOptions,
    ) -> Result<Receipt>
    where
        R: AsyncRead + Send + Unpin,
    {
        self.put_feed(key, Awaited(reader), expected, options).await
    }

    /// Stores what a blocking reader gives until its end, as [`Store::put_reader`] does: a pipe is read faster so.
    ///
    /// The reader is read on threads for work that blocks. One that gives nothing keeps its thread, even when the future
    /// is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`Store::put_reader`].
    pub async fn put_blocking<R>(
        &self,
        key: &str,
        reader: R,
        expected: Option<u64>,
        options: &PutOptions,
    ) -> Result<Receipt>
    where
        R: Read + Send + 'static,
    {
        self.put_feed(key, Blocking::new(reader), expected, options).await
    }

    async fn put_feed(
        &self,
        key: &str,
        feed: impl Feed,
        expected: Option<u64>,
        options: &PutOptions,
    ) -> Result<Receipt> {
        let key = Key::parse(key)?;
        let mut watch = Watch::begin(Direction::Up, self, key.as_str());
        expected.into_iter().for_each(|size| watch.expect(size));
        watch.end(self.put_stream(&key, feed, expected, options).await)
    }

    /// Stores a stream as a step of something else, which is what is logged.
    pub(super) async fn put_stream(
        &self,
        key: &Key,
        mut feed: impl Feed,
        expected: Option<u64>,
        options: &PutOptions,
    ) -> Result<Receipt> {
        if let (Some(progress), Some(expected)) = (&options.progress, expected) {
            progress.expect(expected);
            progress.complete();
        }
        let start = Instant::now();
        let limits = self.backend().limits();
        let plan = PartPlan::new(expected.unwrap_or(0), self.settings().part_size, limits)?;
        let part_size = plan.part_size as usize;
        let first = self.fill(&mut feed, part_size).await?;
        let options = self.prepared(key, &first[..first.len().min(SNIFF)], options).await?;
        let whole = first.len() < part_size;
        if whole && !goes_in_parts(self, first.len() as u64, &options) {
            return self.put_whole(key, Payload::Bytes(first), &options).await;
        }
        if options.condition != WriteCondition::Always {
            return Err(no_condition_in_parts(key, first.len() as u64));
        }
        let upload = self.backend().begin_upload(key, &options).await.map_err(|e| e.with_key(key))?;
        let mut sender = PartSender::new(Started::without_notes(upload), options.progress.clone());
        match self.send_feed(&mut sender, first, feed, part_size).await {
            Ok(receipt) => Ok(Receipt { elapsed: start.elapsed(), ..receipt }),
            Err(error) => Err(sender.fail(error).await.with_key(key)),
        }
    }

    async fn send_feed(
        &self,
        sender: &mut PartSender,
        first: Bytes,
        mut feed: impl Feed,
        part_size: usize,
    ) -> Result<Receipt> {
        let most = self.backend().limits().max_parts;
        let whole = self.settings().digest == DigestScope::Whole;
        let mut digest = whole.then(|| ring::digest::Context::new(&ring::digest::SHA256));
        let mut next = first;
        let mut number = 1;
        loop {
            let last = next.len() < part_size;
            digest.iter_mut().for_each(|digest| digest.update(&next));
            sender.send(number, std::future::ready(Ok(Part::AtHand(next))))?;
            if last {
                break;
            }
            // The bound on buffers makes this wait for parts that are under way; one that failed is noticed at once.
            sender.room(self.settings().concurrency).await?;
            next = self.fill(&mut feed, part_size).await?;
            if next.is_empty() {
                break;
            }
            number += 1;
            if number > most {
                return Err(Error::new(
                    ErrorKind::InvalidInput,
                    "the stream is too long for parts of this size",
                )
                .with_fact("part_size", part_size)
                .with_fact("parts", most)
                .with_hint("say how long it will be (--expected-size), or set a larger part size"));
            }
        }
        Ok(Receipt { sha256: digest.map(finished), ..sender.complete().await?.end() })
    }

    /// Reads until a buffer is full or the stream has no more.
    async fn fill(&self, feed: &mut impl Feed, size: usize) -> Result<Bytes> {
        Ok(feed.fill(self.buffers().take(size).await, size).await?.freeze())
    }
}
