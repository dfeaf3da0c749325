//! Which bytes a range is of.

use crate::Range;
use crate::error::{Error, ErrorKind, Result};

/// Refuses a range that has no bytes of any object, before anything is asked for.
pub(crate) fn check_form(range: Option<Range>) -> Result<()> {
    match range {
        Some(Range::Bounded { start, end }) if start >= end => {}
        Some(Range::Last(0)) => {}
        _ => return Ok(()),
    }
    Err(Error::new(ErrorKind::InvalidInput, "the range is empty"))
}

/// The bytes that a range has of an object of this size.
pub(crate) fn resolve(range: Option<Range>, size: u64) -> Result<std::ops::Range<u64>> {
    let Some(range) = range else { return Ok(0..size) };
    range.of(size).ok_or_else(|| {
        Error::new(ErrorKind::InvalidInput, "the range starts at or past the object's end")
            .with_fact("bytes", size)
    })
}
