//! What an object carries besides its bytes, as headers.

use crate::op::settle::NONCE;
use crate::secret::Secret;
use crate::{Error, ErrorKind, Result};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt;

const META: &str = "x-amz-meta-";

/// AWS's bound on user metadata: names and values together, in bytes.
pub(crate) const MAX_USER_METADATA: usize = 2048;

/// Headers and user metadata of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Attributes {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// The storage class, such as `STANDARD_IA`; none is the server's own.
    pub storage_class: Option<String>,
    /// User metadata: lower-case names of letters, digits and `-_.`, values of any text.
    ///
    /// A value that a header cannot carry as it is (not ASCII, a control character, a blank at an end) travels as an
    /// RFC 2047 encoded word and is decoded when read.
    pub metadata: BTreeMap<String, String>,
}

impl Attributes {
    /// Answers these attributes as a reader of the object will find them.
    ///
    /// For stores that send nothing and still take and give back exactly what a server would.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a name or value that no request can carry, and for more user metadata than S3 allows.
    pub fn as_stored(&self) -> Result<Self> {
        let mut headers = HeaderMap::new();
        self.write(None, &mut headers)?;
        Ok(Self::read(&headers))
    }

    /// Writes the headers; with a name for the write, unless the metadata has one.
    pub(crate) fn write(&self, name: Option<&str>, headers: &mut HeaderMap) -> Result<()> {
        let standard = [
            (header::CONTENT_TYPE, &self.content_type),
            (header::CACHE_CONTROL, &self.cache_control),
            (header::CONTENT_DISPOSITION, &self.content_disposition),
            (header::CONTENT_ENCODING, &self.content_encoding),
            (header::CONTENT_LANGUAGE, &self.content_language),
            (HeaderName::from_static("x-amz-storage-class"), &self.storage_class),
        ];
        for (name, value) in standard {
            if let Some(value) = value {
                let value = header_value(name.as_str(), value)?;
                headers.insert(name, value);
            }
        }
        let mut size = 0;
        let given = self.metadata.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own = name.filter(|_| !self.metadata.contains_key(NONCE)).map(|name| (NONCE, name));
        for (name, value) in given.chain(own) {
            size += name.len() + value.len();
            headers.insert(metadata_name(name)?, metadata_value(value));
        }
        if size > MAX_USER_METADATA {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("user metadata is too large bytes={size} limit={MAX_USER_METADATA}"),
            ));
        }
        Ok(())
    }

    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).map(lossy);
        let metadata = headers
            .iter()
            .filter_map(|(name, value)| {
                let name = name.as_str().strip_prefix(META)?;
                Some((name.to_owned(), decode_words(&lossy(value))))
            })
            .collect();
        Self {
            content_type: text("content-type"),
            cache_control: text("cache-control"),
            content_disposition: text("content-disposition"),
            content_encoding: text("content-encoding").filter(|e| !e.is_empty()),
            content_language: text("content-language"),
            storage_class: text("x-amz-storage-class").filter(|c| c != "STANDARD"),
            metadata,
        }
    }
}

/// A header's value as text; servers send user metadata as raw UTF-8 too.
pub(crate) fn lossy(value: &HeaderValue) -> String {
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// An `ETag` with its quotes: Ceph leaves them out in the documents that copies answer, and a tag is compared with those
/// of other answers.
pub(crate) fn quoted(etag: String) -> String {
    if etag.ends_with('"') { etag } else { format!("\"{etag}\"") }
}

/// Makes a header's value, refusing what would break the message.
pub(crate) fn header_value(name: &str, value: &str) -> Result<HeaderValue> {
    if value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && let Ok(value) = HeaderValue::from_str(value)
    {
        return Ok(value);
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("value cannot be sent as a header name={name}")))
}

fn metadata_name(name: &str) -> Result<HeaderName> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_' | b'.');
    let valid = !name.is_empty() && name.len() <= 256 && name.bytes().all(plain);
    let full = format!("{META}{name}");
    match HeaderName::from_bytes(full.as_bytes()) {
        Ok(header) if valid => Ok(header),
        _ => Err(Error::new(
            ErrorKind::InvalidInput,
            format!("metadata name must be lower-case letters, digits, '-', '_' or '.' name={name:?}"),
        )),
    }
}

fn metadata_value(value: &str) -> HeaderValue {
    let plain = value.bytes().all(|b| (0x20..0x7f).contains(&b))
        && !value.starts_with(' ')
        && !value.ends_with(' ')
        && !value.contains("=?");
    let text = if plain { value.to_owned() } else { encode_words(value) };
    HeaderValue::from_str(&text).expect("only printable ASCII is left")
}

/// Writes RFC 2047 encoded words of at most 75 characters each, separated by blanks.
fn encode_words(value: &str) -> String {
    const LONGEST: usize = 45;
    let mut words = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let mut end = rest.len().min(LONGEST);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        words.push(format!("=?UTF-8?B?{}?=", BASE64.encode(&rest[..end])));
        rest = &rest[end..];
    }
    words.join(" ")
}

/// Reads RFC 2047 encoded words; text that is none stays as it is.
fn decode_words(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let mut out = Vec::new();
    for word in value.split(' ').filter(|w| !w.is_empty()) {
        match decode_word(word) {
            Some(bytes) => out.extend(bytes),
            None => return value.to_owned(),
        }
    }
    String::from_utf8(out).unwrap_or_else(|_| value.to_owned())
}

fn decode_word(word: &str) -> Option<Vec<u8>> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut fields = inner.splitn(3, '?');
    let (charset, encoding, text) = (fields.next()?, fields.next()?, fields.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    match encoding {
        "B" | "b" => BASE64.decode(text).ok(),
        "Q" | "q" => {
            Some(percent_decode_str(&text.replace('_', " ").replace('%', "%25").replace('=', "%")).collect())
        }
        _ => None,
    }
}

/// A canned access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Acl {
    /// The owner alone.
    Private,
    /// Everybody may read.
    PublicRead,
    /// Everybody may read and write.
    PublicReadWrite,
    /// Everybody with an account may read.
    AuthenticatedRead,
    /// The bucket's owner may read.
    BucketOwnerRead,
    /// The bucket's owner has full control.
    BucketOwnerFullControl,
}

impl Acl {
    /// The header's value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::PublicRead => "public-read",
            Self::PublicReadWrite => "public-read-write",
            Self::AuthenticatedRead => "authenticated-read",
            Self::BucketOwnerRead => "bucket-owner-read",
            Self::BucketOwnerFullControl => "bucket-owner-full-control",
        }
    }

    /// Reads a canned ACL's name.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::Private,
            Self::PublicRead,
            Self::PublicReadWrite,
            Self::AuthenticatedRead,
            Self::BucketOwnerRead,
            Self::BucketOwnerFullControl,
        ]
        .into_iter()
        .find(|acl| acl.as_str() == text)
    }
}

/// How the server encrypts an object.
#[derive(Clone, PartialEq, Eq)]
pub enum Encryption {
    /// Keys of the storage itself (`AES256`).
    S3,
    /// A key of a key management service; none names the bucket's default key.
    Kms(Option<String>),
    /// A key that only the client has; it goes with every request for the object and is kept nowhere.
    Customer(CustomerKey),
}

/// A 256-bit key of the client's own.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerKey([u8; 32]);

impl Encryption {
    /// Makes the encryption by a key of the client's own.
    pub fn customer(key: [u8; 32]) -> Self {
        Self::Customer(CustomerKey(key))
    }

    /// Writes what a request that stores bytes needs.
    pub(crate) fn write(&self, headers: &mut HeaderMap) -> Result<()> {
        match self {
            Self::S3 => {
                headers.insert("x-amz-server-side-encryption", HeaderValue::from_static("AES256"));
            }
            Self::Kms(key) => {
                headers.insert("x-amz-server-side-encryption", HeaderValue::from_static("aws:kms"));
                if let Some(key) = key {
                    let name = "x-amz-server-side-encryption-aws-kms-key-id";
                    headers.insert(name, header_value(name, key)?);
                }
            }
            Self::Customer(key) => key.write(headers, ""),
        }
        Ok(())
    }

    /// Writes what a request that reads or adds to such an object needs: only a customer's key.
    pub(crate) fn write_for_read(&self, headers: &mut HeaderMap) {
        if let Self::Customer(key) = self {
            key.write(headers, "");
        }
    }

    /// Writes the key of a copy's source.
    pub(crate) fn write_for_copy_source(&self, headers: &mut HeaderMap) {
        if let Self::Customer(key) = self {
            key.write(headers, "copy-source-");
        }
    }

    /// Whether the server's answer says that it encrypted as asked.
    pub(crate) fn is_confirmed_by(&self, headers: &HeaderMap) -> bool {
        let says =
            |name: &str, wanted: &str| headers.get(name).is_some_and(|v| v.as_bytes() == wanted.as_bytes());
        match self {
            Self::S3 => says("x-amz-server-side-encryption", "AES256"),
            Self::Kms(_) => {
                says("x-amz-server-side-encryption", "aws:kms")
                    || says("x-amz-server-side-encryption", "aws:kms:dsse")
            }
            Self::Customer(_) => says("x-amz-server-side-encryption-customer-algorithm", "AES256"),
        }
    }
}

impl CustomerKey {
    fn write(&self, headers: &mut HeaderMap, role: &str) {
        let name = |field: &str| {
            let text = format!("x-amz-{role}server-side-encryption-customer-{field}");
            HeaderName::from_bytes(text.as_bytes()).expect("a fixed lower-case name")
        };
        let value = |text: String| {
            let mut value = HeaderValue::from_str(&text).expect("base64 is printable ASCII");
            value.set_sensitive(true);
            value
        };
        headers.insert(name("algorithm"), HeaderValue::from_static("AES256"));
        headers.insert(name("key"), value(BASE64.encode(self.0)));
        headers.insert(name("key-md5"), value(crate::checksum::content_md5(&self.0)));
    }
}

impl fmt::Debug for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::S3 => f.write_str("S3"),
            Self::Kms(key) => f.debug_tuple("Kms").field(key).finish(),
            Self::Customer(_) => f.debug_tuple("Customer").field(&Secret::new("")).finish(),
        }
    }
}

/// When a write may take effect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum WriteCondition {
    /// Always.
    #[default]
    Always,
    /// Only where no object has the key (`If-None-Match: *`).
    Absent,
    /// Only where the object has this `ETag` (`If-Match`).
    Matches(String),
}

impl WriteCondition {
    pub(crate) fn write(&self, headers: &mut HeaderMap) -> Result<()> {
        match self {
            Self::Always => {}
            Self::Absent => {
                headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("*"));
            }
            Self::Matches(etag) => {
                headers.insert(header::IF_MATCH, header_value("if-match", etag)?);
            }
        }
        Ok(())
    }
}

/// When a read is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadConditions {
    /// Only this `ETag`.
    pub if_match: Option<String>,
    /// Not this `ETag`.
    pub if_none_match: Option<String>,
    /// Only if changed after this moment.
    pub if_modified_since: Option<std::time::SystemTime>,
    /// Only if not changed after this moment.
    pub if_unmodified_since: Option<std::time::SystemTime>,
}

impl ReadConditions {
    pub(crate) fn write(&self, headers: &mut HeaderMap, role: &str) -> Result<()> {
        let mut insert = |field: &str, value: &str| -> Result<()> {
            let name = format!("{role}{field}");
            let header = HeaderName::from_bytes(name.as_bytes()).expect("a fixed lower-case name");
            headers.insert(header, header_value(&name, value)?);
            Ok(())
        };
        if let Some(etag) = &self.if_match {
            insert("if-match", etag)?;
        }
        if let Some(etag) = &self.if_none_match {
            insert("if-none-match", etag)?;
        }
        if let Some(at) = self.if_modified_since {
            insert("if-modified-since", &http_date(at)?)?;
        }
        if let Some(at) = self.if_unmodified_since {
            insert("if-unmodified-since", &http_date(at)?)?;
        }
        Ok(())
    }
}

/// Writes a date of a condition; HTTP has years of four digits and the protocol none before 1970.
fn http_date(at: std::time::SystemTime) -> Result<String> {
    const YEAR_10000: u64 = 253_402_300_800;
    let since = at.duration_since(std::time::SystemTime::UNIX_EPOCH).map(|d| d.as_secs());
    match since {
        Ok(seconds) if seconds < YEAR_10000 => Ok(httpdate::fmt_http_date(at)),
        _ => Err(Error::new(ErrorKind::InvalidInput, "the date of a condition must be from 1970 to 9999")),
    }
}

/// Writes tags as `x-amz-tagging` has them.
pub(crate) fn write_tags(tags: &[(String, String)], headers: &mut HeaderMap) -> Result<()> {
    if tags.is_empty() {
        return Ok(());
    }
    let mut text = String::new();
    for (name, value) in tags {
        if !text.is_empty() {
            text.push('&');
        }
        crate::encode::push_query(&mut text, name);
        text.push('=');
        crate::encode::push_query(&mut text, value);
    }
    headers.insert("x-amz-tagging", header_value("x-amz-tagging", &text)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(value: &str) -> String {
        let mut headers = HeaderMap::new();
        let metadata = BTreeMap::from([("name".to_owned(), value.to_owned())]);
        Attributes { metadata, ..Attributes::default() }.write(None, &mut headers).unwrap();
        assert!(headers["x-amz-meta-name"].as_bytes().iter().all(|b| (0x20..0x7f).contains(b)));
        Attributes::read(&headers).metadata["name"].clone()
    }

    proptest! {
        #[test]
        fn metadata_values_survive_the_header(value in "\\PC{0,200}|[ =?A-Za-z\\t\\n]{0,40}") {
            prop_assert_eq!(round_trip(&value), value);
        }
    }

    #[test]
    fn quoted_words_of_other_writers_are_read() {
        assert_eq!(decode_words("=?UTF-8?Q?caf=C3=A9_100%?="), "caf\u{e9} 100%");
        assert_eq!(decode_words("a =?nothing"), "a =?nothing");
    }

    #[test]
    fn bad_names_and_too_much_metadata_are_refused() {
        for name in ["", "Upper", "sp ace", "n\u{f6}n", "a:b"] {
            let metadata = BTreeMap::from([(name.to_owned(), String::new())]);
            let error = Attributes { metadata, ..Attributes::default() }
                .write(None, &mut HeaderMap::new())
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{name:?}");
        }
        let metadata = BTreeMap::from([("a".to_owned(), "x".repeat(MAX_USER_METADATA))]);
        assert!(Attributes { metadata, ..Attributes::default() }.write(None, &mut HeaderMap::new()).is_err());
    }

    #[test]
    fn what_is_stored_is_what_a_server_would_give_back() {
        let metadata = BTreeMap::from([("who".to_owned(), " caf\u{e9}\n".to_owned())]);
        let put = Attributes { metadata, storage_class: Some("STANDARD".into()), ..Attributes::default() };
        let wanted = Attributes { storage_class: None, ..put.clone() };
        assert_eq!(put.as_stored().unwrap(), wanted);
        let bad = Attributes { cache_control: Some("a\nb".into()), ..Attributes::default() };
        assert_eq!(bad.as_stored().unwrap_err().kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn an_etag_without_quotes_gets_them() {
        for (text, etag) in [("abc-2", "\"abc-2\""), ("\"abc\"", "\"abc\""), ("W/\"abc\"", "W/\"abc\"")] {
            assert_eq!(quoted(text.to_owned()), etag);
        }
    }

    #[test]
    fn a_header_cannot_be_smuggled() {
        let attributes =
            Attributes { content_type: Some("a\r\nx-amz-acl: public-read".into()), ..Attributes::default() };
        assert_eq!(
            attributes.write(None, &mut HeaderMap::new()).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }

    #[test]
    fn a_customer_key_is_not_printed() {
        let text = format!("{:?}", Encryption::customer([7; 32]));
        assert_eq!(text, "Customer(***)");
    }
}
