//! An answer before it is written, and refusals.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::encode::xml_escape;

/// Status, headers and body; how they go over the wire is another matter.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    /// What a HEAD says the length is.
    pub(super) length: Option<u64>,
}

impl Reply {
    pub(super) fn new(status: u16) -> Reply {
        Reply { status, headers: Vec::new(), body: Vec::new(), length: None }
    }

    pub(super) fn xml(body: String) -> Reply {
        let declared = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{body}");
        Reply::new(200).with("content-type", "application/xml").body(declared.into_bytes())
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Reply {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn body(mut self, body: Vec<u8>) -> Reply {
        self.body = body;
        self
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Replaces a header, or adds it.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(key, _)| key != name);
    }
}

/// Why an operation is refused.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: String,
}

impl Refusal {
    pub(super) fn new(status: u16, code: &str) -> Refusal {
        Refusal { status, code: code.to_owned() }
    }

    pub(super) fn reply(&self) -> Reply {
        match self.status {
            304 => Reply::new(304),
            status => {
                let mut reply = Reply::xml(error_element(&self.code));
                reply.status = status;
                reply
            }
        }
    }
}

/// An `<Error>` document.
pub(super) fn error_element(code: &str) -> String {
    let code = xml_escape(code);
    format!(
        "<Error><Code>{code}</Code><Message>The fault server says {code}.</Message>\
         <RequestId>0000000000000000</RequestId><HostId>fault</HostId></Error>"
    )
}

pub(super) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        412 => "Precondition Failed",
        416 => "Range Not Satisfiable",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Slow Down",
        _ => "Status",
    }
}

/// A moment the way XML answers write it.
pub(super) fn iso(time: SystemTime) -> String {
    let millis = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let stamp = i64::try_from(millis).ok().and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok());
    format!("{:.3}", stamp.unwrap_or(jiff::Timestamp::UNIX_EPOCH))
}
