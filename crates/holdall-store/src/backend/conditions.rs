//! Decides conditions of reads and writes, as RFC 9110 and S3 do.

use crate::error::{Error, ErrorKind, Result};
use crate::object::Metadata;
use crate::{ReadConditions, WriteCondition};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Whether a write may replace what is there.
pub(crate) fn check_write(existing: Option<&Metadata>, condition: &WriteCondition) -> Result<()> {
    match (condition, existing) {
        (WriteCondition::Always, _) | (WriteCondition::Absent, None) => Ok(()),
        (WriteCondition::Absent, Some(_)) => Err(failed("there is an object already")),
        (WriteCondition::Matches(etag), Some(object)) if names(etag, object) => Ok(()),
        (WriteCondition::Matches(_), Some(_)) => Err(failed("the object has another ETag")),
        (WriteCondition::Matches(_), None) => {
            Err(Error::new(ErrorKind::NotFound, "there is no object to replace"))
        }
    }
}

/// Whether what is there may be deleted.
pub(crate) fn check_delete(etag: Option<&str>, if_match: &str) -> Result<()> {
    match etag {
        None => Err(Error::new(ErrorKind::NotFound, "there is no object to delete")),
        Some(own) if if_match == "*" || bare(own) == bare(if_match) => Ok(()),
        Some(_) => Err(failed("the object has another ETag")),
    }
}

/// Whether a read may be answered. An `ETag` outranks a date: where both are given the date is not looked at.
pub(crate) fn check_read(object: &Metadata, conditions: &ReadConditions) -> Result<()> {
    let changed_after = |at| object.last_modified.is_some_and(|modified| modified > whole_second(at));
    let may = match (&conditions.if_match, conditions.if_unmodified_since) {
        (Some(etag), _) => names(etag, object),
        (None, Some(at)) => !changed_after(at),
        (None, None) => true,
    };
    if !may {
        return Err(failed("the object is not the one that was asked for"));
    }
    let news = match (&conditions.if_none_match, conditions.if_modified_since) {
        (Some(etag), _) => !names(etag, object),
        (None, Some(at)) => changed_after(at),
        (None, None) => true,
    };
    if !news {
        return Err(failed("the object has not changed"));
    }
    Ok(())
}

/// Whether an `ETag`, with or without its quotes, or `*` means this object.
fn names(etag: &str, object: &Metadata) -> bool {
    let own = object.etag.as_deref().map(bare);
    etag == "*" || own == Some(bare(etag))
}

fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

fn failed(message: &str) -> Error {
    Error::new(ErrorKind::Precondition, message)
}

/// Cuts a moment to what a header can say of it.
pub(crate) fn whole_second(at: SystemTime) -> SystemTime {
    match at.duration_since(UNIX_EPOCH) {
        Ok(since) => UNIX_EPOCH + Duration::from_secs(since.as_secs()),
        Err(_) => at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Attributes, Key};

    fn at(second: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(second)
    }

    fn object() -> Metadata {
        Metadata {
            key: Key::parse("k").unwrap(),
            size: 0,
            etag: Some("\"a\"".into()),
            last_modified: Some(at(100)),
            version: None,
            attributes: Attributes::default(),
            sha256: None,
            nonce: None,
            read_from: crate::ReadFrom::Store,
            expires: None,
        }
    }

    #[test]
    fn an_etag_outranks_a_date() {
        let (a, b) = (Some("\"a\""), Some("\"b\""));
        // If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, and whether the read is answered.
        let table = [
            (a, None, None, None, true),
            (Some("a"), None, None, None, true),
            (Some("*"), None, None, None, true),
            (b, None, None, None, false),
            (a, Some(99), None, None, true),
            (b, Some(100), None, None, false),
            (None, Some(99), None, None, false),
            (None, Some(100), None, None, true),
            (None, None, a, None, false),
            (None, None, a, Some(99), false),
            (None, None, b, Some(100), true),
            (None, None, None, Some(100), false),
            (None, None, None, Some(99), true),
            (a, None, a, None, false),
        ];
        for row in table {
            let (if_match, unmodified, if_none_match, modified, answered) = row;
            let conditions = ReadConditions {
                if_match: if_match.map(str::to_owned),
                if_none_match: if_none_match.map(str::to_owned),
                if_modified_since: modified.map(at),
                if_unmodified_since: unmodified.map(at),
            };
            let kind = check_read(&object(), &conditions).map_err(|e| e.kind());
            assert_eq!(kind, answered.then_some(()).ok_or(ErrorKind::Precondition), "{row:?}");
        }
    }

    #[test]
    fn dates_are_compared_by_the_second() {
        let conditions = ReadConditions {
            if_modified_since: Some(at(99) + Duration::from_millis(999)),
            ..ReadConditions::default()
        };
        check_read(&object(), &conditions).unwrap();
    }

    #[test]
    fn a_match_on_nothing_is_not_found() {
        let matches = |etag: &str| WriteCondition::Matches(etag.to_owned());
        let object = object();
        let kind = |existing, condition| check_write(existing, &condition).map_err(|e| e.kind());
        assert_eq!(kind(None, matches("\"a\"")), Err(ErrorKind::NotFound));
        assert_eq!(kind(Some(&object), matches("\"b\"")), Err(ErrorKind::Precondition));
        assert_eq!(kind(Some(&object), matches("\"a\"")), Ok(()));
        assert_eq!(kind(Some(&object), WriteCondition::Absent), Err(ErrorKind::Precondition));
        assert_eq!(kind(None, WriteCondition::Absent), Ok(()));
    }
}
