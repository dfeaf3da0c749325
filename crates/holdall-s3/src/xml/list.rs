//! The scanner of object listings.
//!
//! A listing is the one answer where parsing is the cost, so it has a scanner of its own: one pass, no tree, text
//! decoded only where it holds a reference. It is strict: tags must nest and match. A test checks it against quick-xml on generated documents and the fuzzer on arbitrary ones.

use super::{fault, resolve_reference};
use crate::date::parse_iso;
use crate::encode::decode_key;
use crate::error::Result;
use crate::object::quoted;
use crate::op::list::ListedObject;
use memchr::{memchr, memchr2, memmem};
use std::borrow::Cow;

/// One page, as the server wrote it.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Listing {
    pub(crate) objects: Vec<ListedObject>,
    pub(crate) prefixes: Vec<String>,
    pub(crate) is_truncated: bool,
    pub(crate) token: Option<String>,
}

/// Finds the next page's token without reading the page, so that it can be asked for while this one is read.
///
/// A key cannot contain the tag: its `<` would be written `&lt;`.
pub(crate) fn continuation_token(bytes: &[u8]) -> Option<String> {
    const OPEN: &[u8] = b"<NextContinuationToken>";
    let truncated = memmem::find(bytes, b"<IsTruncated>true</IsTruncated>").is_some();
    // Servers write it before the entries or after them.
    let at = memmem::find(&bytes[..bytes.len().min(4096)], OPEN).or_else(|| memmem::rfind(bytes, OPEN))?;
    let rest = &bytes[at + OPEN.len()..];
    let raw = std::str::from_utf8(&rest[..memchr(b'<', rest)?]).ok()?;
    let token = unescape(raw).ok()?;
    (truncated && !token.is_empty()).then(|| token.into_owned())
}

/// Reads a page of ListObjectsV2.
pub(crate) fn parse_listing(bytes: &[u8]) -> Result<Listing> {
    let text = std::str::from_utf8(bytes).map_err(|e| fault("not UTF-8").with_source(e))?;
    let mut scanner = Scanner { text, at: 0 };
    if scanner.next_tag()? != Tag::Open("ListBucketResult") {
        return Err(fault("root is not ListBucketResult"));
    }
    let mut page = Listing::default();
    let mut encoded = false;
    loop {
        match scanner.next_tag()? {
            Tag::Close("ListBucketResult") => break,
            Tag::Open("Contents") => page.objects.push(scanner.object()?),
            Tag::Open("CommonPrefixes") => scanner.prefixes(&mut page.prefixes)?,
            Tag::Open("IsTruncated") => {
                page.is_truncated = match scanner.text_until("IsTruncated")?.trim() {
                    "true" => true,
                    "false" => false,
                    _ => return Err(fault("IsTruncated is neither true nor false")),
                }
            }
            Tag::Open("NextContinuationToken") => {
                let token = scanner.text_until("NextContinuationToken")?;
                page.token = Some(token.into_owned()).filter(|t| !t.is_empty());
            }
            Tag::Open("EncodingType") => encoded = scanner.text_until("EncodingType")?.trim() == "url",
            Tag::Open(name) => scanner.skip(name)?,
            Tag::Empty(_) => {}
            Tag::Close(_) => return Err(fault("an end without a start")),
        }
    }
    scanner.finish()?;
    if encoded {
        decode(&mut page)?;
    }
    Ok(page)
}

/// Decodes the names of a page that says it is encoded.
///
/// s3s-fs says so and encodes nothing. A name that no encoder writes gives such a page away, and it is taken as it is.
fn decode(page: &mut Listing) -> Result<()> {
    let all = page.objects.iter().map(|o| &o.key).chain(&page.prefixes);
    if !all.into_iter().all(|name| is_encoded(name)) {
        return Ok(());
    }
    let names = page.objects.iter_mut().map(|o| &mut o.key).chain(page.prefixes.iter_mut());
    for name in names {
        if name.bytes().any(|b| matches!(b, b'%' | b'+')) {
            *name = decode_key(name).ok_or_else(|| fault("a key is not UTF-8"))?;
        }
    }
    Ok(())
}

/// Whether an encoder can have written this: printable ASCII without blanks, and hex digits after every `%`.
fn is_encoded(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.iter().enumerate().all(|(i, b)| match b {
        b'%' => bytes.get(i + 1..i + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        b => b.is_ascii_graphic(),
    })
}

#[derive(Debug, PartialEq, Clone, Copy)]
enum Tag<'a> {
    Open(&'a str),
    Close(&'a str),
    Empty(&'a str),
}

/// What XML calls white space; Rust's own idea of it is wider.
const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// A mark that some writers put before a document.
const BOM: &str = "\u{feff}";

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn past(&mut self, end: &str) -> Result<()> {
        let n = memmem::find(self.rest().as_bytes(), end.as_bytes()).ok_or_else(|| fault("ends early"))?;
        self.at += n + end.len();
        Ok(())
    }

    /// The next tag, with only blanks before it.
    fn next_tag(&mut self) -> Result<Tag<'a>> {
        loop {
            let rest = self.rest();
            let blank = memchr(b'<', rest.as_bytes()).ok_or_else(|| fault("ends early"))?;
            if !rest[..blank].trim_start_matches(BOM).trim_matches(BLANKS).is_empty() {
                return Err(fault("text where a tag should be"));
            }
            self.at += blank;
            let rest = self.rest();
            if rest.starts_with("<?xml version=") && self.at <= BOM.len() {
                self.past("?>")?;
            } else if rest.starts_with("<!--") {
                self.past("-->")?;
            } else if rest.starts_with("<!") || rest.starts_with("<?") {
                return Err(fault("a declaration"));
            } else {
                return self.tag();
            }
        }
    }

    /// The tag that begins here.
    fn tag(&mut self) -> Result<Tag<'a>> {
        let rest = &self.rest()[1..];
        let end = tag_end(rest.as_bytes()).ok_or_else(|| fault("ends early"))?;
        let inner = &rest[..end];
        if memchr(b'<', inner.as_bytes()).is_some() {
            return Err(fault("a tag in a tag"));
        }
        self.at += end + 2;
        let (inner, close, empty) = match (inner.strip_prefix('/'), inner.strip_suffix('/')) {
            (Some(inner), _) => (inner.trim_end_matches(BLANKS), true, false),
            (None, Some(inner)) => (inner, false, true),
            (None, None) => (inner, false, false),
        };
        let name = inner.split(BLANKS).next().unwrap_or_default();
        if close && name != inner {
            return Err(fault("more than a name in an end tag"));
        }
        if name.is_empty() {
            return Err(fault("a tag without a name"));
        }
        if memchr(b':', name.as_bytes()).is_some() {
            return Err(fault("a name with a prefix"));
        }
        Ok(match (close, empty) {
            (true, _) => Tag::Close(name),
            (_, true) => Tag::Empty(name),
            _ => Tag::Open(name),
        })
    }

    /// The text up to the end tag of this name, which must come next.
    fn text_until(&mut self, name: &str) -> Result<Cow<'a, str>> {
        let rest = self.rest();
        let end = memchr(b'<', rest.as_bytes()).ok_or_else(|| fault("ends early"))?;
        let raw = &rest[..end];
        self.at += end;
        // The common form first: the end tag directly, nothing to unescape.
        let after = self.rest().as_bytes();
        let n = name.len();
        if after.len() > n + 2
            && after[1] == b'/'
            && &after[2..2 + n] == name.as_bytes()
            && after[2 + n] == b'>'
        {
            self.at += n + 3;
        } else if self.rest().starts_with("<![CDATA[") {
            return self.cdata_until(name, raw);
        } else if self.next_tag()? != Tag::Close(name) {
            return Err(fault("a tag where text should be"));
        }
        unescape(raw)
    }

    fn cdata_until(&mut self, name: &str, before: &str) -> Result<Cow<'a, str>> {
        self.at += "<![CDATA[".len();
        let start = self.at;
        self.past("]]>")?;
        let mut text = unescape(before)?.into_owned();
        text.push_str(&self.text[start..self.at - 3]);
        text.push_str(&self.text_until(name)?);
        Ok(text.into())
    }

    fn skip(&mut self, name: &str) -> Result<()> {
        const DEEPEST: usize = 16;
        let mut open = vec![name];
        while let Some(innermost) = open.last().copied() {
            let rest = self.rest();
            let next = memchr(b'<', rest.as_bytes()).ok_or_else(|| fault("ends early"))?;
            unescape(&rest[..next])?;
            self.at += next;
            if self.rest().starts_with("<![CDATA[") {
                self.past("]]>")?;
                continue;
            }
            match self.next_tag()? {
                Tag::Open(_) if open.len() >= DEEPEST => return Err(fault("too deep")),
                Tag::Open(name) => open.push(name),
                Tag::Close(name) if name == innermost => {
                    open.pop();
                }
                Tag::Close(_) => return Err(fault("ends do not match")),
                Tag::Empty(_) => {}
            }
        }
        Ok(())
    }

    fn object(&mut self) -> Result<ListedObject> {
        let mut key = None;
        let mut size = None;
        let mut modified = None;
        let mut etag = None;
        let mut class = None;
        loop {
            match self.next_tag()? {
                Tag::Close("Contents") => break,
                Tag::Open("Key") => key = Some(self.text_until("Key")?.into_owned()),
                Tag::Open("Size") => {
                    let text = self.text_until("Size")?;
                    size = Some(text.trim().parse::<u64>().map_err(|e| fault("Size").with_source(e))?);
                }
                Tag::Open("LastModified") => {
                    let text = self.text_until("LastModified")?;
                    modified = Some(parse_iso(text.trim()).ok_or_else(|| fault("LastModified is no date"))?);
                }
                Tag::Open("ETag") => {
                    etag = Some(self.text_until("ETag")?.into_owned()).filter(|e| !e.is_empty()).map(quoted);
                }
                Tag::Open("StorageClass") => {
                    class =
                        Some(self.text_until("StorageClass")?).filter(|c| !c.is_empty() && *c != "STANDARD");
                }
                Tag::Open(name) => self.skip(name)?,
                Tag::Empty(_) => {}
                Tag::Close(_) => return Err(fault("ends do not match")),
            }
        }
        Ok(ListedObject {
            key: key.ok_or_else(|| fault("an entry without a key"))?,
            size: size.ok_or_else(|| fault("an entry without a size"))?,
            last_modified: modified,
            etag,
            storage_class: class.map(Cow::into_owned),
        })
    }

    fn prefixes(&mut self, out: &mut Vec<String>) -> Result<()> {
        loop {
            match self.next_tag()? {
                Tag::Close("CommonPrefixes") => return Ok(()),
                Tag::Open("Prefix") => out.push(self.text_until("Prefix")?.into_owned()),
                Tag::Open(name) => self.skip(name)?,
                Tag::Empty(_) => {}
                Tag::Close(_) => return Err(fault("ends do not match")),
            }
        }
    }

    /// Only blanks and comments may follow the root.
    fn finish(&mut self) -> Result<()> {
        match memchr(b'<', self.rest().as_bytes()) {
            None if self.rest().trim_matches(BLANKS).is_empty() => Ok(()),
            None => Err(fault("text after the end")),
            Some(_) => match self.next_tag() {
                Err(_) if self.rest().trim_matches(BLANKS).is_empty() => Ok(()),
                _ => Err(fault("more than one root")),
            },
        }
    }
}

/// Where a tag ends: at the first `>` that is not in an attribute's quotes.
fn tag_end(rest: &[u8]) -> Option<usize> {
    let end = memchr(b'>', rest)?;
    if memchr2(b'"', b'\'', &rest[..end]).is_none() {
        return Some(end);
    }
    let mut quote = None;
    rest.iter().position(|b| {
        match (quote, *b) {
            (None, b'>') => return true,
            (None, b'"' | b'\'') => quote = Some(*b),
            (Some(open), b) if b == open => quote = None,
            _ => {}
        }
        false
    })
}

fn unescape(raw: &str) -> Result<Cow<'_, str>> {
    const LONGEST: usize = 10;
    let Some(first) = memchr(b'&', raw.as_bytes()) else { return Ok(Cow::Borrowed(raw)) };
    let mut out = String::with_capacity(raw.len());
    out.push_str(&raw[..first]);
    let mut rest = &raw[first..];
    while let Some(after) = rest.strip_prefix('&') {
        let end =
            memchr(b';', after.as_bytes()).filter(|n| *n <= LONGEST).ok_or_else(|| fault("a bare &"))?;
        out.push(resolve_reference(&after[..end]).ok_or_else(|| fault("an unknown entity"))?);
        let after = &after[end + 1..];
        let next = memchr(b'&', after.as_bytes()).unwrap_or(after.len());
        out.push_str(&after[..next]);
        rest = &after[next..];
    }
    Ok(Cow::Owned(out))
}

#[cfg(test)]
mod tests;
