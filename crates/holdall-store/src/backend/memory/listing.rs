//! Lists keys page by page, folded at a delimiter.

use super::objects::{Map, Objects, StoredObject};
use crate::Attributes;
use crate::backend::{BoxFuture, Listing};
use crate::error::Result;
use crate::key::{Key, RESERVED};
use crate::object::{ListOptions, Metadata, Page};
use std::ops::Bound;
use std::sync::Arc;

/// S3's bound on a page; also what it gives when nothing is asked for.
const MAX_PAGE: u32 = 1000;

/// A listing under way. Between pages it holds no lock and no keys, only where to go on.
pub(super) struct MemoryListing {
    objects: Arc<Objects>,
    query: Query,
    next: Option<Bound<String>>,
}

impl MemoryListing {
    pub(super) fn new(objects: Arc<Objects>, options: ListOptions) -> Self {
        let query = Query {
            prefix: options.prefix.as_str().to_owned(),
            delimiter: options.delimiter.filter(|d| !d.is_empty()),
            page_size: options.page_size.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE) as usize,
        };
        let next = match options.start_after {
            Some(after) if after >= query.prefix => query.past(after),
            _ => Some(Bound::Included(query.prefix.clone())),
        };
        Self { objects, query, next }
    }
}

impl Listing for MemoryListing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(async move {
            let from = self.next.take()?;
            let (page, next) = self.query.page(&self.objects.read(), from);
            self.next = next;
            Some(Ok(page))
        })
    }
}

struct Query {
    prefix: String,
    delimiter: Option<String>,
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
                if !key.as_str().starts_with(&self.prefix) {
                    break 'seek;
                }
                if Key::is_reserved(key.as_str()) {
                    at = after_all(&format!("{RESERVED}/"));
                    continue 'seek;
                }
                if page.objects.len() + page.prefixes.len() == self.page_size {
                    let next = after(&page);
                    return (page, next);
                }
                match self.common_prefix(key.as_str()) {
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

    /// Where a listing that starts after a key begins: behind the common prefix that the key lies in, as S3 has it.
    fn past(&self, after: String) -> Option<Bound<String>> {
        let inside = after.starts_with(&self.prefix).then(|| self.common_prefix(&after)).flatten();
        match inside {
            Some(common) => after_all(common),
            None => Some(Bound::Excluded(after)),
        }
    }

    /// The part of a key up to the first delimiter after the prefix.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref()?;
        let found = key[self.prefix.len()..].find(delimiter)?;
        Some(&key[..self.prefix.len() + found + delimiter.len()])
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

/// The first text after all that begin with a prefix; none when there can be no such text.
fn after_all(prefix: &str) -> Option<Bound<String>> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        if let Some(next) = next_char(last) {
            text.push(next);
            return Some(Bound::Included(text));
        }
    }
    None
}

/// UTF-8 sorts as its characters do; there is none from U+D800 to U+DFFF.
fn next_char(c: char) -> Option<char> {
    ((c as u32 + 1)..=(char::MAX as u32)).find_map(char::from_u32)
}

#[cfg(test)]
mod tests;
