//! The three date forms of the protocol.

use jiff::Timestamp;
use jiff::fmt::strtime;
use std::cell::RefCell;
use std::time::SystemTime;

/// A moment as SigV4 writes it: `20130524T000000Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AmzDate([u8; 16]);

thread_local! {
    /// The last second formatted on this thread: nearly every request falls into the same one as the request before.
    static LAST: RefCell<(i64, AmzDate)> = const { RefCell::new((i64::MIN, AmzDate([b'0'; 16]))) };
}

impl AmzDate {
    pub(crate) fn new(now: SystemTime) -> Self {
        let second = timestamp(now).as_second();
        LAST.with_borrow_mut(|last| {
            if last.0 != second {
                *last = (second, Self::format(second));
            }
            last.1
        })
    }

    fn format(second: i64) -> Self {
        let at = Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        let text = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let mut bytes = [b'0'; 16];
        if text.len() == 16 {
            bytes.copy_from_slice(text.as_bytes());
        }
        Self(bytes)
    }

    /// Date and time: `20130524T000000Z`.
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII digits and letters are written")
    }

    /// The date alone: `20130524`.
    pub(crate) fn day(&self) -> &str {
        &self.as_str()[..8]
    }
}

fn timestamp(at: SystemTime) -> Timestamp {
    Timestamp::try_from(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Reads the date of a listing, such as `2009-10-12T17:50:30.000Z`.
pub(crate) fn parse_iso(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().map(SystemTime::from)
}

/// Reads the date of a header, such as `Fri, 24 May 2013 00:00:00 GMT`.
pub(crate) fn parse_http(text: &str) -> Option<SystemTime> {
    httpdate::parse_http_date(text).ok()
}

/// Reads the server's clock from a SigV4 date.
pub(crate) fn parse_amz(text: &str) -> Option<SystemTime> {
    let fields = strtime::parse("%Y%m%dT%H%M%SZ", text).ok()?;
    let civil = fields.to_datetime().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|z| SystemTime::from(z.timestamp()))
}

/// Writes the date of a POST policy: `2015-12-30T12:00:00.000Z`.
pub(crate) fn format_policy(at: SystemTime) -> String {
    timestamp(at).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    #[test]
    fn amz_date_has_sixteen_characters() {
        let date = AmzDate::new(at(1_369_353_600));
        assert_eq!(date.as_str(), "20130524T000000Z");
        assert_eq!(date.day(), "20130524");
        assert_eq!(AmzDate::new(at(1_369_353_601)).as_str(), "20130524T000001Z");
    }

    #[test]
    fn all_forms_are_read() {
        assert_eq!(parse_iso("2013-05-24T00:00:00.000Z"), Some(at(1_369_353_600)));
        assert_eq!(parse_http("Fri, 24 May 2013 00:00:00 GMT"), Some(at(1_369_353_600)));
        assert_eq!(parse_amz("20130524T000000Z"), Some(at(1_369_353_600)));
        assert_eq!(parse_iso("yesterday"), None);
        assert_eq!(format_policy(at(1_369_353_600)), "2013-05-24T00:00:00.000Z");
    }
}
