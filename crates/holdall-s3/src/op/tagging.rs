//! GetObjectTagging, PutObjectTagging, DeleteObjectTagging.

use crate::client::{Call, Client};
use crate::error::{Error, ErrorKind, Result};
use crate::xml::{Element, XmlWriter};
use http::Method;

impl Client {
    /// Asks for an object's tags.
    pub async fn object_tags(&self, key: &str) -> Result<Vec<(String, String)>> {
        let call = Call::on("GetObjectTagging", Method::GET, key).query("tagging", "");
        let reply = self.run(&call).await?;
        tags_in(&reply.bytes).map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))
    }

    /// Replaces all tags of an object by these. A server that does not know the operation may take it for a put.
    pub async fn put_object_tags(&self, key: &str, tags: &[(String, String)]) -> Result<()> {
        let call = Call::on("PutObjectTagging", Method::PUT, key).query("tagging", "");
        self.run(&call.document(document(tags)).nothing()).await.map(drop)
    }

    /// Removes all tags of an object. A server that does not know the operation may take it for a delete.
    pub async fn delete_object_tags(&self, key: &str) -> Result<()> {
        let call = Call::on("DeleteObjectTagging", Method::DELETE, key).query("tagging", "");
        self.run(&call.nothing()).await.map(drop)
    }
}

fn tags_in(bytes: &[u8]) -> Result<Vec<(String, String)>> {
    // Ceph's answer for an object that never had tags.
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    let root = Element::parse_named(bytes, "Tagging")?;
    let set = root.child("TagSet").ok_or_else(|| Error::new(ErrorKind::Protocol, "no TagSet"))?;
    let text = |tag: &Element, name: &str| tag.child(name).map_or(String::new(), |c| c.text.clone());
    Ok(set.each("Tag").map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect())
}

fn document(tags: &[(String, String)]) -> Vec<u8> {
    let tag = |(name, value): &(String, String)| {
        Element::of("Tag", [Element::of_text("Key", name), Element::of_text("Value", value)])
    };
    XmlWriter::document("Tagging", &[Element::of("TagSet", tags.iter().map(tag))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_as_they_are_written() {
        let tags = [("a&b", "<1>"), (" é ", ""), ("line\n", "\"x\"")];
        let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(tags_in(&document(&tags)).unwrap(), tags);
        assert_eq!(tags_in(&document(&[])).unwrap(), []);
        assert_eq!(tags_in(b"").unwrap(), []);
    }

    #[test]
    fn a_listing_has_no_tags() {
        for bytes in [&b"<ListBucketResult/>"[..], b"<Tagging/>", b"an object's bytes"] {
            assert_eq!(tags_in(bytes).unwrap_err().kind(), ErrorKind::Protocol);
        }
    }
}
