//! A page of a listing: what is on it, what a fault makes of it, how it reads.

use super::{NAMESPACE, quoted};
use crate::encode::{hex, unhex, url_escape, xml_escape};
use crate::fault::Fault;
use crate::fault::reply::{Refusal, Reply};
use crate::fault::request::Request;

/// What a listing was asked for.
pub(super) struct Query {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) delimiter: String,
    /// The last key of the page before, or where to start behind.
    pub(super) after: String,
    pub(super) token: Option<String>,
    pub(super) max_keys: usize,
    url: bool,
    v2: bool,
}

impl Query {
    pub(super) fn of(request: &Request) -> Result<Query, Refusal> {
        let text = |name: &str| request.parameter(name).unwrap_or_default().to_owned();
        let invalid = || Refusal::new(400, "InvalidArgument");
        let v2 = request.parameter("list-type") == Some("2");
        let token = request.parameter("continuation-token").filter(|_| v2).map(str::to_owned);
        let after = match &token {
            Some(token) => {
                unhex(token).and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(invalid)?
            }
            None => text(if v2 { "start-after" } else { "marker" }),
        };
        let max_keys = match request.parameter("max-keys") {
            Some(number) => number.parse::<usize>().map_err(|_| invalid())?.min(1000),
            None => 1000,
        };
        let url = request.parameter("encoding-type") == Some("url");
        let (bucket, prefix, delimiter) = (request.bucket.clone(), text("prefix"), text("delimiter"));
        Ok(Query { bucket, prefix, delimiter, after, token, max_keys, url, v2 })
    }

    fn name(&self, key: &str) -> String {
        if self.url { url_escape(key) } else { xml_escape(key) }
    }
}

/// One key on a page.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) etag: String,
    pub(super) size: usize,
    pub(super) modified: String,
}

/// What a page says.
#[derive(Default)]
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) prefixes: Vec<String>,
    /// The last key or common prefix.
    pub(super) last: Option<String>,
    pub(super) truncated: bool,
}

impl Page {
    /// Writes the page, damaged when a fault says so.
    pub(super) fn render(mut self, query: &Query, fault: Option<&Fault>) -> Reply {
        let mut token = self.last.take().filter(|_| self.truncated).map(|last| hex(last.as_bytes()));
        match fault {
            Some(Fault::NoToken) => (self.truncated, token) = (true, None),
            Some(Fault::SameToken) => {
                let first = || self.entries.last().map(|entry| hex(entry.key.as_bytes()));
                token = query.token.clone().or_else(first).or(Some(String::from("61")));
                self.truncated = true;
            }
            Some(Fault::Unordered) => self.entries.reverse(),
            Some(Fault::DuplicateKeys) => {
                self.entries = self.entries.iter().flat_map(|entry| [entry.clone(), entry.clone()]).collect();
            }
            Some(Fault::ForeignKeys(keys)) => {
                let foreign = |key: &String| Entry { key: key.clone(), ..foreign() };
                self.entries.extend(keys.iter().map(foreign));
            }
            _ => {}
        }
        Reply::xml(self.text(query, token))
    }

    fn text(&self, query: &Query, token: Option<String>) -> String {
        let mut out = format!("<ListBucketResult xmlns=\"{NAMESPACE}\">");
        let mut element = |name: &str, value: &str| {
            out.push_str(&format!("<{name}>{value}</{name}>"));
        };
        element("Name", &xml_escape(&query.bucket));
        element("Prefix", &query.name(&query.prefix));
        if !query.delimiter.is_empty() {
            element("Delimiter", &query.name(&query.delimiter));
        }
        element("MaxKeys", &query.max_keys.to_string());
        element("IsTruncated", &self.truncated.to_string());
        if query.url {
            element("EncodingType", "url");
        }
        if query.v2 {
            element("KeyCount", &(self.entries.len() + self.prefixes.len()).to_string());
            query.token.iter().for_each(|token| element("ContinuationToken", &xml_escape(token)));
            token.iter().for_each(|token| element("NextContinuationToken", token));
        } else {
            element("Marker", &query.name(&query.after));
            // Without a delimiter V1 names no marker: the last key is it.
            let next = token.filter(|_| !query.delimiter.is_empty());
            let next = next.and_then(|token| String::from_utf8(unhex(&token)?).ok());
            next.iter().for_each(|next| element("NextMarker", &query.name(next)));
        }
        for Entry { key, etag, size, modified } in &self.entries {
            let (key, etag) = (query.name(key), xml_escape(&quoted(etag)));
            let inner = format!(
                "<Key>{key}</Key><LastModified>{modified}</LastModified><ETag>{etag}</ETag><Size>{size}</Size>\
                 <StorageClass>STANDARD</StorageClass>"
            );
            element("Contents", &inner);
        }
        for prefix in &self.prefixes {
            element("CommonPrefixes", &format!("<Prefix>{}</Prefix>", query.name(prefix)));
        }
        out.push_str("</ListBucketResult>");
        out
    }
}

/// An entry of a listing for which there is no object.
fn foreign() -> Entry {
    let modified = "2026-01-01T00:00:00.000Z".to_owned();
    Entry { key: String::new(), etag: "d41d8cd98f00b204e9800998ecf8427e".to_owned(), size: 0, modified }
}
