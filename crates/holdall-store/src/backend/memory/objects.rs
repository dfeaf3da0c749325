//! The objects of a store, and the one place where a write takes effect.

use super::content::Content;
use super::versions::History;
use crate::backend::carried::Carried;
use crate::backend::conditions::{check_delete, check_write, whole_second};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{Metadata, MoveOptions};
use crate::{Acl, WriteCondition};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

/// An object as it is kept, all of it open to tests.
#[derive(Clone, PartialEq)]
pub struct StoredObject {
    /// What a head answers.
    pub metadata: Metadata,
    /// The bytes.
    pub bytes: Bytes,
    /// Tags, name and value, as they were given.
    pub tags: Vec<(String, String)>,
    /// The canned access control list that it was stored with.
    pub acl: Option<Acl>,
}

impl StoredObject {
    pub(super) fn new(key: &Key, content: Content, carried: Carried) -> Self {
        let metadata = Metadata {
            key: key.clone(),
            size: content.bytes.len() as u64,
            etag: Some(content.etag),
            last_modified: Some(whole_second(SystemTime::now())),
            version: None,
            attributes: carried.attributes,
            sha256: content.sha256,
            nonce: carried.nonce,
            read_from: crate::ReadFrom::Store,
            expires: None,
        };
        Self { metadata, bytes: content.bytes, tags: carried.tags, acl: carried.acl }
    }
}

impl fmt::Debug for StoredObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredObject")
            .field("metadata", &self.metadata)
            .field("tags", &self.tags)
            .field("acl", &self.acl)
            .finish_non_exhaustive()
    }
}

/// Objects in the bytewise order of their keys.
pub(super) type Map = BTreeMap<Key, Arc<StoredObject>>;

/// All objects of one store. An object never changes: a write puts another in its place.
#[derive(Default)]
pub(super) struct Objects(RwLock<State>);

/// What a store has.
#[derive(Default)]
pub(super) struct State {
    pub(super) map: Map,
    pub(super) history: History,
}

impl Objects {
    pub(super) fn get(&self, key: &str) -> Option<Arc<StoredObject>> {
        self.read().map.get(key).cloned()
    }

    /// Puts an object in its place if the condition holds at that moment.
    pub(super) fn insert(
        &self,
        object: StoredObject,
        condition: &WriteCondition,
    ) -> Result<Arc<StoredObject>> {
        let mut state = self.write();
        check_write(state.map.get(&object.metadata.key).map(|existing| &existing.metadata), condition)?;
        Ok(state.replace(object))
    }

    /// Deletes an object, and answers whether there was one and the mark that is left of it, if any.
    pub(super) fn remove_one(&self, key: &Key) -> (bool, Option<String>) {
        self.write().remove(key)
    }

    /// Deletes an object if it has this `ETag` at that moment.
    pub(super) fn remove_if(&self, key: &Key, if_match: &str) -> Result<(bool, Option<String>)> {
        let mut state = self.write();
        check_delete(state.map.get(key).and_then(|existing| existing.metadata.etag.as_deref()), if_match)?;
        Ok(state.remove(key))
    }

    /// Gives an object another key if the conditions hold at that moment.
    pub(super) fn rename(&self, from: &Key, to: &Key, options: &MoveOptions) -> Result<Arc<StoredObject>> {
        let mut state = self.write();
        let source = state.map.get(from).cloned();
        let source = source.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such object"))?;
        crate::expiry::check(&source.metadata)?;
        if let Some(etag) = &options.if_match {
            check_delete(source.metadata.etag.as_deref(), etag)?;
        }
        let there = state.map.get(to).map(|existing| &existing.metadata);
        check_write(there, &options.condition).map_err(|e| e.with_key(to))?;
        let mut renamed = (*source).clone();
        renamed.metadata.key = to.clone();
        renamed.metadata.last_modified = Some(whole_second(SystemTime::now()));
        state.remove(from);
        Ok(state.replace(renamed))
    }

    pub(super) fn remove(&self, keys: &[Key]) {
        let mut state = self.write();
        for key in keys {
            state.remove(key);
        }
    }

    /// The store at one moment. A panic of another thread cannot leave it half-written: each change is one call.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
