//! Settings as plain data, read from variables.

mod aws;
mod error;
mod file;
mod origin;
mod parse;
mod resolve;
mod sources;
mod table;
mod variables;
mod words;

pub use error::SettingsError;
pub use origin::{Origin, Rank};
pub use parse::{parse_size, parse_time};
pub use resolve::{Resolved, Value};
pub use sources::Sources;
pub use table::{SETTINGS, Setting};
pub use variables::Variables;

use crate::key::Prefix;
use crate::url::{Location, UrlStrategy};
use crate::{Acl, Encryption, Secret};
use holdall_s3::{Addressing, Endpoint, PayloadIntegrity};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

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
    /// The folder of notes by which an upload or download of a file that was cut off is gone on with, by another process
    /// too; none when there is no home to put it in. Without it none is.
    pub journal: Option<PathBuf>,
    /// The folder of the index by which a push or pull tells what is unchanged without reading it; none when there is
    /// no home to put it in. Without it, the digests that objects have are compared.
    pub index: Option<PathBuf>,
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
    /// Bytes a second, both directions together.
    pub bandwidth: Option<NonZeroU64>,
    /// Requests a second, attempts counted.
    pub request_rate: Option<NonZeroU64>,
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
    /// What is hashed of an object that goes in parts.
    pub digest: DigestScope,
    /// What a folder store does before a write is acknowledged.
    pub fsync: Fsync,
    /// What becomes of a write that a remote store does not take.
    pub on_remote_error: OnRemoteError,
    /// Whether writes to a remote store are tried before they are acknowledged.
    pub write: WriteMode,
    /// How long a remote store may take nothing before a write is queued; a transfer that moves is not given up.
    pub remote_deadline: Duration,
    /// The outbox's folder; none when there is no home to put it in.
    pub outbox_dir: Option<PathBuf>,
    /// The most bytes that the outbox takes.
    pub outbox_max_bytes: u64,
    /// The bytes that the outbox leaves free on its file system.
    pub outbox_min_free: u64,
    /// The outbox may lie in memory, which a restart empties.
    pub outbox_allow_volatile: bool,
    /// Whether copies of what is put stay in the outbox's folder, to be read while the store is away.
    pub local_copy: LocalCopy,
    /// Where in the store collections lie that do not lie in a folder of their own name.
    pub roots: BTreeMap<String, Prefix>,
    /// Whether a file of an output folder is stored as soon as its writer says that it is written; else in the end.
    pub upload_on_write: bool,
    /// Where documents are kept until a remote store has them; none is a folder of the system's temporary one.
    pub staging_dir: Option<PathBuf>,
    /// Where documents are kept that no remote store takes; none is `./documents`.
    pub local_dir: Option<PathBuf>,
    /// Proxy for http endpoints.
    pub http_proxy: Option<Secret>,
    /// Proxy for https endpoints.
    pub https_proxy: Option<Secret>,
    /// Hosts reached without a proxy.
    pub no_proxy: Option<String>,
    /// Certificates to trust instead of the system's.
    pub ca_bundle: Option<PathBuf>,
    /// What is logged, for programs that print it: a level, or `target=level,…`.
    pub log: Option<String>,
    /// The form of what is logged, for programs that print it.
    pub log_format: LogFormat,
}

/// What becomes of a write that a remote store does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum OnRemoteError {
    /// It fails.
    #[default]
    Raise,
    /// It waits in the outbox, where the store fails or cannot be reached. What it refuses fails all the same.
    Outbox,
}

/// What stays of writes on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum LocalCopy {
    /// Nothing but what waits.
    #[default]
    None,
    /// A copy of each object that is put, which is read while the store is away.
    Keep,
}

/// Whether writes to a remote store are tried before they are acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum WriteMode {
    /// They are.
    #[default]
    Direct,
    /// They are acknowledged once they are in the outbox. What has a condition, copies and moves are tried all the same.
    Behind,
}

/// The form of what is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum LogFormat {
    /// A line of text for each event.
    #[default]
    Text,
    /// A JSON object on a line for each event.
    Json,
}

impl LogFormat {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("neither text nor json".to_owned()),
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// What is hashed of an object that goes in parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum DigestScope {
    /// Each part: the receipt has the composite of the parts' SHA-256.
    #[default]
    Parts,
    /// The whole besides: the receipt has its SHA-256 too. The bytes are read and hashed twice.
    Whole,
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

impl Settings {
    /// Whether writes to a remote store may wait in the outbox, or leave copies beside it.
    pub fn has_outbox(&self) -> bool {
        self.on_remote_error == OnRemoteError::Outbox
            || self.write == WriteMode::Behind
            || self.local_copy == LocalCopy::Keep
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            store: None,
            default_store: None,
            journal: None,
            index: None,
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
            bandwidth: None,
            request_rate: None,
            multipart_threshold: 8 * MIB,
            part_size: 8 * MIB,
            memory: 64 * MIB,
            presign_expiration: Duration::from_secs(3600),
            url: UrlStrategy::Auto,
            acl: None,
            encryption: None,
            integrity: PayloadIntegrity::Signed,
            digest: DigestScope::Parts,
            fsync: Fsync::Data,
            on_remote_error: OnRemoteError::Raise,
            write: WriteMode::Direct,
            remote_deadline: Duration::from_secs(30),
            outbox_dir: None,
            outbox_max_bytes: 10 << 30,
            outbox_min_free: 1 << 30,
            outbox_allow_volatile: false,
            local_copy: LocalCopy::None,
            roots: BTreeMap::new(),
            upload_on_write: false,
            staging_dir: None,
            local_dir: None,
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            ca_bundle: None,
            log: None,
            log_format: LogFormat::Text,
        }
    }
}

impl Settings {
    /// Reads the environment, the configuration file, and for a bucket AWS's file: see [`Sources::resolve`].
    ///
    /// # Errors
    ///
    /// [`SettingsError`] naming what is at fault. Nothing is connected.
    pub fn from_env() -> Result<Self, SettingsError> {
        Ok(Sources::from_env().resolve()?.settings)
    }

    /// Reads variables and no file. The order of precedence is `HOLDALL_*`, `S3_*`, `AWS_*`.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] naming the variables at fault.
    pub fn from_variables(variables: &Variables) -> Result<Self, SettingsError> {
        Ok(resolve::resolve(&sources::Layers::of_variables(variables))?.settings)
    }
}

#[cfg(test)]
mod tests;
