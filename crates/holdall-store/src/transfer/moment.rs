//! Moments as text: RFC 3339, in UTC and to the second, which is all that every answer of S3 says.

use jiff::Timestamp;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serializer};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// None for a moment beyond the year 9999.
pub(super) fn text(moment: SystemTime) -> Option<String> {
    Timestamp::try_from(moment).ok().map(|moment| format!("{moment:.0}"))
}

/// The present moment, as exactly as text has it.
pub(super) fn now() -> SystemTime {
    let now = SystemTime::now();
    let seconds = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    UNIX_EPOCH + Duration::from_secs(seconds)
}

pub(super) fn serialize<S: Serializer>(moment: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    optional::serialize(&Some(*moment), serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SystemTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse::<Timestamp>().map(SystemTime::from).map_err(D::Error::custom)
}

/// A moment, or null.
pub(super) mod optional {
    use super::*;

    pub(in crate::transfer) fn serialize<S: Serializer>(
        moment: &Option<SystemTime>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment.and_then(text) {
            Some(text) => serializer.serialize_str(&text),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::transfer) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse::<Timestamp>().map(SystemTime::from).map_err(D::Error::custom)).transpose()
    }
}
