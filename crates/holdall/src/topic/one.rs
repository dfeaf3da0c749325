//! One topic.

use super::index::{Artifact, Indexing};
use super::{Claim, Roles, Slug, Title, UrlIndex};
use holdall_store::transfer::{
    ExportOptions, PushOptions, TreeEvent, TreeSummary, VerifyEvent, VerifyOptions, VerifySummary,
    WatchOptions, Watching,
};
use holdall_store::{Error, ErrorKind, Key, PutOptions, ReadFrom, Result, State, Store};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The names that the manifest has.
const OWN: [&str; 2] = ["manifest.json", "SHA256SUMS"];

/// A topic of a store: a title, the slug that is made of it, and the place of its files. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Topic {
    pub(super) store: Store,
    pub(super) record: Key,
    pub(super) prefix: String,
    pub(super) slug: Slug,
    pub(super) title: Option<Title>,
}

/// What a push of a topic did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pushed {
    /// How the title came by its slug.
    pub claim: Claim,
    /// Files and bytes. Where any failed, there is no new manifest.
    pub summary: TreeSummary,
}

impl Topic {
    /// Its slug.
    pub fn slug(&self) -> &Slug {
        &self.slug
    }

    /// Its title; none for one that was adopted and whose title nobody said.
    pub fn title(&self) -> Option<&Title> {
        self.title.as_ref()
    }

    /// What the keys of its files begin with, and nothing else.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Claims the slug for the title, which every write of the topic does by itself.
    ///
    /// Of two titles that claim one slug at once exactly one has it, where the store creates objects only where there are
    /// there are none; the answer says where it does not.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::{Claim, Topics};
    /// use holdall::{ErrorKind, Settings, Store};
    /// let topics = Topics::open(&Store::memory(), &Settings::default())?;
    /// assert_eq!(topics.topic("C")?.claim().await?, Claim::Made);
    /// assert_eq!(topics.topic("C++")?.claim().await.unwrap_err().kind(), ErrorKind::Conflict);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Conflict` when another title has the slug; nothing is written then.
    pub async fn claim(&self) -> Result<Claim> {
        self.claiming().claim().await
    }

    /// Stores a folder's files, each at its path, and the manifest last. Files whose bytes are there already are not sent
    /// again. What fails does not stop the rest, and is counted.
    ///
    /// The options are those of [`Store::push`], but that there is always a manifest, unless the push is of a shard.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::{Claim, Topics};
    /// use holdall::transfer::PushOptions;
    /// use holdall::{Settings, Store};
    ///
    /// let dir = std::env::temp_dir().join(format!("holdall-topic-push-{}", std::process::id()));
    /// std::fs::create_dir_all(&dir)?;
    /// std::fs::write(dir.join("plan.txt"), "1. Define sets")?;
    /// let store = Store::memory();
    /// let topic = Topics::open(&store, &Settings::default())?.topic("Sets")?;
    /// let pushed = topic.push(&dir, &PushOptions::default(), &mut |_| ()).await?;
    /// assert_eq!((pushed.claim, pushed.summary.done), (Claim::Made, 1));
    /// # std::fs::remove_dir_all(&dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Conflict` when another title has the slug, before anything is sent; and as for [`Store::push`].
    pub async fn push(
        &self,
        dir: &Path,
        options: &PushOptions,
        on_event: &mut (dyn FnMut(TreeEvent) + Send),
    ) -> Result<Pushed> {
        real_folder(dir)?;
        let claim = match options.dry_run {
            true => self.claiming().look().await?,
            false => self.claim().await?,
        };
        let options = self.push_options(options, claim);
        let summary = self.store.push(dir, &self.prefix, &options, on_event).await?;
        Ok(Pushed { claim, summary })
    }

    pub(super) fn push_options(&self, options: &PushOptions, claim: Claim) -> PushOptions {
        let manifest = options.shard.is_none();
        PushOptions { manifest, put: self.put_options(&options.put, claim), ..options.clone() }
    }

    /// Nothing of the topic comes to the store before its claim does.
    fn put_options(&self, put: &PutOptions, claim: Claim) -> PutOptions {
        let mut put = put.clone();
        if claim == Claim::Queued {
            put.after.push(self.record.to_string());
        }
        put
    }

    /// Stores the files of a folder as they are written, and keeps the manifest current, as [`Store::watch`] does.
    ///
    /// ```no_run
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::Topics;
    /// use holdall::transfer::WatchOptions;
    /// use holdall::{Settings, Store};
    /// let settings = Settings::from_env().map_err(holdall::Error::from)?;
    /// let topic = Topics::open(&Store::from_settings(&settings)?, &settings)?.topic("Sets")?;
    /// let mut watching = topic.watch("out".as_ref(), &WatchOptions::default()).await?;
    /// while let Some(event) = watching.next().await {
    ///     event?;
    /// }
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Conflict` when another title has the slug; and as for [`Store::watch`].
    pub async fn watch(&self, dir: &Path, options: &WatchOptions) -> Result<Watching> {
        real_folder(dir)?;
        let claim = self.claim().await?;
        let options =
            WatchOptions { manifest: true, put: self.put_options(&options.put, claim), ..options.clone() };
        self.store.watch(dir, &self.prefix, &options).await
    }

    /// Compares the topic's objects with its manifest and, where one is given, with a folder, as [`Store::verify`] does.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::Topics;
    /// use holdall::transfer::VerifyOptions;
    /// use holdall::{ErrorKind, Settings, Store};
    /// let topic = Topics::open(&Store::memory(), &Settings::default())?.topic("Sets")?;
    /// let nothing = topic.verify(None, &VerifyOptions::default(), &mut |_| ()).await.unwrap_err();
    /// assert_eq!(nothing.kind(), ErrorKind::NotFound);
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Store::verify`].
    pub async fn verify(
        &self,
        dir: Option<&Path>,
        options: &VerifyOptions,
        on_event: &mut (dyn FnMut(VerifyEvent) + Send),
    ) -> Result<VerifySummary> {
        self.store.verify(&self.prefix, dir, options, on_event).await
    }

    /// The URLs of what the store has of the topic: those that do not expire, or with `expires` presigned ones.
    ///
    /// All of one topic's files are held in memory.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::{Roles, Topics};
    /// use holdall::{Settings, Store};
    /// let settings = Settings { public_base_url: Some("https://cdn.example".to_owned()), ..Settings::default() };
    /// let store = Store::open("memory://", &settings)?;
    /// store.put("topics/sets/scene1/Scene1.mp4", "moving pictures").await?;
    /// let index = Topics::open(&store, &settings)?.topic("Sets")?.urls(&Roles::default(), None).await?;
    /// let url = index.scene(1).and_then(|scene| scene.s3_url.as_deref());
    /// assert_eq!(url, Some("https://cdn.example/topics/sets/scene1/Scene1.mp4"));
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Unsupported` for presigned URLs of a store that no service answers for, `InvalidInput` for an expiry out of
    /// bounds, `Config` for URLs that cannot be made; and whatever keeps the store from being listed.
    pub async fn urls(&self, roles: &Roles, expires: Option<Duration>) -> Result<UrlIndex> {
        let indexing = Indexing { store: &self.store, roles, expires };
        let mut export = self.store.export(&self.prefix, &ExportOptions::default())?;
        let mut artifacts = Vec::new();
        while let Some(row) = export.next().await {
            let row = row?;
            let is_a_folder = row.path.is_empty() || row.path.ends_with('/');
            if is_a_folder || OWN.contains(&row.path.as_str()) {
                continue;
            }
            let state = match row.object.read_from {
                ReadFrom::Outbox => State::Queued,
                _ => State::Stored,
            };
            artifacts.push(indexing.artifact(&row.path, &row.object.key, row.object.size, state).await?);
        }
        Ok(self.index(expires, artifacts))
    }

    pub(super) fn index(&self, expires: Option<Duration>, artifacts: Vec<Artifact>) -> UrlIndex {
        UrlIndex::new(self.slug.clone(), self.title.clone(), expires, artifacts)
    }
}

/// The folder as it is without symbolic links.
///
/// # Errors
///
/// `NotFound`, or `InvalidInput` for what is no folder.
pub(super) fn real_folder(dir: &Path) -> Result<PathBuf> {
    let named = |error: Error| error.with_fact("path", dir.display());
    let real = dir.canonicalize().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            named(Error::new(ErrorKind::NotFound, "there is no such folder").with_hint("check the path"))
        }
        _ => named(Error::io("the folder cannot be looked at", e)),
    })?;
    match real.is_dir() {
        true => Ok(real),
        false => Err(named(Error::new(ErrorKind::InvalidInput, "this is a file, and a topic is a folder"))),
    }
}
