//! One operation's request, before it is signed.

use super::PayloadIntegrity;
use crate::checksum::{ChecksumAlgorithm, content_md5, sha256};
use crate::encode::push_query;
use crate::error::{Error, ErrorKind, Result};
use crate::object::header_value;
use crate::payload::Payload;
use crate::sign::{EMPTY_SHA256, UNSIGNED};
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};

/// What is done with an answer's body before the operation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Read whole; a success that holds an `Error` document is the error it says.
    Whole,
    /// Left to be read.
    Stream,
}

/// A request of one operation.
pub(crate) struct Call {
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    pub(crate) key: Option<String>,
    query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) payload_hash: String,
    pub(crate) answer: Answer,
}

impl Call {
    pub(crate) fn new(operation: &'static str, method: Method) -> Self {
        Self {
            operation,
            method,
            key: None,
            query: Vec::new(),
            headers: HeaderMap::with_capacity(12),
            payload: Payload::Empty,
            payload_hash: EMPTY_SHA256.to_owned(),
            answer: Answer::Whole,
        }
    }

    pub(crate) fn on(operation: &'static str, method: Method, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::new(operation, method) }
    }

    pub(crate) fn stream(mut self) -> Self {
        self.answer = Answer::Stream;
        self
    }

    /// Adds a query field; name and value are encoded here.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        let mut encoded = String::with_capacity(value.len() + 8);
        push_query(&mut encoded, value);
        self.query.push((crate::encode_query(name), encoded));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Result<Self> {
        self.headers.insert(HeaderName::from_static(name), header_value(name, value)?);
        Ok(self)
    }

    /// The query in the order that is signed.
    pub(crate) fn canonical_query(&self) -> String {
        let mut fields: Vec<&(String, String)> = self.query.iter().collect();
        fields.sort_unstable();
        let mut out = String::new();
        for (name, value) in fields {
            if !out.is_empty() {
                out.push('&');
            }
            out.push_str(name);
            out.push('=');
            out.push_str(value);
        }
        out
    }

    /// Sends an object's bytes, proved as the client is set to.
    pub(crate) fn object(mut self, payload: Payload, integrity: PayloadIntegrity) -> Result<Self> {
        self.payload_hash = match (integrity, &payload) {
            (PayloadIntegrity::Signed, _) => payload_sha256(&payload)?.to_hex(),
            (PayloadIntegrity::Checksum(algorithm), Payload::Source(source)) => {
                return match (algorithm, source.sha256()) {
                    (ChecksumAlgorithm::Sha256, Some(digest)) => {
                        self = self.header(algorithm.header(), &digest.to_base64())?;
                        self.payload = payload.clone();
                        self.payload_hash = UNSIGNED.to_owned();
                        Ok(self)
                    }
                    _ => {
                        Err(Error::new(ErrorKind::InvalidInput, "a streamed payload's checksum is not known"))
                    }
                };
            }
            (PayloadIntegrity::Checksum(algorithm), Payload::Empty | Payload::Bytes(_)) => {
                let bytes = if let Payload::Bytes(bytes) = &payload { &bytes[..] } else { b"" };
                self = self.header(algorithm.header(), &algorithm.compute(bytes).value)?;
                UNSIGNED.to_owned()
            }
            (PayloadIntegrity::Unsigned, _) => UNSIGNED.to_owned(),
        };
        self.payload = payload;
        Ok(self)
    }

    /// Sends a document, with the `Content-MD5` that older servers want.
    pub(crate) fn document(mut self, xml: Vec<u8>) -> Self {
        let md5 = HeaderValue::from_str(&content_md5(&xml)).expect("base64 is printable ASCII");
        self.headers.insert("content-md5", md5);
        self.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        self.payload_hash = sha256(&xml).to_hex();
        self.payload = Payload::from(xml);
        self
    }
}

fn payload_sha256(payload: &Payload) -> Result<crate::Sha256> {
    match payload {
        Payload::Empty => Ok(sha256(b"")),
        Payload::Bytes(bytes) => Ok(sha256(bytes)),
        Payload::Source(source) => source
            .sha256()
            .ok_or_else(|| Error::new(ErrorKind::InvalidInput, "a streamed payload's SHA-256 is not known")),
    }
}
