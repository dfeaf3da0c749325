//! URLs that whoever has them may use.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::presigning::PresigningConfig;
use holdall_oracle::{Bench, payload, read};
use holdall_s3::{GetOptions, PresignOptions, PutOptions, Seams};
use http::Method;

use crate::curl::{curl, curl_with};
use crate::{keys, sdk};

const HOUR: Duration = Duration::from_secs(3600);

async fn url(bench: &Bench, method: Method, key: &str) -> String {
    bench.holdall.presign(&method, key, &PresignOptions::new(HOUR)).await.unwrap()
}

pub(crate) async fn curl_gets_puts_heads_and_deletes_odd_keys(bench: Bench) {
    for key in keys::all() {
        let put = url(&bench, Method::PUT, &key).await;
        let done = curl_with(&["--request", "PUT", "--data-binary", "@file", &put], key.as_bytes()).await;
        assert_eq!(done.status, 200, "{key:?} {}", done.text());
        assert_eq!(read(&bench.holdall, &key, &GetOptions::default()).await, key.as_bytes());
        let got = curl(&[&url(&bench, Method::GET, &key).await]).await;
        assert_eq!((got.status, got.body.as_slice()), (200, key.as_bytes()), "{key:?}");
        let head = curl(&["--head", &url(&bench, Method::HEAD, &key).await]).await;
        assert_eq!(head.status, 200, "{key:?}");
        assert!(head.headers.contains(&format!("content-length: {}\r\n", key.len())), "{}", head.headers);
        let gone = curl(&["--request", "DELETE", &url(&bench, Method::DELETE, &key).await]).await;
        assert_eq!(gone.status, 204, "{key:?} {}", gone.text());
        assert_eq!(curl(&[&url(&bench, Method::GET, &key).await]).await.status, 404, "{key:?}");
    }
}

pub(crate) async fn curl_must_send_the_signed_headers(bench: Bench) {
    let headers = [
        ("content-type", "text/plain; charset=utf-8"),
        ("x-amz-acl", "public-read"),
        ("x-amz-meta-name", "two  blanks"),
        ("x-amz-meta-name-more", "a=b, c"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = PresignOptions { headers: headers.to_vec(), ..PresignOptions::new(HOUR) };
    let url = bench.holdall.presign(&Method::PUT, "key", &options).await.unwrap();
    let lines = headers.map(|(name, value)| format!("{name}: {value}"));
    let mut arguments = vec!["--request", "PUT", "--data-binary", "@file"];
    for line in &lines {
        arguments.extend(["--header", line]);
    }
    arguments.push(&url);
    let done = curl_with(&arguments, b"text").await;
    assert_eq!(done.status, 200, "{}", done.text());
    let head = bench.holdall.head("key", &GetOptions::default()).await.unwrap();
    assert_eq!(head.attributes.content_type.as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(head.attributes.metadata["name-more"], "a=b, c");

    let one_less = curl_with(&["--request", "PUT", "--data-binary", "@file", &url], b"other").await;
    assert_eq!(one_less.status, 403, "{}", one_less.text());
    arguments[5] = "content-type: text/html";
    let changed = curl_with(&arguments, b"other").await;
    assert_eq!(changed.status, 403, "{}", changed.text());
    assert_eq!(read(&bench.holdall, "key", &GetOptions::default()).await, b"text");
}

pub(crate) async fn response_fields_are_honoured(bench: Bench) {
    bench.holdall.put("key", payload("text"), &PutOptions::default()).await.unwrap();
    let disposition = "attachment; filename=\"a & b.txt\"";
    let query = [("response-content-disposition", disposition), ("response-content-type", "a/b")];
    let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = PresignOptions { query, ..PresignOptions::new(HOUR) };
    let url = bench.holdall.presign(&Method::GET, "key", &options).await.unwrap();
    let got = curl(&[&url]).await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(got.headers.contains(&format!("content-disposition: {disposition}\r\n")), "{}", got.headers);
    assert!(got.headers.contains("content-type: a/b\r\n"), "{}", got.headers);
}

pub(crate) async fn an_expired_url_is_refused(bench: Bench) {
    bench.holdall.put("key", payload("text"), &PutOptions::default()).await.unwrap();
    let yesterday = || SystemTime::now() - Duration::from_secs(86_400);
    let past = bench.client_with(|config| config.seams = Seams { now: yesterday, ..Seams::default() });
    let dead = past.presign(&Method::GET, "key", &PresignOptions::new(HOUR)).await.unwrap();
    assert_eq!(curl(&[&dead]).await.status, 403);
    let two_days = PresignOptions::new(Duration::from_secs(2 * 86_400));
    let alive = past.presign(&Method::GET, "key", &two_days).await.unwrap();
    assert_eq!(curl(&[&alive]).await.status, 200);
}

pub(crate) async fn a_changed_url_is_refused(bench: Bench) {
    bench.holdall.put("key", payload("text"), &PutOptions::default()).await.unwrap();
    bench.holdall.put("kez", payload("text"), &PutOptions::default()).await.unwrap();
    let url = url(&bench, Method::GET, "key").await;
    assert_eq!(curl(&[&url]).await.status, 200);
    let table =
        [url.replace("/key?", "/kez?"), url.replace("Expires=3600", "Expires=3601"), url.clone() + "&a=b"];
    for changed in table {
        assert_eq!(curl(&[&changed]).await.status, 403, "{changed}");
    }
    assert_eq!(curl_with(&["--request", "PUT", "--data-binary", "@file", &url], b"other").await.status, 403);
}

pub(crate) async fn a_url_of_the_sdk_is_accepted_too(bench: Bench) {
    bench.holdall.put("a key/+", payload("text"), &PutOptions::default()).await.unwrap();
    let config = PresigningConfig::expires_in(HOUR).unwrap();
    let get = sdk::client(&bench).get_object().bucket(&bench.bucket).key("a key/+").presigned(config);
    let got = curl(&[get.await.unwrap().uri()]).await;
    assert_eq!((got.status, got.body.as_slice()), (200, &b"text"[..]));
}

/// The SDK writes its query in another order, and names the operation in it; all else is the same, byte for byte.
pub(crate) async fn the_sdk_signs_the_same_url(bench: Bench) {
    let noon = || SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let holdall = bench.client_with(|config| config.seams = Seams { now: noon, ..Seams::default() });
    let sdk = sdk::client(&bench);
    for key in keys::all() {
        let config = PresigningConfig::builder().start_time(noon()).expires_in(HOUR).build().unwrap();
        let get = sdk.get_object().bucket(&bench.bucket).key(&key).version_id("v 1").presigned(config);
        let theirs = get.await.unwrap().uri().to_owned();
        let query = [("x-id", "GetObject"), ("versionId", "v 1")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let options = PresignOptions { query, ..PresignOptions::new(HOUR) };
        let ours = holdall.presign(&Method::GET, &key, &options).await.unwrap();
        assert_eq!(parts(&ours), parts(&theirs), "{key:?}");
    }
}

/// What comes before the query, and the query's fields as they are written.
fn parts(url: &str) -> (&str, BTreeSet<&str>) {
    let (base, query) = url.split_once('?').unwrap();
    (base, query.split('&').collect())
}
