//! Percent-encoding as SigV4 wants it: all but the unreserved characters, upper-case hex.

use percent_encoding::percent_decode_str;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Which bytes stand for themselves: `A-Z a-z 0-9 - . _ ~` (RFC 3986, section 2.3).
const UNRESERVED: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~');
        i += 1;
    }
    table
};

fn push_encoded(out: &mut String, text: &str, keep_slash: bool) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 16);
    let mut start = 0;
    for (i, &b) in bytes.iter().enumerate() {
        if UNRESERVED[b as usize] || (keep_slash && b == b'/') {
            continue;
        }
        out.push_str(text_between(text, start, i));
        out.push('%');
        out.push(HEX[(b >> 4) as usize] as char);
        out.push(HEX[(b & 15) as usize] as char);
        start = i + 1;
    }
    out.push_str(text_between(text, start, bytes.len()));
}

/// The part of `text` from `start` to `end`, both of which stand beside ASCII or at an encoded byte.
fn text_between(text: &str, start: usize, end: usize) -> &str {
    if start == end { "" } else { &text[start..end] }
}

/// Appends a key as a path: the slash stands for itself, everything reserved is encoded.
pub(crate) fn push_key(out: &mut String, key: &str) {
    push_encoded(out, key, true);
}

/// Appends a query name or value.
pub(crate) fn push_query(out: &mut String, value: &str) {
    push_encoded(out, value, false);
}

/// Encodes a key as it stands in a URL's path.
///
/// ```
/// assert_eq!(holdall_s3::encode_key("a b/c+d.txt"), "a%20b/c%2Bd.txt");
/// ```
pub fn encode_key(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 8);
    push_key(&mut out, key);
    out
}

/// Encodes a name or value of a query string; the slash is encoded too.
pub fn encode_query(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 8);
    push_query(&mut out, value);
    out
}

/// Reads a key of a listing that was asked for with `encoding-type=url`.
///
/// Servers write a space as `+` or as `%20`; a plus sign itself is always `%2B`. `None` when the bytes are not UTF-8.
pub fn decode_key(text: &str) -> Option<String> {
    if !text.as_bytes().iter().any(|b| matches!(b, b'%' | b'+')) {
        return Some(text.to_owned());
    }
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(|s| s.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn awkward_keys_are_encoded_exactly() {
        let table = [
            (" ", "%20"),
            ("+", "%2B"),
            ("%", "%25"),
            ("#", "%23"),
            ("?", "%3F"),
            ("~", "~"),
            ("a//b", "a//b"),
            ("/lead", "/lead"),
            ("dir/", "dir/"),
            ("./", "./"),
            ("..", ".."),
            ("\u{e9}", "%C3%A9"),
            ("e\u{301}", "e%CC%81"),
            ("\u{1f980}", "%F0%9F%A6%80"),
            ("a\nb", "a%0Ab"),
            ("*'()!", "%2A%27%28%29%21"),
        ];
        for (key, encoded) in table {
            assert_eq!(encode_key(key), encoded, "{key:?}");
        }
        assert_eq!(encode_query("a/b c"), "a%2Fb%20c");
    }

    #[test]
    fn plus_in_a_listing_is_a_space() {
        assert_eq!(decode_key("a+b%2Bc%20d").as_deref(), Some("a b+c d"));
        assert_eq!(decode_key("%ff"), None);
    }

    proptest! {
        #[test]
        fn every_key_survives_the_round_trip(key in "\\PC{1,300}|[\\x01-\\x7f]{1,100}") {
            prop_assert_eq!(decode_key(&encode_key(&key)), Some(key.clone()));
            prop_assert!(encode_query(&key).bytes().all(|b| UNRESERVED[b as usize] || b == b'%'));
        }
    }
}
