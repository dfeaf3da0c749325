//! Versions of objects.

use crate::client::{Call, Client};
use crate::date::parse_iso;
use crate::encode::decode_key;
use crate::error::{Error, ErrorKind, Result};
use crate::object::quoted;
use crate::xml::Element;
use http::Method;
use std::time::SystemTime;

/// A version of an object, or the mark that it was deleted.
#[derive(Debug, Clone)]
pub struct ListedVersion {
    /// The object's key.
    pub key: String,
    /// The version.
    pub version: String,
    /// Whether it is what the key has now.
    pub is_latest: bool,
    /// Whether it says that the object was deleted, and is no object itself.
    pub is_marker: bool,
    /// Size in bytes; 0 for a marker.
    pub size: u64,
    /// The `ETag`; a marker has none.
    pub etag: Option<String>,
    /// When it was made.
    pub last_modified: Option<SystemTime>,
}

/// A page of versions.
#[derive(Debug, Clone, Default)]
pub struct VersionList {
    /// By key, the newest first, as the server has them: objects and markers among each other.
    pub versions: Vec<ListedVersion>,
    /// Where the next page begins: key and version; none after the last.
    pub next: Option<(String, String)>,
}

impl Client {
    /// Lists a page of the versions of all objects that begin with a prefix.
    pub async fn list_versions(&self, prefix: &str, after: Option<&(String, String)>) -> Result<VersionList> {
        let mut call = Call::new("ListObjectVersions", Method::GET)
            .query("versions", "")
            .query("encoding-type", "url")
            .query("prefix", prefix);
        if let Some((key, version)) = after {
            call = call.query("key-marker", key).query("version-id-marker", version);
        }
        let reply = self.run(&call).await?;
        version_list(&reply.bytes, after)
            .map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))
    }
}

fn version_list(bytes: &[u8], after: Option<&(String, String)>) -> Result<VersionList> {
    let root = Element::parse_named(bytes, "ListVersionsResult")?;
    // Not every character of a key can be in XML.
    let is_encoded = root.text_of("EncodingType") == Some("url");
    let key_in = |element: &Element, name: &str| {
        let text = element.required(name)?;
        if is_encoded { decode_key(text).ok_or_else(|| bad(name)) } else { Ok(text.to_owned()) }
    };
    let mut versions = Vec::new();
    for entry in &root.children {
        match entry.name.as_str() {
            "Version" => {
                let size = entry.required("Size")?.parse().map_err(|_| bad("Size"))?;
                let etag = entry.text_of("ETag").map(|etag| quoted(etag.to_owned()));
                versions.push(ListedVersion { size, etag, ..version(entry, key_in(entry, "Key")?, false)? });
            }
            "DeleteMarker" => versions.push(version(entry, key_in(entry, "Key")?, true)?),
            _ => {}
        }
    }
    if root.text_of("IsTruncated") != Some("true") {
        return Ok(VersionList { versions, next: None });
    }
    let next =
        (key_in(&root, "NextKeyMarker")?, root.text_of("NextVersionIdMarker").unwrap_or_default().to_owned());
    if versions.is_empty() || after == Some(&next) {
        return Err(bad("it goes on where it was"));
    }
    Ok(VersionList { versions, next: Some(next) })
}

fn version(entry: &Element, key: String, is_marker: bool) -> Result<ListedVersion> {
    Ok(ListedVersion {
        key,
        version: entry.required("VersionId")?.to_owned(),
        is_latest: entry.text_of("IsLatest") == Some("true"),
        is_marker,
        size: 0,
        etag: None,
        last_modified: entry.text_of("LastModified").and_then(parse_iso),
    })
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the list of versions cannot be right: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>\
        <NextVersionIdMarker>2</NextVersionIdMarker>\
        <DeleteMarker><Key>k</Key><VersionId>2</VersionId><IsLatest>true</IsLatest></DeleteMarker>\
        <Version><Key>k</Key><VersionId>1</VersionId><IsLatest>false</IsLatest><Size>5</Size><ETag>\"e\"</ETag>\
        <LastModified>2026-01-02T03:04:05.000Z</LastModified></Version>\
        </ListVersionsResult>";

    #[test]
    fn versions_and_markers_are_told_apart() {
        let list = version_list(PAGE.as_bytes(), None).unwrap();
        let told: Vec<_> = list
            .versions
            .iter()
            .map(|v| (v.version.as_str(), v.is_marker, v.is_latest, v.size, v.etag.is_some()))
            .collect();
        assert_eq!(told, [("2", true, true, 0, false), ("1", false, false, 5, true)]);
        assert_eq!(list.next, Some(("k".to_owned(), "2".to_owned())));
    }

    #[test]
    fn keys_that_are_encoded_are_decoded_and_others_are_taken_as_they_are() {
        let page = |encoding: &str| {
            let text = format!(
                "<ListVersionsResult>{encoding}<IsTruncated>true</IsTruncated><NextKeyMarker>a%2Bb+c%01</NextKeyMarker>\
                 <Version><Key>a%2Bb+c%01</Key><VersionId>1</VersionId><Size>5</Size></Version></ListVersionsResult>"
            );
            let list = version_list(text.as_bytes(), None).unwrap();
            (list.versions[0].key.clone(), list.next.unwrap().0)
        };
        let decoded = "a+b c\u{1}".to_owned();
        assert_eq!(page("<EncodingType>url</EncodingType>"), (decoded.clone(), decoded));
        assert_eq!(page(""), ("a%2Bb+c%01".to_owned(), "a%2Bb+c%01".to_owned()));
    }

    #[test]
    fn a_page_that_goes_on_where_it_was_is_no_list() {
        let after = ("k".to_owned(), "2".to_owned());
        assert_eq!(version_list(PAGE.as_bytes(), Some(&after)).unwrap_err().kind(), ErrorKind::Protocol);
        let empty = "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker></ListVersionsResult>";
        assert_eq!(version_list(empty.as_bytes(), None).unwrap_err().kind(), ErrorKind::Protocol);
        let other = "<ListBucketResult></ListBucketResult>";
        assert!(version_list(other.as_bytes(), None).is_err());
    }
}
