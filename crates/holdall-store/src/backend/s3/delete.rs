//! Deletes objects: one, or many by batches where the server has them.

use super::S3Backend;
use super::ability::Ability;
use super::hold::explained;
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{DeleteFailure, DeleteOptions, Deleted, GetOptions};
use crate::receipt::State;
use futures_util::StreamExt;
use futures_util::stream;
use holdall_s3::{Client, DeleteTarget};
use std::time::Duration;

/// What a batch answers as failed for a passing reason is sent again this often.
const PASSES: u32 = 4;
const AT_ONCE: usize = 16;

pub(super) async fn delete(backend: &S3Backend, key: &Key, options: &DeleteOptions) -> Result<Deleted> {
    let full = backend.full(key)?;
    let if_match = options.if_match.clone();
    if if_match.is_some() {
        backend.abilities.demand(&backend.client, Ability::DeleteIfMatch).await?;
    }
    // What is deleted under a condition was there.
    let existed = match (&if_match, options.look) {
        (Some(_), _) => Some(true),
        (None, true) => look(backend, key, options.version.clone()).await?,
        (None, false) => None,
    };
    let bypass_governance = options.bypass_governance;
    let wire = holdall_s3::DeleteOptions { version: options.version.clone(), if_match, bypass_governance };
    match (backend.client.delete(&full, &wire).await, &options.version) {
        (Ok(answer), _) => Ok(Deleted { existed, version: answer.version, state: State::Stored }),
        (Err(error), None) => Err(error.into()),
        (Err(error), Some(version)) => {
            Err(explained(backend, &full, version, bypass_governance, error.into()).await)
        }
    }
}

/// Whether there is an object; none where that is not said. That keeps nobody from deleting: whoever may delete need
/// not be allowed to read, and of what is encrypted by a customer's key nothing is told without it.
async fn look(backend: &S3Backend, key: &Key, version: Option<String>) -> Result<Option<bool>> {
    match backend.head_object(key, &GetOptions { version, ..GetOptions::default() }).await {
        Ok(_) => Ok(Some(true)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound => Ok(Some(false)),
            ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported => Ok(None),
            _ => Err(error),
        },
    }
}

pub(super) async fn delete_batch(backend: &S3Backend, keys: &[Key]) -> Result<Vec<DeleteFailure>> {
    let (batched, single): (Vec<&Key>, Vec<&Key>) =
        keys.iter().partition(|key| Client::can_batch(key.as_str()));
    let mut failures = Vec::new();
    match batch(backend, &batched).await {
        Ok(failed) => failures.extend(failed),
        // A server without DeleteObjects.
        Err(error) if error.kind() == ErrorKind::Unsupported => {
            failures.extend(one_by_one(backend, &batched).await)
        }
        Err(error) => return Err(error),
    }
    failures.extend(one_by_one(backend, &single).await);
    Ok(failures)
}

async fn batch(backend: &S3Backend, keys: &[&Key]) -> Result<Vec<DeleteFailure>> {
    let mut failures = Vec::new();
    let mut left: Vec<DeleteTarget> = Vec::with_capacity(keys.len());
    for key in keys {
        match backend.full(key) {
            Ok(full) => left.push(DeleteTarget { key: full, version: None }),
            Err(error) => failures.push(DeleteFailure { key: (*key).clone(), error }),
        }
    }
    for pass in 1..=PASSES {
        if left.is_empty() {
            break;
        }
        let failed = backend.client.delete_batch(&left).await?;
        left.clear();
        for failure in failed {
            if failure.error.is_ambiguous() && pass < PASSES {
                left.push(failure.target);
                continue;
            }
            let key = Key::listed(&failure.target.key[backend.root.len()..]);
            failures.push(DeleteFailure { error: Error::from(failure.error).with_key(&key), key });
        }
        if !left.is_empty() {
            tokio::time::sleep(Duration::from_millis(50 << pass)).await;
        }
    }
    Ok(failures)
}

async fn one_by_one(backend: &S3Backend, keys: &[&Key]) -> Vec<DeleteFailure> {
    let keys: Vec<Key> = keys.iter().map(|key| (*key).clone()).collect();
    let backend = backend.clone();
    let deletes = stream::iter(keys).map(move |key| delete_one(backend.clone(), key));
    let outcomes: Vec<Option<DeleteFailure>> = deletes.buffer_unordered(AT_ONCE).collect().await;
    outcomes.into_iter().flatten().collect()
}

async fn delete_one(backend: S3Backend, key: Key) -> Option<DeleteFailure> {
    let deleted = match backend.full(&key) {
        Ok(full) => {
            backend.client.delete(&full, &holdall_s3::DeleteOptions::default()).await.map_err(Error::from)
        }
        Err(error) => Err(error),
    };
    deleted.err().map(|error| DeleteFailure { error: error.with_key(&key), key })
}
