//! The XML of answers and requests.
//!
//! Answers come from a server that is not trusted: their size and depth are bounded and a document type is refused.

mod list;
mod write;

pub(crate) use list::{Listing, continuation_token, parse_listing};
pub(crate) use write::XmlWriter;

use crate::error::{Error, ErrorKind, Result};
use quick_xml::Reader;
use quick_xml::events::Event;

/// No answer of the protocol is larger: a page of 1,000 keys of 1,024 bytes, each encoded threefold, is 4 MB.
pub(crate) const MAX_ANSWER: usize = 16 << 20;
const MAX_DEPTH: usize = 16;
const MAX_ELEMENTS: usize = 400_000;

/// One element with what is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

pub(crate) fn fault(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the answer is not the XML it should be: {what}"))
}

impl Element {
    pub(crate) fn named(name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::default() }
    }

    /// An element that holds a text.
    pub(crate) fn of_text(name: &str, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::named(name) }
    }

    /// An element that holds others.
    pub(crate) fn of(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        Self { children: children.into_iter().collect(), ..Self::named(name) }
    }

    /// Reads a document and answers its root.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self> {
        let text = std::str::from_utf8(bytes).map_err(|e| fault("not UTF-8").with_source(e))?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        let mut elements = 0;
        loop {
            let event = reader.read_event().map_err(|e| fault("malformed").with_source(e))?;
            match event {
                Event::Start(start) => {
                    elements += 1;
                    if open.len() > MAX_DEPTH || elements > MAX_ELEMENTS {
                        return Err(fault("too deep or too many elements"));
                    }
                    open.push(Self::named(start.local_name().as_ref()));
                }
                Event::Empty(start) => {
                    innermost(&mut open)?.children.push(Self::named(start.local_name().as_ref()));
                }
                Event::End(_) => {
                    let done = open.pop().ok_or_else(|| fault("an end without a start"))?;
                    innermost(&mut open)?.children.push(done);
                }
                Event::Text(text) => {
                    innermost(&mut open)?.text.push_str(&text);
                }
                Event::CData(data) => {
                    innermost(&mut open)?.text.push_str(&data);
                }
                Event::GeneralRef(reference) => {
                    let c = resolve_reference(&reference).ok_or_else(|| fault("an unknown entity"))?;
                    innermost(&mut open)?.text.push(c);
                }
                Event::DocType(_) => return Err(fault("a document type")),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof => break,
            }
        }
        let mut top = match (open.pop(), open.is_empty()) {
            (Some(top), true) => top,
            _ => return Err(fault("an element is not closed")),
        };
        match (top.children.pop(), top.children.is_empty(), top.text.trim().is_empty()) {
            (Some(root), true, true) => Ok(root),
            _ => Err(fault("not one root element")),
        }
    }

    /// Reads a document whose root must have this name.
    pub(crate) fn parse_named(bytes: &[u8], name: &str) -> Result<Self> {
        let root = Self::parse(bytes)?;
        if root.name == name {
            return Ok(root);
        }
        let got: String = root.name.chars().take(40).collect();
        Err(fault(&format!("root is {got}, not {name}")))
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    pub(crate) fn each<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The text of a child, where there is one and it is not empty.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|c| c.text.as_str()).filter(|t| !t.is_empty())
    }

    /// The text of a child that must be there.
    pub(crate) fn required(&self, name: &str) -> Result<&str> {
        self.text_of(name).ok_or_else(|| fault(&format!("{name} is missing")))
    }
}

fn innermost(open: &mut [Element]) -> Result<&mut Element> {
    open.last_mut().ok_or_else(|| fault("an end without a start"))
}

/// The character of `amp`, `lt`, `#10`, `#x1F980`: what stands between `&` and `;`.
pub(crate) fn resolve_reference(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            let code = match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

/// The service's account of a fault.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ServiceError {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) server_time: Option<String>,
}

impl ServiceError {
    /// Reads an `Error` document; none when the bytes are something else.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        const LONGEST: usize = 500;
        let root = Element::parse(bytes).ok()?;
        let error = match root.name.as_str() {
            "Error" => &root,
            "ErrorResponse" => root.child("Error")?,
            _ => return None,
        };
        let text = |name: &str| error.text_of(name).map(|t| t.chars().take(LONGEST).collect::<String>());
        Some(Self {
            code: text("Code").unwrap_or_default(),
            message: text("Message").unwrap_or_default(),
            request_id: text("RequestId"),
            region: text("Region"),
            server_time: text("ServerTime"),
        })
    }

    /// Whether bytes that came with a success are an error all the same.
    pub(crate) fn is_root_of(bytes: &[u8]) -> bool {
        let mut rest = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes).trim_ascii_start();
        // Declarations and comments come before the root.
        for (begin, end) in [("<?", "?>"), ("<!--", "-->")].into_iter().cycle().take(8) {
            if rest.starts_with(begin.as_bytes()) {
                let n = memchr::memmem::find(rest, end.as_bytes()).map_or(rest.len(), |n| n + end.len());
                rest = rest[n..].trim_ascii_start();
            }
        }
        let after = rest.strip_prefix(b"<ErrorResponse").or_else(|| rest.strip_prefix(b"<Error"));
        let next = after.and_then(|after| after.first());
        next.is_some_and(|c| c.is_ascii_whitespace() || matches!(c, b'>' | b'/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_keeps_text_and_children() {
        let root = Element::parse(
            b"<?xml version=\"1.0\"?>\n<R xmlns=\"x\"><K>a &amp; b&#x41;</K><E/><K><![CDATA[<c>]]></K></R>",
        )
        .unwrap();
        let texts: Vec<_> = root.each("K").map(|k| k.text.as_str()).collect();
        assert_eq!(texts, ["a & bA", "<c>"]);
        assert_eq!(root.text_of("E"), None);
    }

    #[test]
    fn hostile_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(1000), "</a>".repeat(1000));
        let table: [(&str, &[u8]); 8] = [
            ("entity", b"<!DOCTYPE x [<!ENTITY a \"b\">]><x>&a;</x>"),
            ("unknown entity", b"<x>&nope;</x>"),
            ("deep", deep.as_bytes()),
            ("two roots", b"<a></a><b></b>"),
            ("open", b"<a><b></b>"),
            ("mixed ends", b"<a><b></a></b>"),
            ("text", b"hello"),
            ("bytes", b"\xff\xfe<a/>"),
        ];
        for (name, bytes) in table {
            assert_eq!(Element::parse(bytes).unwrap_err().kind(), ErrorKind::Protocol, "{name}");
        }
    }

    #[test]
    fn a_service_error_is_found_in_both_forms() {
        let plain =
            ServiceError::parse(b"<Error><Code>NoSuchKey</Code><RequestId>7</RequestId></Error>").unwrap();
        assert_eq!((plain.code.as_str(), plain.request_id.as_deref()), ("NoSuchKey", Some("7")));
        let wrapped =
            ServiceError::parse(b"<ErrorResponse><Error><Code>X</Code></Error></ErrorResponse>").unwrap();
        assert_eq!(wrapped.code, "X");
        assert!(ServiceError::is_root_of(b"  <?xml version=\"1.0\"?>\n<Error>"));
        assert!(!ServiceError::is_root_of(b"<DeleteResult><Error><Key>a</Key></Error></DeleteResult>"));
    }
}
