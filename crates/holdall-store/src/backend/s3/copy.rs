//! Copies objects inside a service: by one request, or in parts where an object is too large for one.

use super::{Ability, S3Backend, convert, of_version};
use crate::backend::carried::copied_attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{CopyOptions, GetOptions, Metadata, PutOptions};
use crate::receipt::{Receipt, State, Verified};
use crate::transfer::PartPlan;
use crate::{Attributes, Payload, ReadConditions, WriteCondition};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use holdall_s3::{Checksum, CompletedPart, CopySource, PartCopyOptions, PutAnswer, UploadHandle};
use std::time::Instant;

/// What a part of a copy is, unless that makes too many: the server copies some 100 MB a second, so a part is done in
/// seconds and a fault costs no more than that.
const PART: u64 = 256 << 20;

/// More copies at once gain nothing: the server is what is busy.
const MOST_AT_ONCE: usize = 16;

/// A copy that may be made: its source as it was looked at, and what the copy is to carry.
struct Job<'a> {
    from: &'a S3Backend,
    full_from: String,
    to: &'a Key,
    full_to: String,
    seen: Seen,
    options: &'a CopyOptions,
    put: PutOptions,
}

/// An object as it was looked at.
struct Seen {
    metadata: Metadata,
    /// How many tags it has, where the server says.
    tags: u64,
    checksum: Option<Checksum>,
}

impl S3Backend {
    /// Copies an object of a bucket of the same service.
    pub(super) async fn copy_object(
        &self,
        source: &Self,
        from: &Key,
        to: &Key,
        options: &CopyOptions,
    ) -> Result<Receipt> {
        let start = Instant::now();
        let (full_from, full_to) = (source.full(from)?, self.full(to)?);
        // S3 refuses it; not every server does.
        let onto_itself = source.bucket == self.bucket && full_from == full_to;
        if onto_itself && options.version.is_none() && options.attributes.is_none() {
            return Err(Error::new(ErrorKind::InvalidInput, "a copy onto itself needs new attributes"));
        }
        // The conditions are asked here and again with the copy: some servers honour them only in one place.
        let conditions = options.conditions.clone();
        let look = GetOptions { version: options.version.clone(), conditions, ..GetOptions::default() };
        let seen = source.look(from, &look).await?;
        let put = self.put_of_copy(options, &seen.metadata);
        let size = seen.metadata.size;
        let by_one = size <= self.limits.max_copy && self.encrypts_copies(&put).await?;
        let job = Job { from: source, full_from, to, full_to, seen, options, put };
        let receipt = match size {
            _ if by_one => self.copy_whole(job).await?,
            0 => Box::pin(self.put_empty(job)).await?,
            _ => Box::pin(self.copy_in_parts(job)).await?,
        };
        Ok(Receipt { elapsed: start.elapsed(), ..receipt })
    }

    /// What is known of an object, its tags and its checksum included.
    async fn look(&self, key: &Key, options: &GetOptions) -> Result<Seen> {
        let head = self.client.head(&self.full(key)?, &convert::get_options(options)).await;
        let head = head.map_err(|error| of_version(error.into(), options))?;
        // The count is left out where there is none.
        let (tags, checksum) = (head.tags.unwrap_or(0), head.checksum.clone());
        let metadata = convert::metadata(key.clone(), head);
        crate::expiry::check(&metadata)?;
        Ok(Seen { metadata, tags, checksum })
    }

    /// What a copy by one request is put with: all that the server does not take along by itself.
    fn put_of_copy(&self, options: &CopyOptions, source: &Metadata) -> PutOptions {
        let class = || source.attributes.storage_class.clone().filter(|_| options.keep_storage_class);
        let only_class = || Attributes { storage_class: class(), ..Attributes::default() };
        PutOptions {
            attributes: options.attributes.clone().unwrap_or_else(only_class),
            tags: options.tags.clone().unwrap_or_default(),
            acl: options.acl,
            encryption: options.encryption.clone().or_else(|| self.encryption.clone()),
            ..PutOptions::default()
        }
    }

    /// Whether a copy by one request is encrypted as it is to be. Ceph 16 encrypts what is put, parts of a copy among it,
    /// and copies without.
    async fn encrypts_copies(&self, put: &PutOptions) -> Result<bool> {
        match &put.encryption {
            Some(encryption) => {
                self.demand(put).await?;
                self.abilities.has(&self.client, &Ability::CopyEncryption(encryption.clone())).await
            }
            None => Ok(true),
        }
    }

    /// Copies by one request.
    async fn copy_whole(&self, job: Job<'_>) -> Result<Receipt> {
        let Job { options, put, seen, .. } = &job;
        self.demand(put).await?;
        self.demand_of_copy(&options.condition, Ability::CopyCreateOnly).await?;
        if options.tags.is_some() || (options.attributes.is_some() && seen.tags > 0) {
            self.abilities.demand(&self.client, Ability::CopyTags).await?;
        }
        let mut wire = convert::copy_options(options, put, &seen.metadata);
        wire.put.condition = options.condition.clone();
        let answer = self.client.copy(&job.pinned(), &job.full_to, &wire).await;
        let answer = answer.map_err(|error| replaced_meanwhile(error, options))?;
        // Another ETag may be another way to compute it, or another object where the server ignores the pin.
        let same = is_same_etag(Some(&answer.etag), job.seen.metadata.etag.as_deref());
        let made = match same {
            true => None,
            false => Some(self.head_object(job.to, &GetOptions::default()).await?),
        };
        let seen = made.as_ref().unwrap_or(&job.seen.metadata);
        let etag = seen.etag.clone().or(Some(answer.etag));
        Ok(receipt(job.to, seen, (etag, answer.version), Verified::None, answer.attempts))
    }

    /// Refuses a condition on a copy that this server would take and not decide.
    async fn demand_of_copy(&self, condition: &WriteCondition, create_only: Ability) -> Result<()> {
        match condition {
            WriteCondition::Always => Ok(()),
            WriteCondition::Absent => self.abilities.demand(&self.client, create_only).await,
            WriteCondition::Matches(_) => Err(Error::new(
                ErrorKind::Unsupported,
                "a copy can be create-only and have no other condition",
            )),
        }
    }

    /// Puts what a copy of an empty object is: it has no parts.
    async fn put_empty(&self, mut job: Job<'_>) -> Result<Receipt> {
        self.demand_of_copy(&job.options.condition, Ability::CreateOnly).await?;
        job.take_along().await?;
        job.put.condition = job.options.condition.clone();
        self.put_object(job.to, Payload::Empty, &job.put).await
    }

    /// Copies in parts. The upload has what the source carries, since parts bring nothing but bytes.
    async fn copy_in_parts(&self, mut job: Job<'_>) -> Result<Receipt> {
        self.demand_of_copy(&job.options.condition, Ability::CompleteCreateOnly).await?;
        job.take_along().await?;
        self.demand(&job.put).await?;
        if !job.put.tags.is_empty() {
            self.abilities.demand(&self.client, Ability::UploadTags).await?;
        }
        let plan = PartPlan::new(job.seen.metadata.size, PART.min(self.limits.max_copy), self.limits)?;
        let wire = convert::put_options(&job.put, job.seen.metadata.sha256);
        let upload = self.client.create_upload(&job.full_to, &wire).await?;
        let answer = match self.join_parts(&job, &upload, plan).await {
            Ok(answer) => answer,
            Err(error) => {
                if let Err(abort) = self.client.abort_upload(&upload).await {
                    tracing::warn!(error = %abort, "parts of a failed copy may be left behind");
                }
                return Err(error);
            }
        };
        let verified = self.compare(&job, &answer).await?;
        let made = (Some(answer.etag), answer.version);
        Ok(receipt(job.to, &job.seen.metadata, made, verified, answer.attempts))
    }

    /// Copies all parts and makes the object of them, if they are all of the object that was looked at.
    async fn join_parts(&self, job: &Job<'_>, upload: &UploadHandle, plan: PartPlan) -> Result<PutAnswer> {
        let source = job.pinned_part();
        let copy = |index: u32| {
            let options = PartCopyOptions { source: source.clone(), range: Some(plan.range(index)) };
            async move {
                let answer = self.client.upload_part_copy(upload, index + 1, &options).await;
                let part = answer.map_err(|error| match error.kind() {
                    holdall_s3::ErrorKind::Precondition => replaced().with_source(error),
                    _ => error.into(),
                })?;
                Ok::<_, Error>(CompletedPart { number: index + 1, etag: part.etag, checksum: part.checksum })
            }
        };
        let at_once = self.concurrency.clamp(1, MOST_AT_ONCE);
        let parts = stream::iter((0..plan.count()).map(copy)).buffered(at_once);
        let parts: Vec<CompletedPart> = parts.try_collect().await?;
        // Some servers ignore the pin. Whatever the parts were made of was the source at some moment until now.
        let now = job.from.look(job.key_from(), &job.options_to_look_again()).await.map_err(gone)?;
        if !job.seen.metadata.is_same_object(&now.metadata) {
            return Err(replaced());
        }
        Ok(self.client.complete_upload(upload, &parts, &job.options.condition).await?)
    }

    /// Compares the copy with its source by what the server says of both.
    async fn compare(&self, job: &Job<'_>, answer: &PutAnswer) -> Result<Verified> {
        let made = self.look(job.to, &GetOptions::default()).await?;
        if !is_same_etag(Some(&answer.etag), made.metadata.etag.as_deref()) {
            // Another's already.
            return Ok(Verified::None);
        }
        let whole = |seen: &Seen| seen.checksum.clone().filter(|checksum| !checksum.is_composite());
        let (source, copy) = (whole(&job.seen), whole(&made));
        let same_checksum = match (&source, &copy) {
            (Some(source), Some(copy)) if source.algorithm == copy.algorithm => Some(source == copy),
            _ => None,
        };
        if made.metadata.size != job.seen.metadata.size || same_checksum == Some(false) {
            return Err(Error::new(ErrorKind::Integrity, "the copy differs from its source")
                .with_key(job.to)
                .with_fact("size", made.metadata.size)
                .with_fact("expected", job.seen.metadata.size));
        }
        Ok(same_checksum.map_or(Verified::None, |_| Verified::Checksum))
    }
}

impl Job<'_> {
    fn key_from(&self) -> &Key {
        &self.seen.metadata.key
    }

    /// The source, pinned to what was seen of it, so that what is copied is what was looked at.
    fn pinned(&self) -> CopySource {
        let mut source = self.pinned_part();
        if self.options.conditions != ReadConditions::default() {
            source.conditions = self.options.conditions.clone();
        }
        source
    }

    /// The same for a part: the conditions of the caller were decided when the source was looked at.
    fn pinned_part(&self) -> CopySource {
        let mut source = CopySource::new(&self.full_from);
        source.bucket = Some(self.from.bucket.clone());
        source.version.clone_from(&self.options.version);
        source.conditions.if_match.clone_from(&self.seen.metadata.etag);
        source
    }

    fn options_to_look_again(&self) -> GetOptions {
        GetOptions { version: self.options.version.clone(), ..GetOptions::default() }
    }

    /// Takes along what is not replaced.
    async fn take_along(&mut self) -> Result<()> {
        self.put.attributes = copied_attributes(&self.seen.metadata.attributes, self.options);
        if self.options.tags.is_none() && self.seen.tags > 0 {
            self.put.tags = self.from.client.object_tags(&self.full_from).await?;
        }
        Ok(())
    }
}

fn is_same_etag(one: Option<&str>, other: Option<&str>) -> bool {
    let bare = |etag: &str| etag.trim_matches('"').to_owned();
    one.map(bare) == other.map(bare)
}

fn receipt(
    key: &Key,
    seen: &Metadata,
    (etag, version): (Option<String>, Option<String>),
    verified: Verified,
    attempts: u32,
) -> Receipt {
    Receipt {
        key: key.clone(),
        size: seen.size,
        sha256: seen.sha256,
        composite: None,
        etag,
        version,
        state: State::Stored,
        outbox: None,
        verified,
        attempts,
        elapsed: std::time::Duration::ZERO,
    }
}

fn replaced() -> Error {
    Error::new(ErrorKind::Changed, "the source was replaced while it was copied")
}

/// A source that is not there any more was replaced by nothing.
fn gone(error: Error) -> Error {
    if error.kind() == ErrorKind::NotFound { replaced().with_source(error) } else { error }
}

/// A condition that failed and that the caller did not give is the one that pins a copy to what was looked at.
fn replaced_meanwhile(error: holdall_s3::Error, options: &CopyOptions) -> Error {
    let none = options.conditions == ReadConditions::default() && options.condition == WriteCondition::Always;
    if error.kind() == holdall_s3::ErrorKind::Precondition && none {
        return replaced().with_source(error);
    }
    error.into()
}
