//! Lists a bucket below the store's prefix.

use super::convert::to_the_second;
use crate::backend::{BoxFuture, Listing};
use crate::error::Result;
use crate::key::Key;
use crate::object::{ListOptions, Metadata, Page};
use holdall_s3::{Attributes, Client, ListPage, ListPages, ListedObject};

pub(super) struct S3Listing {
    pages: ListPages,
    root: String,
    /// What is listed is holdall's own.
    own: bool,
}

impl S3Listing {
    pub(super) fn new(client: &Client, root: &str, options: ListOptions) -> Self {
        let own = Key::is_reserved(options.prefix.as_str());
        let wire = holdall_s3::ListOptions {
            prefix: format!("{root}{}", options.prefix),
            delimiter: options.delimiter,
            start_after: options.start_after.map(|key| format!("{root}{key}")),
            page_size: options.page_size,
        };
        Self { pages: client.list(wire), root: root.to_owned(), own }
    }

    /// Whether a key is listed: what is holdall's own only for who asks for that alone.
    fn shows(&self, key: &str) -> bool {
        self.own || !Key::is_reserved(key)
    }

    fn page(&self, page: ListPage) -> Page {
        let n = self.root.len();
        let objects = page.objects.into_iter().filter_map(|object| self.metadata(object)).collect();
        let prefixes = page.prefixes.into_iter().map(|mut p| p.split_off(n.min(p.len())));
        let prefixes = prefixes.filter(|p| self.shows(p)).collect();
        Page { objects, prefixes, failures: Vec::new() }
    }

    /// An entry; none for what is holdall's own, and for an object whose key is the store's prefix itself.
    fn metadata(&self, object: ListedObject) -> Option<Metadata> {
        let relative = &object.key[self.root.len()..];
        if relative.is_empty() || !self.shows(relative) {
            return None;
        }
        Some(Metadata {
            key: Key::listed(relative),
            size: object.size,
            etag: object.etag,
            last_modified: object.last_modified.map(to_the_second),
            version: None,
            attributes: Attributes { storage_class: object.storage_class, ..Attributes::default() },
            sha256: None,
            nonce: None,
            read_from: crate::ReadFrom::Store,
            expires: None,
        })
    }
}

impl Listing for S3Listing {
    fn next_page(&mut self) -> BoxFuture<'_, Option<Result<Page>>> {
        Box::pin(async move {
            let page = self.pages.next().await?;
            Some(page.map(|page| self.page(page)).map_err(Into::into))
        })
    }
}
