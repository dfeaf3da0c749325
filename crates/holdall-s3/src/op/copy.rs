//! CopyObject.

use crate::client::{Call, Client, Reply};
use crate::date::parse_iso;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Encryption, ReadConditions, quoted};
use crate::op::put::{PutOptions, confirm};
use crate::xml::Element;
use http::Method;
use std::time::SystemTime;

/// What is copied.
#[derive(Debug, Clone)]
pub struct CopySource {
    /// The bucket; none is the client's own.
    pub bucket: Option<String>,
    /// The key.
    pub key: String,
    /// A version.
    pub version: Option<String>,
    /// Conditions on the source.
    pub conditions: ReadConditions,
    /// The customer's key that the source is encrypted with.
    pub encryption: Option<Encryption>,
}

impl CopySource {
    /// The newest version of an object of the same bucket.
    pub fn new(key: impl Into<String>) -> Self {
        Self {
            bucket: None,
            key: key.into(),
            version: None,
            conditions: ReadConditions::default(),
            encryption: None,
        }
    }

    pub(crate) fn write(&self, client: &Client, mut call: Call) -> Result<Call> {
        let bucket = self.bucket.as_deref().unwrap_or(client.bucket());
        let mut text = format!("/{}/{}", crate::encode_query(bucket), crate::encode_key(&self.key));
        if let Some(version) = &self.version {
            text.push_str("?versionId=");
            text.push_str(&crate::encode_query(version));
        }
        call = call.header("x-amz-copy-source", &text)?;
        self.conditions.write(&mut call.headers, "x-amz-copy-source-")?;
        if let Some(encryption) = &self.encryption {
            encryption.write_for_copy_source(&mut call.headers);
        }
        Ok(call)
    }
}

/// Where a copy's metadata comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum MetadataDirective {
    /// The source has it.
    #[default]
    Copy,
    /// The options have it.
    Replace,
}

/// How an object is copied.
#[derive(Debug, Clone, Default)]
pub struct CopyOptions {
    /// What the copy is put with: attributes where they are replaced, and tags, ACL, encryption.
    pub put: PutOptions,
    /// Whether headers and user metadata are the source's.
    pub metadata: MetadataDirective,
    /// Whether tags are the source's.
    pub tags: MetadataDirective,
}

/// What a copy answered.
#[derive(Debug, Clone)]
pub struct CopyAnswer {
    /// The copy's `ETag`.
    pub etag: String,
    /// The version made.
    pub version: Option<String>,
    /// When it was made.
    pub last_modified: Option<SystemTime>,
    /// How often the request was sent.
    pub attempts: u32,
}

impl Client {
    /// Copies an object of at most 5 GiB inside the service.
    ///
    /// # Errors
    ///
    /// `NotFound` for the source; `Precondition` when a condition on the source does not hold.
    pub async fn copy(&self, source: &CopySource, key: &str, options: &CopyOptions) -> Result<CopyAnswer> {
        let call = source.write(self, Call::on("CopyObject", Method::PUT, key).patient())?;
        let mut attributes = crate::Attributes::default();
        if options.metadata == MetadataDirective::Replace {
            attributes = options.put.attributes.clone();
        } else {
            // The storage class belongs to the copy, whatever becomes of the metadata.
            attributes.storage_class = options.put.attributes.storage_class.clone();
        }
        let mut call = options.put.write(call, &attributes, None)?;
        if options.metadata == MetadataDirective::Replace {
            call = call.header("x-amz-metadata-directive", "REPLACE")?;
        }
        if options.tags == MetadataDirective::Replace {
            call = call.header("x-amz-tagging-directive", "REPLACE")?;
        }
        options.put.condition.write(&mut call.headers)?;
        let reply = self.run(&call).await?;
        let located = |e: Error| e.in_operation(call.operation, &reply.host, reply.attempts);
        confirm(&reply, options.put.encryption.as_ref()).map_err(located)?;
        let (etag, last_modified) = copy_result(&reply, "CopyObjectResult").map_err(located)?;
        Ok(CopyAnswer { etag, version: reply.version(), last_modified, attempts: reply.attempts })
    }
}

/// Reads the document that both kinds of copy answer; without an `ETag` nothing was copied for sure.
pub(crate) fn copy_result(reply: &Reply, root: &str) -> Result<(String, Option<SystemTime>)> {
    let document = Element::parse_named(&reply.bytes, root)?;
    let etag =
        document.text_of("ETag").ok_or_else(|| Error::new(ErrorKind::Protocol, "the answer has no ETag"))?;
    Ok((quoted(etag.to_owned()), document.text_of("LastModified").and_then(parse_iso)))
}
