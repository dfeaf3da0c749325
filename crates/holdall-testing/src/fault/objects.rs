//! What the server holds.

use std::collections::BTreeMap;
use std::time::SystemTime;

use md5::{Digest as _, Md5};

use super::reply::Refusal;
use super::request::Request;
use crate::encode::hex;

/// Headers that are kept with an object and given back, besides `x-amz-meta-*`.
const KEPT: [&str; 7] = [
    "content-type",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "expires",
    "x-amz-storage-class",
];

/// An object as the server holds it.
#[derive(Clone, Debug)]
pub struct StoredObject {
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its ETag, without quotes.
    pub etag: String,
    /// Its `content-type` and the like, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// Its metadata, names without `x-amz-meta-` and in lower case.
    pub metadata: BTreeMap<String, String>,
    /// The checksums that it was put with: `x-amz-checksum-crc32c` and the like → base64.
    pub checksums: BTreeMap<String, String>,
    /// When it was written.
    pub modified: SystemTime,
}

impl StoredObject {
    pub(super) fn new(bytes: Vec<u8>, attributes: Attributes) -> StoredObject {
        let etag = hex(&Md5::digest(&bytes));
        let Attributes { headers, metadata } = attributes;
        StoredObject {
            bytes,
            etag,
            headers,
            metadata,
            checksums: BTreeMap::new(),
            modified: SystemTime::now(),
        }
    }

    pub(super) fn attributes(&self) -> Attributes {
        Attributes { headers: self.headers.clone(), metadata: self.metadata.clone() }
    }
}

/// What a request says about the object that it creates.
#[derive(Clone, Debug, Default)]
pub(super) struct Attributes {
    pub(super) headers: BTreeMap<String, String>,
    pub(super) metadata: BTreeMap<String, String>,
}

impl Attributes {
    pub(super) fn of(request: &Request) -> Attributes {
        let mut attributes = Attributes::default();
        for (name, value) in &request.headers {
            if let Some(name) = name.strip_prefix("x-amz-meta-") {
                attributes.metadata.insert(name.to_owned(), value.clone());
            } else if KEPT.contains(&name.as_str()) {
                // `aws-chunked` is how the body travelled, not what the object is.
                let codings = value.split(',').map(str::trim).filter(|coding| *coding != "aws-chunked");
                let value = if name == "content-encoding" {
                    codings.collect::<Vec<_>>().join(",")
                } else {
                    value.clone()
                };
                if !value.is_empty() {
                    attributes.headers.insert(name.clone(), value);
                }
            }
        }
        attributes
    }
}

pub(super) type Bucket = BTreeMap<String, StoredObject>;

/// A multipart upload under way.
#[derive(Clone, Debug)]
pub(super) struct Upload {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) attributes: Attributes,
    pub(super) parts: BTreeMap<u32, StoredObject>,
    pub(super) begun: SystemTime,
}

/// All buckets and uploads.
#[derive(Debug, Default)]
pub(super) struct Store {
    pub(super) buckets: BTreeMap<String, Bucket>,
    /// The bodies of the buckets' own lifecycle rules.
    pub(super) lifecycles: BTreeMap<String, Vec<u8>>,
    /// By id, which counts up.
    pub(super) uploads: BTreeMap<String, Upload>,
    pub(super) minimum_part: usize,
    pub(super) issued: u64,
}

impl Store {
    pub(super) fn bucket(&mut self, name: &str) -> Result<&mut Bucket, Refusal> {
        self.buckets.get_mut(name).ok_or_else(|| Refusal::new(404, "NoSuchBucket"))
    }

    pub(super) fn object(&mut self, bucket: &str, key: &str) -> Result<&mut StoredObject, Refusal> {
        self.bucket(bucket)?.get_mut(key).ok_or_else(|| Refusal::new(404, "NoSuchKey"))
    }

    pub(super) fn begin(&mut self, upload: Upload) -> String {
        self.issued += 1;
        let id = format!("upload-{:08}", self.issued);
        self.uploads.insert(id.clone(), upload);
        id
    }

    pub(super) fn upload(&mut self, request: &Request) -> Result<&mut Upload, Refusal> {
        let id = request.parameter("uploadId").unwrap_or_default();
        let upload = self.uploads.get_mut(id);
        let upload = upload.filter(|upload| upload.bucket == request.bucket && upload.key == request.key);
        upload.ok_or_else(|| Refusal::new(404, "NoSuchUpload"))
    }
}
