//! The table of all settings: names, variables, defaults, and how each is read and shown.

use super::parse::flag;
use super::words::*;
use super::{LogFormat, MIB, Settings};
use crate::Secret;
use crate::key::Prefix;
use crate::url::Location;
use std::fmt;
use std::num::NonZeroU64;

/// A setting: what it is called, and what sets it.
///
/// `holdall config`, `docs/CONFIG.md` and `.env.example` are made of these.
pub struct Setting {
    /// Its name, which is its key in the configuration file; in capitals after `HOLDALL_` it is its variable.
    pub name: &'static str,
    /// Its other variables by falling rank; those of one rank must not differ.
    pub variables: &'static [&'static [&'static str]],
    /// What it is when nobody sets it, in words.
    pub default: &'static str,
    /// What it does, in a phrase.
    pub about: &'static str,
    /// Whether its value is never shown.
    pub secret: bool,
    /// Reads a value into what is being put together.
    pub(super) read: fn(&mut Draft, &str) -> Result<(), String>,
    /// Its value as it is in the end; none where it has none.
    pub(super) show: fn(&Settings) -> Option<String>,
}

impl Setting {
    /// Its variable of the first rank.
    pub fn variable(&self) -> String {
        format!("HOLDALL_{}", self.name.to_uppercase())
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setting").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Settings on their way: those that decide together are still apart.
#[derive(Default)]
pub(super) struct Draft {
    pub(super) settings: Settings,
    pub(super) store: Option<Location>,
    pub(super) bucket: Option<String>,
    pub(super) prefix: Prefix,
    pub(super) access_key_id: Option<String>,
    pub(super) secret_access_key: Option<Secret>,
    pub(super) session_token: Option<Secret>,
    pub(super) kms_key_id: Option<String>,
}

/// A row without what most settings do not have.
const fn row(
    name: &'static str,
    variables: &'static [&'static [&'static str]],
    default: &'static str,
    about: &'static str,
    read: fn(&mut Draft, &str) -> Result<(), String>,
    show: fn(&Settings) -> Option<String>,
) -> Setting {
    Setting { name, variables, default, about, secret: false, read, show }
}

const fn secret(setting: Setting) -> Setting {
    Setting { secret: true, ..setting }
}

const HIDDEN: &str = "***";

/// All settings, in the order in which they are shown.
pub static SETTINGS: &[Setting] = &[
    row(
        "store",
        &[],
        "a folder: `$XDG_DATA_HOME/holdall/store`, or `~/.local/share/holdall/store`",
        "`s3://bucket/prefix`, `file:///folder` or `memory://name`; wins over bucket and prefix",
        |draft, v| set(&mut draft.store, Location::parse(v).map(Some).map_err(|e| e.to_string())),
        |s| match &s.store {
            Some(store) => Some(store.to_string()),
            None => Some(format!("file://{}", s.default_store.as_ref()?.display())),
        },
    ),
    row(
        "bucket",
        &[&["S3_BUCKET", "S3_BUCKET_NAME"], &["AWS_S3_BUCKET", "AWS_S3_BUCKET_NAME"]],
        "",
        "the bucket, where no store is set",
        |draft, v| set(&mut draft.bucket, Ok(Some(v.to_owned()))),
        |s| match &s.store {
            Some(Location::S3 { bucket, .. }) => Some(bucket.clone()),
            _ => None,
        },
    ),
    row(
        "prefix",
        &[&["S3_BASE_PREFIX", "S3_KEY_PREFIX"]],
        "",
        "what the keys of the bucket's store begin with",
        |draft, v| set(&mut draft.prefix, Prefix::parse(v.trim_matches('/')).map_err(|e| e.to_string())),
        |s| match &s.store {
            Some(Location::S3 { prefix, .. }) => Some(prefix.to_string()).filter(|prefix| !prefix.is_empty()),
            _ => None,
        },
    ),
    row(
        "endpoint",
        &[&["S3_ENDPOINT_URL"], &["AWS_ENDPOINT_URL_S3"], &["AWS_ENDPOINT_URL"]],
        "AWS's for the region",
        "the service's URL; without a scheme it is https",
        |draft, v| set(&mut draft.settings.endpoint, endpoint(v)),
        |s| s.endpoint.as_ref().map(ToString::to_string),
    ),
    row(
        "public_endpoint",
        &[&["S3_PUBLIC_ENDPOINT_URL"]],
        "the endpoint",
        "what presigned and public URLs are made for",
        |draft, v| set(&mut draft.settings.public_endpoint, endpoint(v)),
        |s| s.public_endpoint.as_ref().map(ToString::to_string),
    ),
    row(
        "public_base_url",
        &[&["S3_PUBLIC_BASE_URL"]],
        "",
        "a CDN's URL, which keys are appended to",
        |draft, v| set(&mut draft.settings.public_base_url, base_url(v)),
        |s| s.public_base_url.clone(),
    ),
    row(
        "region",
        &[&["S3_REGION"], &["AWS_REGION"], &["AWS_DEFAULT_REGION"]],
        "by the endpoint's name, else `us-east-1`, corrected once by what the server answers",
        "the region to sign for",
        |draft, v| set(&mut draft.settings.region, Ok(Some(v.to_owned()))),
        |s| s.region.clone(),
    ),
    row(
        "path_style",
        &[&["S3_FORCE_PATH_STYLE"]],
        "`auto`",
        "`true`: the bucket is in the path of URLs, `false`: in the host; `auto`: in the path for IP addresses, \
         localhost, ports and buckets with dots",
        |draft, v| set(&mut draft.settings.addressing, addressing(v)),
        |s| Some(addressing_text(s.addressing).to_owned()),
    ),
    row(
        "signature",
        &[&["S3_SIGNATURE_VERSION"]],
        "`s3v4`",
        "`s3v4` or `v4`; there is no other",
        |_, v| signature(v),
        |_| Some("s3v4".to_owned()),
    ),
    secret(row(
        "access_key_id",
        &[&["S3_ACCESS_KEY_ID"], &["AWS_ACCESS_KEY_ID"]],
        "AWS's chain",
        "the access key; half of a pair is an error",
        |draft, v| set(&mut draft.access_key_id, Ok(Some(v.to_owned()))),
        |s| s.keys.as_ref().map(|_| HIDDEN.to_owned()),
    )),
    secret(row(
        "secret_access_key",
        &[&["S3_SECRET_ACCESS_KEY"], &["AWS_SECRET_ACCESS_KEY"]],
        "AWS's chain",
        "its secret",
        |draft, v| set(&mut draft.secret_access_key, Ok(Some(Secret::new(v)))),
        |s| s.keys.as_ref().map(|_| HIDDEN.to_owned()),
    )),
    secret(row(
        "session_token",
        &[&["AWS_SESSION_TOKEN"]],
        "",
        "the token of temporary keys; goes only with its own pair",
        |draft, v| set(&mut draft.session_token, Ok(Some(Secret::new(v)))),
        |s| s.keys.as_ref()?.session_token.as_ref().map(|_| HIDDEN.to_owned()),
    )),
    row(
        "no_sign_request",
        &[],
        "`false`",
        "`true` sends requests unsigned, for public buckets",
        |draft, v| set(&mut draft.settings.no_sign_request, flag(v)),
        |s| Some(s.no_sign_request.to_string()),
    ),
    row(
        "aws_profile",
        &[&["AWS_PROFILE"]],
        "`default`",
        "the profile of AWS's files, for its keys, region and endpoint",
        |draft, v| set(&mut draft.settings.profile, Ok(Some(v.to_owned()))),
        |s| s.profile.clone(),
    ),
    row(
        "attempts",
        &[&["S3_MAX_RETRIES"], &["AWS_MAX_ATTEMPTS"]],
        "`5`",
        "how often a request is tried in all",
        |draft, v| set(&mut draft.settings.attempts, number(v, 1, 100).map(|n| n as u32)),
        |s| Some(s.attempts.to_string()),
    ),
    row(
        "connect_timeout",
        &[&["S3_CONNECT_TIMEOUT"]],
        "`10s`",
        "for connecting",
        |draft, v| set(&mut draft.settings.connect_timeout, positive_time(v)),
        |s| Some(time_text(s.connect_timeout)),
    ),
    row(
        "read_timeout",
        &[&["S3_READ_TIMEOUT"]],
        "`60s`",
        "without any progress",
        |draft, v| set(&mut draft.settings.read_timeout, positive_time(v)),
        |s| Some(time_text(s.read_timeout)),
    ),
    row(
        "concurrency",
        &[&["S3_MAX_CONCURRENCY"]],
        "`32`",
        "requests in flight",
        |draft, v| set(&mut draft.settings.concurrency, number(v, 1, 1024).map(|n| n as usize)),
        |s| Some(s.concurrency.to_string()),
    ),
    row(
        "bandwidth",
        &[],
        "no limit",
        "bytes a second of an S3 store, both directions together",
        |draft, v| set(&mut draft.settings.bandwidth, bytes(v, 1, 1024, 1 << 50).map(NonZeroU64::new)),
        |s| s.bandwidth.map(|rate| size_text(rate.get())),
    ),
    row(
        "request_rate",
        &[],
        "no limit",
        "requests a second of an S3 store, every attempt counted",
        |draft, v| set(&mut draft.settings.request_rate, number(v, 1, 1_000_000).map(NonZeroU64::new)),
        |s| s.request_rate.map(|rate| rate.to_string()),
    ),
    row(
        "multipart_threshold",
        &[&["S3_MULTIPART_THRESHOLD_MB"]],
        "`8MiB`",
        "objects of at least this size are sent in parts; a bare number is MiB",
        |draft, v| set(&mut draft.settings.multipart_threshold, bytes(v, MIB, 1, 5 << 30)),
        |s| Some(size_text(s.multipart_threshold)),
    ),
    row(
        "part_size",
        &[],
        "`8MiB`",
        "the size of a part, grown to fit 10,000 parts",
        |draft, v| set(&mut draft.settings.part_size, bytes(v, 1, 5 * MIB, 5 << 30)),
        |s| Some(size_text(s.part_size)),
    ),
    row(
        "memory",
        &[],
        "`64MiB`",
        "bound on the buffers in flight; five eighths of it are for parts",
        |draft, v| set(&mut draft.settings.memory, bytes(v, 1, 16 * MIB, 1 << 50)),
        |s| Some(size_text(s.memory)),
    ),
    row(
        "checksum",
        &[&["AWS_REQUEST_CHECKSUM_CALCULATION"]],
        "`payload`",
        "how the bytes of a put are proved: `payload` (a signed SHA-256), `crc64nvme`, `crc32c`, `sha256`, or `none` \
         (https only)",
        |draft, v| set(&mut draft.settings.integrity, checksum(v)),
        |s| Some(checksum_text(s.integrity).to_owned()),
    ),
    row(
        "digest",
        &[],
        "`parts`",
        "the SHA-256 that the receipt of an object sent in parts has: of its `parts` together, or of the `whole` too, \
         which reads and hashes the bytes twice",
        |draft, v| set(&mut draft.settings.digest, digest(v)),
        |s| Some(digest_text(s.digest).to_owned()),
    ),
    row(
        "fsync",
        &[],
        "`data`",
        "what a folder does before a write is acknowledged: `data` or `none`",
        |draft, v| set(&mut draft.settings.fsync, fsync(v)),
        |s| Some(fsync_text(s.fsync).to_owned()),
    ),
    row(
        "on_remote_error",
        &[],
        "`raise`",
        "what becomes of a write when the remote store fails or is away: `raise` an error, or keep it in the `outbox`",
        |draft, v| set(&mut draft.settings.on_remote_error, on_remote_error(v)),
        |s| Some(on_remote_error_text(s.on_remote_error).to_owned()),
    ),
    row(
        "write",
        &[],
        "`direct`",
        "`direct`, or `behind`: every put and delete is acknowledged once it is in the outbox",
        |draft, v| set(&mut draft.settings.write, write_mode(v)),
        |s| Some(write_mode_text(s.write).to_owned()),
    ),
    row(
        "remote_deadline",
        &[],
        "`30s`",
        "how long the remote store may take nothing before a write goes to the outbox",
        |draft, v| set(&mut draft.settings.remote_deadline, positive_time(v)),
        |s| Some(time_text(s.remote_deadline)),
    ),
    row(
        "outbox_dir",
        &[],
        "`$XDG_STATE_HOME/holdall/outbox`, or `~/.local/state/holdall/outbox`",
        "the outbox's folder, on a disk of this machine",
        |draft, v| set(&mut draft.settings.outbox_dir, folder(v)),
        |s| Some(s.outbox_dir.as_ref()?.display().to_string()),
    ),
    row(
        "outbox_max_bytes",
        &[],
        "`10GiB`",
        "the most that the outbox takes; a write beyond it fails",
        |draft, v| set(&mut draft.settings.outbox_max_bytes, bytes(v, 1, 1 << 20, 1 << 60)),
        |s| Some(size_text(s.outbox_max_bytes)),
    ),
    row(
        "outbox_min_free",
        &[],
        "`1GiB`",
        "what the outbox leaves free on its file system",
        |draft, v| set(&mut draft.settings.outbox_min_free, bytes(v, 1, 0, 1 << 60)),
        |s| Some(size_text(s.outbox_min_free)),
    ),
    row(
        "outbox_allow_volatile",
        &[],
        "`false`",
        "lets the outbox lie in memory (tmpfs), which a restart empties",
        |draft, v| set(&mut draft.settings.outbox_allow_volatile, flag(v)),
        |s| Some(s.outbox_allow_volatile.to_string()),
    ),
    row(
        "local_copy",
        &[],
        "`none`",
        "what stays on this machine of objects that are put to a remote store: `none`, or `keep` a copy in the outbox's \
         folder, which is read while the store is away",
        |draft, v| set(&mut draft.settings.local_copy, local_copy(v)),
        |s| Some(local_copy_text(s.local_copy).to_owned()),
    ),
    row(
        "roots",
        &[],
        "each collection's name",
        "where in the store collections lie, as `documents=planning/,runs=old/runs/`: of `sessions`, `evidence`, \
         `attachments`, `topics`, `documents`, `runs`; an empty one takes the whole store",
        |draft, v| set(&mut draft.settings.roots, roots(v)),
        |s| (!s.roots.is_empty()).then(|| roots_text(&s.roots)),
    ),
    row(
        "upload_on_write",
        &[&["S3_UPLOAD_ON_WRITE"]],
        "`false`",
        "whether a file of a topic is stored as soon as its writer says that it is written; else when the topic is finished",
        |draft, v| set(&mut draft.settings.upload_on_write, flag(v)),
        |s| Some(s.upload_on_write.to_string()),
    ),
    row(
        "staging_dir",
        &[],
        "`holdall-documents-UID` in the system's folder for temporary files",
        "where documents are kept until a remote store has them",
        |draft, v| set(&mut draft.settings.staging_dir, Ok(Some(v.into()))),
        |s| Some(s.staging_dir.as_ref()?.display().to_string()),
    ),
    row(
        "local_dir",
        &[],
        "`documents` in the current folder",
        "where documents are kept that no remote store takes, and those that `staging_dir` has no room for",
        |draft, v| set(&mut draft.settings.local_dir, Ok(Some(v.into()))),
        |s| Some(s.local_dir.as_ref()?.display().to_string()),
    ),
    row(
        "presign_expiration",
        &[&["S3_PRESIGN_EXPIRATION"]],
        "`3600s`",
        "how long presigned URLs live, at most `7d`",
        |draft, v| set(&mut draft.settings.presign_expiration, expiry(v)),
        |s| Some(time_text(s.presign_expiration)),
    ),
    row(
        "url",
        &[],
        "`auto`",
        "which URL an object has: `cdn`, `public`, `presigned`; `auto`: the CDN's where there is a base URL, the public \
         one where the ACL is public, else a presigned one",
        |draft, v| set(&mut draft.settings.url, strategy(v)),
        |s| Some(strategy_text(s.url).to_owned()),
    ),
    row(
        "acl",
        &[],
        "`none`",
        "a canned ACL for every object put, such as `public-read`",
        |draft, v| set(&mut draft.settings.acl, acl(v)),
        |s| Some(s.acl.map_or("none", |acl| acl.as_str()).to_owned()),
    ),
    row(
        "sse",
        &[],
        "`none`",
        "encryption by the server of every object put: `AES256` or `aws:kms`",
        |draft, v| set(&mut draft.settings.encryption, encryption(v)),
        |s| Some(encryption_text(&s.encryption).to_owned()),
    ),
    row(
        "kms_key_id",
        &[&["S3_KMS_KEY_ID"]],
        "",
        "the key service's key for it; sets `sse` to `aws:kms`",
        |draft, v| set(&mut draft.kms_key_id, Ok(Some(v.to_owned()))),
        |s| match &s.encryption {
            Some(crate::Encryption::Kms(key)) => key.clone(),
            _ => None,
        },
    ),
    row(
        "http_proxy",
        &[&["HTTP_PROXY", "http_proxy"]],
        "",
        "the proxy for http endpoints",
        |draft, v| set(&mut draft.settings.http_proxy, Ok(Some(Secret::new(v)))),
        |s| Some(without_password(s.http_proxy.as_ref()?.expose())),
    ),
    row(
        "https_proxy",
        &[&["HTTPS_PROXY", "https_proxy"]],
        "",
        "the proxy for https endpoints",
        |draft, v| set(&mut draft.settings.https_proxy, Ok(Some(Secret::new(v)))),
        |s| Some(without_password(s.https_proxy.as_ref()?.expose())),
    ),
    row(
        "no_proxy",
        &[&["NO_PROXY", "no_proxy"]],
        "",
        "hosts that are reached without a proxy, separated by commas",
        |draft, v| set(&mut draft.settings.no_proxy, Ok(Some(v.to_owned()))),
        |s| s.no_proxy.clone(),
    ),
    row(
        "ca_bundle",
        &[&["AWS_CA_BUNDLE"]],
        "the system's",
        "a file of certificates to trust, in PEM",
        |draft, v| set(&mut draft.settings.ca_bundle, Ok(Some(v.into()))),
        |s| Some(s.ca_bundle.as_ref()?.display().to_string()),
    ),
    row(
        "log",
        &[],
        "`RUST_LOG`, else `warn`",
        "what is logged: `error`, `warn`, `info`, `debug`, `trace`, or `target=level,…`",
        |draft, v| set(&mut draft.settings.log, Ok(Some(v.to_owned()))),
        |s| s.log.clone(),
    ),
    row(
        "log_format",
        &[],
        "`text`",
        "`text`, or `json`: one object a line",
        |draft, v| set(&mut draft.settings.log_format, LogFormat::parse(v)),
        |s| Some(s.log_format.as_str().to_owned()),
    ),
];

/// Whether a key is a setting's.
pub(super) fn setting(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

fn set<T>(place: &mut T, value: Result<T, String>) -> Result<(), String> {
    value.map(|value| *place = value)
}
