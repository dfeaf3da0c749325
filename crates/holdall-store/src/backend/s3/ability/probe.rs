//! Tries a server on a throw-away object.

use super::Ability;
use crate::error::Result;
use crate::key::Key;
use crate::{Acl, Encryption, Payload, WriteCondition};
use futures_util::future::join_all;
use holdall_s3::{
    Client, CompletedPart, CopyOptions, CopySource, DeleteOptions, Error as WireError, ErrorKind as WireKind,
    GetOptions, MetadataDirective, PutOptions,
};

/// As many racers find a racy server with near certainty: the least racy one seen lets one to six of sixteen win.
const RACERS: usize = 16;
const ROUNDS: usize = 8;

/// Where throw-away objects are, below what is holdall's own.
pub(in crate::backend::s3) const PROBES: &str = "probe/";

type Wire<T> = std::result::Result<T, WireError>;

/// Finds out whether the server has an ability. Nothing stays behind unless deleting is forbidden.
pub(super) async fn probe(client: &Client, root: &str, ability: &Ability) -> Result<bool> {
    let random = (client.config().seams.random)();
    let key = format!("{root}{}", Key::reserved(&format!("{PROBES}{random:032x}")));
    let found = match ability {
        Ability::CreateOnly => create_only(client, &key, Way::Whole).await,
        Ability::CompleteCreateOnly => create_only(client, &key, Way::Parts).await,
        Ability::IfMatch => if_match(client, &key, Way::Whole, |etag| etag).await,
        Ability::IfMatchBare => if_match(client, &key, Way::Whole, bare).await,
        Ability::CompleteIfMatch => if_match(client, &key, Way::Parts, |etag| etag).await,
        Ability::CopyCreateOnly => create_only(client, &key, Way::Copy).await,
        Ability::DeleteIfMatch => delete_if_match(client, &key).await,
        Ability::PayloadCheck => client.probe_payload_check(&key).await,
        Ability::SseS3 => encrypts(client, &key, Encryption::S3).await,
        Ability::SseKms(id) => encrypts(client, &key, Encryption::Kms(id.clone())).await,
        Ability::SseCustomer => encrypts(client, &key, Encryption::customer([7; 32])).await,
        Ability::CopyEncryption(how) => copy_encrypts(client, &key, how.clone()).await,
        Ability::Acl => applies_acl(client, &key).await,
        Ability::Tags => keeps_tags(client, &key).await,
        Ability::UploadTags => upload_keeps_tags(client, &key).await,
        Ability::SetTags => sets_tags(client, &key).await,
        Ability::ClearTags => clears_tags(client, &key).await,
        Ability::CopyTags => copy_minds_tags(client, &key).await,
        Ability::UnderscoreNames => keeps_metadata(client, &key, &["a_b"]).await,
        Ability::UnderscoreTwins => keeps_metadata(client, &key, &["a_b", "a-b"]).await,
    };
    remove(client, &key).await;
    Ok(found?)
}

async fn remove(client: &Client, key: &str) {
    match remove_whole(client, key).await {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), WireKind::BucketNotFound | WireKind::Credentials) => {}
        Err(error) => tracing::warn!(key, %error, "the object of a probe could not be deleted"),
    }
}

/// Deletes an object, and for good where the bucket keeps versions: it has no part in anybody's history. A delete marker
/// stays only where versions may not be listed or deleted.
pub(crate) async fn remove_whole(client: &Client, key: &str) -> Wire<()> {
    let answer = client.delete(key, &DeleteOptions::default()).await?;
    if !answer.marker && answer.version.is_none() {
        return Ok(());
    }
    match remove_versions(client, key).await {
        Err(error) if error.kind() == WireKind::PermissionDenied => Ok(()),
        other => other,
    }
}

async fn remove_versions(client: &Client, key: &str) -> Wire<()> {
    let mut after = None;
    loop {
        let page = client.list_versions(key, after.as_ref()).await?;
        for entry in page.versions.into_iter().filter(|entry| entry.key == key) {
            let version = Some(entry.version);
            client.delete(key, &DeleteOptions { version, ..DeleteOptions::default() }).await?;
        }
        after = page.next;
        if after.is_none() {
            return Ok(());
        }
    }
}

async fn put(client: &Client, key: &str, bytes: Vec<u8>, options: &PutOptions) -> Wire<String> {
    client.put(key, Payload::from(bytes), options).await.map(|answer| answer.etag)
}

/// How an object is written under a condition.
#[derive(Clone, Copy)]
enum Way {
    Whole,
    Parts,
    /// From an object beside it.
    Copy,
}

fn source_of(key: &str) -> String {
    format!("{key}-source")
}

async fn write(
    client: &Client,
    key: &str,
    bytes: Vec<u8>,
    condition: &WriteCondition,
    way: Way,
) -> Wire<String> {
    match way {
        Way::Whole => {
            let options = PutOptions { condition: condition.clone(), ..PutOptions::default() };
            put(client, key, bytes, &options).await
        }
        Way::Copy => {
            let source = source_of(key);
            put(client, &source, bytes, &PutOptions::default()).await?;
            let options = PutOptions { condition: condition.clone(), ..PutOptions::default() };
            let options = CopyOptions { put: options, ..CopyOptions::default() };
            client.copy(&CopySource::new(&source), key, &options).await.map(|answer| answer.etag)
        }
        Way::Parts => {
            let upload = client.create_upload(key, &PutOptions::default()).await?;
            let part = client.upload_part(&upload, 1, Payload::from(bytes)).await?;
            let parts = [CompletedPart { number: 1, etag: part.etag, checksum: part.checksum }];
            let done = client.complete_upload(&upload, &parts, condition).await;
            if done.is_err() {
                client.abort_upload(&upload).await?;
            }
            done.map(|answer| answer.etag)
        }
    }
}

/// Whether a put was refused because of its condition; other faults are the probe's own.
fn refused(result: Wire<String>) -> Wire<bool> {
    match result {
        Ok(_) => Ok(false),
        Err(error) => match error.kind() {
            WireKind::Precondition | WireKind::Conflict => Ok(true),
            WireKind::Unsupported | WireKind::InvalidInput => Ok(false),
            _ => Err(error),
        },
    }
}

/// Whether exactly one of the racers wins when each writes other bytes under one condition. None where nobody is known to
/// have won, and somebody may have: his answer was lost, and he was refused when he asked again.
async fn one_wins(client: &Client, key: &str, condition: &WriteCondition, way: Way) -> Wire<Option<bool>> {
    let racers = (0..RACERS).map(|n| write(client, key, vec![n as u8; n + 1], condition, way));
    let (mut won, mut in_doubt) = (0, false);
    for result in join_all(racers).await {
        in_doubt |= result.as_ref().is_err_and(WireError::is_ambiguous);
        won += usize::from(!refused(result)?);
    }
    Ok(if won == 0 && in_doubt { None } else { Some(won == 1) })
}

async fn create_only(client: &Client, key: &str, way: Way) -> Wire<bool> {
    for round in 0..ROUNDS {
        let key = format!("{key}-{round}");
        let won = one_wins(client, &key, &WriteCondition::Absent, way).await;
        let again = refused(write(client, &key, vec![0], &WriteCondition::Absent, way).await);
        remove(client, &key).await;
        if matches!(way, Way::Copy) {
            remove(client, &source_of(&key)).await;
        }
        if won? == Some(false) || !again? {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn if_match(client: &Client, key: &str, way: Way, form: fn(String) -> String) -> Wire<bool> {
    let wrong = WriteCondition::Matches(form("\"00000000000000000000000000000000\"".to_owned()));
    for _ in 0..ROUNDS {
        let etag = put(client, key, vec![0xff; 3], &PutOptions::default()).await?;
        if !refused(write(client, key, vec![0], &wrong, way).await)? {
            return Ok(false);
        }
        if one_wins(client, key, &WriteCondition::Matches(form(etag)), way).await? == Some(false) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a delete is refused for another object than the one that is there, and done for that one.
async fn delete_if_match(client: &Client, key: &str) -> Wire<bool> {
    let etag = put(client, key, Vec::new(), &PutOptions::default()).await?;
    let delete = async |etag: String| {
        let options = DeleteOptions { if_match: Some(etag), ..DeleteOptions::default() };
        refused(client.delete(key, &options).await.map(|_| String::new()))
    };
    let is_there = async || match client.head(key, &GetOptions::default()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == WireKind::NotFound => Ok(false),
        Err(error) => Err(error),
    };
    let kept = delete("\"00000000000000000000000000000000\"".to_owned()).await? && is_there().await?;
    Ok(kept && !delete(etag).await? && !is_there().await?)
}

/// An `ETag` without its quotes.
pub(in crate::backend::s3) fn bare(etag: String) -> String {
    etag.trim_matches('"').to_owned()
}

/// The wire itself refuses an answer without the confirmation.
async fn encrypts(client: &Client, key: &str, encryption: Encryption) -> Wire<bool> {
    let options = PutOptions { encryption: Some(encryption), ..PutOptions::default() };
    match put(client, key, Vec::new(), &options).await {
        Ok(_) => Ok(true),
        Err(error) => unable(error),
    }
}

/// The source lies open beside it.
async fn copy_encrypts(client: &Client, key: &str, encryption: Encryption) -> Wire<bool> {
    let source = source_of(key);
    put(client, &source, Vec::new(), &PutOptions::default()).await?;
    let encrypted = PutOptions { encryption: Some(encryption), ..PutOptions::default() };
    let options = CopyOptions { put: encrypted, ..CopyOptions::default() };
    let copied = client.copy(&CopySource::new(&source), key, &options).await;
    remove(client, &source).await;
    copied.map_or_else(unable, |_| Ok(true))
}

/// Puts and reads back; without the right to read it back the server's word has to do.
async fn applies_acl(client: &Client, key: &str) -> Wire<bool> {
    let options = PutOptions { acl: Some(Acl::PublicRead), ..PutOptions::default() };
    put(client, key, Vec::new(), &options).await?;
    taken_at_its_word(client.is_public_by_acl(key).await)
}

fn tagged(value: &str) -> PutOptions {
    PutOptions { tags: vec![("probe".to_owned(), value.to_owned())], ..PutOptions::default() }
}

async fn has_tag(client: &Client, key: &str, value: &str) -> Wire<bool> {
    has_tags(client, key, tagged(value).tags).await
}

async fn has_tags(client: &Client, key: &str, tags: Vec<(String, String)>) -> Wire<bool> {
    taken_at_its_word(client.object_tags(key).await.map(|found| found == tags))
}

async fn keeps_tags(client: &Client, key: &str) -> Wire<bool> {
    put(client, key, Vec::new(), &tagged("1")).await?;
    has_tag(client, key, "1").await
}

async fn upload_keeps_tags(client: &Client, key: &str) -> Wire<bool> {
    let upload = client.create_upload(key, &tagged("1")).await?;
    let part = client.upload_part(&upload, 1, Payload::from(vec![0])).await?;
    let parts = [CompletedPart { number: 1, etag: part.etag, checksum: part.checksum }];
    client.complete_upload(&upload, &parts, &WriteCondition::Always).await?;
    has_tag(client, key, "1").await
}

/// A server that does not know the query takes the tags for the bytes of the object.
async fn sets_tags(client: &Client, key: &str) -> Wire<bool> {
    put(client, key, Vec::new(), &tagged("1")).await?;
    match client.put_object_tags(key, &tagged("2").tags).await {
        Ok(()) => Ok(is_empty(client, key).await? && has_tag(client, key, "2").await?),
        Err(error) => unable(error),
    }
}

/// A server that does not know the query deletes the object.
async fn clears_tags(client: &Client, key: &str) -> Wire<bool> {
    put(client, key, Vec::new(), &tagged("1")).await?;
    match client.delete_object_tags(key).await {
        Ok(()) => Ok(is_empty(client, key).await? && has_tags(client, key, Vec::new()).await?),
        Err(error) => unable(error),
    }
}

/// Whether an empty object is there still.
async fn is_empty(client: &Client, key: &str) -> Wire<bool> {
    taken_at_its_word(client.head(key, &GetOptions::default()).await.map(|head| head.size == 0))
}

fn unable(error: WireError) -> Wire<bool> {
    match error.kind() {
        WireKind::Unsupported | WireKind::InvalidInput => Ok(false),
        _ => Err(error),
    }
}

async fn copy_minds_tags(client: &Client, key: &str) -> Wire<bool> {
    let copy = format!("{key}-copy");
    put(client, key, Vec::new(), &tagged("1")).await?;
    let source = CopySource::new(key);
    let replaced = |metadata, tags, put| CopyOptions { put, metadata, tags };
    let kept = replaced(MetadataDirective::Replace, MetadataDirective::Copy, PutOptions::default());
    let other = replaced(MetadataDirective::Copy, MetadataDirective::Replace, tagged("2"));
    let mut minds = true;
    for (options, wanted) in [(kept, "1"), (other, "2")] {
        client.copy(&source, &copy, &options).await?;
        minds &= has_tag(client, &copy, wanted).await?;
    }
    remove(client, &copy).await;
    Ok(minds)
}

async fn keeps_metadata(client: &Client, key: &str, names: &[&str]) -> Wire<bool> {
    let mut options = PutOptions::default();
    let pairs = names.iter().enumerate().map(|(n, name)| (name.to_string(), n.to_string()));
    options.attributes.metadata.extend(pairs);
    put(client, key, Vec::new(), &options).await?;
    let head = client.head(key, &GetOptions::default()).await;
    taken_at_its_word(head.map(|head| {
        options.attributes.metadata.iter().all(|(name, n)| head.attributes.metadata.get(name) == Some(n))
    }))
}

fn taken_at_its_word(result: Wire<bool>) -> Wire<bool> {
    match result {
        Err(error) if error.kind() == WireKind::PermissionDenied => {
            tracing::warn!("what was put cannot be confirmed: the right to read it back is missing");
            Ok(true)
        }
        Err(error) if matches!(error.kind(), WireKind::Unsupported | WireKind::NotFound) => Ok(false),
        other => other,
    }
}
