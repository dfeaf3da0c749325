//! Which parts make an object: the rules that S3 has, for stores that keep parts themselves.

use super::{Limits, PartReceipt};
use crate::error::{Error, ErrorKind, Result};

/// S3's own sizes, so that what is planned for them is planned the same everywhere.
pub(crate) const LIMITS: Limits =
    Limits { max_put: 5 << 30, max_copy: u64::MAX, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 };

/// The most keys of one batch.
pub(crate) const MAX_BATCH: usize = 1000;

/// S3's bound on a page; also what it gives when nothing is asked for.
pub(crate) const MAX_PAGE: u32 = 1000;

/// Refuses more bytes than S3 takes by one request.
pub(crate) fn check_size(size: u64, limit: u64) -> Result<()> {
    if size > limit {
        return Err(invalid("too large for one request").with_fact("bytes", size).with_fact("limit", limit));
    }
    Ok(())
}

/// Refuses more keys than S3 takes by one request.
pub(crate) fn check_batch(keys: usize) -> Result<()> {
    if keys > MAX_BATCH {
        return Err(invalid("too many keys in one batch")
            .with_fact("keys", keys)
            .with_fact("limit", MAX_BATCH));
    }
    Ok(())
}

/// Refuses a part that S3 would not take.
pub(crate) fn check_part(number: u32, size: u64) -> Result<()> {
    if !(1..=LIMITS.max_parts).contains(&number) {
        return Err(invalid("a part's number is out of bounds")
            .with_fact("number", number)
            .with_fact("limit", LIMITS.max_parts));
    }
    check_size(size, LIMITS.max_part)
}

/// Checks a list of parts, which S3 wants whole, in order, and all but the last large enough.
///
/// `known` answers the `ETag` and the size of a part that is there.
pub(crate) fn check_list(listed: &[PartReceipt], known: impl Fn(u32) -> Option<(String, u64)>) -> Result<()> {
    let Some(last) = listed.last() else {
        return Err(invalid("an upload is completed with at least one part"));
    };
    if !listed.is_sorted_by(|a, b| a.number < b.number) {
        return Err(invalid("parts are out of order"));
    }
    for receipt in listed {
        let size = match known(receipt.number) {
            Some((etag, size)) if etag == receipt.etag => size,
            _ => {
                return Err(invalid("a part is not there, or was replaced by another")
                    .with_fact("number", receipt.number));
            }
        };
        if receipt.number != last.number && size < LIMITS.min_part {
            return Err(invalid("a part before the last is too small")
                .with_hint("parts but the last need at least 5 MiB")
                .with_fact("number", receipt.number)
                .with_fact("bytes", size));
        }
    }
    Ok(())
}

/// What is answered for an upload that has ended.
pub(crate) fn gone() -> Error {
    Error::new(ErrorKind::NotFound, "the upload was completed or given up")
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidInput, message)
}
