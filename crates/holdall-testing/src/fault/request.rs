//! A request, and which operation it is.

use percent_encoding::percent_decode_str;

/// The operation of S3 that a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "S3's own names")]
pub enum Kind {
    ListBuckets,
    CreateBucket,
    HeadBucket,
    DeleteBucket,
    GetBucketLocation,
    GetBucketVersioning,
    GetBucketLifecycle,
    PutBucketLifecycle,
    DeleteBucketLifecycle,
    ListObjects,
    DeleteObjects,
    ListMultipartUploads,
    PutObject,
    CopyObject,
    GetObject,
    HeadObject,
    DeleteObject,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    /// What this server does not know.
    Other,
}

#[allow(non_upper_case_globals, reason = "short forms of the variants")]
impl Kind {
    /// [`Kind::PutObject`]
    pub const Put: Kind = Kind::PutObject;
    /// [`Kind::GetObject`]
    pub const Get: Kind = Kind::GetObject;
    /// [`Kind::ListObjects`]
    pub const List: Kind = Kind::ListObjects;
    /// [`Kind::CompleteMultipartUpload`]
    pub const Complete: Kind = Kind::CompleteMultipartUpload;
}

/// A request as it was read.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) method: String,
    pub(super) raw_path: String,
    pub(super) raw_query: String,
    pub(super) bucket: String,
    pub(super) key: String,
    /// Decoded pairs.
    pub(super) query: Vec<(String, String)>,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    /// The payload, freed of transfer and aws-chunked encoding.
    pub(super) body: Vec<u8>,
}

impl Request {
    pub(super) fn of(method: &str, target: &str, headers: Vec<(String, String)>) -> Request {
        let (path, raw_query) = target.split_once('?').unwrap_or((target, ""));
        let plain = path.strip_prefix('/').unwrap_or(path);
        let (bucket, key) = plain.split_once('/').unwrap_or((plain, ""));
        let pairs = raw_query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut request = Request {
            kind: Kind::Other,
            method: method.to_owned(),
            raw_path: path.to_owned(),
            raw_query: raw_query.to_owned(),
            bucket: decode(bucket),
            key: decode(key),
            query: query.map(|(name, value)| (decode_query(name), decode_query(value))).collect(),
            headers,
            body: Vec::new(),
        };
        request.kind = request.classify();
        request
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn classify(&self) -> Kind {
        let has = |name| self.parameter(name).is_some();
        let copies = self.header("x-amz-copy-source").is_some();
        let method = self.method.as_str();
        match (self.bucket.is_empty(), self.key.is_empty()) {
            (true, _) if method == "GET" => Kind::ListBuckets,
            (true, _) => Kind::Other,
            (false, true) => match method {
                "PUT" if self.raw_query.is_empty() => Kind::CreateBucket,
                "HEAD" => Kind::HeadBucket,
                "DELETE" if self.raw_query.is_empty() => Kind::DeleteBucket,
                "POST" if has("delete") => Kind::DeleteObjects,
                "GET" if has("location") => Kind::GetBucketLocation,
                "GET" if has("versioning") => Kind::GetBucketVersioning,
                "GET" if has("uploads") => Kind::ListMultipartUploads,
                "GET" if has("lifecycle") => Kind::GetBucketLifecycle,
                "PUT" if has("lifecycle") => Kind::PutBucketLifecycle,
                "DELETE" if has("lifecycle") => Kind::DeleteBucketLifecycle,
                "GET" if !self.asks_for_a_subresource() => Kind::ListObjects,
                _ => Kind::Other,
            },
            (false, false) => match method {
                _ if self.asks_for_a_subresource() => Kind::Other,
                "PUT" if has("uploadId") && copies => Kind::UploadPartCopy,
                "PUT" if has("uploadId") => Kind::UploadPart,
                "PUT" if copies => Kind::CopyObject,
                "PUT" => Kind::PutObject,
                "GET" if has("uploadId") => Kind::ListParts,
                "GET" => Kind::GetObject,
                "HEAD" => Kind::HeadObject,
                "POST" if has("uploads") => Kind::CreateMultipartUpload,
                "POST" if has("uploadId") => Kind::CompleteMultipartUpload,
                "DELETE" if has("uploadId") => Kind::AbortMultipartUpload,
                "DELETE" => Kind::DeleteObject,
                _ => Kind::Other,
            },
        }
    }

    /// A subresource that this server lacks must not be taken for the object or the listing itself.
    fn asks_for_a_subresource(&self) -> bool {
        const LACKING: [&str; 12] = [
            "acl",
            "tagging",
            "versions",
            "policy",
            "lifecycle",
            "encryption",
            "retention",
            "legal-hold",
            "cors",
            "attributes",
            "object-lock",
            "versionId",
        ];
        LACKING.iter().any(|name| self.parameter(name).is_some())
    }
}

pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn decode_query(text: &str) -> String {
    decode(&text.replace('+', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_told_apart() {
        let kind = |method, target| Request::of(method, target, Vec::new()).kind;
        assert_eq!(kind("GET", "/"), Kind::ListBuckets);
        assert_eq!(kind("GET", "/b?list-type=2"), Kind::ListObjects);
        assert_eq!(kind("GET", "/b/?list-type=2"), Kind::ListObjects);
        assert_eq!(kind("GET", "/b?versions"), Kind::Other);
        assert_eq!(kind("DELETE", "/b?lifecycle"), Kind::DeleteBucketLifecycle);
        assert_eq!(kind("PUT", "/b/k?lifecycle"), Kind::Other);
        assert_eq!(kind("PUT", "/b/k?partNumber=1&uploadId=u"), Kind::UploadPart);
        assert_eq!(kind("PUT", "/b/k?x-id=PutObject"), Kind::PutObject);
        assert_eq!(kind("POST", "/b/k?uploadId=u"), Kind::CompleteMultipartUpload);
        let copy = vec![("x-amz-copy-source".to_owned(), "/b/j".to_owned())];
        assert_eq!(Request::of("PUT", "/b/k", copy).kind, Kind::CopyObject);
    }

    #[test]
    fn keys_mean_what_they_say() {
        let key = |target| Request::of("GET", target, Vec::new()).key;
        assert_eq!(key("/b//lead"), "/lead");
        assert_eq!(key("/b/a%2F..%2Fb"), "a/../b");
        assert_eq!(key("/b/a+b%20c"), "a+b c");
    }
}
