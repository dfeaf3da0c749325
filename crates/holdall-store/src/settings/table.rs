//! Which variable sets what, and which wins.

use super::parse::{flag, size, time};
use super::{Fsync, KeyPair, MIB, Settings, SettingsError, checksum};
use crate::key::Prefix;
use crate::url::{Location, UrlStrategy};
use crate::{Acl, Encryption, Secret};
use holdall_s3::{Addressing, Endpoint};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Variables and their values, such as a process's environment. `Debug` shows the names only.
#[derive(Clone, Default)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Takes the process's environment; values that are not UTF-8 are taken as not set.
    pub fn from_env() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        )
    }

    /// Takes these.
    pub fn from_pairs<K: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }

    /// Sets one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// A variable that is set to something.
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|v| v.trim()).filter(|v| !v.is_empty())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// One setting's variables beside `HOLDALL_…`, by falling rank; within a rank they must not differ.
struct Row {
    setting: &'static str,
    ranks: &'static [&'static [&'static str]],
}

const fn row(setting: &'static str, ranks: &'static [&'static [&'static str]]) -> Row {
    Row { setting, ranks }
}

const BUCKET: Row =
    row("bucket", &[&["S3_BUCKET", "S3_BUCKET_NAME"], &["AWS_S3_BUCKET", "AWS_S3_BUCKET_NAME"]]);
const PREFIX: Row = row("prefix", &[&["S3_BASE_PREFIX", "S3_KEY_PREFIX"]]);
const ENDPOINT: Row =
    row("endpoint", &[&["S3_ENDPOINT_URL"], &["AWS_ENDPOINT_URL_S3"], &["AWS_ENDPOINT_URL"]]);
const REGION: Row = row("region", &[&["S3_REGION"], &["AWS_REGION"], &["AWS_DEFAULT_REGION"]]);

impl Row {
    /// The variable that decides and its value.
    fn find<'a>(&self, variables: &'a Variables) -> Result<Option<(String, &'a str)>, SettingsError> {
        let own = format!("HOLDALL_{}", self.setting.to_uppercase());
        if let Some(value) = variables.get(&own) {
            return Ok(Some((own, value)));
        }
        for rank in self.ranks {
            let mut set = rank.iter().filter_map(|name| Some((*name, variables.get(name)?)));
            let Some((name, value)) = set.next() else { continue };
            if let Some((other, _)) = set.find(|(_, other)| *other != value) {
                return Err(SettingsError::Conflict {
                    setting: self.setting,
                    first: name.to_owned(),
                    second: other.to_owned(),
                });
            }
            return Ok(Some((name.to_owned(), value)));
        }
        Ok(None)
    }

    fn read<T>(
        &self,
        variables: &Variables,
        into: &mut T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<(), SettingsError> {
        if let Some((variable, value)) = self.find(variables)? {
            *into = parse(value).map_err(|reason| SettingsError::Invalid { variable, reason })?;
        }
        Ok(())
    }
}

pub(super) fn read(variables: &Variables) -> Result<Settings, SettingsError> {
    let mut s = Settings {
        store: store(variables)?,
        default_store: default_store(variables),
        keys: keys(variables)?,
        ..Settings::default()
    };
    let text = |value: &str| Ok(Some(value.to_owned()));
    let secret = |value: &str| Ok(Some(Secret::new(value)));
    let endpoint = |value: &str| Endpoint::parse(value).map(Some).map_err(|e| e.to_string());
    ENDPOINT.read(variables, &mut s.endpoint, endpoint)?;
    row("public_endpoint", &[&["S3_PUBLIC_ENDPOINT_URL"]]).read(
        variables,
        &mut s.public_endpoint,
        endpoint,
    )?;
    row("public_base_url", &[&["S3_PUBLIC_BASE_URL"]]).read(variables, &mut s.public_base_url, base_url)?;
    REGION.read(variables, &mut s.region, text)?;
    row("path_style", &[&["S3_FORCE_PATH_STYLE"]]).read(variables, &mut s.addressing, addressing)?;
    row("signature", &[&["S3_SIGNATURE_VERSION"]]).read(variables, &mut (), signature)?;
    row("no_sign_request", &[]).read(variables, &mut s.no_sign_request, flag)?;
    row("aws_profile", &[&["AWS_PROFILE"]]).read(variables, &mut s.profile, text)?;
    let attempts = row("attempts", &[&["S3_MAX_RETRIES"], &["AWS_MAX_ATTEMPTS"]]);
    attempts.read(variables, &mut s.attempts, |v| number(v, 1, 100).map(|n| n as u32))?;
    row("connect_timeout", &[&["S3_CONNECT_TIMEOUT"]]).read(
        variables,
        &mut s.connect_timeout,
        positive_time,
    )?;
    row("read_timeout", &[&["S3_READ_TIMEOUT"]]).read(variables, &mut s.read_timeout, positive_time)?;
    let concurrency = row("concurrency", &[&["S3_MAX_CONCURRENCY"]]);
    concurrency.read(variables, &mut s.concurrency, |v| number(v, 1, 1024).map(|n| n as usize))?;
    let threshold = row("multipart_threshold", &[&["S3_MULTIPART_THRESHOLD_MB"]]);
    threshold.read(variables, &mut s.multipart_threshold, |v| between(size(v, MIB)?, 1, 5 << 30))?;
    row("part_size", &[]).read(variables, &mut s.part_size, |v| between(size(v, 1)?, 5 * MIB, 5 << 30))?;
    row("memory", &[]).read(variables, &mut s.memory, |v| between(size(v, 1)?, 16 * MIB, 1 << 50))?;
    row("presign_expiration", &[&["S3_PRESIGN_EXPIRATION"]]).read(
        variables,
        &mut s.presign_expiration,
        expiry,
    )?;
    row("url", &[]).read(variables, &mut s.url, strategy)?;
    row("acl", &[]).read(variables, &mut s.acl, acl)?;
    row("sse", &[]).read(variables, &mut s.encryption, encryption)?;
    row("kms_key_id", &[&["S3_KMS_KEY_ID"]])
        .read(variables, &mut s.encryption, |v| Ok(Some(Encryption::Kms(Some(v.to_owned())))))?;
    row("checksum", &[&["AWS_REQUEST_CHECKSUM_CALCULATION"]])
        .read(variables, &mut s.integrity, |v| checksum(v).ok_or_else(|| "unknown checksum".to_owned()))?;
    row("fsync", &[]).read(variables, &mut s.fsync, fsync)?;
    row("http_proxy", &[&["HTTP_PROXY", "http_proxy"]]).read(variables, &mut s.http_proxy, secret)?;
    row("https_proxy", &[&["HTTPS_PROXY", "https_proxy"]]).read(variables, &mut s.https_proxy, secret)?;
    row("no_proxy", &[&["NO_PROXY", "no_proxy"]]).read(variables, &mut s.no_proxy, text)?;
    row("ca_bundle", &[&["AWS_CA_BUNDLE"]]).read(variables, &mut s.ca_bundle, |v| Ok(Some(v.into())))?;
    Ok(s)
}

fn store(variables: &Variables) -> Result<Option<Location>, SettingsError> {
    let invalid =
        |variable: &str, reason: String| SettingsError::Invalid { variable: variable.to_owned(), reason };
    if let Some(url) = variables.get("HOLDALL_STORE") {
        return Location::parse(url).map(Some).map_err(|e| invalid("HOLDALL_STORE", e.to_string()));
    }
    let prefix = match PREFIX.find(variables)? {
        Some((name, value)) => {
            Prefix::parse(value.trim_matches('/')).map_err(|e| invalid(&name, e.to_string()))?
        }
        None => Prefix::default(),
    };
    match (BUCKET.find(variables)?, ENDPOINT.find(variables)?) {
        (Some((_, bucket)), _) => Ok(Some(Location::S3 { bucket: bucket.to_owned(), prefix })),
        // An endpoint of S3's own says that S3 is meant; AWS_ENDPOINT_URL is for every service of AWS.
        (None, Some((present, _))) if present != "AWS_ENDPOINT_URL" => {
            Err(SettingsError::NoBucket { present, missing: "S3_BUCKET" })
        }
        _ => Ok(None),
    }
}

/// `$XDG_DATA_HOME/holdall/store`. As the XDG base directory specification has it, a relative path is not looked at.
fn default_store(variables: &Variables) -> Option<PathBuf> {
    let absolute = |name: &str| variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("holdall/store"))
}

/// The pair of the highest rank that is set; half of any pair is an error.
fn keys(variables: &Variables) -> Result<Option<KeyPair>, SettingsError> {
    let mut found = None;
    for rank in ["HOLDALL_", "S3_", "AWS_"] {
        let (id_name, secret_name) = (format!("{rank}ACCESS_KEY_ID"), format!("{rank}SECRET_ACCESS_KEY"));
        let (id, secret) = match (variables.get(&id_name), variables.get(&secret_name)) {
            (Some(id), Some(secret)) => (id, secret),
            (Some(_), None) => {
                return Err(SettingsError::HalfPair { present: id_name, missing: secret_name });
            }
            (None, Some(_)) => {
                return Err(SettingsError::HalfPair { present: secret_name, missing: id_name });
            }
            (None, None) => continue,
        };
        let token = if rank == "S3_" { None } else { variables.get(&format!("{rank}SESSION_TOKEN")) };
        found.get_or_insert_with(|| KeyPair {
            access_key_id: id.to_owned(),
            secret_access_key: Secret::new(secret),
            session_token: token.map(Secret::new),
        });
    }
    Ok(found)
}

fn base_url(value: &str) -> Result<Option<String>, String> {
    Endpoint::parse(value).map_err(|e| e.to_string())?;
    if !value.contains("://") {
        return Ok(Some(format!("https://{}", value.trim_end_matches('/'))));
    }
    Ok(Some(value.trim_end_matches('/').to_owned()))
}

fn addressing(value: &str) -> Result<Addressing, String> {
    match value {
        "auto" => Ok(Addressing::Auto),
        _ => Ok(if flag(value)? { Addressing::Path } else { Addressing::VirtualHost }),
    }
}

fn fsync(value: &str) -> Result<Fsync, String> {
    match value {
        "data" => Ok(Fsync::Data),
        "none" => Ok(Fsync::None),
        _ => Err("must be data or none".to_owned()),
    }
}

fn signature(value: &str) -> Result<(), String> {
    match value {
        "s3v4" | "v4" => Ok(()),
        _ => Err("only s3v4 (or v4) is spoken".to_owned()),
    }
}

fn number(value: &str, least: u64, most: u64) -> Result<u64, String> {
    between(value.parse().map_err(|_| "not a whole number".to_owned())?, least, most)
}

fn between(value: u64, least: u64, most: u64) -> Result<u64, String> {
    if (least..=most).contains(&value) { Ok(value) } else { Err(format!("must be from {least} to {most}")) }
}

fn positive_time(value: &str) -> Result<std::time::Duration, String> {
    time(value).and_then(|t| if t.is_zero() { Err("must be more than nothing".to_owned()) } else { Ok(t) })
}

fn expiry(value: &str) -> Result<std::time::Duration, String> {
    let asked = time(value)?;
    if (1..=604_800).contains(&asked.as_secs()) {
        Ok(asked)
    } else {
        Err("must be 1 second to 7 days".to_owned())
    }
}

fn strategy(value: &str) -> Result<UrlStrategy, String> {
    Ok(match value {
        "auto" => UrlStrategy::Auto,
        "cdn" => UrlStrategy::Cdn,
        "public" => UrlStrategy::Public,
        "presigned" => UrlStrategy::Presigned,
        _ => return Err("none of auto, cdn, public, presigned".to_owned()),
    })
}

fn acl(value: &str) -> Result<Option<Acl>, String> {
    match value {
        "none" => Ok(None),
        _ => Acl::parse(value)
            .map(Some)
            .ok_or_else(|| "not a canned ACL such as private or public-read".to_owned()),
    }
}

fn encryption(value: &str) -> Result<Option<Encryption>, String> {
    Ok(match value {
        "none" => None,
        "AES256" | "s3" => Some(Encryption::S3),
        "aws:kms" | "kms" => Some(Encryption::Kms(None)),
        _ => return Err("none of AES256, aws:kms, none".to_owned()),
    })
}

#[cfg(test)]
mod tests;
