//! Lists keys page by page, folded at a delimiter.

use super::objects::{Map, Objects, StoredObject};
use crate::Attributes;
use crate::backend::folding::{Folding, after_all};
use crate::backend::parts::MAX_PAGE;
use crate::backend::{BoxFuture, Listing};
use crate::error::Result;
use crate::key::{Key, RESERVED};
use crate::object::{ListOptions, Metadata, Page};
use std::ops::Bound;
use std::sync::Arc;

/// A listing under way. Between pages it holds no lock and no keys, only where to go on.
pub(super) struct MemoryListing {
    objects: Arc<Objects>,
    query: Query,
    next: Option<Bound<String>>,
}

impl MemoryListing {
    pub(super) fn new(objects: Arc<Objects>, options: ListOptions) -> Self {
        let query = Query {
            folding: Folding::new(options.prefix.as_str(), options.delimiter),
            page_size: options.page_size.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE) as usize,
        };
        let next = query.folding.begin(options.start_after);
        Self { objects, query, next }
    }
}

impl Listing for MemoryListing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(async move {
            let from = self.next.take()?;
            let (page, next) = self.query.page(&self.objects.read().map, from);
            self.next = next;
            Some(Ok(page))
        })
    }
}

struct Query {
    folding: Folding,
    page_size: usize,
}

impl Query {
    /// Reads a page and where the next one begins, none when this is the last.
    ///
    /// The cost is that of the entries in the page: what a common prefix folds is skipped by a search.
    fn page(&self, map: &Map, from: Bound<String>) -> (Page, Option<Bound<String>>) {
        let mut page = Page::default();
        let mut at = Some(from);
        'seek: while let Some(from) = at.take() {
            for (key, object) in map.range::<str, _>((borrowed(&from), Bound::Unbounded)) {
                if !key.as_str().starts_with(&self.folding.prefix) {
                    break 'seek;
                }
                if Key::is_reserved(key.as_str()) && !Key::is_reserved(&self.folding.prefix) {
                    at = after_all(&format!("{RESERVED}/"));
                    continue 'seek;
                }
                if page.objects.len() + page.prefixes.len() == self.page_size {
                    let next = after(&page);
                    return (page, next);
                }
                match self.folding.common_prefix(key.as_str()) {
                    None => page.objects.push(listed(object)),
                    Some(common) => {
                        page.prefixes.push(common.to_owned());
                        at = after_all(common);
                        continue 'seek;
                    }
                }
            }
        }
        (page, None)
    }
}

fn borrowed(bound: &Bound<String>) -> Bound<&str> {
    bound.as_ref().map(String::as_str)
}

/// What a listing says of an object.
fn listed(object: &StoredObject) -> Metadata {
    let metadata = &object.metadata;
    let storage_class = metadata.attributes.storage_class.clone();
    Metadata {
        key: metadata.key.clone(),
        size: metadata.size,
        etag: metadata.etag.clone(),
        last_modified: metadata.last_modified,
        version: None,
        attributes: Attributes { storage_class, ..Attributes::default() },
        sha256: None,
        nonce: None,
        read_from: crate::ReadFrom::Store,
        expires: None,
    }
}

/// Where to go on after a page, by its last entry and not by the key seen next: what is put between is listed too.
fn after(page: &Page) -> Option<Bound<String>> {
    let key = page.objects.last().map(|object| object.key.as_str());
    let common = page.prefixes.last().map(String::as_str);
    match common {
        Some(common) if key < Some(common) => after_all(common),
        _ => key.map(|key| Bound::Excluded(key.to_owned())),
    }
}

#[cfg(test)]
mod tests;
