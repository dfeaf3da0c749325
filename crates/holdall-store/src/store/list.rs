//! A store's listing, page by page or object by object.

use crate::backend::{BoxFuture, Listing};
use crate::error::{Error, Result};
use crate::object::{Metadata, Page};
use std::fmt;

/// A listing under way; memory is one page and the next.
pub struct ObjectList {
    pages: Box<dyn Listing>,
    ready: std::vec::IntoIter<Metadata>,
    failures: std::vec::IntoIter<Error>,
}

/// A listing of nothing.
pub(super) struct Nothing;

impl Listing for Nothing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(async { None })
    }
}

/// Refuses a page that leaves out what is there.
pub(crate) fn whole(mut page: Page) -> Result<Page> {
    if page.failures.is_empty() { Ok(page) } else { Err(page.failures.swap_remove(0)) }
}

impl ObjectList {
    pub(super) fn new(pages: Box<dyn Listing>) -> Self {
        Self { pages, ready: Vec::new().into_iter(), failures: Vec::new().into_iter() }
    }

    /// The next page, with its common prefixes; none after the last.
    pub async fn next_page(&mut self) -> Option<Result<Page>> {
        self.pages.next_page().await
    }

    /// The next object, common prefixes left out; none after the last. What is there and cannot be listed is an error
    /// of its own, after which the listing goes on.
    pub async fn next(&mut self) -> Option<Result<Metadata>> {
        loop {
            if let Some(error) = self.failures.next() {
                return Some(Err(error));
            }
            if let Some(object) = self.ready.next() {
                return Some(Ok(object));
            }
            match self.pages.next_page().await? {
                Ok(page) => {
                    self.ready = page.objects.into_iter();
                    self.failures = page.failures.into_iter();
                }
                Err(error) => return Some(Err(error)),
            }
        }
    }

    /// Reads the whole listing into memory.
    ///
    /// # Errors
    ///
    /// Also when something is there that cannot be listed.
    pub async fn collect(mut self) -> Result<Page> {
        let mut all = Page::default();
        while let Some(page) = self.next_page().await {
            let page = whole(page?)?;
            all.objects.extend(page.objects);
            all.prefixes.extend(page.prefixes);
        }
        Ok(all)
    }
}

impl fmt::Debug for ObjectList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectList").finish_non_exhaustive()
    }
}
