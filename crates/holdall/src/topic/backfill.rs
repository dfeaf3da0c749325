//! Stores many old output folders, each as a topic.

use super::one::real_folder;
use super::{Pushed, Slug, Title, Topics};
use holdall_store::transfer::{PushOptions, TreeEvent};
use holdall_store::{Error, ErrorKind, Result};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A title's file is read so far.
const TITLE_BYTES: u64 = 4096;

/// How old folders are stored.
#[derive(Debug, Clone, Default)]
pub struct BackfillOptions {
    /// The file of each folder whose first line is the topic's title, such as `title.txt`. A folder without it, and every
    /// folder where none is named, has its own name for a title.
    pub title_file: Option<String>,
    /// How each folder is pushed.
    pub push: PushOptions,
}

/// What happens in a backfill.
#[derive(Debug)]
#[non_exhaustive]
pub enum Outcome {
    /// Something of a topic's push.
    File(Box<TreeEvent>),
    /// A folder was stored, or was not. Failures of its files came before, as their events.
    Topic {
        /// The folder.
        folder: PathBuf,
        /// The title, where there is one.
        title: Option<Title>,
        /// The slug, where one could be made.
        slug: Option<Slug>,
        /// What its push did; the error where it came to none.
        pushed: Result<Pushed>,
    },
    /// Left out on purpose: no folder, or one whose name begins with a dot.
    Skipped {
        /// Its path.
        path: PathBuf,
        /// Why.
        reason: &'static str,
    },
}

/// What a backfill came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Backfilled {
    /// Topics that are wholly stored, or wait in the outbox.
    pub done: u64,
    /// Topics of which something failed.
    pub failed: u64,
    /// What was left out.
    pub skipped: u64,
    /// Files that were stored.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Files that were there already.
    pub unchanged: u64,
}

impl Backfilled {
    fn count(&mut self, pushed: &Result<Pushed>) {
        let is_done = pushed.as_ref().is_ok_and(|pushed| pushed.summary.failed == 0);
        *(if is_done { &mut self.done } else { &mut self.failed }) += 1;
        if let Ok(Pushed { summary, .. }) = pushed {
            self.files += summary.done;
            self.bytes += summary.bytes;
            self.unchanged += summary.unchanged;
        }
    }
}

impl Topics {
    /// Stores each folder in `dir` as a topic, one after the other in the order of their names, with the files of each at
    /// once. A topic that fails does not stop the rest.
    ///
    /// After a kill run it again: what was stored is found by the index of each folder or by its digest, and not sent
    /// again.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::{BackfillOptions, Topics};
    /// use holdall::{Settings, Store};
    ///
    /// let dir = std::env::temp_dir().join(format!("holdall-backfill-{}", std::process::id()));
    /// for topic in ["Sets", "Groups"] {
    ///     std::fs::create_dir_all(dir.join(topic))?;
    ///     std::fs::write(dir.join(topic).join("plan.txt"), topic)?;
    /// }
    /// let topics = Topics::open(&Store::memory(), &Settings::default())?;
    /// let filled = topics.backfill(&dir, &BackfillOptions::default(), &mut |_| ()).await?;
    /// assert_eq!((filled.done, filled.failed, filled.files), (2, 0, 2));
    /// # std::fs::remove_dir_all(&dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// What concerns all topics: a folder that is not there or cannot be read, a bucket that is not there, credentials
    /// that are refused. A folder whose title has no slug, or one that another title or another folder has, is an outcome.
    pub async fn backfill(
        &self,
        dir: &Path,
        options: &BackfillOptions,
        on_outcome: &mut (dyn FnMut(Outcome) + Send),
    ) -> Result<Backfilled> {
        real_folder(dir)?;
        let (mut filled, mut seen) = (Backfilled::default(), HashMap::new());
        for found in folders(dir)? {
            let folder = match found {
                Found::Folder(folder) => folder,
                Found::Skipped(path, reason) => {
                    filled.skipped += 1;
                    on_outcome(Outcome::Skipped { path, reason });
                    continue;
                }
            };
            let named = title_of(&folder, options.title_file.as_deref());
            let title = named.as_ref().ok().cloned();
            let slug = title.as_ref().and_then(|title| Slug::of(title).ok());
            let pushed = match named.and_then(|title| first(&mut seen, &title, &folder)) {
                Ok(title) => self.fill(&folder, &title, &options.push, on_outcome).await,
                Err(error) => Err(error),
            };
            let pushed = match pushed {
                Err(error) if concerns_all(&error) => return Err(error),
                other => other,
            };
            filled.count(&pushed);
            on_outcome(Outcome::Topic { folder, title, slug, pushed });
        }
        Ok(filled)
    }

    async fn fill(
        &self,
        folder: &Path,
        title: &Title,
        options: &PushOptions,
        on_outcome: &mut (dyn FnMut(Outcome) + Send),
    ) -> Result<Pushed> {
        let topic = self.topic(title.as_str())?;
        topic.push(folder, options, &mut |event| on_outcome(Outcome::File(Box::new(event)))).await
    }
}

/// Faults that every further topic would have too.
fn concerns_all(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::BucketNotFound | ErrorKind::Credentials | ErrorKind::Config)
}

/// Refuses a title that an earlier folder had: two folders would be mixed in one topic.
fn first(seen: &mut HashMap<Title, OsString>, title: &Title, folder: &Path) -> Result<Title> {
    let name = folder.file_name().unwrap_or_default().to_owned();
    if let Some(other) = seen.insert(title.clone(), name) {
        let error = Error::new(ErrorKind::Conflict, "another folder has the same title")
            .with_fact("title", format_args!("{:?}", title.as_str()))
            .with_fact("folder", format_args!("{other:?}"))
            .with_hint("give one of them another title, or put both in one folder");
        seen.insert(title.clone(), other);
        return Err(error);
    }
    Ok(title.clone())
}

enum Found {
    Folder(PathBuf),
    Skipped(PathBuf, &'static str),
}

/// What lies in a folder, in the bytewise order of names.
fn folders(dir: &Path) -> Result<Vec<Found>> {
    let fault = |e| Error::io("the folder cannot be read", e).with_fact("path", dir.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let kind = entry.file_type().map_err(fault)?;
        found.push((
            entry.file_name(),
            match (kind.is_dir(), is_hidden) {
                (true, false) => Found::Folder(dir.join(entry.file_name())),
                (true, true) => Found::Skipped(dir.join(entry.file_name()), "its name begins with a dot"),
                (false, _) => Found::Skipped(dir.join(entry.file_name()), "it is no folder"),
            },
        ));
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(found.into_iter().map(|(_, found)| found).collect())
}

/// The title of a folder: the first line of its title's file, else its name.
fn title_of(folder: &Path, title_file: Option<&str>) -> Result<Title> {
    let named = |error: Error| error.with_fact("folder", format_args!("{folder:?}"));
    if let Some(line) =
        title_file.map(|name| first_line(&folder.join(name))).transpose().map_err(named)?.flatten()
    {
        return Title::parse(&line).map_err(named);
    }
    let name = folder.file_name().unwrap_or_default();
    let name = name.to_str().ok_or_else(|| {
        named(Error::new(ErrorKind::InvalidInput, "the folder's name is not UTF-8 and can be no title"))
            .with_hint("rename it, or name a file in it that has the title")
    })?;
    Title::parse(name).map_err(named)
}

/// The first line of a file; none where there is no such file.
fn first_line(path: &Path) -> Result<Option<String>> {
    let fault = |e| Error::io("the title's file cannot be read", e).with_fact("path", path.display());
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_file() => {}
        Ok(_) => {
            let message = "the title's file is no regular file";
            return Err(Error::new(ErrorKind::InvalidInput, message).with_fact("path", path.display()));
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(fault(error)),
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(fault)?.take(TITLE_BYTES).read_to_end(&mut bytes).map_err(fault)?;
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let line = std::str::from_utf8(&bytes[..end]).map_err(|_| {
        Error::new(ErrorKind::InvalidInput, "the title is not UTF-8").with_fact("path", path.display())
    })?;
    Ok(Some(line.trim_start_matches('\u{feff}').to_owned()))
}
