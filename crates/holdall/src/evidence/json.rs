//! JSON that has one canonical form (RFC 8785), and the checksum of it.

mod parse;

use holdall_store::{Error, ErrorKind, Result, Sha256, sha256};
use serde_json::{Number, Value};

/// The first integer that a double cannot tell from its neighbour.
const BEYOND: f64 = 9_007_199_254_740_992.0;
/// From here on the canonical form of a number has an exponent, and nobody takes it for an integer.
const WITH_EXPONENT: f64 = 1e21;

/// A JSON value that has a canonical form (RFC 8785), which every language writes alike.
///
/// There is none for integers beyond 2^53, which doubles cannot tell apart, for objects that name a member twice, nor for
/// text with half of a surrogate pair: they are refused, and never rounded, dropped or replaced.
///
/// ```
/// use holdall::evidence::Json;
/// let json = Json::parse(br#"{"b": 1.50, "a": "\u00e9"}"#)?;
/// assert_eq!(json.canonical(), r#"{"a":"é","b":1.5}"#);
/// assert!(Json::parse(br#"{"a": 1, "a": 2}"#).is_err());
/// assert!(Json::parse(b"9007199254740993").is_err());
/// # Ok::<(), holdall::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Json(Value);

impl Json {
    /// Reads JSON text.
    ///
    /// # Errors
    ///
    /// `InvalidInput`, with the place: text that is no JSON or no UTF-8, an integer beyond 2^53, a number that no double can
    /// hold, a member that is named twice, half of a surrogate pair, and values more than 128 deep.
    pub fn parse(text: &[u8]) -> Result<Self> {
        parse::parse(text).map(Self)
    }

    /// Takes a value that is at hand.
    ///
    /// ```
    /// use holdall::evidence::Json;
    /// let json = Json::from_value(serde_json::json!({"score": 0.75}))?;
    /// assert_eq!(json.canonical(), r#"{"score":0.75}"#);
    /// # Ok::<(), holdall::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `InvalidInput` for an integer beyond 2^53: keep it as text.
    pub fn from_value(value: Value) -> Result<Self> {
        check(&value)?;
        Ok(Self(value))
    }

    /// An object without members.
    pub fn empty() -> Self {
        Self(Value::Object(serde_json::Map::new()))
    }

    /// The value.
    pub fn value(&self) -> &Value {
        &self.0
    }

    /// The canonical form: members in the order of their UTF-16 code units, no white space, numbers as JavaScript writes them.
    pub fn canonical(&self) -> String {
        serde_json_canonicalizer::to_string(&self.0).expect("its names are text and its numbers finite")
    }

    /// The SHA-256 of the canonical form in UTF-8.
    pub fn checksum(&self) -> Sha256 {
        sha256(self.canonical().as_bytes())
    }

    /// Whether it is an object.
    pub(super) fn is_object(&self) -> bool {
        self.0.is_object()
    }
}

/// Refuses numbers that have no canonical form of their own.
fn check(value: &Value) -> Result<()> {
    match value {
        Value::Number(number) => check_number(number),
        Value::Array(items) => items.iter().try_for_each(check),
        Value::Object(members) => members.values().try_for_each(check),
        Value::Null | Value::Bool(_) | Value::String(_) => Ok(()),
    }
}

fn check_number(number: &Number) -> Result<()> {
    let is_integer = number.is_i64() || number.is_u64();
    match number.as_f64() {
        Some(double) if is_exact(double, is_integer) => Ok(()),
        _ => Err(beyond(number)),
    }
}

/// Whether a double stands for one number only, once it is written in its canonical form and read again.
fn is_exact(double: f64, is_integer: bool) -> bool {
    let reads_as_integer = is_integer || (double.fract() == 0.0 && double.abs() < WITH_EXPONENT);
    double.abs() < BEYOND || !reads_as_integer
}

fn beyond(number: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        "the JSON has an integer beyond 2^53, which programs round in silence",
    )
    .with_fact("number", number)
    .with_hint("write such a number as text: \"9007199254740993\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_hand_is_held_to_the_same_rules() {
        for number in [u64::MAX, 1 << 53] {
            let error = Json::from_value(serde_json::json!([{"n": number}])).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(error.message().contains("beyond 2^53"), "{error}");
        }
        assert!(Json::from_value(serde_json::json!(-((1_i64 << 53) + 1))).is_err());
        assert!(Json::from_value(serde_json::json!(1e20)).is_err(), "it would be written as an integer");
        for fine in [serde_json::json!((1_i64 << 53) - 1), serde_json::json!(1e21), serde_json::json!(5e-324)]
        {
            Json::from_value(fine).unwrap();
        }
    }
}
