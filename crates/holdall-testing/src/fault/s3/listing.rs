//! ListObjects, V1 and V2.

use std::ops::Bound;

use super::page::{Entry, Page, Query};
use crate::fault::Fault;
use crate::fault::objects::{Bucket, Store};
use crate::fault::reply::{Refusal, Reply, iso};
use crate::fault::request::Request;

pub(super) fn list(request: &Request, fault: Option<&Fault>, store: &mut Store) -> Result<Reply, Refusal> {
    let query = Query::of(request)?;
    let page = collect(&query, store.bucket(&request.bucket)?);
    Ok(page.render(&query, fault))
}

fn collect(query: &Query, bucket: &Bucket) -> Page {
    let mut page = Page::default();
    let mut from = start(query);
    while let Some((key, object)) = bucket.range((from, Bound::Unbounded)).next() {
        if !key.starts_with(&query.prefix) {
            break;
        }
        if page.entries.len() + page.prefixes.len() >= query.max_keys {
            page.truncated = query.max_keys > 0;
            break;
        }
        if let Some(common) = common_prefix(query, key) {
            page.prefixes.push(common.to_owned());
            page.last = Some(common.to_owned());
            from = past(common);
        } else {
            let (etag, size) = (object.etag.clone(), object.bytes.len());
            page.entries.push(Entry { key: key.clone(), etag, size, modified: iso(object.modified) });
            page.last = Some(key.clone());
            from = Bound::Excluded(key.clone());
        }
    }
    page
}

fn start(query: &Query) -> Bound<String> {
    match common_prefix(query, &query.after) {
        _ if query.after < query.prefix => Bound::Included(query.prefix.clone()),
        // A page may have ended with a common prefix: what is below it was told already.
        Some(common) if common == query.after => past(common),
        _ => Bound::Excluded(query.after.clone()),
    }
}

fn common_prefix<'a>(query: &Query, key: &'a str) -> Option<&'a str> {
    if query.delimiter.is_empty() {
        return None;
    }
    let rest = key.strip_prefix(query.prefix.as_str())?;
    let end = rest.find(&query.delimiter)? + query.delimiter.len();
    Some(&key[..query.prefix.len() + end])
}

/// The first place behind every key that starts with this.
fn past(prefix: &str) -> Bound<String> {
    Bound::Excluded(format!("{prefix}{}", char::MAX))
}
