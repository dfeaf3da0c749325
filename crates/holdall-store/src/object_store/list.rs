//! Lists objects.

use super::ObjectStoreAdapter;
use super::error::{ObjectResult, of};
use super::path;
use crate::Store;
use crate::error::Error;
use crate::key::Prefix;
use crate::object::{ListOptions, Metadata, Page};
use crate::store::ObjectList;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt, TryStreamExt};
use object_store::list::{PaginatedListOptions, PaginatedListResult, PaginatedListStore};
use object_store::path::Path;
use object_store::{ListResult, ObjectMeta};
use std::time::SystemTime;

/// S3's bound on a page.
const MAX_PAGE: usize = 1000;

/// All objects below a prefix, in order, from after an offset on. A key that no path can hold is an error item.
pub(super) fn all(
    store: &Store,
    prefix: Option<&Path>,
    offset: Option<&Path>,
) -> BoxStream<'static, ObjectResult<ObjectMeta>> {
    let named = prefix.cloned().unwrap_or_default();
    let start_after = offset.map(|offset| offset.as_ref().to_owned());
    let list = path::below(prefix).and_then(|prefix| {
        let options = ListOptions { prefix, start_after, ..ListOptions::default() };
        store.list_with(options).map_err(|e| of(e, &named))
    });
    let items = |list: ObjectList| {
        stream::unfold(list, |mut list| async move {
            let item = list.next().await?;
            Some((item.and_then(|object| meta(&object)), list))
        })
    };
    match list {
        Ok(list) => items(list).map_err(move |e| of(e, &named)).boxed(),
        Err(error) => stream::once(async { Err(error) }).boxed(),
    }
}

/// What is directly below a prefix.
pub(super) async fn folder(store: &Store, prefix: Option<&Path>) -> ObjectResult<ListResult> {
    let named = prefix.cloned().unwrap_or_default();
    let options = ListOptions {
        prefix: path::below(prefix)?,
        delimiter: Some("/".to_owned()),
        ..ListOptions::default()
    };
    let list = store.list_with(options).map_err(|e| of(e, &named))?;
    let page = Box::pin(list.collect()).await.map_err(|e| of(e, &named))?;
    result(&page).map_err(|e| of(e, &named))
}

fn result(page: &Page) -> Result<ListResult, Error> {
    Ok(ListResult {
        common_prefixes: page.prefixes.iter().map(|prefix| path::common(prefix)).collect::<Result<_, _>>()?,
        objects: page.objects.iter().map(meta).collect::<Result<_, _>>()?,
        extensions: http::Extensions::default(),
    })
}

fn meta(object: &Metadata) -> Result<ObjectMeta, Error> {
    Ok(meta_at(path::path(object.key.as_str())?, object))
}

pub(super) fn meta_at(location: Path, object: &Metadata) -> ObjectMeta {
    let last_modified = object.last_modified.unwrap_or(SystemTime::UNIX_EPOCH);
    ObjectMeta {
        location,
        last_modified: DateTime::<Utc>::from(last_modified),
        size: object.size,
        e_tag: object.etag.clone(),
        version: object.version.clone(),
    }
}

#[async_trait]
impl PaginatedListStore for ObjectStoreAdapter {
    async fn list_paginated(
        &self,
        prefix: Option<&str>,
        opts: PaginatedListOptions,
    ) -> ObjectResult<PaginatedListResult> {
        let failed = |error: Error| of(error, &Path::default());
        let most = opts.max_keys.unwrap_or(MAX_PAGE).clamp(1, MAX_PAGE);
        let options = ListOptions {
            prefix: Prefix::parse(prefix.unwrap_or_default()).map_err(failed)?,
            delimiter: opts.delimiter.map(|delimiter| delimiter.into_owned()),
            // A page's token is its last entry.
            start_after: opts.page_token.max(opts.offset),
            page_size: u32::try_from(most).ok(),
            ..ListOptions::default()
        };
        let list = self.store().list_with(options).map_err(failed)?;
        let (page, page_token) = first(list, most).await.map_err(failed)?;
        Ok(PaginatedListResult { result: result(&page).map_err(failed)?, page_token })
    }
}

/// The first entries of a listing, and the last of them where there may be more.
async fn first(mut list: ObjectList, most: usize) -> Result<(Page, Option<String>), Error> {
    let mut all = Page::default();
    while all.objects.len() + all.prefixes.len() < most {
        let Some(page) = list.next_page().await else { return Ok((all, None)) };
        let mut page = page?;
        if !page.failures.is_empty() {
            return Err(page.failures.swap_remove(0));
        }
        all.objects.append(&mut page.objects);
        all.prefixes.append(&mut page.prefixes);
    }
    while all.objects.len() + all.prefixes.len() > most {
        let object = all.objects.last().map(|object| object.key.as_str());
        match object > all.prefixes.last().map(String::as_str) {
            true => drop(all.objects.pop()),
            false => drop(all.prefixes.pop()),
        }
    }
    let object = all.objects.last().map(|object| object.key.as_str());
    let last = object.max(all.prefixes.last().map(String::as_str)).map(str::to_owned);
    Ok((all, last))
}
