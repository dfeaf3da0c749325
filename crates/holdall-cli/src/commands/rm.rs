//! `holdall rm`

use super::Outcome;
use crate::app::App;
use crate::failure::Failure;
use crate::target::Target;
use crate::text::count;
use clap::Args;
use holdall::{DeleteFailure, DeleteOptions, Error, ErrorKind, Key, Location, Result, State, Store};
use serde::Serialize;
use std::collections::HashSet;
use tokio::task::JoinSet;

const AFTER: &str = "\
That a key is not there is no error; of a single one it is said. Of many keys each that is not
deleted is reported, and the rest go on.

Examples:
  holdall rm runs/7/report.pdf
  holdall rm -r runs/7 --dry-run
  holdall rm -r s3://scratch --all";

/// Batches that are deleted at once while the listing goes on.
const BATCHES: usize = 4;

/// Deletes objects
#[derive(Debug, Args)]
#[command(after_help = AFTER)]
pub(crate) struct Rm {
    /// The keys; with -r the folders
    #[arg(required_unless_present = "all", value_name = "KEY")]
    keys: Vec<String>,
    /// Everything below the folders: `a` means all keys that begin with `a/`
    #[arg(long, short)]
    recursive: bool,
    /// Print what would be deleted and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Let -r delete everything in a store
    #[arg(long, requires = "recursive")]
    all: bool,
}

/// What was deleted.
#[derive(Serialize)]
struct DeletedRecord<'a> {
    key: &'a str,
    deleted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    existed: Option<bool>,
    /// Of a single key that is not deleted yet: `queued`.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
}

impl Rm {
    pub(crate) async fn run(self, app: &mut App) -> Outcome {
        let targets = self.targets()?;
        let mut tally = Tally { dry_run: self.dry_run, ..Tally::default() };
        if self.recursive {
            for target in &targets {
                let store = app.store(target)?;
                tally.folder(&store, &target.key, app).await?;
            }
        } else if let ([target], false) = (&*targets, self.dry_run) {
            let key = Key::parse(&target.key)?;
            let options = DeleteOptions { look: true, ..DeleteOptions::default() };
            let deleted = app.store(target)?.delete_with(&target.key, &options).await?;
            let state = (deleted.state != State::Stored).then(|| deleted.state.as_str());
            let existed = deleted.existed;
            tally.count(&Batch { keys: vec![key], failures: Vec::new(), existed, state }, app)?;
        } else {
            for (location, keys) in by_store(targets)? {
                let store = app.store_at(location.as_ref())?;
                let batch = delete(store, keys, self.dry_run).await;
                tally.count(&batch, app)?;
            }
        }
        tally.finish(app)
    }

    fn targets(&self) -> Result<Vec<Target>> {
        let all = [String::new()];
        let keys = if self.keys.is_empty() { &all } else { &*self.keys };
        let targets = keys.iter().map(|key| Target::parse(key));
        if !self.recursive {
            return targets.collect();
        }
        let folders = targets.map(|target| target.map(Target::folder)).collect::<Result<Vec<_>>>()?;
        if !self.all && folders.iter().any(|folder| folder.key.is_empty()) {
            return Err(Error::new(ErrorKind::InvalidInput, "an empty prefix means everything in the store")
                .with_hint("say --all if that is what you want"));
        }
        Ok(folders)
    }
}

/// Checks all keys before the first is deleted, and groups them by store.
fn by_store(targets: Vec<Target>) -> Result<Vec<(Option<Location>, Vec<Key>)>> {
    let mut groups: Vec<(Option<Location>, Vec<Key>)> = Vec::new();
    for target in targets {
        let key = Key::parse(&target.key)?;
        match groups.iter_mut().find(|(location, _)| *location == target.location) {
            Some((_, keys)) => keys.push(key),
            None => groups.push((target.location, vec![key])),
        }
    }
    Ok(groups)
}

/// Keys and what became of them.
struct Batch {
    keys: Vec<Key>,
    failures: Vec<DeleteFailure>,
    /// Of a single key: whether there was an object. It is not said of many.
    existed: Option<bool>,
    state: Option<&'static str>,
}

async fn delete(store: Store, keys: Vec<Key>, dry_run: bool) -> Batch {
    let failures = if dry_run { Vec::new() } else { store.delete_many(keys.iter().cloned()).await };
    Batch { keys, failures, existed: None, state: None }
}

#[derive(Default)]
struct Tally {
    dry_run: bool,
    deleted: u64,
    missing: u64,
    failed: u64,
}

impl Tally {
    /// Deletes all below a prefix, page by page.
    async fn folder(&mut self, store: &Store, prefix: &str, app: &mut App) -> Outcome {
        let mut list = store.list(prefix)?;
        let mut batches = JoinSet::new();
        let mut fault = None;
        while let Some(page) = list.next_page().await {
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    fault = Some(error);
                    break;
                }
            };
            for failure in &page.failures {
                self.failed += 1;
                app.report.error(failure, None);
            }
            let keys = page.objects.into_iter().map(|object| object.key).collect();
            batches.spawn(delete(store.clone(), keys, self.dry_run));
            if batches.len() >= BATCHES {
                self.join(&mut batches, app).await?;
            }
        }
        while !batches.is_empty() {
            self.join(&mut batches, app).await?;
        }
        fault.map_or(Ok(()), |error| Err(error.into()))
    }

    async fn join(&mut self, batches: &mut JoinSet<Batch>, app: &mut App) -> Outcome {
        match batches.join_next().await {
            Some(Ok(batch)) => self.count(&batch, app),
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => Ok(()),
        }
    }

    fn count(&mut self, batch: &Batch, app: &mut App) -> Outcome {
        let failed: HashSet<&Key> = batch.failures.iter().map(|failure| &failure.key).collect();
        self.failed += failed.len() as u64;
        let done = (batch.keys.len() - failed.len()) as u64;
        let tally = if batch.existed == Some(false) { &mut self.missing } else { &mut self.deleted };
        *tally += done;
        for failure in &batch.failures {
            app.report.error(&failure.error, Some(failure.key.as_str()));
        }
        for key in batch.keys.iter().filter(|key| !failed.contains(key)) {
            match (app.globals.json, self.dry_run) {
                (true, _) => app.out.json(&DeletedRecord {
                    key: key.as_str(),
                    deleted: !self.dry_run,
                    existed: batch.existed,
                    state: batch.state,
                })?,
                (false, true) => app.out.name(key.as_str())?,
                (false, false) => {}
            }
        }
        Ok(())
    }

    fn finish(&self, app: &App) -> Outcome {
        let verb = if self.dry_run { "would delete" } else { "deleted" };
        let missing = if self.missing > 0 { ", there was no object with this key" } else { "" };
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        app.report.summary(&format!("{verb} {}{missing}{failed}", count(self.deleted, "object")));
        if self.failed > 0 { Err(Failure::Reported) } else { Ok(()) }
    }
}
