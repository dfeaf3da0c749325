//! The examples that AWS publishes for S3: "Signature Calculations for the Authorization Header", "Authenticating
//! Requests: Using Query Parameters" and "Example: Browser-Based Upload using HTTP POST".

use super::*;
use crate::credentials::Credentials;
use crate::date::AmzDate;
use http::{HeaderMap, HeaderValue, Method};
use std::time::{Duration, SystemTime};

const EMPTY: &str = EMPTY_SHA256;

fn credentials() -> Credentials {
    Credentials::new("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
}

fn day(seconds: u64) -> AmzDate {
    AmzDate::new(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

const MAY_24_2013: u64 = 1_369_353_600;

fn signature(
    method: Method,
    path: &str,
    query: &str,
    headers: &[(&'static str, &str)],
    payload: &str,
) -> String {
    let credentials = credentials();
    let date = day(MAY_24_2013);
    let key = Signer::new("s3").key(&credentials, &date, "us-east-1");
    let mut map = HeaderMap::new();
    map.insert("host", HeaderValue::from_static("examplebucket.s3.amazonaws.com"));
    map.insert("x-amz-content-sha256", HeaderValue::from_str(payload).unwrap());
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    sign_headers(&key, &credentials, &date, &method, (path, query), &mut map, payload);
    let text = map["authorization"].to_str().unwrap();
    text.rsplit_once("Signature=").unwrap().1.to_owned()
}

#[test]
fn get_object() {
    let got = signature(Method::GET, "/test.txt", "", &[("range", "bytes=0-9")], EMPTY);
    assert_eq!(got, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

#[test]
fn put_object() {
    let payload = crate::sha256(b"Welcome to Amazon S3.").to_hex();
    // AWS's example signs `date` too, which this client never sends; the canonical form is checked by hand.
    let credentials = credentials();
    let date = day(MAY_24_2013);
    let key = Signer::new("s3").key(&credentials, &date, "us-east-1");
    let canonical = format!(
        "PUT\n/test%24file.text\n\ndate:Fri, 24 May 2013 00:00:00 GMT\nhost:examplebucket.s3.amazonaws.com\n\
         x-amz-content-sha256:{payload}\nx-amz-date:20130524T000000Z\nx-amz-storage-class:REDUCED_REDUNDANCY\n\n\
         date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class\n{payload}"
    );
    let got = key.sign_canonical(&date, &canonical);
    assert_eq!(got, "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
    assert_eq!(crate::encode_key("test$file.text"), "test%24file.text");
}

#[test]
fn get_bucket_lifecycle() {
    let got = signature(Method::GET, "/", "lifecycle=", &[], EMPTY);
    assert_eq!(got, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
}

#[test]
fn list_objects() {
    let got = signature(Method::GET, "/", "max-keys=2&prefix=J", &[], EMPTY);
    assert_eq!(got, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

#[test]
fn presigned_get() {
    let credentials = credentials();
    let date = day(MAY_24_2013);
    let key = Signer::new("s3").key(&credentials, &date, "us-east-1");
    let what = Presign {
        method: "GET",
        origin: "https://examplebucket.s3.amazonaws.com",
        authority: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        fields: &[],
        headers: &[],
        expires: 86_400,
    };
    let url = presign(&key, &credentials, &date, &what);
    assert_eq!(
        url,
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256\
         &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
         &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
         &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    );
}

fn presigned_with(fields: &[(&str, &str)], headers: &[(&str, &str)]) -> String {
    let credentials = credentials();
    let date = day(MAY_24_2013);
    let key = Signer::new("s3").key(&credentials, &date, "us-east-1");
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let what = Presign {
        method: "GET",
        origin: "https://examplebucket.s3.amazonaws.com",
        authority: "examplebucket.s3.amazonaws.com",
        path: "/test.txt",
        fields: &owned(fields),
        headers: &owned(headers),
        expires: 86_400,
    };
    presign(&key, &credentials, &date, &what)
}

#[test]
fn a_query_name_that_begins_with_another_is_signed_after_it() {
    let url = presigned_with(&[("a-b", ""), ("a", "2"), ("a", "1")], &[]);
    let (_, own) = url.split_once("&X-Amz-SignedHeaders=host").unwrap();
    assert!(own.starts_with("&a=1&a=2&a-b=&X-Amz-Signature="), "{own}");
}

#[test]
fn blanks_in_a_presigned_header_are_signed_as_one() {
    let one = presigned_with(&[], &[("x-amz-meta-a", "b c")]);
    let more = presigned_with(&[], &[("x-amz-meta-a", " b   c ")]);
    assert_eq!(one, more);
}

#[test]
fn post_policy() {
    let credentials = credentials();
    // 29 December 2015.
    let date = day(1_451_347_200);
    let key = Signer::new("s3").key(&credentials, &date, "us-east-1");
    let document = concat!(
        "{ \"expiration\": \"2015-12-30T12:00:00.000Z\",\r\n",
        "  \"conditions\": [\r\n",
        "    {\"bucket\": \"sigv4examplebucket\"},\r\n",
        "    [\"starts-with\", \"$key\", \"user/user1/\"],\r\n",
        "    {\"acl\": \"public-read\"},\r\n",
        "    {\"success_action_redirect\": \"http://sigv4examplebucket.s3.amazonaws.com/successful_upload.html\"},\r\n",
        "    [\"starts-with\", \"$Content-Type\", \"image/\"],\r\n",
        "    {\"x-amz-meta-uuid\": \"14365123651274\"},\r\n",
        "    {\"x-amz-server-side-encryption\": \"AES256\"},\r\n",
        "    [\"starts-with\", \"$x-amz-meta-tag\", \"\"],\r\n\r\n",
        "    {\"x-amz-credential\": \"AKIAIOSFODNN7EXAMPLE/20151229/us-east-1/s3/aws4_request\"},\r\n",
        "    {\"x-amz-algorithm\": \"AWS4-HMAC-SHA256\"},\r\n",
        "    {\"x-amz-date\": \"20151229T000000Z\" }\r\n",
        "  ]\r\n}"
    );
    let (policy, signature) = sign_policy(&key, document);
    assert!(policy.starts_with("eyAiZXhwaXJhdGlvbiI6"));
    assert_eq!(signature, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
}

#[test]
fn the_key_changes_with_day_region_and_secret() {
    let signer = Signer::new("s3");
    let (date, next) = (day(MAY_24_2013), day(MAY_24_2013 + 86_400));
    let one = credentials();
    let two = Credentials::new("AKIAIOSFODNN7EXAMPLE", "another");
    let signed = |c: &Credentials, d: &AmzDate, r: &str| signer.key(c, d, r).sign("x");
    let first = signed(&one, &date, "us-east-1");
    assert_eq!(signed(&one, &date, "us-east-1"), first);
    assert_ne!(signed(&one, &next, "us-east-1"), first);
    assert_ne!(signed(&one, &date, "eu-west-1"), first);
    assert_ne!(signed(&two, &date, "us-east-1"), first);
}
