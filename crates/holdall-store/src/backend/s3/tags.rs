//! Tags of objects that are there.

use super::S3Backend;
use super::ability::Ability;
use super::bucket::needs;
use crate::backend::check_tags;
use crate::error::Result;
use crate::key::Key;

/// Replaces all tags of an object, on a server that is known to take that for nothing else.
pub(super) async fn set(backend: &S3Backend, key: &Key, tags: &[(String, String)]) -> Result<()> {
    check_tags(tags)?;
    let full = backend.full(key)?;
    let client = &backend.client;
    if tags.is_empty() {
        backend.abilities.demand(client, Ability::ClearTags).await?;
        let cleared = client.delete_object_tags(&full).await;
        return cleared.map_err(|error| needs("the credentials need s3:DeleteObjectTagging", error));
    }
    backend.abilities.demand(client, Ability::SetTags).await?;
    let set = client.put_object_tags(&full, tags).await;
    set.map_err(|error| needs("the credentials need s3:PutObjectTagging", error))
}
