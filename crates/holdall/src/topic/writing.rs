//! A topic whose files are being written: stored as their writer says so, or in the end.

use super::index::Indexing;
use super::one::real_folder;
use super::{Claim, Pushed, Roles, Topic, UrlIndex};
use holdall_store::transfer::{Piecemeal, PushOptions, TreeEvent};
use holdall_store::{Error, ErrorKind, Key, Receipt, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A topic whose folder is being written. Files may be told of from any number of tasks at once.
///
/// Nothing depends on its end: what a process that was killed did not store is stored when another one finishes the
/// topic, or pushes its folder.
#[derive(Debug)]
pub struct Writing {
    topic: Topic,
    dir: PathBuf,
    claim: Claim,
    options: PushOptions,
    /// None where files are stored in the end.
    piecemeal: Option<Piecemeal>,
}

/// What became of a file that was written.
#[derive(Debug)]
#[non_exhaustive]
pub enum Wrote {
    /// It is stored, or waits in the outbox: the receipt says which.
    Stored(Receipt),
    /// It is stored when the topic is finished.
    Deferred,
    /// The filter leaves it out.
    LeftOut,
}

/// What a topic came to.
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished {
    /// What the last push did. Where any file failed there is no new manifest: finish it again.
    pub pushed: Pushed,
    /// The URLs of the folder's files that are stored, or wait in the outbox.
    pub index: UrlIndex,
}

impl Topic {
    /// Begins to write the topic's folder: claims the slug, and by the setting `upload_on_write` stores each file as soon
    /// as [`Writing::wrote`] tells of it, else when it is finished.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::{Roles, Topics, Wrote};
    /// use holdall::transfer::PushOptions;
    /// use holdall::{Settings, Store};
    ///
    /// let dir = std::env::temp_dir().join(format!("holdall-topic-write-{}", std::process::id()));
    /// std::fs::create_dir_all(&dir)?;
    /// let settings = Settings { upload_on_write: true, ..Settings::default() };
    /// let store = Store::open("memory://", &settings)?;
    /// let topic = Topics::open(&store, &settings)?.topic("Sets")?;
    /// let writing = topic.write(&dir, &PushOptions::default()).await?;
    /// std::fs::write(dir.join("scene1.py"), "from manim import *")?;
    /// assert!(matches!(writing.wrote("scene1.py".as_ref()).await?, Wrote::Stored(_)));
    /// let finished = writing.finish(&Roles::default(), None, &mut |_| ()).await?;
    /// assert_eq!(finished.index.artifacts.len(), 1);
    /// # std::fs::remove_dir_all(&dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for a folder that is not there, `InvalidInput` for a share of one or a dry run, `Conflict` when another
    /// title has the slug.
    pub async fn write(&self, dir: &Path, options: &PushOptions) -> Result<Writing> {
        if options.shard.is_some() || options.dry_run {
            let message = "a topic that is being written is all of a folder, and is stored";
            return Err(Error::new(ErrorKind::InvalidInput, message).with_hint("leave out shard and dry run"));
        }
        let dir = real_folder(dir)?;
        let claim = self.claim().await?;
        let options = self.push_options(options, claim);
        let piecemeal = match self.store.settings().upload_on_write {
            true => Some(self.store.piecemeal(&dir, &self.prefix, &options).await?),
            false => None,
        };
        Ok(Writing { topic: self.clone(), dir, claim, options, piecemeal })
    }
}

impl Writing {
    /// Tells that a file is written and closed: its path in the topic's folder, or a whole path that leads there.
    ///
    /// It may be told again when the file is written again. After an error nothing is lost: the file is stored when the
    /// topic is finished.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a path that lies outside of the topic's folder, is no file, or has a name that is no UTF-8 or
    /// holdall's own; `NotFound` for a file that is not there; `Changed` for one that is being written: nothing is stored
    /// of it. Else what keeps the store from taking it.
    pub async fn wrote(&self, path: &Path) -> Result<Wrote> {
        let relative = self.relative(path)?;
        if !self.options.filter.takes(&relative) {
            return Ok(Wrote::LeftOut);
        }
        match &self.piecemeal {
            Some(piecemeal) => piecemeal.put(&relative).await.map(Wrote::Stored),
            None => Ok(Wrote::Deferred),
        }
    }

    /// The path below the folder, by what is there and not by how it is written.
    fn relative(&self, path: &Path) -> Result<String> {
        let full = self.dir.join(path);
        let named = |error: Error| error.with_fact("path", full.display());
        let refused = |message: &str| named(Error::new(ErrorKind::InvalidInput, message));
        let (Some(above), Some(name)) = (full.parent(), full.file_name()) else {
            return Err(refused("the path names no file"));
        };
        let is_there = full.symlink_metadata().map_err(|e| named(look_error(e)))?;
        let real = above.canonicalize().map_err(|e| named(look_error(e)))?;
        let inside = real.strip_prefix(&self.dir);
        let inside = inside.map_err(|_| refused("the file lies outside of the topic's folder"))?;
        if !is_there.is_file() {
            return Err(refused("this is no regular file"));
        }
        let relative = inside.join(name).into_os_string().into_string();
        relative.map_err(|_| refused("the file's name is not UTF-8 and cannot be a key"))
    }

    /// Stores what is not stored yet of the folder, writes the manifest, and answers the URLs of the files.
    ///
    /// # Errors
    ///
    /// As for [`Topic::push`]; and `Unsupported` or `InvalidInput` for presigned URLs that cannot be made, after
    /// everything was stored.
    pub async fn finish(
        self,
        roles: &Roles,
        expires: Option<Duration>,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<Finished> {
        if let Some(piecemeal) = self.piecemeal {
            piecemeal.end().await?;
        }
        let topic = &self.topic;
        let mut there = Vec::new();
        let mut collect = |event: TreeEvent| {
            match &event {
                TreeEvent::Pushed { receipt, .. } => {
                    there.push((receipt.key.to_string(), receipt.size, receipt.state));
                }
                TreeEvent::Unchanged { key, size, state, .. } => there.push((key.clone(), *size, *state)),
                _ => {}
            }
            on_event(event);
        };
        let summary = topic.store.push(&self.dir, &topic.prefix, &self.options, &mut collect).await?;
        let indexing = Indexing { store: &topic.store, roles, expires };
        let mut artifacts = Vec::new();
        for (key, size, state) in there {
            let path = key.strip_prefix(&topic.prefix).unwrap_or(&key);
            artifacts.push(indexing.artifact(path, &Key::parse(&key)?, size, state).await?);
        }
        let index = topic.index(expires, artifacts);
        Ok(Finished { pushed: Pushed { claim: self.claim, summary }, index })
    }
}

fn look_error(error: std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => {
            Error::new(ErrorKind::NotFound, "there is no such file").with_hint("check the path")
        }
        _ => Error::io("the file cannot be looked at", error),
    }
}
