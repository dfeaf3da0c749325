//! Reads the values of settings, and writes them as they would be read.

use super::parse::{flag, parse_time, size};
use super::{DigestScope, Fsync, LocalCopy, OnRemoteError, WriteMode};
use crate::key::Prefix;
use crate::url::UrlStrategy;
use crate::{Acl, Encryption};
use holdall_s3::{Addressing, ChecksumAlgorithm, Endpoint, PayloadIntegrity};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub(super) fn endpoint(value: &str) -> Result<Option<Endpoint>, String> {
    Endpoint::parse(value).map(Some).map_err(|e| e.to_string())
}

pub(super) fn base_url(value: &str) -> Result<Option<String>, String> {
    Endpoint::parse(value).map_err(|e| e.to_string())?;
    if !value.contains("://") {
        return Ok(Some(format!("https://{}", value.trim_end_matches('/'))));
    }
    Ok(Some(value.trim_end_matches('/').to_owned()))
}

pub(super) fn addressing(value: &str) -> Result<Addressing, String> {
    match value {
        "auto" => Ok(Addressing::Auto),
        _ => match flag(value).map_err(|_| "none of true, false, auto")? {
            true => Ok(Addressing::Path),
            false => Ok(Addressing::VirtualHost),
        },
    }
}

pub(super) fn addressing_text(addressing: Addressing) -> &'static str {
    match addressing {
        Addressing::Auto => "auto",
        Addressing::Path => "true",
        Addressing::VirtualHost => "false",
    }
}

pub(super) fn digest(value: &str) -> Result<DigestScope, String> {
    match value {
        "parts" => Ok(DigestScope::Parts),
        "whole" => Ok(DigestScope::Whole),
        _ => Err("neither parts nor whole".to_owned()),
    }
}

pub(super) fn digest_text(digest: DigestScope) -> &'static str {
    match digest {
        DigestScope::Parts => "parts",
        DigestScope::Whole => "whole",
    }
}

pub(super) fn fsync(value: &str) -> Result<Fsync, String> {
    match value {
        "data" => Ok(Fsync::Data),
        "none" => Ok(Fsync::None),
        _ => Err("must be data or none".to_owned()),
    }
}

pub(super) fn fsync_text(fsync: Fsync) -> &'static str {
    match fsync {
        Fsync::Data => "data",
        Fsync::None => "none",
    }
}

pub(super) fn on_remote_error(value: &str) -> Result<OnRemoteError, String> {
    match value {
        "raise" => Ok(OnRemoteError::Raise),
        "outbox" => Ok(OnRemoteError::Outbox),
        _ => Err("neither raise nor outbox".to_owned()),
    }
}

pub(super) fn on_remote_error_text(value: OnRemoteError) -> &'static str {
    match value {
        OnRemoteError::Raise => "raise",
        OnRemoteError::Outbox => "outbox",
    }
}

pub(super) fn local_copy(value: &str) -> Result<LocalCopy, String> {
    match value {
        "none" => Ok(LocalCopy::None),
        "keep" => Ok(LocalCopy::Keep),
        _ => Err("neither none nor keep".to_owned()),
    }
}

pub(super) fn local_copy_text(value: LocalCopy) -> &'static str {
    match value {
        LocalCopy::None => "none",
        LocalCopy::Keep => "keep",
    }
}

/// Names and prefixes. Which names there are, whoever keeps collections knows.
pub(super) fn roots(value: &str) -> Result<BTreeMap<String, Prefix>, String> {
    let mut roots = BTreeMap::new();
    for pair in value.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, root) = pair.split_once('=').ok_or("must be NAME=PREFIX, separated by commas")?;
        let root = root.trim_matches('/');
        let root = if root.is_empty() { String::new() } else { format!("{root}/") };
        let root = Prefix::parse(&root).map_err(|e| e.to_string())?;
        if roots.insert(name.to_owned(), root).is_some() {
            return Err(format!("names {name} twice"));
        }
    }
    Ok(roots)
}

pub(super) fn roots_text(roots: &BTreeMap<String, Prefix>) -> String {
    let pairs: Vec<String> = roots.iter().map(|(name, root)| format!("{name}={root}")).collect();
    pairs.join(",")
}

pub(super) fn write_mode(value: &str) -> Result<WriteMode, String> {
    match value {
        "direct" => Ok(WriteMode::Direct),
        "behind" => Ok(WriteMode::Behind),
        _ => Err("neither direct nor behind".to_owned()),
    }
}

pub(super) fn write_mode_text(value: WriteMode) -> &'static str {
    match value {
        WriteMode::Direct => "direct",
        WriteMode::Behind => "behind",
    }
}

/// A folder, which every process must take for the same one.
pub(super) fn folder(value: &str) -> Result<Option<PathBuf>, String> {
    let path = PathBuf::from(value);
    if path.is_absolute() { Ok(Some(path)) } else { Err("must be an absolute path".to_owned()) }
}

pub(super) fn signature(value: &str) -> Result<(), String> {
    match value {
        "s3v4" | "v4" => Ok(()),
        _ => Err("only s3v4 (or v4) is spoken".to_owned()),
    }
}

pub(super) fn number(value: &str, least: u64, most: u64) -> Result<u64, String> {
    between(value.parse().map_err(|_| "not a whole number".to_owned())?, least, most)
}

/// A size within bounds; a bare number counts `unit` bytes.
pub(super) fn bytes(value: &str, unit: u64, least: u64, most: u64) -> Result<u64, String> {
    let size = size(value, unit)?;
    if (least..=most).contains(&size) {
        return Ok(size);
    }
    Err(format!("must be from {} to {}", size_text(least), size_text(most)))
}

pub(super) fn between(value: u64, least: u64, most: u64) -> Result<u64, String> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(format!("must be from {least} to {most}")) }
}

/// A size in the largest unit that says it exactly.
pub(super) fn size_text(bytes: u64) -> String {
    let units = [(1 << 40, "TiB"), (1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let exact = units.iter().find(|(unit, _)| bytes >= *unit && bytes.is_multiple_of(*unit));
    exact.map_or_else(|| bytes.to_string(), |(unit, name)| format!("{}{name}", bytes / unit))
}

pub(super) fn positive_time(value: &str) -> Result<Duration, String> {
    parse_time(value)
        .and_then(|t| if t.is_zero() { Err("must be more than nothing".to_owned()) } else { Ok(t) })
}

pub(super) fn expiry(value: &str) -> Result<Duration, String> {
    let asked = parse_time(value)?;
    if (1..=604_800).contains(&asked.as_secs()) {
        Ok(asked)
    } else {
        Err("must be 1 second to 7 days".to_owned())
    }
}

pub(super) fn time_text(time: Duration) -> String {
    format!("{}s", time.as_secs_f64())
}

pub(super) fn strategy(value: &str) -> Result<UrlStrategy, String> {
    Ok(match value {
        "auto" => UrlStrategy::Auto,
        "cdn" => UrlStrategy::Cdn,
        "public" => UrlStrategy::Public,
        "presigned" => UrlStrategy::Presigned,
        _ => return Err("none of auto, cdn, public, presigned".to_owned()),
    })
}

pub(super) fn strategy_text(strategy: UrlStrategy) -> &'static str {
    match strategy {
        UrlStrategy::Auto => "auto",
        UrlStrategy::Cdn => "cdn",
        UrlStrategy::Public => "public",
        UrlStrategy::Presigned => "presigned",
    }
}

pub(super) fn acl(value: &str) -> Result<Option<Acl>, String> {
    match value {
        "none" => Ok(None),
        _ => Acl::parse(value)
            .map(Some)
            .ok_or_else(|| "not a canned ACL such as private or public-read".to_owned()),
    }
}

pub(super) fn encryption(value: &str) -> Result<Option<Encryption>, String> {
    Ok(match value {
        "none" => None,
        "AES256" | "s3" => Some(Encryption::S3),
        "aws:kms" | "kms" => Some(Encryption::Kms(None)),
        _ => return Err("none of AES256, aws:kms, none".to_owned()),
    })
}

pub(super) fn encryption_text(encryption: &Option<Encryption>) -> &'static str {
    match encryption {
        None => "none",
        Some(Encryption::S3) => "AES256",
        Some(Encryption::Kms(_)) => "aws:kms",
        Some(Encryption::Customer(_)) => "by a key of the caller's",
    }
}

pub(super) fn checksum(text: &str) -> Result<PayloadIntegrity, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        // What AWS's own variable says about optional checksums does not weaken the signed payload.
        "payload" | "when_supported" | "when_required" => PayloadIntegrity::Signed,
        "crc64nvme" => PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc64Nvme),
        "crc32c" => PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc32c),
        "sha256" => PayloadIntegrity::Checksum(ChecksumAlgorithm::Sha256),
        "none" => PayloadIntegrity::Unsigned,
        _ => return Err("none of payload, crc64nvme, crc32c, sha256, none".to_owned()),
    })
}

pub(super) fn checksum_text(integrity: PayloadIntegrity) -> &'static str {
    match integrity {
        PayloadIntegrity::Signed => "payload",
        PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc64Nvme) => "crc64nvme",
        PayloadIntegrity::Checksum(ChecksumAlgorithm::Crc32c) => "crc32c",
        PayloadIntegrity::Checksum(_) => "sha256",
        PayloadIntegrity::Unsigned => "none",
    }
}

/// A URL without the user and password in it.
pub(super) fn without_password(url: &str) -> String {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    match url.rfind('@') {
        Some(at) if at >= scheme => format!("{}***{}", &url[..scheme], &url[at..]),
        Some(_) => "***".to_owned(),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_written_as_they_are_read() {
        for (bytes, text) in [(8 << 20, "8MiB"), (5 << 30, "5GiB"), (1000, "1000"), (0, "0"), (1536, "1536")]
        {
            assert_eq!(size_text(bytes), text);
            assert_eq!(size(text, 1), Ok(bytes));
        }
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let table = [
            ("http://proxy:3128", "http://proxy:3128"),
            ("http://u:p@proxy:3128", "http://***@proxy:3128"),
            ("http://u:p@ss@proxy", "http://***@proxy"),
            ("u:p@proxy", "***@proxy"),
        ];
        for (url, shown) in table {
            assert_eq!(without_password(url), shown);
        }
    }
}
