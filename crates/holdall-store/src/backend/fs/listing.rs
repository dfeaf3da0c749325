//! Lists keys page by page: those at their paths and those under `.holdall/odd/`, merged.

use super::backend::run;
use super::folder::Folder;
use super::names::ODD;
use super::walk::{Item, Limits, Walk};
use super::window::Tree;
use crate::Attributes;
use crate::backend::folding::{Folding, after_all};
use crate::backend::parts::MAX_PAGE;
use crate::backend::{BoxFuture, Listing};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{ListOptions, Metadata, Page};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::task::JoinHandle;

type Turned = (Result<Page>, Option<Box<Pages>>);

/// A listing under way. The next page is read while the last one is looked at.
pub(super) struct FolderListing {
    /// What is not begun, none at the end.
    pages: Option<Box<Pages>>,
    ahead: Option<JoinHandle<Turned>>,
}

impl FolderListing {
    pub(super) fn new(folder: Arc<Folder>, options: ListOptions, window: usize) -> Self {
        Self { pages: Pages::new(folder, options, window).map(Box::new), ahead: None }
    }

    async fn turn(&mut self) -> Option<Result<Page>> {
        let (page, rest) = match self.ahead.take() {
            None => {
                let pages = self.pages.take()?;
                run(move || Ok(pages.turn())).await.unwrap_or_else(|e| (Err(e), None))
            }
            Some(ahead) => ahead.await.unwrap_or_else(|e| {
                (Err(Error::new(ErrorKind::Cancelled, "listing was cancelled").with_source(e)), None)
            }),
        };
        self.ahead = rest.map(|pages| tokio::task::spawn_blocking(move || pages.turn()));
        Some(page)
    }
}

impl Listing for FolderListing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(self.turn())
    }
}

/// All pages that are left.
struct Pages {
    folder: Arc<Folder>,
    folding: Folding,
    page_size: usize,
    plain: Ahead,
    odd: Ahead,
}

/// A walk, and what it meets next.
struct Ahead {
    walk: Walk,
    item: Option<Item>,
}

impl Ahead {
    fn fill(&mut self, at: &Arc<OwnedFd>) {
        if self.item.is_none() {
            self.item = self.walk.next(at);
        }
    }

    /// What is next, as a key; a failure comes before all keys.
    fn key(&self) -> Option<&str> {
        match self.item.as_ref()? {
            Item::Object { key, .. } | Item::Folder(key) => Some(key),
            Item::Failed(_) => Some(""),
        }
    }
}

impl Pages {
    fn new(folder: Arc<Folder>, options: ListOptions, window: usize) -> Option<Self> {
        let folding = Folding::new(options.prefix.as_str(), options.delimiter);
        let from = folding.begin(options.start_after)?;
        let ahead = |tree, root| {
            let (prefix, folded) = (folding.prefix.clone(), folding.delimiter.as_deref() == Some("/"));
            let limits = Limits { prefix, from: from.clone(), folded };
            Ahead { walk: Walk::new(tree, root, limits, window), item: None }
        };
        let (plain, odd) = (ahead(Tree::Plain, ""), ahead(Tree::Odd, ODD));
        let page_size = options.page_size.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE) as usize;
        Some(Self { folder, folding, page_size, plain, odd })
    }

    /// Reads a page, and answers what is left, none after the last.
    fn turn(mut self: Box<Self>) -> Turned {
        let at = match self.folder.root.for_reading() {
            Ok(Some(at)) => Arc::new(at),
            Ok(None) => return (Ok(Page::default()), None),
            Err(error) => return (Err(error), None),
        };
        let kind = self.folder.root.kind(&at);
        self.plain.walk.on(kind);
        self.odd.walk.on(kind);
        let mut page = Page::default();
        let mut more = false;
        while let Some(item) = self.next(&at) {
            self.add(&at, item, &mut page);
            if page.objects.len() + page.prefixes.len() + page.failures.len() >= self.page_size {
                more = self.is_more(&at);
                break;
            }
        }
        self.plain.walk.rest();
        self.odd.walk.rest();
        (Ok(page), more.then_some(self))
    }

    fn is_more(&mut self, at: &Arc<OwnedFd>) -> bool {
        self.plain.fill(at);
        self.odd.fill(at);
        self.plain.item.is_some() || self.odd.item.is_some()
    }

    /// The lesser of what both walks meet next. What both have is met once: a file at its path means itself.
    fn next(&mut self, at: &Arc<OwnedFd>) -> Option<Item> {
        self.plain.fill(at);
        self.odd.fill(at);
        match (self.plain.key(), self.odd.key()) {
            (Some(plain), Some(odd)) if plain == odd && !plain.is_empty() => {
                self.odd.item = None;
                self.plain.item.take()
            }
            (Some(plain), Some(odd)) if odd < plain => self.odd.item.take(),
            (None, _) => self.odd.item.take(),
            _ => self.plain.item.take(),
        }
    }

    fn add(&mut self, at: &Arc<OwnedFd>, item: Item, page: &mut Page) {
        match item {
            Item::Failed(error) => page.failures.push(error),
            Item::Folder(prefix) => page.prefixes.push(prefix),
            Item::Object { key, identity } => match self.folding.common_prefix(&key).map(str::to_owned) {
                Some(common) => {
                    self.skip(&common);
                    page.prefixes.push(common);
                }
                None => {
                    let key = Key::listed(&key);
                    let attributes = Attributes::default();
                    page.objects.push(Metadata {
                        sha256: None,
                        ..self.folder.metadata(at, &key, identity, attributes, None)
                    });
                }
            },
        }
    }

    /// Goes on behind all keys that a common prefix stands for.
    fn skip(&mut self, common: &str) {
        for ahead in [&mut self.plain, &mut self.odd] {
            let covered = ahead.key().is_some_and(|key| key.starts_with(common));
            if covered {
                ahead.item = None;
            }
            match after_all(common) {
                Some(from) => ahead.walk.seek(from),
                None => ahead.walk.seek(std::ops::Bound::Excluded(char::MAX.to_string().repeat(256))),
            }
        }
    }
}
