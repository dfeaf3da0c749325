//! Versions of objects: what a key had before, in the order in which it had it.

use super::backend::MemoryBackend;
use super::objects::{Objects, State, StoredObject};
use crate::Versioning;
use crate::backend::conditions::whole_second;
use crate::backend::folding::after_all;
use crate::backend::parts::MAX_PAGE;
use crate::backend::{BoxFuture, VersionListing, is_marker, keeps_none, never_off, no_version};
use crate::error::Result;
use crate::key::{Key, Prefix, RESERVED};
use crate::object::{Deleted, Metadata, Version, VersionPage};
use crate::receipt::State as Standing;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::SystemTime;

/// The version of what was stored while none were kept.
const NULL: &str = "null";

/// What a key had.
pub(super) enum Past {
    Object(Arc<StoredObject>),
    Marker { version: String, made: SystemTime },
}

impl Past {
    fn version(&self) -> &str {
        match self {
            Self::Object(object) => object.metadata.version.as_deref().unwrap_or(NULL),
            Self::Marker { version, .. } => version,
        }
    }

    fn listed(&self, key: &Key, is_latest: bool) -> Version {
        match self {
            Self::Object(object) => listed(&object.metadata, is_latest),
            Self::Marker { version, made } => Version {
                key: key.clone(),
                version: version.clone(),
                is_latest,
                is_marker: true,
                size: 0,
                etag: None,
                last_modified: Some(*made),
            },
        }
    }
}

fn listed(metadata: &Metadata, is_latest: bool) -> Version {
    Version {
        key: metadata.key.clone(),
        version: metadata.version.clone().unwrap_or_else(|| NULL.to_owned()),
        is_latest,
        is_marker: false,
        size: metadata.size,
        etag: metadata.etag.clone(),
        last_modified: metadata.last_modified,
    }
}

/// What all keys had, of each the newest last.
pub(super) struct History {
    past: BTreeMap<Key, Vec<Past>>,
    versioning: Versioning,
    made: u64,
}

impl Default for History {
    fn default() -> Self {
        Self { past: BTreeMap::new(), versioning: Versioning::Off, made: 0 }
    }
}

impl History {
    /// The version of what is stored now; none where none are kept.
    fn next(&mut self) -> Option<String> {
        match self.versioning {
            Versioning::Off => None,
            Versioning::Suspended => Some(NULL.to_owned()),
            Versioning::Enabled => {
                self.made += 1;
                Some(format!("{:016x}", self.made))
            }
        }
    }

    /// Keeps what a key had, where it is to be kept. There is one version without a name of its own at most.
    fn keep(&mut self, key: &Key, past: Past) {
        let is_named = past.version() != NULL;
        if self.versioning == Versioning::Enabled || (self.versioning == Versioning::Suspended && is_named) {
            self.past.entry(key.clone()).or_default().push(past);
        }
    }

    fn forget_unnamed(&mut self, key: &Key) {
        if let Some(past) = self.past.get_mut(key) {
            past.retain(|past| past.version() != NULL);
        }
    }
}

impl State {
    /// Puts an object in its place.
    pub(super) fn replace(&mut self, mut object: StoredObject) -> Arc<StoredObject> {
        let key = object.metadata.key.clone();
        object.metadata.version = self.history.next();
        if object.metadata.version.as_deref() == Some(NULL) {
            self.history.forget_unnamed(&key);
        }
        let object = Arc::new(object);
        if let Some(old) = self.map.insert(key.clone(), object.clone()) {
            self.history.keep(&key, Past::Object(old));
        }
        object
    }

    /// Deletes an object, and answers whether there was one and the mark that is left of it, if any.
    pub(super) fn remove(&mut self, key: &Key) -> (bool, Option<String>) {
        let old = self.map.remove(key);
        let existed = old.is_some();
        if let Some(old) = old {
            self.history.keep(key, Past::Object(old));
        }
        let Some(version) = self.history.next() else { return (existed, None) };
        if version == NULL {
            self.history.forget_unnamed(key);
        }
        let marker = Past::Marker { version: version.clone(), made: whole_second(SystemTime::now()) };
        self.history.past.entry(key.clone()).or_default().push(marker);
        (existed, Some(version))
    }

    /// Deletes a version for good, and answers whether it was there. What was before the newest takes its place.
    fn remove_version(&mut self, key: &Key, version: &str) -> bool {
        let is_current = |object: &Arc<StoredObject>| object.metadata.version.as_deref() == Some(version);
        let existed = if self.map.get(key).is_some_and(is_current) {
            self.map.remove(key).is_some()
        } else {
            let Some(past) = self.history.past.get_mut(key) else { return false };
            let before = past.len();
            past.retain(|past| past.version() != version);
            past.len() < before
        };
        if !self.map.contains_key(key)
            && let Some(past) = self.history.past.get_mut(key)
            && matches!(past.last(), Some(Past::Object(_)))
            && let Some(Past::Object(newest)) = past.pop()
        {
            self.map.insert(key.clone(), newest);
        }
        if self.history.past.get(key).is_some_and(Vec::is_empty) {
            self.history.past.remove(key);
        }
        existed
    }

    fn version(&self, key: &Key, version: &str) -> Result<Arc<StoredObject>> {
        if self.history.versioning == Versioning::Off {
            return Err(keeps_none());
        }
        let current = self.map.get(key).filter(|object| object.metadata.version.as_deref() == Some(version));
        if let Some(current) = current {
            return Ok(current.clone());
        }
        let past = self.history.past.get(key).into_iter().flatten().find(|past| past.version() == version);
        match past {
            Some(Past::Object(object)) => Ok(object.clone()),
            Some(Past::Marker { .. }) => Err(is_marker(version)),
            None => Err(no_version(version)),
        }
    }

    /// All versions of a key, the newest first.
    fn versions(&self, key: &Key) -> Vec<Version> {
        let current = self.map.get(key);
        let mut versions: Vec<Version> =
            current.iter().map(|object| listed(&object.metadata, true)).collect();
        for past in self.history.past.get(key).into_iter().flatten().rev() {
            let is_latest = versions.is_empty() && matches!(past, Past::Marker { .. });
            versions.push(past.listed(key, is_latest));
        }
        versions
    }

    /// The first key after a place that has a version.
    fn next_key(&self, from: &Bound<String>) -> Option<&Key> {
        let range = (from.as_ref().map(String::as_str), Bound::Unbounded);
        let current = self.map.range::<str, _>(range).next().map(|(key, _)| key);
        let past = self.history.past.range::<str, _>(range).next().map(|(key, _)| key);
        current.into_iter().chain(past).min()
    }
}

impl Objects {
    fn set_versioning(&self, versioning: Versioning) {
        let mut state = self.write();
        if state.history.versioning == Versioning::Off {
            for object in state.map.values_mut() {
                Arc::make_mut(object).metadata.version = Some(NULL.to_owned());
            }
        }
        state.history.versioning = versioning;
    }

    pub(super) fn version(&self, key: &Key, version: &str) -> Result<Arc<StoredObject>> {
        self.read().version(key, version)
    }
}

impl MemoryBackend {
    pub(super) fn versions_kept(&self) -> Versioning {
        self.map().read().history.versioning
    }

    pub(super) fn keep_versions(&self, versioning: Versioning) -> Result<()> {
        match versioning {
            Versioning::Off => Err(never_off()),
            versioning => {
                self.map().set_versioning(versioning);
                Ok(())
            }
        }
    }

    pub(super) fn delete_version(&self, key: &Key, version: &str) -> Result<Deleted> {
        let mut state = self.map().write();
        if state.history.versioning == Versioning::Off {
            return Err(keeps_none());
        }
        let existed = Some(state.remove_version(key, version));
        Ok(Deleted { existed, version: Some(version.to_owned()), state: Standing::Stored })
    }
}

/// A listing of versions under way. Between pages it holds no lock, only where to go on.
pub(super) struct MemoryVersions {
    objects: Arc<Objects>,
    prefix: Prefix,
    next: Option<Bound<String>>,
}

impl MemoryVersions {
    pub(super) fn new(objects: Arc<Objects>, prefix: Prefix) -> Self {
        let next = Some(Bound::Included(prefix.as_str().to_owned()));
        Self { objects, prefix, next }
    }

    /// A page of whole keys: of each all versions, or none.
    fn page(&mut self, mut from: Bound<String>) -> VersionPage {
        let state = self.objects.read();
        let mut page = VersionPage::default();
        while let Some(key) = state.next_key(&from) {
            if !key.as_str().starts_with(self.prefix.as_str()) {
                return page;
            }
            if page.versions.len() >= MAX_PAGE as usize {
                self.next = Some(from);
                return page;
            }
            if Key::is_reserved(key.as_str()) {
                let Some(behind) = after_all(&format!("{RESERVED}/")) else { return page };
                from = behind;
                continue;
            }
            page.versions.extend(state.versions(key));
            from = Bound::Excluded(key.as_str().to_owned());
        }
        page
    }
}

impl VersionListing for MemoryVersions {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<VersionPage>>> {
        Box::pin(async move {
            let from = self.next.take()?;
            Some(Ok(self.page(from)))
        })
    }
}
