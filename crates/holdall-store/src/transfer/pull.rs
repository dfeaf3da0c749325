//! Writes a prefix to a folder.

use super::landing::{Landing, SafePath};
use super::tree::{Events, as_folder, run};
use super::{PullOptions, TreeEvent, TreeSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{GetOptions, Metadata, Page};
use crate::store::{ObjectList, Store};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// What all lanes of a pull share: they take the next object from one listing.
struct Pull {
    store: Store,
    prefix: String,
    dir: PathBuf,
    options: PullOptions,
    landing: Option<Landing>,
    ready: Mutex<VecDeque<Metadata>>,
    list: tokio::sync::Mutex<ObjectList>,
    events: Events,
}

impl Store {
    /// Writes all objects below `prefix` (as a folder: a slash is put at its end where it has none) to a folder, at the
    /// rest of their keys.
    ///
    /// Every object gives one event, in no order. A key that climbs out, is no file name, or claims the place of
    /// another is an error of its own, and the rest goes on. Files appear whole or not at all.
    ///
    /// # Errors
    ///
    /// Only what concerns the whole: a listing that fails, a folder that cannot be made.
    pub async fn pull(
        &self,
        prefix: &str,
        dir: &Path,
        options: &PullOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<TreeSummary> {
        let prefix = as_folder(prefix);
        let landing = if options.dry_run { None } else { Some(Landing::open(dir)?) };
        let events = Events::default();
        let pull = Arc::new(Pull {
            list: tokio::sync::Mutex::new(self.list(&prefix)?),
            store: self.clone(),
            prefix,
            dir: dir.to_owned(),
            options: options.clone(),
            landing,
            ready: Mutex::default(),
            events: events.clone(),
        });
        let mut lanes = JoinSet::new();
        for _ in 0..self.settings().concurrency.max(1) {
            let pull = pull.clone();
            lanes.spawn(async move { pull.lane().await });
        }
        drop(pull);
        run(lanes, events, on_event).await
    }
}

impl Pull {
    async fn lane(&self) -> Result<()> {
        while let Some(metadata) = self.next().await? {
            let Some(relative) = metadata.key.as_str().strip_prefix(&self.prefix) else { continue };
            if !self.options.filter.takes(relative) {
                continue;
            }
            let event = match self.object(&metadata, relative).await {
                Ok(event) => event,
                Err(error) => {
                    let error = error.with_key(&metadata.key);
                    TreeEvent::Failed { name: metadata.key.to_string(), error }
                }
            };
            self.events.add(event);
        }
        Ok(())
    }

    async fn next(&self) -> Result<Option<Metadata>> {
        let pop = || self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(metadata) = pop() {
            return Ok(Some(metadata));
        }
        let mut list = self.list.lock().await;
        loop {
            // Another lane may have fetched a page meanwhile.
            if let Some(metadata) = pop() {
                return Ok(Some(metadata));
            }
            match list.next_page().await {
                None => {
                    if let Some(progress) = &self.options.progress {
                        progress.complete();
                    }
                    return Ok(None);
                }
                Some(page) => {
                    let page = page?;
                    self.expect(&page);
                    self.ready.lock().unwrap_or_else(PoisonError::into_inner).extend(page.objects);
                    for error in page.failures {
                        let name = error.key().unwrap_or(&self.prefix).to_owned();
                        self.events.add(TreeEvent::Failed { name, error });
                    }
                }
            }
        }
    }

    /// Says how many bytes of a page are wanted.
    fn expect(&self, page: &Page) {
        let Some(progress) = &self.options.progress else { return };
        let wanted = |object: &&Metadata| {
            let relative = object.key.as_str().strip_prefix(&self.prefix);
            relative.is_some_and(|relative| self.options.filter.takes(relative))
        };
        progress.expect(page.objects.iter().filter(wanted).map(|object| object.size).sum());
    }

    async fn object(&self, listed: &Metadata, relative: &str) -> Result<TreeEvent> {
        let name = || listed.key.to_string();
        if relative.is_empty() || relative.ends_with('/') {
            return self.marker(listed, relative);
        }
        let safe = SafePath::parse(relative)?;
        let path = self.dir.join(safe.as_str());
        let Some(landing) = &self.landing else {
            return Ok(TreeEvent::Planned { path, key: name(), size: listed.size });
        };
        let options = GetOptions { progress: self.options.progress.clone(), ..GetOptions::default() };
        let metadata =
            self.store.fetch(&listed.key, landing.spot(&safe)?, Some(listed.size), &options).await?;
        Ok(TreeEvent::Pulled { path, metadata })
    }

    /// An empty object whose key ends in a slash stands for a folder.
    fn marker(&self, listed: &Metadata, relative: &str) -> Result<TreeEvent> {
        if listed.size > 0 {
            return Err(Error::new(ErrorKind::InvalidInput, "key ends in a slash and cannot be a file"));
        }
        let folder = relative.trim_end_matches('/');
        if !folder.is_empty() {
            let safe = SafePath::parse(folder)?;
            if let Some(landing) = &self.landing {
                landing.folder(safe.as_str())?;
            }
        }
        Ok(TreeEvent::Skipped { name: listed.key.to_string(), reason: "marks a folder" })
    }
}
