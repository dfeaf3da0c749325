//! Conditional requests and byte ranges.

use std::time::SystemTime;

use super::objects::StoredObject;
use super::reply::Refusal;
use super::request::Request;

/// Checks what a write demands of the object that it replaces.
pub(super) fn for_write(request: &Request, current: Option<&StoredObject>) -> Result<(), Refusal> {
    let failed = || Refusal::new(412, "PreconditionFailed");
    if let Some(wanted) = request.header("if-match") {
        let current = current.ok_or_else(|| Refusal::new(404, "NoSuchKey"))?;
        names(wanted, &current.etag).then_some(()).ok_or_else(failed)?;
    }
    match (request.header("if-none-match"), current) {
        (Some(unwanted), Some(current)) if names(unwanted, &current.etag) => Err(failed()),
        _ => Ok(()),
    }
}

/// Checks what a read demands, by the header names given (a copy's begin with `x-amz-copy-source-`).
pub(super) fn for_read(request: &Request, prefix: &str, object: &StoredObject) -> Result<(), Refusal> {
    let header = |name: &str| request.header(&format!("{prefix}{name}"));
    let date = |name: &str| header(name).and_then(|text| httpdate::parse_http_date(text).ok());
    let modified = whole_seconds(object.modified);
    let failed = Refusal::new(412, "PreconditionFailed");
    match (header("if-match"), date("if-unmodified-since")) {
        (Some(wanted), _) if !names(wanted, &object.etag) => return Err(failed),
        (None, Some(date)) if modified > date => return Err(failed),
        _ => {}
    }
    let unchanged = match (header("if-none-match"), date("if-modified-since")) {
        (Some(unwanted), _) => names(unwanted, &object.etag),
        (None, Some(date)) => modified <= date,
        (None, None) => false,
    };
    match unchanged {
        true if prefix.is_empty() => Err(Refusal::new(304, "NotModified")),
        true => Err(failed),
        false => Ok(()),
    }
}

/// HTTP dates have no fractions, so that comparing with one must not see them.
fn whole_seconds(time: SystemTime) -> SystemTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(since.as_secs())
}

fn names(list: &str, etag: &str) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/").trim_matches('"') == etag)
}

/// First and last byte that a `Range` asks for; `None` for the whole object.
///
/// # Errors
/// `InvalidRange` when nothing of it exists. A header that is no single range is ignored, as HTTP has it.
pub(super) fn range(header: Option<&str>, size: u64) -> Result<Option<(u64, u64)>, Refusal> {
    let Some((first, last)) = header.and_then(|text| text.strip_prefix("bytes=")?.split_once('-')) else {
        return Ok(None);
    };
    let outside = || Refusal::new(416, "InvalidRange");
    let (first, last) = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last),
        (Ok(first), Err(_)) if last.is_empty() => (first, u64::MAX),
        (Err(_), Ok(0)) if first.is_empty() => return Err(outside()),
        (Err(_), Ok(count)) if first.is_empty() => (size.saturating_sub(count), u64::MAX),
        _ => return Ok(None),
    };
    if first >= size { Err(outside()) } else { Ok(Some((first, last.min(size - 1)))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_object() {
        let range = |text| range(Some(text), 10).map_err(|refusal| refusal.status);
        assert_eq!(range("bytes=0-3"), Ok(Some((0, 3))));
        assert_eq!(range("bytes=8-100"), Ok(Some((8, 9))));
        assert_eq!(range("bytes=-4"), Ok(Some((6, 9))));
        assert_eq!(range("bytes=-40"), Ok(Some((0, 9))));
        assert_eq!(range("bytes=10-"), Err(416));
        assert_eq!(range("bytes=0-1,4-5"), Ok(None));
        assert_eq!(range("bytes=5-2"), Ok(None));
    }
}
