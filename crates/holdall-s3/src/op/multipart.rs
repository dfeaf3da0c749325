//! Multipart uploads.

use super::settle::{NONCE, name, settle};
use crate::checksum::Checksum;
use crate::client::{Call, Client, PayloadIntegrity};
use crate::date::parse_iso;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Encryption, WriteCondition, quoted};
use crate::op::copy::{CopySource, copy_result};
use crate::op::get::{GetOptions, Head};
use crate::op::put::{PutAnswer, PutOptions, agreed_checksum, confirm};
use crate::payload::Payload;
use crate::progress::Progress;
use crate::xml::{Element, XmlWriter};
use http::Method;
use std::time::SystemTime;

/// An upload that was begun.
#[derive(Debug, Clone)]
pub struct UploadHandle {
    /// The key it will have.
    pub key: String,
    /// The server's name for it.
    pub id: String,
    /// Our own name for it, by which the finished object is recognised; empty for an upload begun by others.
    pub nonce: String,
    /// The customer's key that every part goes with.
    pub encryption: Option<Encryption>,
    /// Counts the bytes of the parts as they are sent.
    pub progress: Option<Progress>,
}

impl UploadHandle {
    /// Names an upload that was begun earlier or elsewhere.
    pub fn existing(key: impl Into<String>, id: impl Into<String>) -> Self {
        Self { key: key.into(), id: id.into(), nonce: String::new(), encryption: None, progress: None }
    }
}

/// What a part answered.
#[derive(Debug, Clone)]
pub struct PartAnswer {
    /// The part's `ETag`.
    pub etag: String,
    /// The checksum that it was sent with, where the client is set to send one.
    pub sent: Option<Checksum>,
    /// A checksum that the server computed and that equals ours.
    pub checksum: Option<Checksum>,
    /// How often it was sent.
    pub attempts: u32,
}

/// A part of the object to be made.
#[derive(Debug, Clone)]
pub struct CompletedPart {
    /// From 1 to 10,000.
    pub number: u32,
    /// The `ETag` that the part answered.
    pub etag: String,
    /// The checksum that the part was sent with, where the upload has one.
    pub checksum: Option<Checksum>,
}

/// A part that the server has.
#[derive(Debug, Clone)]
pub struct ListedPart {
    /// From 1 to 10,000.
    pub number: u32,
    /// The part's `ETag`.
    pub etag: String,
    /// Size in bytes.
    pub size: u64,
}

/// A page of parts.
#[derive(Debug, Clone, Default)]
pub struct PartList {
    /// The parts, by number.
    pub parts: Vec<ListedPart>,
    /// Where the next page begins; none after the last.
    pub next: Option<u32>,
}

/// An upload that was begun and is not finished.
#[derive(Debug, Clone)]
pub struct ListedUpload {
    /// The key it will have.
    pub key: String,
    /// The server's name for it.
    pub id: String,
    /// When it was begun.
    pub initiated: Option<SystemTime>,
}

/// A page of uploads.
#[derive(Debug, Clone, Default)]
pub struct UploadList {
    /// The uploads.
    pub uploads: Vec<ListedUpload>,
    /// Where the next page begins: key and upload; none after the last.
    pub next: Option<(String, String)>,
}

/// What a copied part is read with.
#[derive(Debug, Clone)]
pub struct PartCopyOptions {
    /// The source.
    pub source: CopySource,
    /// Which bytes of it; none is all.
    pub range: Option<std::ops::Range<u64>>,
}

impl Client {
    /// Begins an upload in parts.
    ///
    /// An upload whose answer is lost stays behind without a part until somebody aborts it.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a condition: it belongs to [`Client::complete_upload`].
    pub async fn create_upload(&self, key: &str, options: &PutOptions) -> Result<UploadHandle> {
        if options.condition != WriteCondition::Always {
            return Err(Error::new(
                ErrorKind::InvalidInput,
                "a condition is given when the upload is completed",
            ));
        }
        let nonce = name(self, &options.attributes);
        let call = Call::on("CreateMultipartUpload", Method::POST, key).query("uploads", "");
        let mut call = options.write(call, &options.attributes, Some(&nonce))?;
        if let PayloadIntegrity::Checksum(algorithm) = self.config().integrity {
            call = call.header("x-amz-checksum-algorithm", algorithm.name())?;
        }
        let reply = self.run(&call).await?;
        let located = |e: Error| e.in_operation(call.operation, &reply.host, reply.attempts);
        confirm(&reply, options.encryption.as_ref()).map_err(located)?;
        let root = Element::parse_named(&reply.bytes, "InitiateMultipartUploadResult").map_err(located)?;
        let id = root.required("UploadId").map_err(located)?.to_owned();
        let (encryption, progress) = (options.encryption.clone(), options.progress.clone());
        Ok(UploadHandle { key: key.to_owned(), id, nonce, encryption, progress })
    }

    /// Sends a part; the same number again replaces it.
    pub async fn upload_part(
        &self,
        upload: &UploadHandle,
        number: u32,
        payload: Payload,
    ) -> Result<PartAnswer> {
        let mut call = part_call("UploadPart", upload, number)?;
        if let Some(encryption) = &upload.encryption {
            encryption.write_for_read(&mut call.headers);
        }
        let call = call.object(payload, self.config().integrity)?.counted(upload.progress.as_ref());
        let reply = self.run(&call).await?;
        let located = |e: Error| e.in_operation(call.operation, &reply.host, reply.attempts);
        let checksum = agreed_checksum(&call, &reply).map_err(located)?;
        let sent = Checksum::from_headers(&call.headers);
        Ok(PartAnswer { etag: reply.etag().map_err(located)?, sent, checksum, attempts: reply.attempts })
    }

    /// Makes a part from an object that the service has.
    pub async fn upload_part_copy(
        &self,
        upload: &UploadHandle,
        number: u32,
        options: &PartCopyOptions,
    ) -> Result<PartAnswer> {
        let mut call = options.source.write(self, part_call("UploadPartCopy", upload, number)?.patient())?;
        if let Some(range) = &options.range {
            if range.is_empty() {
                return Err(Error::new(ErrorKind::InvalidInput, "the range is empty"));
            }
            call =
                call.header("x-amz-copy-source-range", &format!("bytes={}-{}", range.start, range.end - 1))?;
        }
        if let Some(encryption) = &upload.encryption {
            encryption.write_for_read(&mut call.headers);
        }
        let reply = self.run(&call).await?;
        let located = |e: Error| e.in_operation(call.operation, &reply.host, reply.attempts);
        let (etag, _) = copy_result(&reply, "CopyPartResult").map_err(located)?;
        Ok(PartAnswer { etag, sent: None, checksum: None, attempts: reply.attempts })
    }

    /// Makes the object of its parts. Until this succeeds nothing of it can be seen.
    ///
    /// A lost answer is settled by the upload's name in the object's metadata.
    ///
    /// # Errors
    ///
    /// `NotFound` when the upload is not there any more; `Precondition` when the condition does not hold.
    pub async fn complete_upload(
        &self,
        upload: &UploadHandle,
        parts: &[CompletedPart],
        condition: &WriteCondition,
    ) -> Result<PutAnswer> {
        let mut call = Call::on("CompleteMultipartUpload", Method::POST, &upload.key)
            .query("uploadId", &upload.id)
            .patient();
        condition.write(&mut call.headers)?;
        if let Some(encryption) = &upload.encryption {
            encryption.write_for_read(&mut call.headers);
        }
        let call = call.document(complete_document(parts));
        match self.run(&call).await {
            Ok(reply) => {
                let located = |e: Error| e.in_operation(call.operation, &reply.host, reply.attempts);
                let root =
                    Element::parse_named(&reply.bytes, "CompleteMultipartUploadResult").map_err(located)?;
                let answer = |etag: String, version| PutAnswer {
                    etag,
                    version,
                    checksum: None,
                    attempts: reply.attempts,
                };
                match root.text_of("ETag") {
                    Some(etag) => Ok(answer(quoted(etag.to_owned()), reply.version())),
                    // Ceph leaves the element empty.
                    None => {
                        let (etag, version) =
                            self.look_at(upload, parts, reply.version()).await.map_err(located)?;
                        Ok(answer(etag, version))
                    }
                }
            }
            Err(error) if upload.nonce.is_empty() => Err(error),
            Err(error) => {
                let attempts = error.attempts();
                let head =
                    settle(self, &upload.key, &upload.nonce, upload.encryption.as_ref(), error).await?;
                let etag =
                    head.etag.ok_or_else(|| Error::new(ErrorKind::Protocol, "the object has no ETag"))?;
                Ok(PutAnswer { etag, version: head.version, checksum: None, attempts })
            }
        }
    }

    /// Finds out the `ETag` and version of the object that an upload became. One that was replaced meanwhile has the
    /// `ETag` that S3 makes of its parts.
    async fn look_at(
        &self,
        upload: &UploadHandle,
        parts: &[CompletedPart],
        version: Option<String>,
    ) -> Result<(String, Option<String>)> {
        let encryption = upload.encryption.clone();
        let options = GetOptions { encryption, version: version.clone(), ..GetOptions::default() };
        let head = self.head_once(&upload.key, &options).await;
        let ours = |head: &Head| {
            upload.nonce.is_empty() || head.attributes.metadata.get(NONCE) == Some(&upload.nonce)
        };
        let found = match head {
            Ok(head) if ours(&head) => head.etag.map(|etag| (etag, head.version)),
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => etag_of_parts(parts).map(|etag| (etag, version)),
        };
        found.ok_or_else(|| Error::new(ErrorKind::Protocol, "the object has no ETag"))
    }

    /// Looks whether an upload was completed and its object is still the one under the key; none where it is not.
    ///
    /// An upload that was begun by others has no name of ours to be recognised by, and is never found.
    pub async fn completed_upload(&self, upload: &UploadHandle) -> Result<Option<PutAnswer>> {
        let options = GetOptions { encryption: upload.encryption.clone(), ..GetOptions::default() };
        match self.head(&upload.key, &options).await {
            Ok(head) if head.attributes.metadata.get(NONCE) == Some(&upload.nonce) => {
                let etag =
                    head.etag.ok_or_else(|| Error::new(ErrorKind::Protocol, "the object has no ETag"))?;
                Ok(Some(PutAnswer { etag, version: head.version, checksum: None, attempts: 1 }))
            }
            Ok(_) => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an upload up and its parts back; one that is not there any more is no error.
    pub async fn abort_upload(&self, upload: &UploadHandle) -> Result<()> {
        let call = Call::on("AbortMultipartUpload", Method::DELETE, &upload.key)
            .query("uploadId", &upload.id)
            .nothing();
        match self.run(&call).await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other.map(drop),
        }
    }

    /// Lists a page of the parts that the server has.
    pub async fn list_parts(&self, upload: &UploadHandle, after: Option<u32>) -> Result<PartList> {
        let mut call = Call::on("ListParts", Method::GET, &upload.key).query("uploadId", &upload.id);
        if let Some(after) = after {
            call = call.query("part-number-marker", &after.to_string());
        }
        let reply = self.run(&call).await?;
        part_list(&reply.bytes).map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))
    }

    /// Lists a page of the uploads that are not finished.
    pub async fn list_uploads(&self, prefix: &str, after: Option<&(String, String)>) -> Result<UploadList> {
        let mut call =
            Call::new("ListMultipartUploads", Method::GET).query("uploads", "").query("prefix", prefix);
        if let Some((key, id)) = after {
            call = call.query("key-marker", key).query("upload-id-marker", id);
        }
        let reply = self.run(&call).await?;
        upload_list(&reply.bytes).map_err(|e| e.in_operation(call.operation, &reply.host, reply.attempts))
    }
}

fn part_call(operation: &'static str, upload: &UploadHandle, number: u32) -> Result<Call> {
    if !(1..=10_000).contains(&number) {
        return Err(Error::new(
            ErrorKind::InvalidInput,
            format!("a part's number is 1 to 10000 number={number}"),
        ));
    }
    Ok(Call::on(operation, Method::PUT, &upload.key)
        .query("partNumber", &number.to_string())
        .query("uploadId", &upload.id))
}

fn complete_document(parts: &[CompletedPart]) -> Vec<u8> {
    let mut xml = XmlWriter::new();
    xml.open_root("CompleteMultipartUpload");
    for part in parts {
        xml.open("Part");
        if let Some(checksum) = &part.checksum {
            xml.element(&format!("Checksum{}", checksum.algorithm.name()), &checksum.value);
        }
        xml.element("ETag", &part.etag);
        xml.element("PartNumber", &part.number.to_string());
        xml.close("Part");
    }
    xml.close("CompleteMultipartUpload");
    xml.finish()
}

/// The MD5 of the parts' MD5s, and `-` and their number; none where the parts' `ETag`s are no MD5s.
fn etag_of_parts(parts: &[CompletedPart]) -> Option<String> {
    let mut all = Vec::with_capacity(parts.len() * 16);
    for part in parts {
        let hex = part.etag.trim_matches('"');
        if hex.len() != 32 {
            return None;
        }
        for at in (0..32).step_by(2) {
            all.push(u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?);
        }
    }
    Some(format!("\"{}-{}\"", crate::checksum::hex(&crate::md5(&all)), parts.len()))
}

fn bad(what: &str) -> Error {
    Error::new(ErrorKind::Protocol, format!("the list cannot be right: {what}"))
}

fn is_truncated(root: &Element) -> bool {
    root.text_of("IsTruncated") == Some("true")
}

fn part_list(bytes: &[u8]) -> Result<PartList> {
    let root = Element::parse_named(bytes, "ListPartsResult")?;
    let mut parts = Vec::new();
    for part in root.each("Part") {
        let number = part.required("PartNumber")?.parse().map_err(|_| bad("PartNumber"))?;
        let size = part.required("Size")?.parse().map_err(|_| bad("Size"))?;
        parts.push(ListedPart { number, size, etag: quoted(part.required("ETag")?.to_owned()) });
    }
    let next = match is_truncated(&root) {
        false => None,
        true => {
            let next =
                root.required("NextPartNumberMarker")?.parse().map_err(|_| bad("NextPartNumberMarker"))?;
            if parts.last().is_none_or(|last| last.number > next) {
                return Err(bad("it goes on where it was"));
            }
            Some(next)
        }
    };
    Ok(PartList { parts, next })
}

fn upload_list(bytes: &[u8]) -> Result<UploadList> {
    let root = Element::parse_named(bytes, "ListMultipartUploadsResult")?;
    let mut uploads = Vec::new();
    for upload in root.each("Upload") {
        uploads.push(ListedUpload {
            key: upload.required("Key")?.to_owned(),
            id: upload.required("UploadId")?.to_owned(),
            initiated: upload.text_of("Initiated").and_then(parse_iso),
        });
    }
    let next = match is_truncated(&root) {
        false => None,
        true if uploads.is_empty() => return Err(bad("a page without an entry says that there is more")),
        true => {
            let key = root.required("NextKeyMarker")?.to_owned();
            Some((key, root.text_of("NextUploadIdMarker").unwrap_or_default().to_owned()))
        }
    };
    Ok(UploadList { uploads, next })
}
