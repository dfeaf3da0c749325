//! Which operation of S3 a request is.

use percent_encoding::percent_decode_str;

use super::request::Headers;

/// A bucket and a key, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) bucket: String,
    pub(super) key: String,
}

/// One operation with all that its answer depends on, its body apart.
#[derive(Debug, PartialEq)]
pub(super) enum Operation {
    Put(Target),
    Copy(Target, Target),
    PutPart { upload: String, number: u32, copied: bool },
    Get(Target, Option<Range>),
    Head(Target),
    Delete(Target),
    Initiate(Target),
    Complete(Target, String),
    Abort(String),
    DeleteMany(String),
    List(ListQuery),
    HeadBucket,
    CreateBucket(String),
    DeleteBucket(String),
    Location,
    Versioning,
    Unknown,
}

/// A byte range as asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Range {
    From(u64, u64),
    Last(u64),
}

/// The parameters of a listing, V1 and V2.
#[derive(Debug, Default, PartialEq)]
pub(super) struct ListQuery {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) delimiter: String,
    /// Continuation token, start-after or marker: in the sink a token is the last key.
    pub(super) after: String,
    pub(super) max_keys: usize,
    pub(super) url_encoded: bool,
    pub(super) v2: bool,
}

impl Operation {
    pub(super) fn of(method: &str, target: &str, headers: &Headers<'_>) -> Operation {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let path = path.trim_start_matches('/');
        let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let bucket = decode(bucket);
        if key.is_empty() {
            return Operation::on_bucket(method, bucket, query);
        }
        let target = Target { bucket, key: decode(key) };
        let upload = parameter(query, "uploadId");
        match (method, upload) {
            ("PUT", Some(upload)) => {
                let number = parameter(query, "partNumber").and_then(|n| n.parse().ok()).unwrap_or(0);
                Operation::PutPart { upload, number, copied: headers.copy_source.is_some() }
            }
            ("PUT", None) => match headers.copy_source {
                Some(source) => Operation::Copy(target, copy_source(source)),
                None => Operation::Put(target),
            },
            ("GET", None) => Operation::Get(target, headers.range.and_then(range)),
            ("HEAD", _) => Operation::Head(target),
            ("DELETE", Some(upload)) => Operation::Abort(upload),
            ("DELETE", None) => Operation::Delete(target),
            ("POST", Some(upload)) => Operation::Complete(target, upload),
            ("POST", None) if parameter(query, "uploads").is_some() => Operation::Initiate(target),
            _ => Operation::Unknown,
        }
    }

    fn on_bucket(method: &str, bucket: String, query: &str) -> Operation {
        match method {
            "HEAD" => Operation::HeadBucket,
            "PUT" => Operation::CreateBucket(bucket),
            "DELETE" => Operation::DeleteBucket(bucket),
            "POST" if parameter(query, "delete").is_some() => Operation::DeleteMany(bucket),
            "GET" if parameter(query, "location").is_some() => Operation::Location,
            "GET" if parameter(query, "versioning").is_some() => Operation::Versioning,
            "GET" if !bucket.is_empty() => Operation::List(list_query(bucket, query)),
            _ => Operation::Unknown,
        }
    }
}

fn list_query(bucket: String, query: &str) -> ListQuery {
    let mut list = ListQuery { bucket, max_keys: 1000, ..ListQuery::default() };
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "list-type" => list.v2 = value == "2",
            "prefix" => list.prefix = decode_query(value),
            "delimiter" => list.delimiter = decode_query(value),
            // A token is always further on than the start-after that is sent along with it.
            "continuation-token" | "start-after" | "marker" => {
                list.after = list.after.max(decode_query(value))
            }
            "max-keys" => list.max_keys = value.parse().map_or(1000, |n: usize| n.min(1000)),
            "encoding-type" => list.url_encoded = value == "url",
            _ => {}
        }
    }
    list
}

fn parameter(query: &str, name: &str) -> Option<String> {
    query.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key == name).then(|| decode_query(value))
    })
}

fn copy_source(source: &str) -> Target {
    let source = source.split('?').next().unwrap_or(source).trim_start_matches('/');
    let (bucket, key) = source.split_once('/').unwrap_or((source, ""));
    Target { bucket: decode(bucket), key: decode(key) }
}

fn range(text: &str) -> Option<Range> {
    let (first, last) = text.strip_prefix("bytes=")?.split_once('-')?;
    match (first.is_empty(), last.is_empty()) {
        (true, false) => Some(Range::Last(last.parse().ok()?)),
        (false, true) => Some(Range::From(first.parse().ok()?, u64::MAX)),
        (false, false) => Some(Range::From(first.parse().ok()?, last.parse().ok()?)),
        (true, true) => None,
    }
}

fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn decode_query(text: &str) -> String {
    if text.contains('+') { decode(&text.replace('+', " ")) } else { decode(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: &str, target: &str) -> Operation {
        Operation::of(method, target, &Headers::default())
    }

    fn target(bucket: &str, key: &str) -> Target {
        Target { bucket: bucket.into(), key: key.into() }
    }

    #[test]
    fn paths_are_decoded_and_slashes_kept() {
        assert_eq!(of("PUT", "/b/a%20b//c%2Fd"), Operation::Put(target("b", "a b//c/d")));
        assert_eq!(of("HEAD", "/b/"), Operation::HeadBucket);
        assert_eq!(of("GET", "/b?location"), Operation::Location);
    }

    #[test]
    fn multipart_requests_are_told_apart() {
        assert_eq!(of("POST", "/b/k?uploads"), Operation::Initiate(target("b", "k")));
        assert_eq!(of("POST", "/b/k?uploadId=7"), Operation::Complete(target("b", "k"), "7".into()));
        let part = Operation::PutPart { upload: "7".into(), number: 3, copied: false };
        assert_eq!(of("PUT", "/b/k?partNumber=3&uploadId=7"), part);
        assert_eq!(of("DELETE", "/b/k?uploadId=7"), Operation::Abort("7".into()));
    }

    #[test]
    fn ranges_in_their_three_forms() {
        assert_eq!(range("bytes=0-9"), Some(Range::From(0, 9)));
        assert_eq!(range("bytes=5-"), Some(Range::From(5, u64::MAX)));
        assert_eq!(range("bytes=-3"), Some(Range::Last(3)));
        assert_eq!(range("bytes=1-2,5-6"), None);
    }

    #[test]
    fn listings_page_by_key_however_it_is_called() {
        let Operation::List(list) =
            of("GET", "/b?list-type=2&prefix=a%2F&continuation-token=a%2Fz&max-keys=5000")
        else {
            panic!("not a listing")
        };
        assert_eq!(
            (list.after.as_str(), list.prefix.as_str(), list.max_keys, list.v2),
            ("a/z", "a/", 1000, true)
        );
    }
}
