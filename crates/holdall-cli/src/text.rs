//! Sizes, times and names for people.

use holdall::Sha256;
use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

/// Replaces control characters, which could move the cursor or end the line, by what a Rust string has for them.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// A size in the unit that suits it: `512 B`, `1.2 MiB`.
pub(crate) fn bytes(size: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if size < 1024 {
        return format!("{size} B");
    }
    let mut value = size as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// `1 file`, `2 files`.
pub(crate) fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

/// A moment as RFC 3339 has it, in UTC and to the second, which is all that every answer of S3 says.
pub(crate) struct Moment(pub(crate) SystemTime);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::try_from(self.0) {
            Ok(moment) => write!(f, "{moment:.0}"),
            Err(_) => f.write_str("-"),
        }
    }
}

/// The first digits of a digest, enough to tell objects apart by eye.
pub(crate) fn short(digest: Sha256) -> String {
    let mut hex = digest.to_hex();
    hex.truncate(12);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn sizes_read_well() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (1 << 30, "1.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (size, text) in table {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn control_characters_are_escaped_and_letters_are_not() {
        assert_eq!(escaped("a\n\u{1b}[1m\u{e9}\u{9b}"), "a\\n\\u{1b}[1m\u{e9}\\u{9b}");
        assert!(matches!(escaped("caf\u{e9} \\n"), Cow::Borrowed(_)));
    }

    #[test]
    fn times_are_in_utc() {
        let moment = UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
        assert_eq!(Moment(moment).to_string(), "2023-11-14T22:13:20Z");
    }
}
