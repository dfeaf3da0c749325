//! A client of one bucket: builds requests, signs them, judges answers, tries again.

mod answer;
mod call;
mod run;

pub(crate) use answer::Reply;
pub(crate) use call::{Answer, Call};
pub(crate) use run::{request_uri, server_clock};

use crate::credentials::{Credentials, CredentialsSource};
use crate::date::AmzDate;
use crate::endpoint::{Addressing, Endpoint, EndpointError, Site, is_aws_region};
use crate::error::Result;
use crate::http::{Destination, Transport};
use crate::retry::{Budget, RetryPolicy};
use crate::sign::{Signer, SigningKey};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

/// How a server is to know that a payload arrived as it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum PayloadIntegrity {
    /// The payload's SHA-256 is signed with the request.
    #[default]
    Signed,
    /// A checksum header; the payload is not signed.
    Checksum(crate::ChecksumAlgorithm),
    /// Nothing; only over https, which protects the way but not the ends.
    Unsigned,
}

/// Where time and randomness come from.
#[derive(Clone, Copy)]
pub struct Seams {
    /// The clock.
    pub now: fn() -> SystemTime,
    /// 128 random bits; used to name writes and to spread retries, never as a secret.
    pub random: fn() -> u128,
}

impl Default for Seams {
    fn default() -> Self {
        Self { now: SystemTime::now, random: system_random }
    }
}

impl fmt::Debug for Seams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seams")
    }
}

fn system_random() -> u128 {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the system has randomness");
    u128::from_ne_bytes(bytes)
}

/// What a client needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// The service; AWS's own for the region when none is given.
    pub endpoint: Option<Endpoint>,
    /// The service as others see it, for presigned URLs.
    pub public_endpoint: Option<Endpoint>,
    /// The bucket.
    pub bucket: String,
    /// The region to sign for. None: what the endpoint's name says, else `us-east-1`, corrected once by what the
    /// server answers.
    pub region: Option<String>,
    /// How the bucket is named in URLs.
    pub addressing: Addressing,
    /// Who signs.
    pub credentials: CredentialsSource,
    /// How payloads are proved.
    pub integrity: PayloadIntegrity,
    /// Attempts and waits.
    pub retry: RetryPolicy,
    /// Clock and randomness.
    pub seams: Seams,
}

impl Config {
    /// A configuration with defaults, unsigned.
    pub fn new(bucket: impl Into<String>) -> Self {
        Self {
            endpoint: None,
            public_endpoint: None,
            bucket: bucket.into(),
            region: None,
            addressing: Addressing::default(),
            credentials: CredentialsSource::Anonymous,
            integrity: PayloadIntegrity::default(),
            retry: RetryPolicy::default(),
            seams: Seams::default(),
        }
    }
}

/// Why a [`Config`] makes no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The endpoint or the bucket's name.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The region is needed for AWS's host names and is none of AWS's.
    #[error("region is not one of AWS's region={0:?}; give an endpoint or a region such as us-east-1")]
    Region(String),
    /// Unsigned payloads without TLS have no protection at all.
    #[error("unsigned payloads need an https endpoint")]
    UnsignedPlain,
}

/// Where requests go: changes once when the server says that the bucket is in another region.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) region: String,
    pub(crate) site: Site,
    pub(crate) public: Site,
    pub(crate) destination: Destination,
}

/// A client of one bucket. Clones share connections, signing key, region and retry budget.
#[derive(Clone)]
pub struct Client(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) config: Config,
    pub(crate) transport: Transport,
    pub(crate) place: RwLock<Arc<Place>>,
    pub(crate) signer: Signer,
    pub(crate) budget: Budget,
    /// What must be added to the clock to have the server's, in seconds.
    pub(crate) skew: AtomicI64,
    /// Whether the bucket has answered: a missing key is then not a missing bucket.
    pub(crate) bucket_seen: AtomicBool,
}

impl Client {
    /// Makes a client; nothing is connected, read or asked.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when endpoint, bucket or region cannot be what they are given as.
    pub fn new(config: Config, transport: Transport) -> Result<Self, ConfigError> {
        let hinted = config.endpoint.as_ref().and_then(Endpoint::region_hint);
        let region = config.region.as_deref().or(hinted).unwrap_or("us-east-1").to_owned();
        let place = place(&config, &region)?;
        if config.integrity == PayloadIntegrity::Unsigned && !place.site.tls {
            return Err(ConfigError::UnsignedPlain);
        }
        Ok(Self(Arc::new(Inner {
            config,
            transport,
            place: RwLock::new(Arc::new(place)),
            signer: Signer::new("s3"),
            budget: Budget::new(),
            skew: AtomicI64::new(0),
            bucket_seen: AtomicBool::new(false),
        })))
    }

    /// The bucket.
    pub fn bucket(&self) -> &str {
        &self.0.config.bucket
    }

    /// The configuration that the client was made from.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// The region that requests are signed for now.
    pub fn region(&self) -> String {
        self.place().region.clone()
    }

    /// The bucket's own URL, with its last slash; an encoded key follows.
    pub fn base_url(&self) -> String {
        let site = &self.place().site;
        format!("{}://{}{}", site.scheme(), site.authority, site.path)
    }

    /// The bucket's URL as others see it: by the public endpoint, where one is set.
    pub fn public_base_url(&self) -> String {
        let site = &self.place().public;
        format!("{}://{}{}", site.scheme(), site.authority, site.path)
    }

    /// Whether requests go through a proxy.
    pub fn is_proxied(&self) -> bool {
        self.0.transport.is_proxied(&self.place().destination)
    }

    pub(crate) fn place(&self) -> Arc<Place> {
        self.0.place.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The server's time, as far as it is known.
    pub(crate) fn now(&self) -> SystemTime {
        let now = (self.0.config.seams.now)();
        match self.0.skew.load(Ordering::Relaxed) {
            0 => now,
            skew if skew > 0 => now + Duration::from_secs(skew.unsigned_abs()),
            skew => now.checked_sub(Duration::from_secs(skew.unsigned_abs())).unwrap_or(now),
        }
    }

    pub(crate) fn signing_key(
        &self,
        credentials: &Credentials,
        date: &AmzDate,
        region: &str,
    ) -> Arc<SigningKey> {
        self.0.signer.key(credentials, date, region)
    }

    /// A name for a write, to recognise it by when its answer is lost.
    pub(crate) fn nonce(&self) -> String {
        format!("{:032x}", (self.0.config.seams.random)())
    }

    /// Signs for another region from now on; false when it is already the one or cannot be one.
    pub(crate) fn move_to(&self, region: &str) -> bool {
        let current = self.place();
        let plausible = region.len() <= 64 && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let on_aws = crate::is_aws_host(&current.site.host);
        if region == current.region || !plausible || (on_aws && !is_aws_region(region)) {
            return false;
        }
        let mut config = self.0.config.clone();
        if on_aws {
            config.endpoint = None;
        }
        let Ok(place) = place(&config, region) else { return false };
        *self.0.place.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(place);
        true
    }
}

fn place(config: &Config, region: &str) -> Result<Place, ConfigError> {
    let endpoint = match &config.endpoint {
        Some(endpoint) => endpoint.clone(),
        None if is_aws_region(region) => Endpoint::aws(region),
        None => return Err(ConfigError::Region(region.to_owned())),
    };
    let site = endpoint.site(&config.bucket, config.addressing)?;
    let public = match &config.public_endpoint {
        Some(public) => public.site(&config.bucket, config.addressing)?,
        None => site.clone(),
    };
    let destination = Destination::of_site(&site);
    Ok(Place { region: region.to_owned(), site, public, destination })
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        f.debug_struct("Client")
            .field("url", &self.base_url())
            .field("region", &place.region)
            .finish_non_exhaustive()
    }
}
