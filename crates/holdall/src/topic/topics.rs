//! The topics of a store.

use super::claim::Claiming;
use super::record::{Record, SUFFIX};
use super::{Slug, Title, Topic};
use crate::{Collection, Root};
use holdall_store::{Error, ErrorKind, Key, Result, Settings, Store};

/// The topics of a store, below one root. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Topics {
    pub(super) store: Store,
    pub(super) root: Root,
}

impl Topics {
    /// Opens the topics of a store, at the root that the settings say. Nothing is asked of the store.
    ///
    /// ```
    /// use holdall::topic::Topics;
    /// use holdall::{Settings, Store};
    /// let topics = Topics::open(&Store::memory(), &Settings::default())?;
    /// assert_eq!(topics.topic("Linear Algebra")?.prefix(), "topics/linear-algebra/");
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `Config` for roots that contradict each other.
    pub fn open(store: &Store, settings: &Settings) -> Result<Self> {
        Ok(Self { store: store.clone(), root: Root::of(Collection::Topics, settings)? })
    }

    /// Where in the store they lie.
    pub fn root(&self) -> &Root {
        &self.root
    }

    /// The topic of a title. Nothing is asked of the store: what is first written of it claims the slug.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a title that is none, or of which no slug can be made.
    pub fn topic(&self, title: &str) -> Result<Topic> {
        let title = Title::parse(title)?;
        let slug = Slug::of(&title)?;
        self.at(slug, Some(title))
    }

    /// The topic that has a slug, with its title.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::Topics;
    /// use holdall::{ErrorKind, Settings, Store};
    /// let topics = Topics::open(&Store::memory(), &Settings::default())?;
    /// assert_eq!(topics.find("sets").await.unwrap_err().kind(), ErrorKind::NotFound);
    /// topics.topic("Sets!")?.claim().await?;
    /// assert_eq!(topics.find("sets").await?.title().unwrap().as_str(), "Sets!");
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` where no topic has it, `InvalidInput` for what is no slug, `Integrity` or `Unsupported` for a record
    /// that cannot be read.
    pub async fn find(&self, slug: &str) -> Result<Topic> {
        let slug = Slug::parse(slug)?;
        let key = self.record_key(&slug)?;
        match Record::read(&self.store, &key).await? {
            Some((record, _)) => self.at(slug, record.title),
            None => Err(Error::new(ErrorKind::NotFound, "there is no such topic")
                .with_key(&key)
                .with_fact("slug", &slug)
                .with_hint(
                    "`holdall topic ls` lists the topics; `topic adopt` takes in what others put there",
                )),
        }
    }

    pub(super) fn at(&self, slug: Slug, title: Option<Title>) -> Result<Topic> {
        let record = self.record_key(&slug)?;
        let prefix = self.root.key(slug.as_str())?.to_string() + "/";
        Ok(Topic { store: self.store.clone(), record, prefix, slug, title })
    }

    pub(super) fn record_key(&self, slug: &Slug) -> Result<Key> {
        self.root.key(&format!("{slug}{SUFFIX}"))
    }
}

impl Topic {
    pub(super) fn claiming(&self) -> Claiming<'_> {
        let Self { store, record, slug, title, .. } = self;
        Claiming { store, key: record, slug, title: title.as_ref() }
    }
}
