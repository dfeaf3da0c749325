//! What each operation is answered.

use std::io::Write as _;

use super::listing;
use super::memory::Memory;
use super::operation::{Operation, Range, Target};
use super::pattern;
use crate::encode::xml_escape as escape;

/// A stretch of the pattern that follows the head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    pub(super) offset: u64,
    pub(super) left: u64,
}

const NO_CONTENT: &str = "204 No Content";
const MODIFIED: &str = "Last-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n";

/// Carries out an operation whose body was read, and writes the answer behind `out`.
///
/// A body too long to be copied comes back as a tail.
pub(super) fn reply(
    operation: Operation,
    size: u64,
    body: Vec<u8>,
    memory: &Memory,
    out: &mut Vec<u8>,
) -> Option<Tail> {
    match operation {
        Operation::Put(target) => {
            tagged(out, &listing::etag(&target.key, size));
            memory.put(target, size, &body);
        }
        Operation::PutPart { upload, number, copied } => {
            memory.put_part(&upload, number, size, body);
            let etag = format!("{number:016x}{size:016x}-1");
            if copied { xml(out, &copy_result("CopyPartResult", &etag)) } else { tagged(out, &etag) }
        }
        Operation::Copy(target, source) => {
            let size = memory.size(&source).unwrap_or(0);
            xml(out, &copy_result("CopyObjectResult", &listing::etag(&target.key, size)));
            memory.put(target, size, memory.bytes(&source).as_deref().unwrap_or_default());
        }
        Operation::Get(target, range) => return get(&target, range, memory, out),
        Operation::Head(target) => match memory.size(&target) {
            Some(size) => object_head(out, "200 OK", size, &listing::etag(&target.key, size), ""),
            None => empty(out, "404 Not Found"),
        },
        Operation::Delete(target) => {
            memory.delete(&target.bucket, std::iter::once(target.key.as_str()));
            empty(out, NO_CONTENT);
        }
        Operation::Initiate(target) => xml(out, &initiated(&target, &memory.new_upload())),
        Operation::Complete(target, upload) => {
            let (size, bytes) = memory.finish(&upload);
            xml(out, &completed(&target, &listing::etag(&target.key, size)));
            memory.put(target, size, &bytes);
        }
        Operation::Abort(upload) => {
            memory.finish(&upload);
            empty(out, NO_CONTENT);
        }
        Operation::DeleteMany(bucket) => delete_many(&bucket, &body, memory, out),
        Operation::List(query) => {
            let page = memory.with_bucket(&query.bucket, |bucket| match bucket {
                Some(bucket) => listing::remembered_page(&query, bucket),
                None => listing::synthetic_page(&query, memory.options.keys, memory.options.size),
            });
            respond(out, "200 OK", "Content-Type: application/xml\r\n", &page);
        }
        Operation::HeadBucket => empty(out, "200 OK"),
        Operation::CreateBucket(bucket) => {
            memory.create_bucket(bucket);
            empty(out, "200 OK");
        }
        Operation::DeleteBucket(bucket) => {
            memory.delete_bucket(&bucket);
            empty(out, NO_CONTENT);
        }
        Operation::Location => {
            xml(out, "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>")
        }
        Operation::Versioning => {
            xml(out, "<VersioningConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>");
        }
        Operation::Unknown => refuse(out, "501 Not Implemented", "NotImplemented"),
    }
    None
}

fn get(target: &Target, range: Option<Range>, memory: &Memory, out: &mut Vec<u8>) -> Option<Tail> {
    let Some(size) = memory.size(target) else {
        refuse(out, "404 Not Found", "NoSuchKey");
        return None;
    };
    let etag = listing::etag(&target.key, size);
    let (offset, len) = match range {
        None => (0, size),
        Some(range) => match resolve(range, size) {
            Some(part) => part,
            None => {
                refuse(out, "416 Range Not Satisfiable", "InvalidRange");
                return None;
            }
        },
    };
    if range.is_some() {
        let extra = format!("Content-Range: bytes {offset}-{}/{size}\r\n", offset + len - 1);
        object_head(out, "206 Partial Content", len, &etag, &extra);
    } else {
        object_head(out, "200 OK", len, &etag, "");
    }
    if let Some(kept) = memory.bytes(target)
        && let Some(bytes) = kept.get(offset as usize..(offset + len) as usize)
    {
        out.extend_from_slice(bytes);
        return None;
    }
    if len <= pattern::SLICE as u64 {
        out.extend_from_slice(pattern::slice(offset, len as usize));
        return None;
    }
    Some(Tail { offset, left: len })
}

/// First byte and length of a range, `None` when it lies outside.
fn resolve(range: Range, size: u64) -> Option<(u64, u64)> {
    let (first, last) = match range {
        Range::From(first, last) => (first, last.min(size.checked_sub(1)?)),
        Range::Last(count) => (size.saturating_sub(count), size.checked_sub(1)?),
    };
    (first <= last).then(|| (first, last - first + 1))
}

/// Finds every `<Key>` by eye: the sink parses no XML.
fn delete_many(bucket: &str, body: &[u8], memory: &Memory, out: &mut Vec<u8>) {
    let text = String::from_utf8_lossy(body);
    let quiet = text.contains("<Quiet>true</Quiet>");
    let keys: Vec<&str> = text
        .split("<Key>")
        .skip(1)
        .filter_map(|rest| rest.split_once("</Key>"))
        .map(|(key, _)| key)
        .collect();
    if memory.options.remember {
        let plain: Vec<String> = keys.iter().map(|key| unescape(key)).collect();
        memory.delete(bucket, plain.iter().map(String::as_str));
    }
    let mut answer = String::from("<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    if !quiet {
        for key in keys {
            answer.push_str("<Deleted><Key>");
            answer.push_str(key);
            answer.push_str("</Key></Deleted>");
        }
    }
    answer.push_str("</DeleteResult>");
    xml(out, &answer);
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'");
    plain.replace("&#39;", "'").replace("&#34;", "\"").replace("&amp;", "&")
}

fn initiated(target: &Target, upload: &str) -> String {
    format!(
        "<InitiateMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>{}</Bucket>\
         <Key>{}</Key><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>",
        escape(&target.bucket),
        escape(&target.key)
    )
}

fn completed(target: &Target, etag: &str) -> String {
    format!(
        "<CompleteMultipartUploadResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Bucket>{}</Bucket>\
         <Key>{}</Key><ETag>&quot;{etag}&quot;</ETag></CompleteMultipartUploadResult>",
        escape(&target.bucket),
        escape(&target.key)
    )
}

fn copy_result(element: &str, etag: &str) -> String {
    format!(
        "<{element} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LastModified>2026-01-01T00:00:00.000Z\
         </LastModified><ETag>&quot;{etag}&quot;</ETag></{element}>"
    )
}

fn object_head(out: &mut Vec<u8>, status: &str, len: u64, etag: &str, extra: &str) {
    write(
        out,
        format_args!(
            "HTTP/1.1 {status}\r\nContent-Length: {len}\r\nETag: \"{etag}\"\r\n{MODIFIED}Accept-Ranges: bytes\r\n\
             Content-Type: application/octet-stream\r\n{extra}\r\n"
        ),
    );
}

fn tagged(out: &mut Vec<u8>, etag: &str) {
    write(out, format_args!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: \"{etag}\"\r\n\r\n"));
}

fn empty(out: &mut Vec<u8>, status: &str) {
    let length = if status == NO_CONTENT { "" } else { "Content-Length: 0\r\n" };
    write(out, format_args!("HTTP/1.1 {status}\r\n{length}\r\n"));
}

fn xml(out: &mut Vec<u8>, body: &str) {
    respond(out, "200 OK", "Content-Type: application/xml\r\n", body.as_bytes());
}

/// Answers an error in S3's form.
pub(super) fn refuse(out: &mut Vec<u8>, status: &str, code: &str) {
    let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
    respond(out, status, "Content-Type: application/xml\r\n", body.as_bytes());
}

fn respond(out: &mut Vec<u8>, status: &str, headers: &str, body: &[u8]) {
    write(out, format_args!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len()));
    out.extend_from_slice(body);
}

fn write(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a vector takes any bytes");
}
