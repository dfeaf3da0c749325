//! Writes a prefix to a folder.

mod delete;
mod local;

use super::landing::{Landing, SafePath};
use super::sync::{Cursor, Digest, Entry, Log, Names, Verdict, judge, open_index, scratch_of};
use super::tree::{Events, as_folder, run};
use super::{Compare, PullOptions, TreeEvent, TreeSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::object::{GetOptions, Metadata, Page};
use crate::receipt::State;
use crate::store::{ObjectList, Store};
use crate::telemetry::{self, Direction, Watch};
use local::Local;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// What all lanes of a pull share: they take the next object from one listing.
struct Pull {
    store: Store,
    prefix: String,
    dir: PathBuf,
    options: PullOptions,
    landing: Option<Landing>,
    /// The folder as it is; none when it is not there.
    local: Option<Local>,
    ready: Mutex<VecDeque<Job>>,
    source: tokio::sync::Mutex<Source>,
    events: Events,
    /// What is the same now, for the next time.
    log: Option<Log>,
}

/// What is read in the order of keys.
struct Source {
    list: ObjectList,
    cursor: Cursor,
    /// All that is listed, where files without an object are to be deleted.
    names: Option<Names>,
    /// How many of them take part.
    wanted: u64,
}

/// An object that may have to be fetched.
struct Job {
    listed: Metadata,
    verdict: Verdict,
}

impl Store {
    /// Writes all objects below `prefix` (as a folder: a slash is put at its end where it has none) to a folder, at the
    /// rest of their keys. Objects whose bytes are there already are not fetched again.
    ///
    /// Every object gives one event, in no order. A key that climbs out, is no file name, or claims the place of
    /// another is an error of its own, and the rest goes on. Files appear whole or not at all.
    ///
    /// With [`PullOptions::delete`], files that there is no object for are deleted in the end, when all else succeeded
    /// and all of both sides could be seen, and folders that become empty so are removed.
    ///
    /// # Errors
    ///
    /// Only what concerns the whole: a listing that fails, a folder that cannot be made; `Precondition` when more would
    /// be deleted than may be.
    pub async fn pull(
        &self,
        prefix: &str,
        dir: &Path,
        options: &PullOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<TreeSummary> {
        let prefix = as_folder(prefix);
        let job = (!options.dry_run).then(|| telemetry::Job::pull(self, &prefix));
        let mut summary = TreeSummary::default();
        let pulled = self.pull_below(&prefix, dir, options, (&mut summary, on_event)).await;
        match job {
            Some(job) => job.end(summary, pulled),
            None => pulled.map(|()| summary),
        }
    }

    async fn pull_below(
        &self,
        prefix: &str,
        dir: &Path,
        options: &PullOptions,
        (summary, on_event): (&mut TreeSummary, &mut (dyn FnMut(TreeEvent) + Send)),
    ) -> Result<()> {
        let landing = if options.dry_run { None } else { Some(Landing::open(dir)?) };
        let (cursor, log) = open_index(self, prefix, dir, None).await?;
        let source = Source {
            list: self.list(prefix)?,
            cursor,
            names: options.delete.map(|_| Names::new(scratch_of(self))),
            wanted: 0,
        };
        let pull = Arc::new(Pull {
            source: tokio::sync::Mutex::new(source),
            store: self.clone(),
            prefix: prefix.to_owned(),
            dir: dir.to_owned(),
            options: options.clone(),
            local: Local::open(dir)?,
            landing,
            ready: Mutex::default(),
            events: Events::default(),
            log: log.filter(|_| !options.dry_run),
        });
        let mut lanes = JoinSet::new();
        for _ in 0..self.settings().concurrency.max(1) {
            let pull = pull.clone();
            lanes.spawn(async move { pull.lane().await });
        }
        run(lanes, &pull.events, summary, on_event).await?;
        let deleted = pull.clone().delete(summary, on_event).await;
        let settled = tokio::task::spawn_blocking(move || pull.log.iter().for_each(Log::settle)).await;
        settled.map_err(|e| Error::new(ErrorKind::Cancelled, "the index's task ended").with_source(e))?;
        deleted
    }
}

impl Pull {
    async fn lane(&self) -> Result<()> {
        while let Some(job) = self.next().await? {
            let Some(relative) = job.listed.key.as_str().strip_prefix(&self.prefix) else { continue };
            let (key, start) = (&job.listed.key, Instant::now());
            let mut watch = self.watch(key.as_str());
            watch.expect(job.listed.size);
            let event = watch.end(self.object(&job, relative).await).unwrap_or_else(|error| {
                let error = error.with_key(key);
                TreeEvent::Failed { name: key.to_string(), error, elapsed: start.elapsed() }
            });
            self.events.add(event).await;
        }
        Ok(())
    }

    /// Watches the transfer of an object, if there is to be one.
    fn watch<'a>(&self, key: &'a str) -> Watch<'a> {
        if self.options.dry_run { Watch::off() } else { Watch::begin(Direction::Down, &self.store, key) }
    }

    async fn next(&self) -> Result<Option<Job>> {
        let pop = || self.ready.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        if let Some(job) = pop() {
            return Ok(Some(job));
        }
        let mut source = self.source.lock().await;
        loop {
            // Another lane may have fetched a page meanwhile.
            if let Some(job) = pop() {
                return Ok(Some(job));
            }
            match source.list.next_page().await {
                None => {
                    source.cursor.rest(|key| self.forget(key));
                    if let Some(progress) = &self.options.progress {
                        progress.complete();
                    }
                    return Ok(None);
                }
                Some(page) => self.take_in(&mut source, page?).await?,
            }
        }
    }

    /// Judges the objects of a page.
    async fn take_in(&self, source: &mut Source, page: Page) -> Result<()> {
        for listed in page.objects {
            let Some(relative) = listed.key.as_str().strip_prefix(&self.prefix) else { continue };
            if let Some(names) = &mut source.names {
                let fault = |e| Error::io("what is listed cannot be kept in a temporary file", e);
                names.push(relative, listed.size).map_err(fault)?;
            }
            if !self.options.filter.takes(relative) {
                continue;
            }
            source.wanted += 1;
            let verdict = self.judge(&mut source.cursor, &listed, relative);
            if verdict == Verdict::Unchanged {
                let (key, size) = (listed.key.to_string(), listed.size);
                self.watch(&key).unchanged(size);
                let state = State::of(listed.read_from);
                self.events.add(TreeEvent::Unchanged { key, size, state, elapsed: Duration::ZERO }).await;
                continue;
            }
            if verdict == Verdict::Move {
                self.expect(listed.size);
            }
            self.ready.lock().unwrap_or_else(PoisonError::into_inner).push_back(Job { listed, verdict });
        }
        for error in page.failures {
            let name = error.key().unwrap_or(&self.prefix).to_owned();
            self.events.add(TreeEvent::failed(name, error)).await;
        }
        Ok(())
    }

    fn judge(&self, cursor: &mut Cursor, listed: &Metadata, relative: &str) -> Verdict {
        let entry = cursor.find(relative, |key| self.forget(key));
        let local = self.local.as_ref().filter(|_| self.options.compare != Compare::Nothing);
        match local.and_then(|local| local.look(relative)) {
            Some(file) => judge(self.options.compare, &file, Some(listed), entry.as_ref()),
            None => Verdict::Move,
        }
    }

    /// Forgets an object that is not there any more.
    fn forget(&self, key: &str) {
        if let Some(log) = &self.log
            && self.options.filter.takes(key)
        {
            log.forget(key);
        }
    }

    fn expect(&self, size: u64) {
        if let Some(progress) = &self.options.progress {
            progress.expect(size);
        }
    }

    async fn object(&self, job: &Job, relative: &str) -> Result<TreeEvent> {
        let (listed, start) = (&job.listed, Instant::now());
        let key = || listed.key.to_string();
        if relative.is_empty() || relative.ends_with('/') {
            return self.marker(listed, relative);
        }
        let safe = SafePath::parse(relative)?;
        if self.is_same(job, relative).await? {
            let (size, state, elapsed) = (listed.size, State::of(listed.read_from), start.elapsed());
            return Ok(TreeEvent::Unchanged { key: key(), size, state, elapsed });
        }
        let path = self.dir.join(safe.as_str());
        let Some(landing) = &self.landing else {
            return Ok(TreeEvent::Planned { path, key: key(), size: listed.size });
        };
        if job.verdict != Verdict::Move {
            self.expect(listed.size);
        }
        let spot = landing.spot(&safe)?;
        let spot = if self.log.is_some() { spot.told() } else { spot };
        let options = GetOptions { progress: self.options.progress.clone(), ..GetOptions::default() };
        let fetched = self.store.fetch(&listed.key, spot.clone(), Some(listed.size), &options).await?;
        let metadata = &fetched.metadata;
        if let (Some(log), Some(file), Some(etag)) = (&self.log, spot.landed(), &metadata.etag) {
            let digest = metadata.sha256.map(Digest::Whole);
            log.note(relative, Entry { file, etag: etag.clone(), digest });
        }
        Ok(TreeEvent::Pulled { path, fetched })
    }

    /// Compares a file with its object, where it is to be read for that.
    async fn is_same(&self, job: &Job, relative: &str) -> Result<bool> {
        let Some(local) = &self.local else { return Ok(false) };
        let (etag, digest) = match &job.verdict {
            Verdict::Move | Verdict::Unchanged => return Ok(false),
            Verdict::Hash(digest) => (job.listed.etag.clone(), digest.clone()),
            Verdict::Ask => {
                let head = self.store.backend().head(&job.listed.key, &GetOptions::default()).await?;
                let Some(sha256) = head.sha256.filter(|_| head.size == job.listed.size) else {
                    return Ok(false);
                };
                (head.etag, Digest::Whole(sha256))
            }
        };
        let Some(compared) = local.compare(relative, &digest).await else { return Ok(false) };
        if let (Some(log), Some(file), Some(etag)) = (&self.log, compared.settled, etag) {
            log.note(relative, Entry { file, etag, digest: Some(digest) });
        }
        Ok(true)
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
