//! A reader of JSON that refuses what others repair in silence.

use super::{beyond, is_exact};
use holdall_store::{Error, ErrorKind, Result};
use serde_json::{Map, Number, Value};

/// How deep values may lie in one another, so that no text exhausts the stack.
const MAX_DEPTH: usize = 128;

/// Reads one value and nothing after it.
pub(super) fn parse(text: &[u8]) -> Result<Value> {
    let text = std::str::from_utf8(text).map_err(|error| {
        Error::new(ErrorKind::InvalidInput, "the JSON is not UTF-8")
            .with_fact("byte", error.valid_up_to())
            .with_hint("convert it to UTF-8")
    })?;
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("something follows the JSON value")),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn wrong(&self, message: &str) -> Error {
        Error::new(ErrorKind::InvalidInput, message).with_fact("byte", self.at)
    }

    fn takes(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("the JSON is more than 128 deep"));
        }
        self.skip_space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(Value::Number),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.wrong("this is no JSON: a value is missing")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("this is no JSON: a word is unknown"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        self.at += 1;
        self.skip_space();
        if self.takes(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.ends(b']')? {
                return Ok(Value::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value> {
        let mut members = Map::new();
        self.at += 1;
        self.skip_space();
        if self.takes(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.skip_space();
            let begins = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.wrong("this is no JSON: a member's name is missing"));
            }
            let name = self.string()?;
            self.skip_space();
            if !self.takes(b':') {
                return Err(self.wrong("this is no JSON: a colon is missing"));
            }
            if members.contains_key(&name) {
                let shown: String = name.chars().take(80).collect();
                return Err(Self { at: begins, ..*self }
                    .wrong("the JSON names a member twice, of which programs drop one in silence")
                    .with_fact("member", format_args!("{shown:?}")));
            }
            let value = self.value(depth + 1)?;
            members.insert(name, value);
            if self.ends(b'}')? {
                return Ok(Value::Object(members));
            }
        }
    }

    /// Whether the value ends here, or another item follows.
    fn ends(&mut self, last: u8) -> Result<bool> {
        self.skip_space();
        if self.takes(last) {
            return Ok(true);
        }
        if self.takes(b',') {
            return Ok(false);
        }
        Err(self.wrong("this is no JSON: a comma or an end is missing"))
    }

    fn string(&mut self) -> Result<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest.find(|c: char| c == '"' || c == '\\' || c < ' ').unwrap_or(rest.len());
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.wrong("this is no JSON: text has a control character")),
                None => return Err(self.wrong("this is no JSON: text has no end")),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let begins = self.at;
        let sort = self.text.as_bytes().get(self.at + 1).copied();
        self.at += 2;
        Ok(match sort {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.character(begins),
            _ => return Err(Self { at: begins, ..*self }.wrong("this is no JSON: an escape is unknown")),
        })
    }

    /// A character by its UTF-16 code units: one, or a pair of surrogates.
    fn character(&mut self, begins: usize) -> Result<char> {
        let first = self.hex()?;
        let is_high = (0xd800..0xdc00).contains(&first);
        let mut units = vec![first];
        if is_high && self.text[self.at..].starts_with("\\u") {
            self.at += 2;
            units.push(self.hex()?);
        }
        let mut decoded = char::decode_utf16(units);
        match (decoded.next(), decoded.next()) {
            (Some(Ok(c)), None) => Ok(c),
            _ => Err(Self { at: begins, ..*self }
                .wrong("the JSON has half of a surrogate pair, which is no character")
                .with_hint("repair the text where it was made: it was cut in the middle of a character")),
        }
    }

    fn hex(&mut self) -> Result<u16> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        let unit = digits.and_then(|digits| u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        let unit = unit.ok_or_else(|| self.wrong("this is no JSON: an escape has no four hex digits"))?;
        self.at += 4;
        Ok(unit)
    }

    fn digits(&mut self) -> usize {
        let begins = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        self.at - begins
    }

    fn number(&mut self) -> Result<Number> {
        let begins = self.at;
        self.takes(b'-');
        let leads_with_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 || (leads_with_zero && digits > 1) {
            return Err(self.wrong("this is no JSON: a number is malformed"));
        }
        let has_fraction = self.takes(b'.');
        if has_fraction && self.digits() == 0 {
            return Err(self.wrong("this is no JSON: a number is malformed"));
        }
        let has_exponent = matches!(self.peek(), Some(b'e' | b'E'));
        if has_exponent {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.wrong("this is no JSON: a number is malformed"));
            }
        }
        let text = &self.text[begins..self.at];
        let here = Self { at: begins, ..*self };
        here.exact(text, !has_fraction && !has_exponent)
    }

    /// The number that a text stands for, if it stands for one.
    fn exact(&self, text: &'a str, is_integer: bool) -> Result<Number> {
        let double: f64 = text.parse().map_err(|_| self.wrong("this is no JSON: a number is malformed"))?;
        if !is_exact(double, is_integer) {
            let shown: String = text.chars().take(40).collect();
            return Err(beyond(shown).with_fact("byte", self.at));
        }
        let whole = if is_integer { text.parse::<i64>().ok() } else { None };
        whole.map(Number::from).or_else(|| Number::from_f64(double)).ok_or_else(|| {
            self.wrong("the JSON has a number that is too large for a double")
                .with_hint("write such a number as text")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(text: &str, why: &str) {
        let error = parse(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(why), "{text:?}: {error}");
    }

    #[test]
    fn what_has_no_canonical_form_is_refused_each_with_its_own_words() {
        for text in [
            "9007199254740992",
            "-9007199254740993",
            "1e20",
            "123456789012345678901234567890",
            "{\"a\":[1,9007199254740993.0]}",
        ] {
            refused(text, "beyond 2^53");
        }
        refused("{\"a\":1,\"b\":2,\"a\":3}", "member=\"a\"");
        refused("{\"a\":1,\"\\u0061\":3}", "twice");
        for text in [
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800x\"",
            "\"\\ud800\\ud800\"",
            "\"\\ud800\\n\"",
            "\"\\udc00\\ud800\"",
        ] {
            refused(text, "half of a surrogate pair");
        }
        refused("1e400", "too large for a double");
        refused(&"[".repeat(200), "128 deep");
        assert_eq!(parse(b"\"\xff\"").unwrap_err().message(), "the JSON is not UTF-8");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[",
            "[1,]",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "+1",
            "nul",
            "true false",
            "\"",
            "\"\n\"",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\\u+123\"",
            "NaN",
            "Infinity",
            "'a'",
            "[1 2]",
            "\u{feff}1",
            "\"\\",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().kind(), ErrorKind::InvalidInput, "{text:?}");
            assert!(serde_json::from_str::<Value>(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn what_is_fine_is_read() {
        for text in [
            "-0",
            "0.1",
            "1E+2",
            "9007199254740991",
            "-9007199254740991",
            "1e21",
            "\"\\ud83d\\ude00\\/\\b\"",
            " [ ] ",
            "{ }",
        ] {
            parse(text.as_bytes()).unwrap();
        }
        assert_eq!(parse(b"\"\\ud83d\\ude00\"").unwrap(), Value::from("\u{1f600}"));
    }

    proptest! {
        #[test]
        fn it_agrees_with_another_reader_on_any_text(text in "[\\[\\]{}\",:0-9eE.+\\-a-z\\\\u \n]{0,24}") {
            if let Ok(value) = parse(text.as_bytes()) {
                let other: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(value.to_string().replace("-0.0", "0"), other.to_string().replace("-0.0", "0"));
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = parse(&bytes);
        }
    }
}
