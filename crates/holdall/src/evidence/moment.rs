//! Moments as evidence writes them.

use holdall_store::{Error, ErrorKind, Result};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// A moment, written as RFC 3339 has it, in UTC and with a `Z`, to the microsecond.
///
/// ```
/// use holdall::evidence::Moment;
/// let naive: Moment = "2026-01-31T23:30:00".parse()?;
/// assert_eq!(naive.to_string(), "2026-01-31T23:30:00Z");
/// let east: Moment = "2026-02-01T01:30:00+02:00".parse()?;
/// assert_eq!(east, naive);
/// # Ok::<(), holdall::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Timestamp);

impl Moment {
    /// The system's clock.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// Year and month in UTC.
    pub(super) fn month(self) -> Month {
        let date = TimeZone::UTC.to_datetime(self.0).date();
        Month { year: date.year().unsigned_abs(), month: date.month().unsigned_abs() }
    }

    /// How long after another moment this is; none where it is not after it.
    pub(super) fn since(self, other: Self) -> Option<std::time::Duration> {
        let later = self.0.duration_since(other.0);
        (later.is_positive()).then(|| later.unsigned_abs())
    }
}

impl From<SystemTime> for Moment {
    /// What a clock cannot mean (before the year 1 or after 9999) becomes the nearest moment that there is.
    fn from(time: SystemTime) -> Self {
        let moment = Timestamp::try_from(time).unwrap_or(Timestamp::MAX).max(Timestamp::UNIX_EPOCH);
        Self(Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment))
    }
}

impl FromStr for Moment {
    type Err = Error;

    /// Reads RFC 3339, and the same without an offset, which is taken as UTC.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for what is no such moment, or lies before the year 1.
    fn from_str(text: &str) -> Result<Self> {
        let read = text
            .parse::<Timestamp>()
            .or_else(|_| text.parse::<DateTime>().and_then(|naive| TimeZone::UTC.to_timestamp(naive)));
        let of_years = |moment: &Timestamp| TimeZone::UTC.to_datetime(*moment).year() >= 1;
        match read.ok().filter(of_years) {
            Some(moment) => Ok(Self(Timestamp::from_microsecond(moment.as_microsecond()).unwrap_or(moment))),
            None => {
                let shown: String = text.chars().take(80).collect();
                Err(Error::new(ErrorKind::InvalidInput, "this is no moment")
                    .with_fact("text", format_args!("{shown:?}"))
                    .with_hint("write it as 2026-01-31T23:30:00Z; without an offset it is taken as UTC"))
            }
        }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A month of a year, as it stands in keys: `2026/01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Month {
    pub(super) year: u16,
    pub(super) month: u8,
}

impl Month {
    /// Reads the two segments of a key.
    pub(super) fn parse(year: &str, month: &str) -> Option<Self> {
        let number = |text: &str, len| {
            (text.len() == len && text.bytes().all(|b| b.is_ascii_digit()))
                .then(|| text.parse::<u16>().ok())?
        };
        let (year, month) = (number(year, 4)?, number(month, 2)?);
        let month = u8::try_from(month).ok().filter(|month| (1..=12).contains(month))?;
        Some(Self { year, month })
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}/{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_naive_time_is_taken_as_utc_and_an_offset_is_honoured() {
        for (text, written, month) in [
            ("2026-01-31T23:30:00", "2026-01-31T23:30:00Z", "2026/01"),
            ("2026-01-31 23:30:00.25", "2026-01-31T23:30:00.25Z", "2026/01"),
            ("2026-02-01T01:30:00+02:00", "2026-01-31T23:30:00Z", "2026/01"),
            ("2026-01-31T23:30:00-01:00", "2026-02-01T00:30:00Z", "2026/02"),
            ("0999-12-31T00:00:00Z", "0999-12-31T00:00:00Z", "0999/12"),
            ("2026-01-31T23:30:00.123456789Z", "2026-01-31T23:30:00.123456Z", "2026/01"),
        ] {
            let moment: Moment = text.parse().unwrap();
            assert_eq!(
                (moment.to_string(), moment.month().to_string()),
                (written.to_owned(), month.to_owned())
            );
        }
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "-000001-01-01T00:00:00Z", "1700000000"] {
            assert_eq!(text.parse::<Moment>().unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
        }
    }

    #[test]
    fn a_month_in_a_key_has_six_digits() {
        assert_eq!(Month::parse("2026", "01"), Some(Month { year: 2026, month: 1 }));
        for (year, month) in
            [("2026", "1"), ("2026", "13"), ("2026", "00"), ("26", "01"), ("+026", "01"), ("by-id", "01")]
        {
            assert_eq!(Month::parse(year, month), None);
        }
    }
}
