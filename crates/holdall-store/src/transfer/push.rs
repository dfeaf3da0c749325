//! Stores a folder.

use super::source::Opened;
use super::tree::{Events, as_folder, run};
use super::walk::{Entry, Walk};
use super::{PushOptions, TreeEvent, TreeSummary};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::receipt::Receipt;
use crate::store::Store;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// What all lanes of a push share: they take the next file from one walk.
struct Push {
    store: Store,
    prefix: String,
    options: PushOptions,
    walk: Mutex<Walk>,
    events: Events,
}

impl Store {
    /// Stores all files below a folder, each at its path relative to the folder below `prefix`; a slash is put between
    /// where the prefix has none.
    ///
    /// Every file gives one event, in no order. One that fails does not stop the rest.
    ///
    /// # Errors
    ///
    /// Only what concerns the whole: a folder that is not there, a store whose bucket is not there or that refuses the
    /// credentials.
    pub async fn push(
        &self,
        dir: &Path,
        prefix: &str,
        options: &PushOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<TreeSummary> {
        Prefix::parse(prefix)?;
        let walk = Walk::new(dir, options.follow_symlinks).map_err(|e| folder_error(dir, e))?;
        let events = Events::default();
        let push = Arc::new(Push {
            store: self.clone(),
            prefix: as_folder(prefix),
            options: options.clone(),
            walk: Mutex::new(walk),
            events: events.clone(),
        });
        let _count = push.options.put.progress.is_some().then(|| Count::start(dir, options));
        let mut lanes = JoinSet::new();
        for _ in 0..self.settings().concurrency.max(1) {
            let push = push.clone();
            lanes.spawn(async move { push.lane().await });
        }
        drop(push);
        run(lanes, events, on_event).await
    }
}

/// Adds up the files' sizes beside the push, for whoever shows its progress; dropped, it stops.
struct Count(Arc<AtomicBool>);

impl Count {
    fn start(dir: &Path, options: &PushOptions) -> Self {
        let stopped = Arc::new(AtomicBool::new(false));
        let (dir, options, stop) = (dir.to_owned(), options.clone(), stopped.clone());
        tokio::task::spawn_blocking(move || count(&dir, &options, &stop));
        Self(stopped)
    }
}

impl Drop for Count {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What cannot be looked at is left out: the push itself says so.
fn count(dir: &Path, options: &PushOptions, stop: &AtomicBool) {
    let (Some(progress), Ok(walk)) = (&options.put.progress, Walk::new(dir, options.follow_symlinks)) else {
        return;
    };
    for entry in walk {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        if let Entry::File { path, relative } = entry
            && options.filter.takes(&relative)
            && let Ok(metadata) = std::fs::metadata(&path)
        {
            progress.expect(metadata.len());
        }
    }
    progress.complete();
}

fn folder_error(dir: &Path, error: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let fault = match error.kind() {
        Io::NotFound => {
            Error::new(ErrorKind::NotFound, "there is no such folder").with_hint("check the path")
        }
        Io::NotADirectory => {
            Error::new(ErrorKind::InvalidInput, "this is a file, not a folder").with_hint("use put for files")
        }
        Io::PermissionDenied => Error::new(ErrorKind::PermissionDenied, "the folder may not be read")
            .with_hint("check the folder's permissions and owner"),
        _ => Error::io("the folder cannot be read", error),
    };
    fault.with_fact("path", dir.display())
}

/// Faults that every further file would have too.
fn concerns_all(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::BucketNotFound | ErrorKind::Credentials | ErrorKind::Config)
}

impl Push {
    async fn lane(&self) -> Result<()> {
        loop {
            let next = self.walk.lock().unwrap_or_else(PoisonError::into_inner).next();
            let event = match next {
                None => return Ok(()),
                Some(Entry::Skipped { relative, .. } | Entry::File { relative, .. })
                    if !self.options.filter.takes(&relative) =>
                {
                    continue;
                }
                Some(Entry::Skipped { path, reason, .. }) => {
                    TreeEvent::Skipped { name: path.display().to_string(), reason }
                }
                Some(Entry::Failed { path, error }) => failed(&path, error),
                Some(Entry::File { path, relative }) => self.file(path, &relative).await?,
            };
            self.events.add(event);
            // A store that puts on the spot never waits, and would keep events, timers and signals from their turn.
            tokio::task::yield_now().await;
        }
    }

    async fn file(&self, path: PathBuf, relative: &str) -> Result<TreeEvent> {
        let name = format!("{}{relative}", self.prefix);
        if self.options.dry_run {
            return Ok(
                match Key::parse(&name).and_then(|_| Opened::open(&path, self.options.follow_symlinks)) {
                    Ok(file) => TreeEvent::Planned { path, key: name, size: file.size() },
                    Err(error) => failed(&path, error),
                },
            );
        }
        match self.put(&name, &path).await {
            Ok(receipt) => Ok(TreeEvent::Pushed { path, receipt }),
            Err(error) if concerns_all(&error) => Err(error),
            Err(error) => Ok(failed(&path, error)),
        }
    }

    async fn put(&self, name: &str, path: &Path) -> Result<Receipt> {
        let key = Key::parse(name)?;
        let file = Opened::open(path, self.options.follow_symlinks)?;
        self.store.put_opened(&key, file, &self.options.put).await
    }
}

fn failed(path: &Path, error: Error) -> TreeEvent {
    TreeEvent::Failed { name: path.display().to_string(), error }
}
