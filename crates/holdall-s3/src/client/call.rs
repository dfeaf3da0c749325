//! One operation's request, before it is signed.

use super::PayloadIntegrity;
use crate::checksum::{content_md5, sha256};
use crate::encode::push_query;
use crate::error::{Error, ErrorKind, Result};
use crate::object::header_value;
use crate::payload::Payload;
use crate::progress::Progress;
use crate::sign::{EMPTY_SHA256, UNSIGNED};
use http::Method;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use std::time::Duration;

/// What is done with an answer's body before the operation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Read whole; a success that holds an `Error` document is the error it says.
    Whole,
    /// Read whole, and must be empty: a page of a portal is no answer.
    Nothing,
    /// Left to be read.
    Stream,
}

/// How long the server may be silent before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// As long as a connection may be without progress.
    Plain,
    /// [`Call::LONG`] times that: the server moves an object's bytes before it answers, or while it does and says a
    /// blank now and then. S3 may take several minutes to complete an upload, by its API reference.
    Long,
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
    pub(crate) patience: Patience,
    /// The count of this payload alone.
    pub(crate) progress: Option<Progress>,
    /// The number of its first attempt: more than 1 where it goes on with what others have begun.
    pub(crate) attempt: u32,
    /// Sent once, whatever happens: a probe that is meant to fail.
    pub(crate) once: bool,
}

impl Call {
    /// 10 minutes for a minute.
    const LONG: u32 = 10;

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
            patience: Patience::Plain,
            progress: None,
            attempt: 1,
            once: false,
        }
    }

    pub(crate) fn on(operation: &'static str, method: Method, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..Self::new(operation, method) }
    }

    pub(crate) fn stream(mut self) -> Self {
        self.answer = Answer::Stream;
        self
    }

    /// Says that the server has work to do before it answers.
    pub(crate) fn patient(mut self) -> Self {
        self.patience = Patience::Long;
        self
    }

    /// How long to wait without progress, where `read` is what is set.
    pub(crate) fn limit(&self, read: Duration) -> Duration {
        match self.patience {
            Patience::Plain => read,
            Patience::Long => read.saturating_mul(Self::LONG),
        }
    }

    pub(crate) fn nothing(mut self) -> Self {
        self.answer = Answer::Nothing;
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
        let unknown = || Error::new(ErrorKind::InvalidInput, "a streamed payload's digest is not known");
        self.payload_hash = match integrity {
            PayloadIntegrity::Signed => payload.sha256().ok_or_else(unknown)?.to_hex(),
            PayloadIntegrity::Checksum(algorithm) => {
                let checksum = payload.checksum(algorithm).ok_or_else(unknown)?;
                self = self.header(algorithm.header(), &checksum.value)?;
                UNSIGNED.to_owned()
            }
            PayloadIntegrity::Unsigned => UNSIGNED.to_owned(),
        };
        self.payload = payload;
        Ok(self)
    }

    /// Counts the payload's bytes as they go out.
    pub(crate) fn counted(mut self, progress: Option<&Progress>) -> Self {
        self.progress = progress.map(Progress::part);
        self
    }

    /// Sends an XML document, with the `Content-MD5` that older servers want.
    pub(crate) fn document(self, xml: Vec<u8>) -> Self {
        self.text(xml, "application/xml")
    }

    /// Sends a JSON document, with a `Content-MD5` as well.
    pub(crate) fn json(self, json: &str) -> Self {
        self.text(json.as_bytes().to_vec(), "application/json")
    }

    fn text(mut self, bytes: Vec<u8>, content_type: &'static str) -> Self {
        let md5 = HeaderValue::from_str(&content_md5(&bytes)).expect("base64 is printable ASCII");
        self.headers.insert("content-md5", md5);
        self.headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        self.payload_hash = sha256(&bytes).to_hex();
        self.payload = Payload::from(bytes);
        self
    }
}
