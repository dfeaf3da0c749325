//! Reads objects.

use super::error::{ObjectResult, of};
use super::{attributes, list, path};
use crate::error::{Error, ErrorKind};
use crate::object::{GetOptions, Metadata};
use crate::{Range, ReadConditions, Store};
use futures_util::{StreamExt, stream};
use object_store::path::Path;
use object_store::{GetRange, GetResult, GetResultPayload};
use std::time::SystemTime;

pub(super) async fn get(
    store: &Store,
    location: &Path,
    options: object_store::GetOptions,
) -> ObjectResult<GetResult> {
    let key = path::key(location)?;
    let mut wanted = wanted(&options);
    if is_list(&options) {
        wanted.conditions = pinned(store, location, &options).await?;
    }
    let read = async {
        if options.head {
            let metadata = store.head_with(key.as_str(), &wanted).await?;
            let range = resolve(options.range.as_ref(), metadata.size)?;
            return Ok((metadata, range, stream::empty().boxed()));
        }
        let object = store.get_with(key.as_str(), &wanted).await?;
        Ok((object.metadata, object.range, object.stream))
    };
    match read.await {
        Ok((metadata, range, bytes)) => {
            let named = location.clone();
            let bytes = bytes.map(move |piece| piece.map_err(|e| of(e, &named))).boxed();
            Ok(result(location, metadata, range, GetResultPayload::Stream(bytes)))
        }
        Err(error) => Err(refused(store, location, &options, error).await),
    }
}

fn result(
    location: &Path,
    metadata: Metadata,
    range: std::ops::Range<u64>,
    payload: GetResultPayload,
) -> GetResult {
    let meta = list::meta_at(location.clone(), &metadata);
    let attributes = attributes::read(metadata.attributes);
    GetResult { payload, meta, range, attributes, extensions: http::Extensions::default() }
}

fn wanted(options: &object_store::GetOptions) -> GetOptions {
    let range = options.range.as_ref().map(|range| match range {
        GetRange::Bounded(range) => Range::Bounded { start: range.start, end: range.end },
        GetRange::Offset(start) => Range::From(*start),
        GetRange::Suffix(length) => Range::Last(*length),
    });
    let conditions = ReadConditions {
        if_match: options.if_match.clone(),
        if_none_match: options.if_none_match.clone(),
        if_modified_since: options.if_modified_since.map(SystemTime::from),
        if_unmodified_since: options.if_unmodified_since.map(SystemTime::from),
    };
    GetOptions { range, version: options.version.clone(), conditions, ..GetOptions::default() }
}

/// Which bytes a range names, as a read would answer them.
fn resolve(range: Option<&GetRange>, size: u64) -> Result<std::ops::Range<u64>, Error> {
    let outside = || Error::new(ErrorKind::InvalidInput, "the range is outside of the object");
    match range {
        None => Ok(0..size),
        Some(range) => range.as_range(size).map_err(|error| outside().with_source(error)),
    }
}

/// Whether a condition names several `ETag`s, of which not every service takes more than one.
fn is_list(options: &object_store::GetOptions) -> bool {
    [&options.if_match, &options.if_none_match].into_iter().flatten().any(|etags| etags.contains(','))
}

/// Decides the conditions by a look at the object, and pins the reading to what was seen.
async fn pinned(
    store: &Store,
    location: &Path,
    options: &object_store::GetOptions,
) -> ObjectResult<ReadConditions> {
    let look = GetOptions { version: options.version.clone(), ..GetOptions::default() };
    let seen = store.head_with(location.as_ref(), &look).await.map_err(|e| of(e, location))?;
    options.check_preconditions(&list::meta_at(location.clone(), &seen))?;
    Ok(ReadConditions { if_match: seen.etag, ..ReadConditions::default() })
}

/// The fault of a read. Whether a condition that does not hold means that nothing is new, the condition says; where
/// there are several, the object.
async fn refused(
    store: &Store,
    location: &Path,
    options: &object_store::GetOptions,
    error: Error,
) -> object_store::Error {
    let asks_for_news = options.if_none_match.is_some() || options.if_modified_since.is_some();
    if error.kind() != ErrorKind::Precondition || !asks_for_news {
        return of(error, location);
    }
    let asks_for_same = options.if_match.is_some() || options.if_unmodified_since.is_some();
    if asks_for_same && let Err(said) = pinned(store, location, options).await {
        return said;
    }
    object_store::Error::NotModified { path: location.to_string(), source: error.into() }
}
