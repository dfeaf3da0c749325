//! Settings as plain data, read from variables.

mod parse;
mod table;

pub use table::Variables;

use crate::url::{Location, UrlStrategy};
use crate::{Acl, Encryption, Secret};
use holdall_s3::{Addressing, ChecksumAlgorithm, Endpoint, PayloadIntegrity};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Why settings cannot be used. Names the variables, never their values where these may be secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// Two variables of one rank set one thing differently.
    #[error("{first} and {second} set {setting} differently; unset one")]
    Conflict {
        /// The setting.
        setting: &'static str,
        /// One variable.
        first: String,
        /// The other.
        second: String,
    },
    /// A value that cannot be read.
    #[error("{variable} is not valid: {reason}")]
    Invalid {
        /// The variable.
        variable: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Half of a pair of keys.
    #[error("{missing} is not set although {present} is")]
    HalfPair {
        /// The variable that is set.
        present: String,
        /// The one that is not.
        missing: String,
    },
    /// A setting that another one needs.
    #[error("{present} is set but no bucket: set {missing} or HOLDALL_STORE")]
    NoBucket {
        /// The variable that is set.
        present: String,
        /// The one that is not.
        missing: &'static str,
    },
}

/// A pair of keys and what goes with it. `Debug` shows nothing of any of them.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyPair {
    /// The access key's id.
    pub access_key_id: String,
    /// The secret.
    pub secret_access_key: Secret,
    /// The session token of temporary keys.
    pub session_token: Option<Secret>,
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("access_key_id", &"***").finish_non_exhaustive()
    }
}

/// All that decides where objects go and how. Plain data: making one asks and opens nothing.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store; none when neither it nor a bucket is named.
    pub store: Option<Location>,
    /// The folder that is the store where none is named; none when there is no home to put it in.
    pub default_store: Option<PathBuf>,
    /// The service's endpoint.
    pub endpoint: Option<Endpoint>,
    /// The endpoint that presigned and public URLs are made for.
    pub public_endpoint: Option<Endpoint>,
    /// A CDN's base URL, without a slash at its end.
    pub public_base_url: Option<String>,
    /// The region to sign for.
    pub region: Option<String>,
    /// How buckets are named in URLs.
    pub addressing: Addressing,
    /// The keys; none means AWS's chain.
    pub keys: Option<KeyPair>,
    /// Requests are not signed.
    pub no_sign_request: bool,
    /// The profile of AWS's files.
    pub profile: Option<String>,
    /// Attempts of a request in all.
    pub attempts: u32,
    /// For connecting.
    pub connect_timeout: Duration,
    /// Without progress.
    pub read_timeout: Duration,
    /// Requests in flight.
    pub concurrency: usize,
    /// Objects of at least this size are sent in parts.
    pub multipart_threshold: u64,
    /// The size of a part, grown to fit 10,000 parts.
    pub part_size: u64,
    /// Bound on buffers in flight.
    pub memory: u64,
    /// Life of presigned URLs.
    pub presign_expiration: Duration,
    /// Which URL an object gets.
    pub url: UrlStrategy,
    /// ACL of every object put.
    pub acl: Option<Acl>,
    /// Encryption of every object put.
    pub encryption: Option<Encryption>,
    /// How payloads are proved.
    pub integrity: PayloadIntegrity,
    /// What a folder store does before a write is acknowledged.
    pub fsync: Fsync,
    /// Proxy for http endpoints.
    pub http_proxy: Option<Secret>,
    /// Proxy for https endpoints.
    pub https_proxy: Option<Secret>,
    /// Hosts reached without a proxy.
    pub no_proxy: Option<String>,
    /// Certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
}

/// What a folder store does before a write is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Fsync {
    /// The object, what belongs to it, and its name are brought to the disk: it survives a power cut.
    #[default]
    Data,
    /// Nothing: it survives the end of the process, and a power cut only by luck.
    None,
}

const MIB: u64 = 1 << 20;

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: None,
            default_store: None,
            endpoint: None,
            public_endpoint: None,
            public_base_url: None,
            region: None,
            addressing: Addressing::Auto,
            keys: None,
            no_sign_request: false,
            profile: None,
            attempts: 5,
            connect_timeout: Duration::from_secs(10),
            read_timeout: Duration::from_secs(60),
            concurrency: 32,
            multipart_threshold: 8 * MIB,
            part_size: 8 * MIB,
            memory: 64 * MIB,
            presign_expiration: Duration::from_secs(3600),
            url: UrlStrategy::Auto,
            acl: None,
            encryption: None,
            integrity: PayloadIntegrity::Signed,
            fsync: Fsync::Data,
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            ca_bundle: None,
        }
    }
}

impl Settings {
    /// Reads the environment.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] naming the variables at fault. Nothing is connected.
    pub fn from_env() -> Result<Self, SettingsError> {
        Self::from_variables(&Variables::from_env())
    }

    /// Reads variables. The order of precedence is `HOLDALL_*`, `S3_*`, `AWS_*`.
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingsError> {
        table::read(variables)
    }
}

fn checksum(text: &str) -> Option<PayloadIntegrity> {
    Some(match text.to_ascii_lowercase().as_str() {
        // What AWS's own variable says about optional checksums does not weaken the signed payload.
        "payload" | "when_supported" | "when_required" => PayloadIntegrity::Signed,
        "crc64nvme" => PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc64Nvme),
        "crc32c" => PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc32c),
        "sha256" => PayloadIntegrity::Checksum(ChecksumAlgorithm::Sha256),
        "none" => PayloadIntegrity::Unsigned,
        _ => return None,
    })
}
