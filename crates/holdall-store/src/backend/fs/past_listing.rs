//! Lists versions: what keys have, and what they had, merged.

use super::folder::Folder;
use super::history::{Past, escaped};
use super::listing::FolderListing;
use super::versions::Keeping;
use crate::backend::{BoxFuture, Listing, VersionListing};
use crate::error::Result;
use crate::key::{Key, Prefix};
use crate::object::{ListOptions, Metadata, Version, VersionPage};
use std::collections::VecDeque;
use std::sync::Arc;

/// Versions in a page.
const PAGE: usize = 1000;

/// The version of what was stored where none are kept.
const NULL: &str = "null";

/// A listing, and what it has ready.
struct Ahead {
    list: FolderListing,
    ready: VecDeque<Metadata>,
    is_over: bool,
}

impl Ahead {
    fn new(folder: Arc<Folder>, prefix: Prefix, window: usize) -> Self {
        let options = ListOptions { prefix, ..ListOptions::default() };
        Self { list: FolderListing::new(folder, options, window), ready: VecDeque::new(), is_over: false }
    }

    /// Waits until it knows what is next, or that nothing is.
    async fn fill(&mut self, page: &mut VersionPage) -> Result<()> {
        while self.ready.is_empty() && !self.is_over {
            match self.list.next_page().await {
                None => self.is_over = true,
                Some(read) => {
                    let read = read?;
                    self.ready.extend(read.objects);
                    page.failures.extend(read.failures);
                }
            }
        }
        Ok(())
    }
}

/// The key whose versions are being listed.
struct Standing {
    key: Key,
    /// What it has now.
    current: Option<String>,
    /// Nothing of it was listed yet.
    is_first: bool,
}

/// A listing of versions under way.
pub(super) struct FolderVersions {
    folder: Arc<Folder>,
    current: Ahead,
    past: Option<Ahead>,
    standing: Option<Standing>,
    keeps: Option<bool>,
    is_over: bool,
}

impl FolderVersions {
    pub(super) fn new(folder: Arc<Folder>, prefix: &Prefix, window: usize) -> Self {
        let past = folder
            .history
            .clone()
            .map(|history| Ahead::new(history, Prefix::listed(&escaped(prefix.as_str())), window / 2));
        let current = Ahead::new(folder.clone(), prefix.clone(), window / 2);
        Self { folder, current, past, standing: None, keeps: None, is_over: false }
    }

    async fn page(&mut self) -> Result<VersionPage> {
        if self.keeps.is_none() {
            let folder = self.folder.clone();
            let keeps = super::backend::run(move || match folder.root.for_reading()? {
                Some(at) => Ok(folder.keeping(&at)? != Keeping::None),
                None => Ok(false),
            });
            self.keeps = Some(keeps.await?);
        }
        let mut page = VersionPage::default();
        while page.versions.len() < PAGE {
            match self.next(&mut page).await? {
                Some(version) => page.versions.push(version),
                None => {
                    self.is_over = true;
                    break;
                }
            }
        }
        Ok(page)
    }

    async fn next(&mut self, page: &mut VersionPage) -> Result<Option<Version>> {
        loop {
            self.current.fill(page).await?;
            let mut past = None;
            if let Some(ahead) = &mut self.past {
                ahead.fill(page).await?;
                past = ahead.ready.front().map(|version| (Past::parse(version.key.as_str()), version));
            }
            let key = self.current.ready.front().map(|object| object.key.as_str());
            let is_past_next = match &past {
                None => false,
                Some((None, _)) => true,
                // What a key has comes before what it had.
                Some((Some((of, _)), _)) => key.is_none_or(|key| of.as_str() < key),
            };
            if !is_past_next {
                let Some(object) = self.current.ready.pop_front() else { return Ok(None) };
                return Ok(Some(self.stand(object)));
            }
            let (parsed, version) = past.map(|(parsed, version)| (parsed, version.clone())).unzip();
            if let Some(ahead) = &mut self.past {
                ahead.ready.pop_front();
            }
            if let (Some(Some((key, past))), Some(version)) = (parsed, version)
                && let Some(version) = self.listed(&key, &past, version)
            {
                return Ok(Some(version));
            }
        }
    }

    /// What a key has now.
    fn stand(&mut self, object: Metadata) -> Version {
        let id = object.etag.as_deref().map(|etag| etag.trim_matches('"').to_owned());
        let version = id.filter(|_| self.keeps == Some(true)).unwrap_or_else(|| NULL.to_owned());
        let (key, current) = (object.key.clone(), Some(version.clone()));
        self.standing = Some(Standing { key, current, is_first: false });
        Version {
            key: object.key,
            version,
            is_latest: true,
            is_marker: false,
            size: object.size,
            etag: object.etag,
            last_modified: object.last_modified,
        }
    }

    /// What a key had; none for what it has still, since whoever kept it was cut off, and for what is holdall's own.
    fn listed(&mut self, key: &str, past: &Past, object: Metadata) -> Option<Version> {
        if Key::is_reserved(key) {
            return None;
        }
        let standing = match &mut self.standing {
            Some(standing) if standing.key.as_str() == key => standing,
            standing => standing.insert(Standing { key: Key::listed(key), current: None, is_first: true }),
        };
        let version = match past.is_marker {
            true => past.marker(),
            false => object.etag.as_deref()?.trim_matches('"').to_owned(),
        };
        if standing.current.as_ref() == Some(&version) {
            return None;
        }
        let is_latest = past.is_marker && std::mem::take(&mut standing.is_first);
        standing.is_first = false;
        Some(Version {
            key: standing.key.clone(),
            version,
            is_latest,
            is_marker: past.is_marker,
            size: if past.is_marker { 0 } else { object.size },
            etag: object.etag.filter(|_| !past.is_marker),
            last_modified: object.last_modified,
        })
    }
}

impl VersionListing for FolderVersions {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<VersionPage>>> {
        Box::pin(async move {
            if self.is_over {
                return None;
            }
            let page = self.page().await;
            self.is_over |= page.is_err();
            Some(page)
        })
    }
}
