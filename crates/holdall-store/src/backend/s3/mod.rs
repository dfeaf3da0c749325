//! Objects on any S3-compatible service.

mod ability;
mod bucket;
mod convert;
mod copy;
mod delete;
mod gc;
mod hold;
mod listing;
mod open;
mod service;
mod tags;
mod upload;
mod versions;

use super::{
    Backend, BoxFuture, Limits, Listing, Resumed, Ticket, Upload, UploadPage, VersionListing, is_marker,
};
use crate::error::{Error, ErrorKind, Result};
use crate::expiry::check_for;
use crate::key::{Key, MAX_KEY, Prefix};
use crate::object::{
    CopyOptions, DeleteFailure, DeleteOptions, Deleted, GcOptions, GetOptions, Leftover, ListOptions,
    Metadata, Object, PresignMethod, PresignOptions, PutOptions,
};
use crate::outbox::Destination;
use crate::receipt::{Receipt, State};
use crate::settings::Settings;
use crate::{Encryption, Payload, PostForm, PostPolicy, Retention, Versioning, WriteCondition};
pub(crate) use ability::remove_whole;
use ability::{Abilities, Ability};
use holdall_s3::{Client, UploadHandle};
use service::Service;
use std::any::Any;
use std::time::Instant;

/// The service where no endpoint is named; a bucket's name means one bucket there, whatever its region.
const AWS: &str = "https://s3.amazonaws.com";

/// AWS's bounds on sizes; other services have the same or wider ones.
const LIMITS: Limits =
    Limits { max_put: 5 << 30, max_copy: 5 << 30, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 };

/// Objects in a bucket, below a prefix.
#[derive(Debug, Clone)]
pub struct S3Backend {
    client: Client,
    /// The store's prefix with a slash at its end, or empty.
    root: String,
    bucket: String,
    encryption: Option<Encryption>,
    abilities: std::sync::Arc<Abilities>,
    service: Service,
    limits: Limits,
    /// How many requests of one call may be under way.
    concurrency: usize,
}

impl S3Backend {
    /// Makes the backend of a bucket. Nothing is connected.
    ///
    /// # Errors
    ///
    /// `Config` for an endpoint, bucket or region that cannot be.
    pub fn open(bucket: &str, prefix: &Prefix, settings: &Settings) -> Result<Self> {
        let client = open::client(bucket, settings)?;
        let root = match prefix.as_str() {
            "" => String::new(),
            prefix => format!("{prefix}/"),
        };
        let abilities = std::sync::Arc::new(Abilities::new(&client, &root));
        Ok(Self {
            client,
            root,
            bucket: bucket.to_owned(),
            encryption: settings.encryption.clone(),
            abilities,
            service: Service::of(settings),
            limits: LIMITS,
            concurrency: settings.concurrency,
        })
    }

    /// Uses other bounds on sizes, for a service that has narrower ones than AWS.
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Where a write to the bucket goes, as it is written down with one that waits.
    pub(crate) fn destination(&self) -> Destination {
        let endpoint = self.client.config().endpoint.as_ref();
        let endpoint = endpoint.map_or_else(|| AWS.to_owned(), ToString::to_string);
        Destination { endpoint, bucket: self.bucket.clone() }
    }

    /// The wire client, for what only S3 has.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Whether the server lets exactly one of many writers make an object, tried now.
    pub(crate) async fn creates_once(&self) -> Result<bool> {
        self.abilities.has_now(&self.client, &Ability::CreateOnly).await
    }

    /// Whether the server refuses a payload that is not the one that was signed, tried now.
    pub(crate) async fn checks_payloads(&self) -> Result<bool> {
        self.abilities.has_now(&self.client, &Ability::PayloadCheck).await
    }

    /// The name that the service knows a key by.
    fn full(&self, key: &Key) -> Result<String> {
        let full = format!("{}{key}", self.root);
        if full.len() > MAX_KEY {
            return Err(Error::new(ErrorKind::InvalidInput, "key is too long below the store's prefix")
                .with_fact("bytes", full.len())
                .with_fact("limit", MAX_KEY));
        }
        Ok(full)
    }

    /// Refuses what this server would take and not do, and answers the condition in the form that it understands.
    async fn demand(&self, options: &PutOptions) -> Result<WriteCondition> {
        super::check_tags(&options.tags)?;
        if let Some(encryption) = &options.encryption {
            self.abilities.demand(&self.client, Ability::of_encryption(encryption)).await?;
        }
        if matches!(options.acl, Some(acl) if acl != crate::Acl::Private) {
            self.abilities.demand(&self.client, Ability::Acl).await?;
        }
        if !options.tags.is_empty() {
            self.abilities.demand(&self.client, Ability::Tags).await?;
        }
        for ability in Ability::of_metadata(&options.attributes.metadata) {
            self.abilities.demand(&self.client, ability).await?;
        }
        match &options.condition {
            WriteCondition::Always => {}
            WriteCondition::Absent => self.abilities.demand(&self.client, Ability::CreateOnly).await?,
            WriteCondition::Matches(etag) => {
                if !self.abilities.has(&self.client, &Ability::IfMatch).await? {
                    self.abilities.demand(&self.client, Ability::IfMatchBare).await?;
                    return Ok(WriteCondition::Matches(ability::bare(etag.clone())));
                }
            }
        }
        Ok(options.condition.clone())
    }

    async fn put_object(&self, key: &Key, payload: Payload, options: &PutOptions) -> Result<Receipt> {
        let start = Instant::now();
        let full = self.full(key)?;
        let condition = self.demand(options).await?;
        let size = payload.len();
        let payload = convert::hashed(payload, self.client.config().integrity);
        let sha256 = convert::known_digest(&payload);
        let wire = holdall_s3::PutOptions { condition, ..convert::put_options(options, sha256) };
        let verified = self.abilities.verified(&self.client);
        let (answer, payload_checked) = tokio::join!(self.client.put(&full, payload, &wire), verified);
        let answer = answer.map_err(|error| lost_race(error, &options.condition))?;
        Ok(Receipt {
            key: key.clone(),
            size,
            sha256,
            composite: None,
            etag: Some(answer.etag),
            version: answer.version,
            state: State::Stored,
            outbox: None,
            verified: convert::verified(answer.checksum.as_ref(), payload_checked),
            attempts: answer.attempts,
            elapsed: start.elapsed(),
        })
    }

    async fn get_object(&self, key: &Key, options: &GetOptions) -> Result<Object> {
        let full = self.full(key)?;
        let answer = self.client.get(&full, &convert::get_options(options)).await;
        let answer = answer.map_err(|error| of_version(error.into(), options))?;
        let metadata = convert::metadata(key.clone(), answer.head);
        check_for(&metadata, options)?;
        let whole = answer.range == (0..metadata.size);
        let wanted = metadata.sha256.filter(|_| whole);
        let stream = convert::stream(answer.body, key.clone(), wanted);
        Ok(Object { metadata, range: answer.range, attempts: answer.attempts, stream })
    }

    async fn head_object(&self, key: &Key, options: &GetOptions) -> Result<Metadata> {
        let wire = holdall_s3::GetOptions { range: None, ..convert::get_options(options) };
        let head = self.client.head(&self.full(key)?, &wire).await;
        let metadata =
            convert::metadata(key.clone(), head.map_err(|error| of_version(error.into(), options))?);
        check_for(&metadata, options).map(|()| metadata)
    }

    async fn presign_url(&self, key: &Key, options: &PresignOptions) -> Result<String> {
        let full = self.full(key)?;
        let method = match options.method {
            PresignMethod::Get => http::Method::GET,
            PresignMethod::Put => http::Method::PUT,
            PresignMethod::Head => http::Method::HEAD,
            PresignMethod::Delete => http::Method::DELETE,
        };
        let wire = convert::presign_options(options, self.encryption.as_ref())?;
        Ok(self.client.presign(&method, &full, &wire).await?)
    }
}

/// Ceph answers 500 `UnknownError` to a writer whose `If-Match` held when it began and no longer when it ended.
fn lost_race(error: holdall_s3::Error, condition: &WriteCondition) -> Error {
    if matches!(condition, WriteCondition::Matches(_)) && error.code() == Some("UnknownError") {
        return Error::new(ErrorKind::Conflict, "another writer replaced the object meanwhile")
            .with_source(error);
    }
    error.into()
}

/// S3 answers that a mark of a deletion is read by another method than it takes.
fn of_version(error: Error, options: &GetOptions) -> Error {
    match &options.version {
        Some(version) if error.status() == Some(405) => is_marker(version).with_source(error),
        _ => error,
    }
}

impl Backend for S3Backend {
    fn kind(&self) -> &'static str {
        "s3"
    }

    fn location(&self) -> String {
        match self.root.as_str() {
            "" => format!("s3://{}", self.bucket),
            root => format!("s3://{}/{}", self.bucket, root.trim_end_matches('/')),
        }
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    fn is_same_place(&self, other: &dyn Backend) -> bool {
        let other: &dyn Any = other;
        other.downcast_ref::<Self>().is_some_and(|other| self.is_beside(other) && self.has_root_of(other))
    }

    fn put<'a>(
        &'a self,
        key: &'a Key,
        payload: Payload,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.put_object(key, payload, options))
    }

    fn get<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Object>> {
        Box::pin(self.get_object(key, options))
    }

    fn head<'a>(&'a self, key: &'a Key, options: &'a GetOptions) -> BoxFuture<'a, Result<Metadata>> {
        Box::pin(self.head_object(key, options))
    }

    fn delete<'a>(&'a self, key: &'a Key, options: &'a DeleteOptions) -> BoxFuture<'a, Result<Deleted>> {
        Box::pin(delete::delete(self, key, options))
    }

    fn delete_batch<'a>(&'a self, keys: &'a [Key]) -> BoxFuture<'a, Result<Vec<DeleteFailure>>> {
        Box::pin(delete::delete_batch(self, keys))
    }

    fn copy<'a>(
        &'a self,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Receipt>> {
        Box::pin(self.copy_object(self, from, to, options))
    }

    fn copy_from<'a>(
        &'a self,
        source: &'a dyn Backend,
        from: &'a Key,
        to: &'a Key,
        options: &'a CopyOptions,
    ) -> BoxFuture<'a, Result<Option<Receipt>>> {
        Box::pin(async move {
            let source: &dyn Any = source;
            match source.downcast_ref::<Self>() {
                Some(source) if self.is_beside(source) => {
                    self.copy_object(source, from, to, options).await.map(Some)
                }
                _ => Ok(None),
            }
        })
    }

    fn tags<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<Vec<(String, String)>>> {
        Box::pin(async move { Ok(self.client.object_tags(&self.full(key)?).await?) })
    }

    fn set_tags<'a>(&'a self, key: &'a Key, tags: &'a [(String, String)]) -> BoxFuture<'a, Result<()>> {
        Box::pin(tags::set(self, key, tags))
    }

    fn list(&self, options: ListOptions) -> Box<dyn Listing> {
        Box::new(listing::S3Listing::new(&self.client, &self.root, options))
    }

    fn versioning(&self) -> BoxFuture<'_, Result<Versioning>> {
        Box::pin(async { Ok(self.client.versioning().await?) })
    }

    fn set_versioning(&self, versioning: Versioning) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            self.client.put_versioning(versioning).await?;
            self.forget().await;
            Ok(())
        })
    }

    fn list_versions(&self, prefix: Prefix) -> Box<dyn VersionListing> {
        Box::new(versions::S3Versions::new(&self.client, &self.root, &prefix))
    }

    fn hold<'a>(&'a self, key: &'a Key, version: Option<&'a str>, on: bool) -> BoxFuture<'a, Result<()>> {
        Box::pin(hold::hold(self, key, version, on))
    }

    fn held<'a>(&'a self, key: &'a Key, version: Option<&'a str>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(hold::held(self, key, version))
    }

    fn retain<'a>(
        &'a self,
        key: &'a Key,
        version: Option<&'a str>,
        retention: Retention,
        bypass_governance: bool,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(hold::retain(self, key, version, retention, bypass_governance))
    }

    fn retention<'a>(
        &'a self,
        key: &'a Key,
        version: Option<&'a str>,
    ) -> BoxFuture<'a, Result<Option<Retention>>> {
        Box::pin(hold::retention(self, key, version))
    }

    fn begin_upload<'a>(
        &'a self,
        key: &'a Key,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>>> {
        Box::pin(async move {
            self.demand(options).await?;
            if !options.tags.is_empty() {
                self.abilities.demand(&self.client, Ability::UploadTags).await?;
            }
            let upload = upload::S3Upload::begin(self.clone(), key, options).await?;
            Ok(Box::new(upload) as Box<dyn Upload>)
        })
    }

    fn resume_upload<'a>(
        &'a self,
        key: &'a Key,
        ticket: &'a Ticket,
        options: &'a PutOptions,
    ) -> BoxFuture<'a, Result<Resumed>> {
        Box::pin(upload::S3Upload::resume(self.clone(), key, ticket, options))
    }

    fn presign<'a>(&'a self, key: &'a Key, options: &'a PresignOptions) -> BoxFuture<'a, Result<String>> {
        Box::pin(self.presign_url(key, options))
    }

    fn presigned_headers(&self, options: &PresignOptions) -> Result<Vec<(String, String)>> {
        Ok(convert::presign_options(options, self.encryption.as_ref())?.headers)
    }

    fn presign_post<'a>(&'a self, policy: &'a PostPolicy) -> BoxFuture<'a, Result<PostForm>> {
        Box::pin(async move {
            let mut policy = policy.clone();
            Key::parse(&policy.key)?;
            policy.key = format!("{}{}", self.root, policy.key);
            for (name, value) in convert::encryption_headers(self.encryption.as_ref())? {
                let given = |(field, _): &(String, String)| field.eq_ignore_ascii_case(&name);
                if !policy.fields.iter().chain(&policy.starts_with).any(given) {
                    policy.fields.push((name, value));
                }
            }
            Ok(self.client.presign_post(&policy).await?)
        })
    }

    fn public_url(&self, key: &Key) -> Option<String> {
        Some(self.client.object_url(&format!("{}{key}", self.root)))
    }

    fn uploads<'a>(
        &'a self,
        prefix: &'a Prefix,
        after: Option<&'a (String, String)>,
    ) -> BoxFuture<'a, Result<UploadPage>> {
        Box::pin(gc::unfinished(&self.client, &self.root, prefix, after))
    }

    fn abort_upload<'a>(&'a self, key: &'a Key, id: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let handle = UploadHandle::existing(self.full(key)?, id);
            Ok(self.client.abort_upload(&handle).await?)
        })
    }

    fn gc<'a>(
        &'a self,
        options: &'a GcOptions,
        found: &'a mut (dyn FnMut(Leftover) + Send),
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            gc::abort_stale(&self.client, &self.root, options, found).await?;
            gc::remove_probes(&self.client, &self.root, options, found).await
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move { Ok(self.client.check_bucket().await?) })
    }

    fn exists(&self) -> BoxFuture<'_, Result<bool>> {
        Box::pin(bucket::exists(&self.client))
    }

    fn create(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(bucket::create(&self.client))
    }

    fn create_locking(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(bucket::create_locking(self))
    }

    fn demand_locks(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(hold::demand(self))
    }

    fn remove(&self) -> BoxFuture<'_, Result<()>> {
        Box::pin(bucket::remove(&self.client))
    }

    fn forget(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.abilities.forget())
    }

    fn root(&self) -> &str {
        &self.root
    }

    fn wire(&self) -> Option<&Client> {
        Some(&self.client)
    }
}
