//! Lists what the remote has and what waits as one.
//!
//! What waits is looked at before each page of the remote is asked for, and covers that page: an object that is sent in
//! between is found in one of the two at least. What waits wins.

use super::QueuedBackend;
use super::read::Seen;
use crate::backend::{BoxFuture, Listing};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Prefix};
use crate::object::{ListOptions, Metadata, Page};
use crate::outbox::{Pending, blocking};
use std::collections::{BTreeMap, VecDeque};

/// So many keys that wait are held at once.
const SNAPSHOT: usize = 4096;
const PAGE: usize = 1000;

/// An entry of a listing.
enum Item {
    Object(Box<Metadata>),
    Prefix(String),
}

impl Item {
    fn name(&self) -> &str {
        match self {
            Self::Object(object) => object.key.as_str(),
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// A listing under way; it holds a page of the remote and the keys that wait beside it.
pub(crate) struct QueuedListing {
    backend: QueuedBackend,
    reach: Reach,
    options: ListOptions,
    /// The remote's; none where it has to begin again behind the cursor.
    pages: Option<Box<dyn Listing>>,
    /// All names up to this one were listed.
    cursor: Option<String>,
    /// The last common prefix: what is below it was folded.
    folded: Option<String>,
    ready: VecDeque<Item>,
    failures: Vec<Error>,
    is_over: bool,
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// What a reader sees.
    All,
    /// What of it waits; the remote is not asked.
    Waiting,
}

/// Keys that wait, from the cursor on.
struct Snapshot {
    waiting: Vec<(String, Pending)>,
    /// What it reaches to; none where it has all.
    end: Option<String>,
}

impl QueuedListing {
    pub(crate) fn new(backend: QueuedBackend, reach: Reach, options: ListOptions) -> Self {
        Self {
            backend,
            reach,
            cursor: options.start_after.clone(),
            options,
            pages: None,
            folded: None,
            ready: VecDeque::new(),
            failures: Vec::new(),
            is_over: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Page>> {
        while self.ready.is_empty() && self.failures.is_empty() {
            if self.is_over {
                return Ok(None);
            }
            self.fill().await?;
        }
        let most = self.options.page_size.map_or(PAGE, |size| size as usize);
        let mut page = Page { failures: std::mem::take(&mut self.failures), ..Page::default() };
        for item in self.ready.drain(..most.min(self.ready.len())) {
            match item {
                Item::Object(object) => page.objects.push(*object),
                Item::Prefix(prefix) => page.prefixes.push(prefix),
            }
        }
        Ok(Some(page))
    }

    /// Brings a page of the remote and what waits beside it.
    async fn fill(&mut self) -> Result<()> {
        let snapshot = self.snapshot().await?;
        if self.pages.is_none() && self.reach == Reach::All {
            let options = ListOptions { start_after: self.cursor.clone(), ..self.options.clone() };
            self.pages = Some(self.backend.remote.list(options));
        }
        let page = match &mut self.pages {
            Some(pages) => pages.next_page().await.transpose().map_err(away)?,
            None => None,
        };
        let is_last = page.is_none();
        let mut page = page.unwrap_or_default();
        self.failures.append(&mut page.failures);
        let remote = merged(page);
        let Some(mut horizon) = self.horizon(&snapshot, &remote, is_last) else { return Ok(()) };
        // The remote may have asked for its next page already, and what waits beyond this one may be sent meanwhile.
        if let Horizon::At { begins_again, .. } = &mut horizon {
            *begins_again |= !snapshot.waiting.is_empty();
        }
        self.merge(snapshot, remote, &horizon).await?;
        match horizon {
            Horizon::End => self.is_over = true,
            Horizon::At { name, begins_again } => {
                self.cursor = Some(name);
                if begins_again {
                    self.pages = None;
                }
            }
        }
        Ok(())
    }

    /// Up to where both are known; none where a page says nothing.
    fn horizon(&self, snapshot: &Snapshot, remote: &[Item], is_last: bool) -> Option<Horizon> {
        let last = remote.last().map(|item| item.name().to_owned());
        match (last, &snapshot.end) {
            (None, None) if is_last => Some(Horizon::End),
            (None, Some(end)) if is_last => Some(Horizon::At { name: end.clone(), begins_again: true }),
            (None, _) => None,
            (Some(last), Some(end)) if *end < last => {
                Some(Horizon::At { name: end.clone(), begins_again: true })
            }
            (Some(last), _) => Some(Horizon::At { name: last, begins_again: false }),
        }
    }

    async fn snapshot(&mut self) -> Result<Snapshot> {
        let Some(queue) = self.backend.outbox.existing().await? else {
            return Ok(Snapshot { waiting: Vec::new(), end: None });
        };
        let (destination, root) = (self.backend.destination.clone(), self.backend.root.clone());
        let prefix = format!("{root}{}", self.options.prefix);
        let after = self.cursor.as_ref().map(|cursor| format!("{root}{cursor}"));
        let found = blocking(move || queue.page(&destination, &prefix, after.as_deref(), SNAPSHOT)).await?;
        let is_full = found.len() == SNAPSHOT;
        let n = self.backend.root.len();
        let end = found.last().filter(|_| is_full).map(|pending| pending.key[n..].to_owned());
        // What is holdall's own is listed for who asks for that alone.
        let own = Key::is_reserved(self.options.prefix.as_str());
        let waiting: Vec<_> = found
            .into_iter()
            .map(|pending| (pending.key[n..].to_owned(), pending))
            .filter(|(key, _)| !key.is_empty() && (own || !Key::is_reserved(key)))
            .collect();
        Ok(Snapshot { waiting, end })
    }

    async fn merge(&mut self, snapshot: Snapshot, remote: Vec<Item>, horizon: &Horizon) -> Result<()> {
        for step in steps(snapshot, remote, horizon) {
            match step {
                Step::Remote(item) => self.ready.push_back(item),
                Step::Folded { prefix, may_be_empty } => {
                    // All that the remote has below it may be on its way out.
                    if self.is_new(&prefix) && (!may_be_empty || self.is_inhabited(&prefix).await?) {
                        self.take_prefix(prefix);
                    }
                }
                Step::Waiting(key, pending) => self.take_waiting(&key, &pending).await?,
            }
        }
        Ok(())
    }

    /// Whether there is anything below a common prefix.
    async fn is_inhabited(&mut self, prefix: &str) -> Result<bool> {
        let options =
            ListOptions { prefix: Prefix::parse(prefix)?, keys_only: true, ..ListOptions::default() };
        let mut below = Self::new(self.backend.clone(), Reach::All, options);
        while let Some(page) = Box::pin(below.next()).await? {
            if !page.objects.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn take_waiting(&mut self, key: &str, pending: &Pending) -> Result<()> {
        if pending.is_removal() {
            return Ok(());
        }
        if let Some(prefix) = self.fold(key) {
            if self.is_new(&prefix) {
                self.take_prefix(prefix);
            }
            return Ok(());
        }
        let key = Key::listed(key);
        let object =
            if self.options.keys_only { Some(Metadata::bare(key)) } else { self.describe(key).await? };
        self.ready.extend(object.map(|object| Item::Object(Box::new(object))));
        Ok(())
    }

    /// Whether a common prefix was not listed yet, and is to be. Not every server leaves out one that the listing begins
    /// in.
    fn is_new(&self, prefix: &str) -> bool {
        let after = self.options.start_after.as_deref();
        self.folded.as_deref() != Some(prefix)
            && after.is_none_or(|after| prefix > after && !after.starts_with(prefix))
    }

    fn take_prefix(&mut self, prefix: String) {
        self.folded = Some(prefix.clone());
        self.ready.push_back(Item::Prefix(prefix));
    }

    /// The common prefix that a key is folded into.
    fn fold(&self, key: &str) -> Option<String> {
        let delimiter = self.options.delimiter.as_deref()?;
        let start = self.options.prefix.as_str().len();
        let at = key.get(start..)?.find(delimiter)?;
        Some(key[..start + at + delimiter.len()].to_owned())
    }

    /// What a listing says of an object that waits; none where it went meanwhile.
    async fn describe(&mut self, key: Key) -> Result<Option<Metadata>> {
        let full = self.backend.full(&key)?;
        let described = match self.backend.see(&full).await? {
            Seen::Gone => None,
            Seen::Object(object) => Some(self.backend.metadata(&key, &object)),
            Seen::Remote(_) if self.reach == Reach::Waiting => Some(Metadata::bare(key)),
            Seen::Remote(_) => match self.backend.head_object(&key, &Default::default()).await {
                Ok(head) => Some(head),
                Err(error) if error.kind() == ErrorKind::NotFound => None,
                Err(error) => return Err(error),
            },
        };
        Ok(described.map(Metadata::listed))
    }
}

enum Horizon {
    At { name: String, begins_again: bool },
    End,
}

impl Horizon {
    fn covers(&self, name: &str) -> bool {
        match self {
            Self::At { name: horizon, .. } => name <= horizon.as_str(),
            Self::End => true,
        }
    }
}

/// What is listed next, in order.
enum Step {
    Remote(Item),
    Folded { prefix: String, may_be_empty: bool },
    Waiting(String, Pending),
}

/// Puts what the remote has and what waits in one order, up to a horizon; of one name what waits is left.
fn steps(snapshot: Snapshot, remote: Vec<Item>, horizon: &Horizon) -> Vec<Step> {
    let is_removed =
        |prefix: &str| snapshot.waiting.iter().any(|(key, p)| key.starts_with(prefix) && p.is_removal());
    let of_remote = |item| match item {
        Item::Prefix(prefix) => Step::Folded { may_be_empty: is_removed(&prefix), prefix },
        object => Step::Remote(object),
    };
    // An object may have the name of a common prefix, which is listed for what else is below it.
    let place = |item: &Item| (item.name().to_owned(), matches!(item, Item::Object(_)));
    let remote = remote.into_iter().filter(|item| horizon.covers(item.name()));
    let mut all: BTreeMap<(String, bool), Step> =
        remote.map(|item| (place(&item), of_remote(item))).collect();
    let waiting = snapshot.waiting.into_iter().filter(|(key, _)| horizon.covers(key));
    all.extend(waiting.map(|(key, pending)| ((key.clone(), true), Step::Waiting(key, pending))));
    all.into_values().collect()
}

/// A page's objects and prefixes in one order.
fn merged(page: Page) -> Vec<Item> {
    let objects = page.objects.into_iter().map(|object| Item::Object(Box::new(object)));
    let mut items: Vec<Item> = objects.chain(page.prefixes.into_iter().map(Item::Prefix)).collect();
    items.sort_by(|a, b| a.name().cmp(b.name()));
    items
}

/// A listing without the remote would leave out what only the remote has.
fn away(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Unreachable | ErrorKind::Timeout => {
            error.with_hint("`holdall ls --queued` lists what waits on this machine")
        }
        _ => error,
    }
}

impl Listing for QueuedListing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(async move {
            let page = self.next().await;
            self.is_over |= page.is_err();
            page.transpose()
        })
    }
}
