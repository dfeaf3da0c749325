//! Reading the XML that clients send.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use super::reply::Refusal;

/// The texts of an element's children, by name.
pub(super) type Fields = BTreeMap<String, String>;

/// Every element of this name with the texts of its children; a child's children are not told apart.
///
/// # Errors
/// `MalformedXML`.
pub(super) fn elements(body: &[u8], name: &str) -> Result<Vec<Fields>, Refusal> {
    let malformed = || Refusal::new(400, "MalformedXML");
    let mut reader = Reader::from_reader(body);
    let (mut found, mut current, mut path) = (Vec::new(), None::<Fields>, Vec::new());
    loop {
        let text = match reader.read_event().map_err(|_| malformed())? {
            Event::Start(tag) => {
                path.push(tag.local_name().as_ref().to_owned());
                if path.last().is_some_and(|last| last == name) {
                    current = Some(Fields::new());
                }
                continue;
            }
            Event::End(_) => {
                if path.pop().is_some_and(|last| last == name) {
                    found.extend(current.take());
                }
                continue;
            }
            Event::Text(text) => text.xml10_content().into_owned(),
            Event::CData(text) => text.xml10_content().into_owned(),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| malformed())? {
                Some(letter) => letter.to_string(),
                None => resolve_predefined_entity(&reference).ok_or_else(malformed)?.to_owned(),
            },
            Event::Eof if path.is_empty() => return Ok(found),
            Event::Eof => return Err(malformed()),
            _ => continue,
        };
        if let (Some(fields), Some(last)) = (&mut current, path.last())
            && last != name
        {
            fields.entry(last.clone()).or_default().push_str(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_and_references_are_read() {
        let body =
            b"<D xmlns='x'><Object><Key>a&amp;b&#x20;c</Key></Object><Object><Key> d</Key></Object></D>";
        let keys: Vec<_> =
            elements(body, "Object").unwrap().into_iter().map(|fields| fields["Key"].clone()).collect();
        assert_eq!(keys, ["a&b c", " d"]);
    }

    #[test]
    fn half_a_document_is_malformed() {
        assert_eq!(elements(b"<D><Object>", "Object").unwrap_err().code, "MalformedXML");
    }
}
