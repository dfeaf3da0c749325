//! Deletes the files that there is no object for.

use super::{Local, Pull};
use crate::error::{Error, Result};
use crate::transfer::push::{Walking, folder_error, not_after_failures};
use crate::transfer::sync::{Names, NamesRead, Surplus, scratch_of};
use crate::transfer::tree::run;
use crate::transfer::walk::{Entry, Manner, Walk};
use crate::transfer::{MaxDelete, TreeEvent, TreeSummary};
use std::io;
use std::iter::Peekable;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::task::JoinSet;

/// The objects' names, beside the walk of the folder.
struct Kept {
    names: Peekable<NamesRead>,
    /// Those that mark a folder, with their slash.
    marks: Names,
}

fn list_fault(error: std::io::Error) -> Error {
    Error::io("the list of what is there cannot be kept in a temporary file", error)
}

impl Kept {
    /// Whether there is an object for a file. Files are asked for in order.
    fn has(&mut self, relative: &str) -> Result<bool> {
        let is_due = |next: &io::Result<(String, u64)>| {
            next.as_ref().map_or(true, |(name, _)| name.as_str() <= relative)
        };
        while let Some(next) = self.names.next_if(is_due) {
            let (name, _) = next.map_err(list_fault)?;
            if name == relative {
                return Ok(true);
            }
            self.mark(&name)?;
        }
        Ok(false)
    }

    fn mark(&mut self, name: &str) -> Result<()> {
        if name.ends_with('/') { self.marks.push(name, 0).map_err(list_fault) } else { Ok(()) }
    }

    /// All that mark a folder.
    fn into_marks(mut self) -> Result<Names> {
        while let Some(next) = self.names.next() {
            self.mark(&next.map_err(list_fault)?.0)?;
        }
        Ok(self.marks)
    }
}

/// The marked folders that a file is in. Files are asked about in order.
struct Marked {
    names: Peekable<NamesRead>,
    around: Vec<String>,
}

impl Marked {
    fn around(&mut self, relative: &str) -> Result<&[String]> {
        let is_due = |next: &io::Result<(String, u64)>| {
            next.as_ref().map_or(true, |(name, _)| name.as_str() <= relative)
        };
        while let Some(next) = self.names.next_if(is_due) {
            self.around.push(next.map_err(list_fault)?.0);
        }
        self.around.retain(|mark| relative.starts_with(mark.as_str()));
        Ok(&self.around)
    }
}

impl Pull {
    /// Deletes what is surplus, where that is asked for and may be done.
    pub(super) async fn delete(
        self: Arc<Self>,
        summary: &mut TreeSummary,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<()> {
        let Some(most) = self.options.delete else { return Ok(()) };
        let (names, wanted) = {
            let mut source = self.source.lock().await;
            (source.names.take().unwrap_or_default(), source.wanted)
        };
        let Some(local) = Local::open(&self.dir)? else { return Ok(()) };
        let found = Arc::new(Mutex::new(None));
        let mut lane = JoinSet::new();
        let (pull, into) = (self.clone(), found.clone());
        lane.spawn(async move {
            let surplus = pull.look_for_surplus(names, wanted).await?;
            *into.lock().unwrap_or_else(PoisonError::into_inner) = Some(surplus);
            Ok(())
        });
        run(lane, &self.events, summary, on_event).await?;
        let found = found.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some((surplus, marked)) = found.filter(|(surplus, _)| !surplus.is_empty()) else { return Ok(()) };
        if summary.failed > 0 {
            let event = TreeEvent::failed(self.dir.display(), not_after_failures());
            summary.count(&event);
            on_event(event);
            return Ok(());
        }
        let refused = self.refused(&surplus, most)?;
        let mut lane = JoinSet::new();
        let pull = self.clone();
        lane.spawn(async move { pull.delete_all(&local, surplus.into_names(), marked).await });
        run(lane, &self.events, summary, on_event).await?;
        refused.map_or(Ok(()), Err)
    }

    /// What forbids the deletion; a dry run goes on to show what it would be.
    fn refused(&self, surplus: &Surplus, most: MaxDelete) -> Result<Option<Error>> {
        match surplus.check(most) {
            Err(error) if self.options.dry_run => Ok(Some(error)),
            other => other.map(|()| None),
        }
    }

    /// Finds the files that there is no object for, and the folders that objects mark.
    async fn look_for_surplus(&self, names: Names, wanted: u64) -> Result<(Surplus, Names)> {
        let scratch = scratch_of(&self.store);
        let filter = self.options.filter.clone();
        let manner = Manner { filter, follow: false, scratch: scratch.clone() };
        let walk = Walk::new(&self.dir, manner).map_err(|e| folder_error(&self.dir, e))?;
        let names = names.read().map_err(list_fault)?.peekable();
        let mut kept = Kept { names, marks: Names::new(scratch.clone()) };
        let mut surplus = Surplus::new(scratch);
        surplus.count_wanted(wanted);
        let mut walking = Walking::start(walk);
        while let Some(batch) = walking.next().await? {
            for entry in batch {
                match entry {
                    Entry::File { relative, .. } if kept.has(&relative)? => {
                        surplus.count_there();
                    }
                    Entry::File { relative, identity } => surplus.push(&relative, identity.size)?,
                    // What is no file is not the pull's to delete.
                    Entry::Folder { .. } | Entry::Skipped { .. } => {}
                    Entry::Failed { path, error } => {
                        self.events.add(TreeEvent::failed(path.display(), error)).await;
                    }
                }
            }
        }
        Ok((surplus, kept.into_marks()?))
    }

    async fn delete_all(&self, local: &Local, names: Names, marks: Names) -> Result<()> {
        let names_of_marks = marks.read().map_err(list_fault)?.peekable();
        let mut marked = Marked { names: names_of_marks, around: Vec::new() };
        for name in names.read().map_err(list_fault)? {
            let (relative, size) = name.map_err(list_fault)?;
            let name = self.dir.join(&relative).display().to_string();
            let event = match self.delete_one(local, &relative, marked.around(&relative)?) {
                Ok(()) if self.options.dry_run => TreeEvent::WouldDelete { name, size },
                Ok(()) => TreeEvent::Deleted { name, size },
                Err(error) => TreeEvent::failed(name, error),
            };
            self.events.add(event).await;
        }
        Ok(())
    }

    /// Deletes a file, and the folders that are empty then unless an object marks them.
    fn delete_one(&self, local: &Local, relative: &str, marked: &[String]) -> Result<()> {
        if self.options.dry_run {
            return Ok(());
        }
        local.delete(relative)?;
        let is_free = |folder: &str| !marked.iter().any(|mark| mark.strip_suffix('/') == Some(folder));
        local.remove_empty(relative.rsplit_once('/').map_or("", |(folder, _)| folder), is_free)
    }
}
