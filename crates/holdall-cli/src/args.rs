//! Values that several commands take.

use crate::cli::Override;
use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use holdall::{Attributes, GetOptions, PutOptions, Range, WriteCondition};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime};

/// What an object carries besides its bytes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "What objects carry")]
pub(crate) struct ObjectArgs {
    /// Content type [default: by the name, else by the first bytes]
    #[arg(long, value_name = "TYPE")]
    content_type: Option<String>,
    /// Cache-Control header
    #[arg(long, value_name = "TEXT")]
    cache_control: Option<String>,
    /// Content-Disposition header
    #[arg(long, value_name = "TEXT")]
    content_disposition: Option<String>,
    /// Content-Encoding header
    #[arg(long, value_name = "TEXT")]
    content_encoding: Option<String>,
    /// User metadata; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    meta: Vec<(String, String)>,
    /// Tag; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    tag: Vec<(String, String)>,
    /// Storage class, such as STANDARD_IA
    #[arg(long, value_name = "CLASS")]
    storage_class: Option<String>,
    /// Canned ACL, such as public-read
    #[arg(long, value_parser = not_empty())]
    acl: Option<String>,
    /// Encryption by the server: AES256 or aws:kms
    #[arg(long, value_name = "HOW", value_parser = not_empty())]
    sse: Option<String>,
    /// Encryption by this key of the key service
    #[arg(long, value_name = "ID", value_parser = not_empty())]
    kms_key_id: Option<String>,
    /// Only where no object has the key
    #[arg(long)]
    create_only: bool,
}

impl ObjectArgs {
    /// Those that are settings too.
    pub(crate) fn overrides(&self) -> Vec<Override> {
        Override::given([
            ("--acl", "acl", &self.acl),
            ("--sse", "sse", &self.sse),
            ("--kms-key-id", "kms_key_id", &self.kms_key_id),
        ])
    }

    pub(crate) fn to_options(&self) -> PutOptions {
        PutOptions {
            attributes: Attributes {
                content_type: self.content_type.clone(),
                cache_control: self.cache_control.clone(),
                content_disposition: self.content_disposition.clone(),
                content_encoding: self.content_encoding.clone(),
                storage_class: self.storage_class.clone(),
                metadata: self.meta.iter().cloned().collect(),
                ..Attributes::default()
            },
            tags: self.tag.clone(),
            condition: if self.create_only { WriteCondition::Absent } else { WriteCondition::Always },
            ..PutOptions::default()
        }
    }
}

/// Which version of an object.
#[derive(Debug, Args)]
pub(crate) struct VersionArg {
    /// This version, as `object-version ls` names it [default: the latest]
    #[arg(long, value_name = "VERSION", value_parser = not_empty(), allow_hyphen_values = true)]
    version_id: Option<String>,
}

impl VersionArg {
    pub(crate) fn options(&self) -> GetOptions {
        GetOptions { version: self.version_id.clone(), ..GetOptions::default() }
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.version_id.as_deref()
    }
}

pub(crate) fn not_empty() -> NonEmptyStringValueParser {
    NonEmptyStringValueParser::new()
}

/// Reads `name=value`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("not NAME=VALUE".to_owned()),
    }
}

/// Reads a day or a moment of RFC 3339; one without an offset is in UTC.
pub(crate) fn moment(text: &str) -> Result<SystemTime, String> {
    let civil = || text.parse::<DateTime>().and_then(|moment| moment.to_zoned(TimeZone::UTC));
    let moment = text.parse::<Timestamp>().or_else(|_| civil().map(|moment| moment.timestamp()));
    moment
        .map(SystemTime::from)
        .map_err(|_| "not a moment such as 2033-01-01 or 2033-01-01T12:00:00Z".to_owned())
}

/// The moment after a time from now; where no clock has it, it has passed.
pub(crate) fn from_now(after: Duration) -> SystemTime {
    SystemTime::now().checked_add(after).unwrap_or(SystemTime::UNIX_EPOCH)
}

/// Reads an `ETag`, with its quotes or without.
pub(crate) fn etag(text: &str) -> Result<String, String> {
    match text {
        "" => Err("empty".to_owned()),
        _ if text.starts_with('"') || text.starts_with("W/") => Ok(text.to_owned()),
        _ => Ok(format!("\"{text}\"")),
    }
}

/// Reads `A..B` (half-open), `A..`, `..B` and `-N`, the last N bytes.
pub(crate) fn range(text: &str) -> Result<Range, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| "not a range such as 0..1024, 100.. or -500");
    if let Some(last) = text.strip_prefix('-') {
        return match number(last)? {
            0 => Err("the range is empty".to_owned()),
            n => Ok(Range::Last(n)),
        };
    }
    let (start, end) = text.split_once("..").ok_or("not a range such as 0..1024, 100.. or -500")?;
    let start = if start.is_empty() && !end.is_empty() { 0 } else { number(start)? };
    if end.is_empty() {
        return Ok(Range::From(start));
    }
    match number(end)? {
        end if start < end => Ok(Range::Bounded { start, end }),
        _ => Err("the range is empty".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_half_open_and_never_empty() {
        let table = [
            ("0..1024", Range::Bounded { start: 0, end: 1024 }),
            ("..8", Range::Bounded { start: 0, end: 8 }),
            ("100..", Range::From(100)),
            ("-500", Range::Last(500)),
        ];
        for (text, expected) in table {
            assert_eq!(range(text), Ok(expected), "{text}");
        }
        for text in ["", "..", "5", "5..5", "6..5", "-0", "-", "a..b", "0..-1", "--5"] {
            assert!(range(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_moment_is_in_utc_unless_it_says_otherwise() {
        let table = [
            ("2033-01-01", "2033-01-01T00:00:00Z"),
            ("2033-01-01T12:00:00", "2033-01-01T12:00:00Z"),
            ("2033-01-01T12:00:00+02:00", "2033-01-01T10:00:00Z"),
        ];
        for (text, wanted) in table {
            assert_eq!(
                moment(text).map(|moment| crate::text::Moment(moment).to_string()).as_deref(),
                Ok(wanted)
            );
        }
        for text in ["", "soon", "30d", "2033-13-01", "12:00:00"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn etags_get_their_quotes() {
        for (text, expected) in [("ab", "\"ab\""), ("\"ab\"", "\"ab\""), ("W/\"ab\"", "W/\"ab\"")] {
            assert_eq!(etag(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_value_may_hold_equals_signs() {
        assert_eq!(pair("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert!(pair("=b").is_err() && pair("a").is_err());
    }
}
