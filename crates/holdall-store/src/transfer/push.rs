//! Stores a folder.

mod delete;
mod describe;
mod jobs;
mod manifest;
mod one;
mod recap;
mod survey;

pub use describe::{DescribeOptions, DescribedPrefix};
pub use one::Piecemeal;

pub(super) use delete::not_after_failures;
pub(super) use survey::{Survey, Walking, folder_error, walk};

use super::source::{Identity, Opened, TICK};
use super::sync::{Digest, Entry, Log, Surplus, Verdict, open_index};
use super::tree::{Events, as_folder, run};
use super::upload::blocking;
use super::{PushOptions, TreeEvent, TreeSummary};
use crate::backend::queued::is_of_the_remote;
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::GetOptions;
use crate::receipt::State;
use crate::store::Store;
use crate::telemetry::{self, Direction, Watch};
use crate::{Encryption, Sha256};
use jobs::Jobs;
use manifest::Inventory;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime};
use tokio::task::JoinSet;

/// What all lanes of a push share: they take the next file from one survey of both sides.
pub(super) struct Push {
    pub(super) store: Store,
    pub(super) dir: PathBuf,
    pub(super) prefix: String,
    pub(super) options: PushOptions,
    pub(super) jobs: Jobs,
    pub(super) events: Events,
    /// What is the same now, for the next time.
    pub(super) log: Option<Arc<Log>>,
    /// What the survey found at the destination only.
    pub(super) surplus: Mutex<Option<Surplus>>,
    /// What the files are, where that is to be written.
    inventory: Option<Inventory>,
}

/// A file that may have to be sent.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) relative: String,
    /// What it was when it was judged.
    pub(super) seen: Identity,
    pub(super) verdict: Verdict,
    /// The `ETag` that its object is listed with.
    pub(super) etag: Option<String>,
    /// Where that object is.
    pub(super) state: State,
}

impl Store {
    /// Stores all files below a folder, each at its path relative to the folder below `prefix`; a slash is put between
    /// where the prefix has none. Files whose bytes are there already are not sent again.
    ///
    /// Every file gives one event, in no order. One that fails does not stop the rest. Memory does not follow the
    /// number of files on either side.
    ///
    /// With [`PushOptions::shard`], all this is of a share of the folder, and as many pushes as there are shares may run
    /// at once, on one machine or several.
    ///
    /// With [`PushOptions::manifest`], what the files are is written beside them in the end.
    ///
    /// With [`PushOptions::delete`], objects that the folder has no file for are deleted in the end, when all else
    /// succeeded and all of both sides could be seen.
    ///
    /// # Errors
    ///
    /// Only what concerns the whole: a folder that is not there, a store whose bucket is not there or that refuses the
    /// credentials, a listing that fails; `AlreadyExists` when the folder has files of its own where the manifest would
    /// be; `Precondition` when more would be deleted than may be. A listing that is not
    /// permitted is no error unless something is to be deleted: then everything is sent.
    pub async fn push(
        &self,
        dir: &Path,
        prefix: &str,
        options: &PushOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<TreeSummary> {
        Prefix::parse(prefix)?;
        let prefix = as_folder(prefix);
        let job = (!options.dry_run).then(|| telemetry::Job::push(self, &prefix));
        let mut summary = TreeSummary::default();
        let pushed = self.push_below(&prefix, dir, options, (&mut summary, on_event)).await;
        match job {
            Some(job) => job.end(summary, pushed),
            None => pushed.map(|()| summary),
        }
    }

    async fn push_below(
        &self,
        prefix: &str,
        dir: &Path,
        options: &PushOptions,
        (summary, on_event): (&mut TreeSummary, &mut (dyn FnMut(TreeEvent) + Send)),
    ) -> Result<()> {
        if options.manifest && options.shard.is_some() {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a manifest is of a whole folder, not of a shard",
            )
            .with_hint("push once more without a shard: what is there already is not sent again"));
        }
        let filter = options.filter.clone().of(options.shard);
        let options = &PushOptions { filter, ..options.clone() };
        let walk = survey::walk(self, dir, options)?;
        let inventory = Inventory::begin(self, dir, options).await?;
        let (cursor, log) = open_index(self, prefix, dir, options.shard).await?;
        let log = log.filter(|_| !options.dry_run);
        let store = if options.manifest { self.hashing_whole() } else { self.clone() };
        let push = Arc::new(Push { inventory, ..Push::new(&store, (dir, prefix), options, log) });
        let mut lanes = JoinSet::new();
        lanes.spawn(Survey::new(push.clone(), cursor).run(walk));
        for _ in 0..self.settings().concurrency.max(1) {
            let push = push.clone();
            lanes.spawn(async move { push.lane().await });
        }
        run(lanes, &push.events, summary, on_event).await?;
        let deleted = push.clone().delete(summary, on_event).await;
        push.clone().settle().await?;
        deleted?;
        push.write_manifest(summary, on_event).await
    }
}

/// Faults that every further file would have too.
pub(super) fn concerns_all(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::BucketNotFound | ErrorKind::Credentials | ErrorKind::Config)
}

/// A file, open, and whether a change of it from now on will show.
pub(super) struct Settled {
    pub(super) file: Opened,
    pub(super) is_settled: bool,
}

impl Push {
    pub(super) fn new(
        store: &Store,
        (dir, prefix): (&Path, &str),
        options: &PushOptions,
        log: Option<Log>,
    ) -> Self {
        Self {
            store: store.clone(),
            dir: dir.to_owned(),
            prefix: prefix.to_owned(),
            options: options.clone(),
            jobs: Jobs::default(),
            events: Events::default(),
            log: log.map(Arc::new),
            surplus: Mutex::default(),
            inventory: None,
        }
    }

    /// The same with jobs of its own: events and index are shared.
    pub(super) fn again(&self) -> Self {
        let again = Self::new(&self.store, (&self.dir, &self.prefix), &self.options, None);
        Self { events: self.events.clone(), log: self.log.clone(), ..again }
    }

    async fn lane(&self) -> Result<()> {
        while let Some(job) = self.jobs.next().await {
            let (path, start) = (self.dir.join(&job.relative), Instant::now());
            let key = format!("{}{}", self.prefix, job.relative);
            let mut watch = self.watch(&key);
            let moved = self.file(&path, &key, job, &mut watch).await;
            let event = match watch.end(moved) {
                Ok(event) => event,
                Err(error) if concerns_all(&error) => return Err(error),
                Err(error) => {
                    TreeEvent::Failed { name: path.display().to_string(), error, elapsed: start.elapsed() }
                }
            };
            self.events.add(event).await;
            // A store that puts on the spot never waits, and would keep events, timers and signals from their turn.
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    /// Watches the transfer of a file, if there is to be one.
    pub(super) fn watch<'a>(&self, key: &'a str) -> Watch<'a> {
        if self.options.dry_run { Watch::off() } else { Watch::begin(Direction::Up, &self.store, key) }
    }

    async fn file(&self, path: &Path, key: &str, job: Job, watch: &mut Watch<'_>) -> Result<TreeEvent> {
        let key = Key::parse(key)?;
        let settled = self.open(path).await?;
        self.opened(path, &key, (job, settled), watch).await
    }

    /// Sends a file that is open, if its object has other bytes.
    pub(super) async fn opened(
        &self,
        path: &Path,
        key: &Key,
        (job, Settled { file, is_settled }): (Job, Settled),
        watch: &mut Watch<'_>,
    ) -> Result<TreeEvent> {
        let start = Instant::now();
        let (size, identity) = (file.size(), file.identity());
        watch.expect(size);
        let note = |etag: Option<String>, digest| {
            if let (Some(log), Some(etag), true) = (&self.log, etag, is_settled) {
                log.note(&job.relative, Entry { file: identity, etag, digest });
            }
        };
        if let Some((etag, mut digest)) = self.same(key, &file, &job).await? {
            if self.inventory.is_some() {
                let sha256 = whole_of(&file, Some(&digest)).await?;
                self.describe(&job.relative, &file, sha256, etag.clone())?;
                digest = Digest::Whole(sha256);
            }
            note(etag, Some(digest));
            let (key, state, elapsed) = (key.to_string(), job.state, start.elapsed());
            return Ok(TreeEvent::Unchanged { key, size, state, elapsed });
        }
        if self.options.dry_run {
            return Ok(TreeEvent::Planned { path: path.to_owned(), key: key.to_string(), size });
        }
        if job.verdict != Verdict::Move {
            self.expect(size);
        }
        let stored = self.store.put_opened(key, file.clone(), &self.options.put).await?;
        let (etag, digest) = (stored.receipt.etag.clone(), Digest::of(&stored.receipt, &self.store));
        if self.inventory.is_some() {
            let sha256 = whole_of(&file, digest.as_ref()).await?;
            self.describe(&job.relative, &file, sha256, etag.clone())?;
        }
        note(etag, digest);
        if stored.was_noted() {
            self.log.iter().for_each(|log| log.flush());
        }
        Ok(TreeEvent::Pushed { path: path.to_owned(), receipt: stored.end() })
    }

    fn expect(&self, size: u64) {
        if let Some(progress) = &self.options.put.progress {
            progress.expect(size);
        }
    }

    /// Opens a file. One that was changed this very moment is opened a little later, so that what is read of it can be
    /// told from a later change.
    async fn open(&self, path: &Path) -> Result<Settled> {
        let open = || Opened::open(path, self.options.follow_symlinks);
        let mut file = open()?;
        let mut is_settled = file.identity().is_settled(SystemTime::now());
        if !is_settled && self.log.is_some() {
            tokio::time::sleep(TICK).await;
            file = open()?;
            is_settled = file.identity().is_settled(SystemTime::now());
        }
        Ok(Settled { file, is_settled })
    }

    /// Compares a file with its object; answers the object's `ETag` and the digest when they are the same.
    async fn same(&self, key: &Key, file: &Opened, job: &Job) -> Result<Option<(Option<String>, Digest)>> {
        let (etag, digest) = match &job.verdict {
            Verdict::Move => return Ok(None),
            // It was another file that was unchanged.
            Verdict::Unchanged if file.identity() != job.seen => return Ok(None),
            // Nothing but its digest is wanted.
            Verdict::Unchanged => {
                return Ok(Some((job.etag.clone(), Digest::Whole(whole_of(file, None).await?))));
            }
            Verdict::Hash(digest) => (job.etag.clone(), digest.clone()),
            Verdict::Ask => match self.ask(key, file.size()).await? {
                Some((etag, digest)) => (etag, digest),
                None => return Ok(None),
            },
        };
        let (again, wanted) = (file.clone(), digest.clone());
        let same = blocking(file.size(), move || wanted.is_of(&again)).await?;
        Ok(same.then_some((etag, digest)))
    }

    /// Asks for the digest that an object was stored with; none where there is none, or it is not said.
    async fn ask(&self, key: &Key, size: u64) -> Result<Option<(Option<String>, Digest)>> {
        let encryption = self.options.put.encryption.as_ref().or(self.store.settings().encryption.as_ref());
        let encryption = encryption.filter(|encryption| matches!(encryption, Encryption::Customer(_)));
        let options = GetOptions { encryption: encryption.cloned(), ..GetOptions::default() };
        match self.store.backend().head(key, &options).await {
            Ok(head) if head.size == size => Ok(head.sha256.map(|sha256| (head.etag, Digest::Whole(sha256)))),
            Ok(_) => Ok(None),
            // Sending it does without.
            Err(error) if refuses_to_say(&error) => Ok(None),
            // It can be queued.
            Err(error) if self.store.outbox().is_some() && is_of_the_remote(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) async fn settle(self: Arc<Self>) -> Result<()> {
        let settled = tokio::task::spawn_blocking(move || self.log.iter().for_each(|log| log.settle())).await;
        settled.map_err(|e| Error::new(ErrorKind::Cancelled, "the index's task ended").with_source(e))
    }
}

/// The digest of all of a file, which is read where it is not known.
async fn whole_of(file: &Opened, known: Option<&Digest>) -> Result<Sha256> {
    match known {
        Some(Digest::Whole(sha256)) => Ok(*sha256),
        _ => {
            let again = file.clone();
            blocking(file.size(), move || again.sha256()).await
        }
    }
}

/// Whether a fault of asking says nothing about what sending would meet.
fn refuses_to_say(error: &Error) -> bool {
    use ErrorKind as K;
    matches!(error.kind(), K::NotFound | K::PermissionDenied | K::Unsupported | K::InvalidInput | K::Protocol)
}
