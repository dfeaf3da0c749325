//! Lists the topics of a store.

use super::record::{Record, SUFFIX};
use super::{Slug, Title, Topics};
use futures_util::StreamExt;
use holdall_store::{Error, ListOptions, ObjectList, Page, Prefix, Result};
use std::collections::{BTreeMap, VecDeque};

/// What lies below the root of topics.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The name of its folder.
    pub name: String,
    /// The same as a slug; none for a folder that can be no topic.
    pub slug: Option<Slug>,
    /// The title that has it; none without a record, and in one that was adopted without a title.
    pub title: Option<Title>,
    /// Whether it has a record. One without was put there by others: [`Topics::adopt`] takes it in.
    pub has_record: bool,
    /// Whether it has files, or a manifest.
    pub has_files: bool,
}

/// A listing of topics under way. Memory is a page of the store's listing.
#[derive(Debug)]
pub struct TopicList {
    topics: Topics,
    pages: Option<ObjectList>,
    /// What may have more to it on the next page.
    pending: BTreeMap<String, Listed>,
    ready: VecDeque<Result<Listed>>,
}

impl Topics {
    /// Lists the topics, and folders of others below the root, in the order of their names. Of each topic the record is
    /// read, as many at once as the setting `concurrency` says.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use holdall::topic::Topics;
    /// use holdall::{Settings, Store};
    /// let store = Store::memory();
    /// store.put("topics/old-one/a.mp4", "x").await?;
    /// let topics = Topics::open(&store, &Settings::default())?;
    /// topics.topic("Sets")?.claim().await?;
    /// let mut list = topics.list()?;
    /// let old = list.next().await.unwrap()?;
    /// assert_eq!((old.name.as_str(), old.has_record), ("old-one", false));
    /// assert_eq!(list.next().await.unwrap()?.title.unwrap().as_str(), "Sets");
    /// assert!(list.next().await.is_none());
    /// # Ok::<(), holdall::Error>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// None that is known. Faults come with the items: a record that cannot be read is an error of its own, after which
    /// the listing goes on.
    pub fn list(&self) -> Result<TopicList> {
        let prefix = Prefix::parse(self.root.as_str())?;
        let options = ListOptions { prefix, delimiter: Some("/".to_owned()), ..ListOptions::default() };
        let pages = Some(self.store.list_with(options)?);
        Ok(TopicList { topics: self.clone(), pages, pending: BTreeMap::new(), ready: VecDeque::new() })
    }
}

impl TopicList {
    /// The next one; none after the last.
    pub async fn next(&mut self) -> Option<Result<Listed>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return Some(ready);
            }
            let page = match self.pages.as_mut()?.next_page().await {
                Some(page) => page,
                None => {
                    self.pages = None;
                    self.settle(None).await;
                    continue;
                }
            };
            match page {
                Ok(page) => {
                    let last = self.take(page);
                    self.settle(last).await;
                }
                Err(error) => {
                    self.pages = None;
                    return Some(Err(error));
                }
            }
        }
    }

    /// Takes a page; answers the last name on it.
    fn take(&mut self, page: Page) -> Option<String> {
        let mut last: Option<String> = None;
        let root = self.topics.root.as_str();
        let mut see = |name: &str| {
            if last.as_deref().is_none_or(|last| last < name) {
                last = Some(name.to_owned());
            }
        };
        for object in &page.objects {
            let Some(name) = object.key.as_str().strip_prefix(root) else { continue };
            see(name);
            let slug = name.strip_suffix(SUFFIX).filter(|slug| Slug::parse(slug).is_ok());
            if let Some(slug) = slug {
                entry(&mut self.pending, slug).has_record = true;
            }
        }
        for prefix in &page.prefixes {
            let Some(name) = prefix.strip_prefix(root) else { continue };
            see(name);
            entry(&mut self.pending, name.strip_suffix('/').unwrap_or(name)).has_files = true;
        }
        self.ready.extend(page.failures.into_iter().map(Err));
        last
    }

    /// Makes ready what nothing that follows can add to: a folder comes after its record.
    async fn settle(&mut self, last: Option<String>) {
        let all = std::mem::take(&mut self.pending);
        let is_whole =
            |name: &str| last.as_ref().is_none_or(|last| format!("{name}/").as_str() <= last.as_str());
        let (whole, pending): (Vec<_>, BTreeMap<_, _>) = {
            let (whole, pending): (Vec<_>, Vec<_>) = all.into_iter().partition(|(name, _)| is_whole(name));
            (whole, pending.into_iter().collect())
        };
        self.pending = pending;
        let topics = self.topics.clone();
        let most = topics.store.settings().concurrency.max(1);
        let named = whole.into_iter().map(|(_, listed)| topics.with_title(listed));
        let mut named = futures_util::stream::iter(named).buffered(most);
        while let Some(listed) = named.next().await {
            self.ready.push_back(listed);
        }
    }
}

fn entry<'a>(pending: &'a mut BTreeMap<String, Listed>, name: &str) -> &'a mut Listed {
    pending.entry(name.to_owned()).or_insert_with(|| Listed {
        name: name.to_owned(),
        slug: Slug::parse(name).ok(),
        title: None,
        has_record: false,
        has_files: false,
    })
}

impl Topics {
    async fn with_title(&self, listed: Listed) -> Result<Listed> {
        let (Some(slug), true) = (&listed.slug, listed.has_record) else { return Ok(listed) };
        let key = self.record_key(slug)?;
        let record = Record::read(&self.store, &key).await.map_err(|e: Error| e.with_key(&key))?;
        // One that was deleted since it was listed has none.
        Ok(match record {
            Some((record, _)) => Listed { title: record.title, ..listed },
            None => Listed { has_record: false, ..listed },
        })
    }
}
