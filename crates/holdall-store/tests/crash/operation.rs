//! What is done to a store while it is watched.

use crate::content::{Version, tagging};
use holdall_store::{
    CopyOptions, DeleteFailure, Error, ErrorKind, GetOptions, Key, MoveOptions, PartReceipt, PutOptions,
    Store, Versioning, WriteCondition,
};

/// When a write is to happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Always,
    /// Only where nothing is.
    Absent,
    /// Only where what is there is what was there a moment ago.
    Current,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Operation {
    Put(Version, When),
    /// Parts of these sizes, which make the version's together.
    Upload {
        version: Version,
        parts: Vec<usize>,
        backwards: bool,
    },
    Copy {
        from: String,
        to: String,
    },
    Rename {
        from: String,
        to: String,
    },
    /// Gives what is there other tags, by which it is known as of this number from then on.
    Tag {
        key: String,
        number: u64,
        heavy: bool,
    },
    Delete(Vec<String>),
    /// Deletes the latest version, so that the key has the one before.
    Undo(String),
    /// From now on nothing that is replaced or deleted goes.
    KeepVersions,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// Its condition did not hold, or there was nothing to do it to: nothing was changed.
    Refused,
}

impl Operation {
    /// The keys that it may change.
    pub(crate) fn targets(&self) -> Vec<&str> {
        match self {
            Self::Put(version, _) | Self::Upload { version, .. } => vec![&version.key],
            Self::Copy { to, .. } => vec![to],
            Self::Rename { from, to } => vec![to, from],
            Self::Delete(keys) => keys.iter().map(String::as_str).collect(),
            Self::Undo(key) | Self::Tag { key, .. } => vec![key],
            Self::KeepVersions => Vec::new(),
        }
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// Whatever is not foreseen.
    pub(crate) async fn perform(&self, store: &Store) -> Result<Outcome, Error> {
        let done = match self {
            Self::Put(version, when) => put(store, version, *when).await,
            Self::Upload { version, parts, backwards } => upload(store, version, parts, *backwards).await,
            Self::Copy { from, to } => store.copy(from, to, &CopyOptions::default()).await.map(drop),
            Self::Rename { from, to } => store.rename(from, to, &MoveOptions::default()).await.map(drop),
            Self::Tag { key, number, heavy } => store.set_tags(key, &tagging(*number, *heavy)).await,
            Self::Delete(keys) => delete(store, keys).await,
            Self::Undo(key) => undo(store, key).await,
            Self::KeepVersions => store.bucket().set_versioning(Versioning::Enabled).await,
        };
        match done.as_ref().map_err(Error::kind) {
            Ok(()) => Ok(Outcome::Done),
            Err(ErrorKind::Precondition | ErrorKind::NotFound | ErrorKind::BucketNotFound) => {
                Ok(Outcome::Refused)
            }
            Err(_) => done.map(|()| Outcome::Done),
        }
    }
}

async fn put(store: &Store, version: &Version, when: When) -> Result<(), Error> {
    let body = version.body();
    let condition = match when {
        When::Always => WriteCondition::Always,
        When::Absent => WriteCondition::Absent,
        When::Current => {
            let head = store.head_with(&version.key, &GetOptions::default()).await?;
            WriteCondition::Matches(head.etag.unwrap_or_default())
        }
    };
    let attributes = version.attributes(&body);
    let options = PutOptions { attributes, tags: version.tags(), condition, ..PutOptions::default() };
    store.put_with(&version.key, body, &options).await.map(drop)
}

async fn upload(store: &Store, version: &Version, parts: &[usize], backwards: bool) -> Result<(), Error> {
    let body = version.body();
    let attributes = version.attributes(&body);
    let options = PutOptions { attributes, tags: version.tags(), ..PutOptions::default() };
    let upload = store.backend().begin_upload(&Key::parse(&version.key)?, &options).await?;
    let mut pieces: Vec<(u32, Vec<u8>)> = Vec::new();
    let mut start = 0;
    for (number, size) in (1..).zip(parts) {
        pieces.push((number, body[start..start + size].to_vec()));
        start += size;
    }
    if backwards {
        pieces.reverse();
    }
    let mut receipts: Vec<PartReceipt> = Vec::new();
    for (number, piece) in pieces {
        receipts.push(upload.put_part(number, piece.into()).await?);
    }
    receipts.sort_by_key(|receipt| receipt.number);
    upload.complete(&receipts, &WriteCondition::Always).await.map(drop)
}

async fn undo(store: &Store, key: &str) -> Result<(), Error> {
    let mut versions = store.versions(key)?;
    while let Some(version) = versions.next().await {
        let version = version?;
        if version.key.as_str() == key {
            return match store.delete_version(key, &version.version).await {
                // Whoever was to have versions kept was killed before.
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    Err(Error::new(ErrorKind::NotFound, "no versions are kept"))
                }
                other => other.map(drop),
            };
        }
    }
    Err(Error::new(ErrorKind::NotFound, "there is no version"))
}

async fn delete(store: &Store, keys: &[String]) -> Result<(), Error> {
    if let [key] = keys {
        return store.delete(key).await.map(drop);
    }
    let keys = keys.iter().map(|key| Key::parse(key)).collect::<Result<Vec<_>, _>>()?;
    match store.delete_many(keys).await.into_iter().next() {
        Some(DeleteFailure { error, .. }) => Err(error),
        None => Ok(()),
    }
}
