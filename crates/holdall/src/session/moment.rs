//! Moments as formats have them: RFC 3339 in UTC, to the millisecond.

use holdall_store::{Error, ErrorKind, Result};
use jiff::Timestamp;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The moment in whole milliseconds, which is all that formats keep.
pub(super) fn rounded(time: SystemTime) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis(time))
}

/// Milliseconds since 1970; what was before that counts as that.
pub(super) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(since).unwrap_or(u64::MAX)
}

/// Refuses what no format can say: a moment before 1970 or after 9999.
pub(super) fn check(time: SystemTime) -> Result<()> {
    let is_early = time.duration_since(UNIX_EPOCH).is_err();
    if is_early || Timestamp::try_from(time).is_err() {
        return Err(Error::new(ErrorKind::InvalidInput, "a step's time must lie between 1970 and 9999"));
    }
    Ok(())
}

/// When a step was recorded, where that is given, and from when on it is not there any more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Moments {
    pub(super) time: Option<SystemTime>,
    pub(super) expires: Option<SystemTime>,
}

/// The moment from which on a step is not there any more, in whole milliseconds and not before the given one.
///
/// # Errors
///
/// `InvalidInput` for one that has passed, or after 9999.
pub(super) fn expiry(moment: SystemTime, now: SystemTime) -> Result<SystemTime> {
    let wrong = |message: &str| Error::new(ErrorKind::InvalidInput, message);
    if moment <= now {
        return Err(wrong("the step would have expired already").with_hint("give a moment to come"));
    }
    let up = moment.checked_add(Duration::from_nanos(999_999)).map(rounded);
    up.filter(|up| check(*up).is_ok()).ok_or_else(|| wrong("nothing can expire so late"))
}

/// As text: `2025-01-02T03:04:05.678Z`.
pub(super) fn text(time: SystemTime) -> String {
    match Timestamp::try_from(rounded(time)) {
        Ok(moment) => format!("{moment:.3}"),
        Err(_) => format!("{:.3}", Timestamp::MAX),
    }
}

/// Reads the text; none for what is no moment.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let moment: Timestamp = text.parse().ok()?;
    let time = SystemTime::from(moment);
    check(time).ok()?;
    Some(rounded(time))
}

/// As a part of a name, which sorts by time: `20250102T030405678Z`.
pub(super) fn compact(time: SystemTime) -> String {
    text(time).chars().filter(|c| !matches!(c, '-' | ':' | '.')).collect()
}

/// The day in UTC: `2025-01-02`.
pub(super) fn day(time: SystemTime) -> String {
    let mut text = text(time);
    text.truncate(10);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_kept_to_the_millisecond() {
        let time = UNIX_EPOCH + Duration::from_micros(1_735_787_045_678_900);
        assert_eq!(text(time), "2025-01-02T03:04:05.678Z");
        assert_eq!(compact(time), "20250102T030405678Z");
        assert_eq!(parse("2025-01-02T03:04:05.678Z"), Some(rounded(time)));
        assert_eq!(parse("yesterday"), None);
        assert_eq!(parse("1969-12-31T23:59:59Z"), None);
        assert_eq!(day(time), "2025-01-02");
    }

    #[test]
    fn a_step_is_there_until_its_moment_which_is_to_come() {
        let at = |micros| UNIX_EPOCH + Duration::from_micros(micros);
        assert_eq!(expiry(at(5_001), at(5_000)).unwrap(), at(6_000));
        assert_eq!(expiry(at(6_000), at(5_000)).unwrap(), at(6_000));
        for moment in [at(4_999), at(5_000), at(300_000_000_000_000_000)] {
            assert_eq!(expiry(moment, at(5_000)).unwrap_err().kind(), ErrorKind::InvalidInput);
        }
    }
}
