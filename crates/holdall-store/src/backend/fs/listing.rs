//! Lists keys page by page: those at their paths and those under `.holdall/odd/`, merged.

use super::folder::Folder;
use super::names::ODD;
use super::walk::{Item, Limits, Named, Walk};
use super::window::Tree;
use crate::Attributes;
use crate::backend::folding::{Folding, after_all};
use crate::backend::parts::MAX_PAGE;
use crate::backend::{BoxFuture, Listing};
use crate::error::{Error, ErrorKind, Result};
use crate::key::Key;
use crate::object::{ListOptions, Metadata, Page};
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How many pages are read at once: looking at files is slow, and many can be looked at side by side.
const AT_ONCE: usize = 4;

type Looking = JoinHandle<Page>;
type Naming = JoinHandle<(Result<Vec<Looking>>, Option<Box<Pages>>)>;

/// A listing under way. The next pages are read while the last one is looked at.
pub(super) struct FolderListing {
    /// Pages that are read, in their order.
    pages: VecDeque<Looking>,
    /// Names that are read to make further pages of.
    naming: Option<Naming>,
    /// What is not begun.
    rest: Option<Box<Pages>>,
}

impl FolderListing {
    pub(super) fn new(folder: Arc<Folder>, options: ListOptions, window: usize) -> Self {
        let rest = Pages::new(folder, options, window).map(Box::new);
        Self { pages: VecDeque::new(), naming: None, rest }
    }

    async fn turn(&mut self) -> Option<Result<Page>> {
        self.go_on();
        if self.pages.is_empty() || self.naming.as_ref().is_some_and(JoinHandle::is_finished) {
            let naming = self.naming.take()?;
            match naming.await {
                Ok((Ok(pages), rest)) => {
                    self.pages.extend(pages);
                    self.rest = rest;
                    self.go_on();
                }
                Ok((Err(error), _)) => return Some(Err(error)),
                Err(error) => return Some(Err(cancelled(error))),
            }
        }
        Some(self.pages.pop_front()?.await.map_err(cancelled))
    }

    /// Has further names read, unless there are pages enough for now.
    fn go_on(&mut self) {
        if self.pages.len() <= AT_ONCE
            && let Some(rest) = self.rest.take()
        {
            let runtime = Handle::current();
            self.naming = Some(tokio::task::spawn_blocking(move || rest.turn(&runtime)));
        }
    }
}

impl Drop for FolderListing {
    fn drop(&mut self) {
        // Those that have not begun never do.
        self.pages.iter().for_each(JoinHandle::abort);
    }
}

fn cancelled(error: tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "listing was cancelled").with_source(error)
}

impl Listing for FolderListing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(self.turn())
    }
}

/// What a page is made of.
#[derive(Default)]
struct Draft {
    objects: Vec<Named>,
    page: Page,
}

impl Draft {
    fn len(&self) -> usize {
        self.objects.len() + self.page.prefixes.len() + self.page.failures.len()
    }

    /// Looks at the files, unless their keys are enough.
    fn finish(self, at: &OwnedFd, folder: &Folder, keys_only: bool) -> Page {
        let mut page = self.page;
        page.objects.reserve_exact(self.objects.len());
        if keys_only {
            page.objects.extend(self.objects.into_iter().map(|named| unseen(named.key)));
            return page;
        }
        for named in self.objects {
            match named.look() {
                Ok(Some(identity)) => {
                    let attributes = Attributes::default();
                    page.objects.push(folder.metadata(at, &named.key, identity, attributes, None));
                }
                Ok(None) => {}
                Err(error) => page.failures.push(error),
            }
        }
        page
    }
}

/// An object of which only the key is known.
fn unseen(key: Key) -> Metadata {
    Metadata {
        key,
        size: 0,
        etag: None,
        last_modified: None,
        version: None,
        attributes: Attributes::default(),
        sha256: None,
        nonce: None,
        read_from: crate::ReadFrom::Store,
        expires: None,
    }
}

/// All pages that are left.
struct Pages {
    folder: Arc<Folder>,
    folding: Folding,
    page_size: usize,
    keys_only: bool,
    plain: Ahead,
    odd: Ahead,
}

/// A walk, and what it meets next.
struct Ahead {
    walk: Walk,
    item: Option<Item>,
}

impl Ahead {
    fn fill(&mut self, at: &OwnedFd) {
        if self.item.is_none() {
            self.item = self.walk.next(at);
        }
    }

    /// What is next, as a key; a failure comes before all keys.
    fn key(&self) -> Option<&str> {
        match self.item.as_ref()? {
            Item::Object(named) => Some(named.key.as_str()),
            Item::Folder(key) => Some(key),
            Item::Failed(_) => Some(""),
        }
    }
}

impl Pages {
    fn new(folder: Arc<Folder>, options: ListOptions, window: usize) -> Option<Self> {
        let folding = Folding::new(options.prefix.as_str(), options.delimiter);
        let from = folding.begin(options.start_after)?;
        let longest = folder.longest_key();
        let ahead = |tree, root| {
            let (prefix, folded) = (folding.prefix.clone(), folding.delimiter.as_deref() == Some("/"));
            let limits = Limits { prefix, from: from.clone(), folded, longest };
            Ahead { walk: Walk::new(tree, root, limits, window), item: None }
        };
        let (plain, odd) = (ahead(Tree::Plain, ""), ahead(Tree::Odd, ODD));
        let page_size = options.page_size.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE) as usize;
        Some(Self { folder, folding, page_size, keys_only: options.keys_only, plain, odd })
    }

    /// Reads the names of some pages, and answers what is left, none after the last.
    fn turn(mut self: Box<Self>, runtime: &Handle) -> (Result<Vec<Looking>>, Option<Box<Self>>) {
        let at = match self.folder.root.for_reading() {
            Ok(Some(at)) => Arc::new(at),
            Ok(None) => return (Ok(Vec::new()), None),
            Err(error) => return (Err(error), None),
        };
        let kind = self.folder.root.kind(&at);
        self.plain.walk.on(kind);
        self.odd.walk.on(kind);
        let (mut pages, mut more) = (Vec::new(), true);
        while more && pages.len() < AT_ONCE {
            let draft = self.draft(&at);
            more = self.is_more(&at);
            let (at, folder, keys_only) = (at.clone(), self.folder.clone(), self.keys_only);
            pages.push(runtime.spawn_blocking(move || draft.finish(&at, &folder, keys_only)));
        }
        self.plain.walk.rest();
        self.odd.walk.rest();
        (Ok(pages), more.then_some(self))
    }

    fn draft(&mut self, at: &OwnedFd) -> Draft {
        let mut draft = Draft::default();
        while draft.len() < self.page_size
            && let Some(item) = self.next(at)
        {
            self.add(item, &mut draft);
        }
        draft
    }

    fn is_more(&mut self, at: &OwnedFd) -> bool {
        self.plain.fill(at);
        self.odd.fill(at);
        self.plain.item.is_some() || self.odd.item.is_some()
    }

    /// The lesser of what both walks meet next. What both have is met once: a file at its path means itself.
    fn next(&mut self, at: &OwnedFd) -> Option<Item> {
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

    fn add(&mut self, item: Item, draft: &mut Draft) {
        let is_own = match &item {
            Item::Failed(_) => false,
            Item::Folder(key) => Key::is_reserved(key),
            Item::Object(named) => Key::is_reserved(named.key.as_str()),
        };
        // What is holdall's own is listed for who asks for that alone.
        if is_own && !Key::is_reserved(&self.folding.prefix) {
            return;
        }
        match item {
            Item::Failed(error) => draft.page.failures.push(error),
            Item::Folder(prefix) => draft.page.prefixes.push(prefix),
            Item::Object(named) => match self.folding.common_prefix(named.key.as_str()).map(str::to_owned) {
                Some(common) => {
                    self.skip(&common);
                    draft.page.prefixes.push(common);
                }
                None => draft.objects.push(named),
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
