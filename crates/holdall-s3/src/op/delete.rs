//! DeleteObject and DeleteObjects.

use crate::client::{Call, Client};
use crate::error::{Error, ErrorKind, Result};
use crate::object::header_value;
use crate::op::lock::BYPASS;
use crate::retry;
use crate::xml::{Element, XmlWriter};
use http::Method;
use std::collections::HashMap;

/// The protocol's bound on one DeleteObjects.
const MAX_BATCH: usize = 1000;

/// How an object is deleted.
#[derive(Debug, Clone, Default)]
pub struct DeleteOptions {
    /// One version, for good; without it a bucket with versions gets a delete marker.
    pub version: Option<String>,
    /// Only while the object has this `ETag`.
    pub if_match: Option<String>,
    /// Also a version that is retained in governance mode, for who may.
    pub bypass_governance: bool,
}

/// What a delete answered.
#[derive(Debug, Clone, Default)]
pub struct DeleteAnswer {
    /// The version deleted, or the delete marker's.
    pub version: Option<String>,
    /// Whether a delete marker was made or removed.
    pub marker: bool,
}

/// One object of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeleteTarget {
    /// The key.
    pub key: String,
    /// One version, for good.
    pub version: Option<String>,
}

/// Why one object of a batch was not deleted.
#[derive(Debug)]
pub struct DeleteFailure {
    /// Which one.
    pub target: DeleteTarget,
    /// Why.
    pub error: Error,
}

impl Client {
    /// Deletes an object; that it was not there is no error.
    pub async fn delete(&self, key: &str, options: &DeleteOptions) -> Result<DeleteAnswer> {
        let mut call = Call::on("DeleteObject", Method::DELETE, key).nothing();
        if let Some(version) = &options.version {
            call = call.query("versionId", version);
        }
        if let Some(etag) = &options.if_match {
            call.headers.insert(http::header::IF_MATCH, header_value("if-match", etag)?);
        }
        if options.bypass_governance {
            call = call.header(BYPASS, "true")?;
        }
        let reply = match self.run(&call).await {
            Ok(reply) => reply,
            // Some services say so; with a condition it means that the condition does not hold.
            Err(error) if error.code() == Some("NoSuchKey") && options.if_match.is_none() => {
                return Ok(DeleteAnswer::default());
            }
            Err(error) => return Err(error),
        };
        let marker = reply.text("x-amz-delete-marker").as_deref() == Some("true");
        Ok(DeleteAnswer { version: reply.version(), marker })
    }

    /// Deletes up to 1,000 objects by one request and answers those that were not deleted.
    ///
    /// The answer must name every object, as deleted or as failed; one that it leaves out counts as failed.
    ///
    /// # Errors
    ///
    /// The request as a whole: `InvalidInput` for more than 1,000, or whatever the service says.
    pub async fn delete_batch(&self, targets: &[DeleteTarget]) -> Result<Vec<DeleteFailure>> {
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        if targets.len() > MAX_BATCH {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                format!("too many keys in one batch limit={MAX_BATCH}"),
            ));
        }
        if let Some(target) = targets.iter().find(|t| !is_xml(&t.key)) {
            let text = format!("key cannot be written as XML and must be deleted alone key={:?}", target.key);
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let call = Call::new("DeleteObjects", Method::POST).query("delete", "").document(batch(targets));
        let reply = self.run(&call).await?;
        let root = Element::parse_named(&reply.bytes, "DeleteResult")
            .map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))?;
        Ok(failures(targets, &root, &reply.host))
    }

    /// Whether a key can stand in a batch: XML 1.0 has no control characters.
    pub fn can_batch(key: &str) -> bool {
        is_xml(key)
    }
}

fn is_xml(key: &str) -> bool {
    key.chars()
        .all(|c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..))
}

fn batch(targets: &[DeleteTarget]) -> Vec<u8> {
    let mut xml = XmlWriter::new();
    xml.open_root("Delete");
    for target in targets {
        xml.open("Object");
        xml.element("Key", &target.key);
        if let Some(version) = &target.version {
            xml.element("VersionId", version);
        }
        xml.close("Object");
    }
    xml.close("Delete");
    xml.finish()
}

fn failures(targets: &[DeleteTarget], root: &Element, host: &str) -> Vec<DeleteFailure> {
    // How each key was answered: one entry per version named.
    let mut deleted: HashMap<(&str, Option<&str>), ()> = HashMap::new();
    for entry in root.each("Deleted") {
        let key = entry.child("Key").map_or("", |k| k.text.as_str());
        deleted.insert((key, entry.text_of("VersionId")), ());
        deleted.insert((key, None), ());
    }
    let mut failed: HashMap<(&str, Option<&str>), Error> = HashMap::new();
    for entry in root.each("Error") {
        let key = entry.child("Key").map_or("", |k| k.text.as_str());
        failed.insert((key, entry.text_of("VersionId").filter(is_version)), entry_error(entry, host));
    }
    let mut out = Vec::new();
    for target in targets {
        let name = (target.key.as_str(), target.version.as_deref());
        let error = match failed.remove(&(name.0, name.1.filter(is_version))) {
            Some(error) => error,
            None if deleted.contains_key(&name) => continue,
            None => Error::new(ErrorKind::Protocol, "the answer does not say what became of the key")
                .in_operation("DeleteObjects", host, 1),
        };
        out.push(DeleteFailure { target: target.clone(), error });
    }
    out
}

/// Whether this names a version; an object without versions is reported as `null`, asked for so or not.
fn is_version(id: &&str) -> bool {
    *id != "null"
}

fn entry_error(entry: &Element, host: &str) -> Error {
    let code = entry.text_of("Code").unwrap_or("InternalError").to_owned();
    let (kind, transient) = retry::of_code(&code).unwrap_or((ErrorKind::Protocol, false));
    let message = entry.text_of("Message").unwrap_or("the object was not deleted");
    let message: String = message.chars().take(500).collect();
    let error =
        Error::new(kind, message).with_service(Some(code), 200, None).in_operation("DeleteObjects", host, 1);
    if transient { error.transient() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(key: &str) -> DeleteTarget {
        DeleteTarget { key: key.to_owned(), version: None }
    }

    #[test]
    fn ses_7_every_key_is_accounted_for() {
        let xml = b"<DeleteResult><Deleted><Key>a</Key></Deleted>\
            <Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
        let root = Element::parse(xml).unwrap();
        let got = failures(&[target("a"), target("b"), target("c")], &root, "h");
        let kinds: Vec<_> = got.iter().map(|f| (f.target.key.as_str(), f.error.kind())).collect();
        assert_eq!(kinds, [("b", ErrorKind::PermissionDenied), ("c", ErrorKind::Protocol)]);
    }

    #[test]
    fn a_refused_null_version_keeps_its_reason() {
        let xml = b"<DeleteResult><Error><Key>a</Key><VersionId>null</VersionId><Code>AccessDenied</Code>\
            </Error></DeleteResult>";
        let root = Element::parse(xml).unwrap();
        for version in [None, Some("null".to_owned())] {
            let got = failures(&[DeleteTarget { version, ..target("a") }], &root, "h");
            assert_eq!(got[0].error.kind(), ErrorKind::PermissionDenied);
        }
    }

    #[test]
    fn keys_that_xml_cannot_hold_are_known() {
        assert!(is_xml("a\nb \u{1f980}&<"));
        assert!(!is_xml("a\u{1}"));
        assert!(!is_xml("\u{ffff}"));
    }
}
