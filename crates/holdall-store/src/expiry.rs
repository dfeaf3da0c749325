//! When an object is not found any more.
//!
//! An object carries the moment among its metadata, under a name of holdall's own, wherever it is kept: so copies, moves and
//! writes that wait have it too. Whoever reads looks at it; the bytes go when a sweep comes by.

use crate::Attributes;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{GetOptions, Metadata, PutOptions};
use jiff::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The name of the moment among an object's metadata.
pub(crate) const EXPIRES: &str = "holdall-expires";

/// Notes a moment, rounded up to the second.
///
/// # Errors
///
/// `InvalidInput` for one that has passed, or beyond the year 9999.
pub(crate) fn note(attributes: &mut Attributes, moment: SystemTime, now: SystemTime) -> Result<()> {
    let wrong = |message: &str| Error::new(ErrorKind::InvalidInput, message);
    if moment <= now {
        return Err(wrong("the object would have expired already").with_hint("give a moment to come"));
    }
    let text = Timestamp::try_from(rounded_up(moment)).ok().map(|moment| format!("{moment:.0}"));
    let text = text.ok_or_else(|| wrong("nothing can expire so late"))?;
    attributes.metadata.insert(EXPIRES.to_owned(), text);
    Ok(())
}

/// The moment of a write that is to have one and does not carry it yet.
pub(crate) fn to_be_noted(options: &PutOptions) -> Option<SystemTime> {
    options.expires.filter(|moment| of(&options.attributes) != Some(rounded_up(*moment)))
}

pub(crate) fn rounded_up(moment: SystemTime) -> SystemTime {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    UNIX_EPOCH + Duration::from_secs(since.as_secs() + u64::from(since.subsec_nanos() > 0))
}

/// The moment that an object carries. What is no moment is none: others may have written it.
pub(crate) fn of(attributes: &Attributes) -> Option<SystemTime> {
    let text = attributes.metadata.get(EXPIRES)?;
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

/// Refuses an object whose time has come, unless it is asked for all the same.
///
/// # Errors
///
/// `NotFound`.
pub(crate) fn check_for(metadata: &Metadata, options: &GetOptions) -> Result<()> {
    if options.expired { Ok(()) } else { check(metadata) }
}

pub(crate) fn check(metadata: &Metadata) -> Result<()> {
    match of(&metadata.attributes) {
        Some(moment) if moment <= SystemTime::now() => Err(expired(moment).with_key(&metadata.key)),
        _ => Ok(()),
    }
}

fn expired(moment: SystemTime) -> Error {
    let error = Error::new(ErrorKind::NotFound, "the object has expired");
    match Timestamp::try_from(moment) {
        Ok(moment) => error.with_fact("expired", format_args!("{moment:.0}")),
        Err(_) => error,
    }
}

impl Metadata {
    /// As users see it: what is holdall's own is in fields of its own.
    pub(crate) fn shown(mut self) -> Self {
        self.expires = of(&self.attributes);
        self.attributes.metadata.remove(EXPIRES);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn a_moment_is_noted_to_the_second_that_follows() {
        for (given, read) in [(5_000, 5_000), (5_001, 6_000), (5_999, 6_000)] {
            let mut attributes = Attributes::default();
            note(&mut attributes, at(given), at(0)).unwrap();
            assert_eq!(of(&attributes), Some(at(read)));
        }
    }

    #[test]
    fn what_has_passed_and_what_no_calendar_has_is_refused() {
        let late = UNIX_EPOCH + Duration::from_secs(300_000_000_000);
        for moment in [at(4_999), at(5_000), late] {
            let refused = note(&mut Attributes::default(), moment, at(5_000)).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn what_others_wrote_is_no_moment() {
        let metadata = [(EXPIRES.to_owned(), "tomorrow".to_owned())].into();
        assert_eq!(of(&Attributes { metadata, ..Attributes::default() }), None);
    }
}
