//! What a server can do is known, never assumed.
//!
//! S3-compatible servers take headers that they do not understand and answer with a success. So before holdall relies
//! on a condition, an encryption, an ACL, tags or an underscore in the name of metadata, it tries them on a throw-away
//! object below `.holdall/probe/`, and it finds out whether signed payloads are checked. What was found is kept for a
//! week, per endpoint and bucket, in the cache folder (`$XDG_CACHE_HOME/holdall/probes`); AWS's own behaviour is
//! documented and needs no probe.

mod cache;
mod probe;

use crate::Encryption;
use crate::error::{Error, ErrorKind, Result};
use cache::Cache;
use holdall_s3::{Client, PayloadIntegrity};
pub(crate) use probe::remove_whole;
pub(super) use probe::{PROBES, bare};
use std::collections::{BTreeMap, BTreeSet};
use tokio::sync::Mutex;

/// Something that a server may be unable to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ability {
    /// `If-None-Match: *` on PutObject lets exactly one of many racers win.
    CreateOnly,
    /// `If-Match` on PutObject is honoured, and lets exactly one of many racers win.
    IfMatch,
    /// The same, where the `ETag` is given without its quotes: Ceph compares it so.
    IfMatchBare,
    /// `If-None-Match: *` on CompleteMultipartUpload lets exactly one of many racers win.
    CompleteCreateOnly,
    /// `If-Match` on CompleteMultipartUpload lets exactly one of many racers win.
    CompleteIfMatch,
    /// `If-None-Match: *` on CopyObject lets exactly one of many racers win.
    CopyCreateOnly,
    /// `If-Match` on DeleteObject is honoured.
    DeleteIfMatch,
    /// A payload that does not have its signed SHA-256 is refused.
    PayloadCheck,
    /// Encryption by the storage's own keys.
    SseS3,
    /// Encryption by a key management service, with this key or the default one.
    SseKms(Option<String>),
    /// Encryption by a customer's key.
    SseCustomer,
    /// The same of what is copied; Ceph 16 copies without.
    CopyEncryption(Encryption),
    /// Canned ACLs.
    Acl,
    /// Tags given with a put.
    Tags,
    /// Tags given when an upload in parts begins; Ceph drops them.
    UploadTags,
    /// Tags of an object that is there are replaced.
    SetTags,
    /// Tags of an object that is there are removed.
    ClearTags,
    /// Tags that a copy keeps when metadata is replaced, and that are replaced when they are to be; Ceph does neither.
    CopyTags,
    /// Metadata whose name has an underscore; Ceph makes it a dash.
    UnderscoreNames,
    /// The same beside metadata with a dash in its place; moto drops the one with the underscore.
    UnderscoreTwins,
}

impl Ability {
    pub(super) fn of_encryption(encryption: &Encryption) -> Self {
        match encryption {
            Encryption::S3 => Self::SseS3,
            Encryption::Kms(key) => Self::SseKms(key.clone()),
            Encryption::Customer(_) => Self::SseCustomer,
        }
    }

    /// What metadata of these names needs.
    pub(super) fn of_metadata(metadata: &BTreeMap<String, String>) -> Vec<Self> {
        if !metadata.keys().any(|name| name.contains('_')) {
            return Vec::new();
        }
        let dashed: BTreeSet<String> = metadata.keys().map(|name| name.replace('_', "-")).collect();
        if dashed.len() == metadata.len() {
            return vec![Self::UnderscoreNames];
        }
        vec![Self::UnderscoreNames, Self::UnderscoreTwins]
    }

    /// Its name in the cache.
    fn name(&self) -> String {
        match self {
            Self::CreateOnly => "create_only",
            Self::IfMatch => "if_match",
            Self::IfMatchBare => "if_match_bare",
            Self::CompleteCreateOnly => "complete_create_only",
            Self::CompleteIfMatch => "complete_if_match",
            Self::CopyCreateOnly => "copy_create_only",
            Self::DeleteIfMatch => "delete_if_match",
            Self::PayloadCheck => "payload_check",
            Self::SseS3 => "sse_s3",
            Self::SseKms(None) => "sse_kms",
            Self::SseKms(Some(key)) => return format!("sse_kms:{}", crate::sha256(key.as_bytes())),
            Self::SseCustomer => "sse_customer",
            Self::CopyEncryption(encryption) => {
                return format!("copy_{}", Self::of_encryption(encryption).name());
            }
            Self::Acl => "acl",
            Self::Tags => "tags",
            Self::UploadTags => "upload_tags",
            Self::SetTags => "set_tags",
            Self::ClearTags => "clear_tags",
            Self::CopyTags => "copy_tags",
            Self::UnderscoreNames => "underscore_names",
            Self::UnderscoreTwins => "underscore_twins",
        }
        .to_owned()
    }

    /// What a caller is told who asked for it in vain.
    fn lacking(&self) -> &'static str {
        match self {
            Self::CreateOnly => "the server does not decide atomically whether an object is new",
            Self::IfMatch | Self::IfMatchBare => {
                "the server does not replace an object only if it is the expected one"
            }
            Self::CompleteCreateOnly | Self::CompleteIfMatch => {
                "the server does not honour a condition on an object sent in parts"
            }
            Self::CopyCreateOnly => "the server does not decide atomically whether a copy is new",
            Self::DeleteIfMatch => "the server does not delete an object only if it is the expected one",
            Self::PayloadCheck => "the server does not check payloads",
            Self::SseS3 | Self::SseKms(_) | Self::SseCustomer => {
                "the server does not confirm the encryption asked for"
            }
            Self::CopyEncryption(_) => "the server copies without the encryption asked for",
            Self::Acl => "the server does not apply the access control list asked for",
            Self::Tags => "the server does not keep tags given with a put",
            Self::UploadTags => "the server drops the tags of an object sent in parts",
            Self::SetTags | Self::ClearTags => {
                "the server does not change the tags of an object that is there"
            }
            Self::CopyTags => "the server does not keep or replace tags when it copies",
            Self::UnderscoreNames => "the server does not keep metadata names with an underscore",
            Self::UnderscoreTwins => "the server does not tell an underscore from a dash in metadata names",
        }
    }

    /// What such a caller can do, where it is more than to do without.
    fn hint(&self) -> Option<&'static str> {
        matches!(self, Self::UnderscoreNames | Self::UnderscoreTwins)
            .then_some("use dashes in metadata names and no underscores")
    }
}

/// What is known of one endpoint and bucket.
#[derive(Debug)]
pub(super) struct Abilities {
    root: String,
    aws: bool,
    integrity: PayloadIntegrity,
    known: Mutex<Option<BTreeMap<String, bool>>>,
    payload: tokio::sync::OnceCell<bool>,
    cache: Cache,
}

impl Abilities {
    pub(super) fn new(client: &Client, root: &str) -> Self {
        let base = client.base_url();
        let loopback = client.config().endpoint.as_ref().is_some_and(holdall_s3::Endpoint::is_loopback);
        let host = client.config().endpoint.as_ref().map(holdall_s3::Endpoint::host);
        Self {
            root: root.to_owned(),
            aws: host.is_none_or(holdall_s3::is_aws_host),
            integrity: client.config().integrity,
            known: Mutex::new(None),
            payload: tokio::sync::OnceCell::new(),
            cache: Cache::of(&base, loopback),
        }
    }

    /// Goes on only if the server can do it.
    ///
    /// # Errors
    ///
    /// `Unsupported` when it cannot; whatever kept it from being tried.
    pub(super) async fn demand(&self, client: &Client, ability: Ability) -> Result<()> {
        if self.has(client, &ability).await? {
            return Ok(());
        }
        let error =
            Error::new(ErrorKind::Unsupported, ability.lacking()).with_fact("store", client.base_url());
        Err(match ability.hint() {
            Some(hint) => error.with_hint(hint),
            None => error,
        })
    }

    /// Whether a signed payload is proved by a success. When the question could not be settled, it is not.
    pub(super) async fn verified(&self, client: &Client) -> bool {
        if self.integrity != PayloadIntegrity::Signed {
            return false;
        }
        let asked = self.payload.get_or_try_init(|| self.has(client, &Ability::PayloadCheck)).await;
        asked.copied().unwrap_or_else(|error| {
            tracing::debug!(%error, "whether payloads are checked could not be found out this time");
            false
        })
    }

    /// Finds all out anew from now on, in other processes too.
    pub(super) async fn forget(&self) {
        let mut known = self.known.lock().await;
        let nothing = known.insert(BTreeMap::new());
        self.cache.store(nothing);
    }

    pub(super) async fn has(&self, client: &Client, ability: &Ability) -> Result<bool> {
        if self.aws && *ability != Ability::Acl {
            return Ok(true);
        }
        let mut known = self.known.lock().await;
        let table = known.get_or_insert_with(|| self.cache.load());
        if let Some(found) = table.get(&ability.name()) {
            return Ok(*found);
        }
        self.probe(client, ability, table).await
    }

    /// Tries it now, whatever was found before: a bucket's configuration may have changed since.
    pub(super) async fn has_now(&self, client: &Client, ability: &Ability) -> Result<bool> {
        if self.aws {
            return self.has(client, ability).await;
        }
        let mut known = self.known.lock().await;
        let table = known.get_or_insert_with(|| self.cache.load());
        self.probe(client, ability, table).await
    }

    async fn probe(
        &self,
        client: &Client,
        ability: &Ability,
        table: &mut BTreeMap<String, bool>,
    ) -> Result<bool> {
        let found = Box::pin(probe::probe(client, &self.root, ability)).await?;
        tracing::debug!(?ability, found, "probed the server");
        table.insert(ability.name(), found);
        self.cache.store(table);
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_underscores_are_tried() {
        use Ability::{UnderscoreNames as Names, UnderscoreTwins as Twins};
        let table: [(&[&str], &[Ability]); 6] = [
            (&[], &[]),
            (&["a-b", "c"], &[]),
            (&["a_b"], &[Names]),
            (&["a_b", "c_d", "a-c"], &[Names]),
            (&["a-b", "a_b"], &[Names, Twins]),
            (&["a_b-c", "a-b_c"], &[Names, Twins]),
        ];
        for (names, wanted) in table {
            let metadata = names.iter().map(|name| (name.to_string(), String::new())).collect();
            assert_eq!(Ability::of_metadata(&metadata), wanted, "{names:?}");
        }
    }
}
