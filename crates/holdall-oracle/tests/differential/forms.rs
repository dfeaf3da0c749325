//! Forms that a browser sends, sent by `curl --form`.

use std::time::Duration;

use holdall_oracle::{Bench, read};
use holdall_s3::{ErrorKind, GetOptions, PostForm, PostPolicy};

use crate::curl::{Answer, curl_with};

const HOUR: Duration = Duration::from_secs(3600);

/// Posts the fields of a form and then the file, as a browser does.
async fn post(form: &PostForm, file_name: &str, bytes: &[u8]) -> Answer {
    let fields: Vec<String> = form.fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let file = format!("file=@file;filename={file_name}");
    let mut arguments: Vec<&str> = fields.iter().flat_map(|field| ["--form-string", field]).collect();
    arguments.extend(["--form", &file, &form.url]);
    curl_with(&arguments, bytes).await
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

pub(crate) async fn curl_posts_a_form(bench: Bench) {
    let key = "a key/+%#? caf\u{e9}";
    let mut policy = PostPolicy::new(key, HOUR);
    policy.content_length = Some((1, 10));
    policy.fields = vec![pair("Content-Type", "text/plain"), pair("x-amz-meta-name", "a, b=c")];
    policy.fields.push(pair("success_action_status", "201"));
    let form = bench.holdall.presign_post(&policy).await.unwrap();
    let done = post(&form, "other.txt", b"text").await;
    assert_eq!(done.status, 201, "{}", done.text());
    assert_eq!(read(&bench.holdall, key, &GetOptions::default()).await, b"text");
    let head = bench.holdall.head(key, &GetOptions::default()).await.unwrap();
    assert_eq!(head.attributes.content_type.as_deref(), Some("text/plain"));
    assert_eq!(head.attributes.metadata["name"], "a, b=c");
}

pub(crate) async fn a_form_keeps_the_browsers_file_name(bench: Bench) {
    let mut policy = PostPolicy::new("inbox/${filename}", HOUR);
    policy.starts_with = vec![pair("Content-Type", "image/")];
    let mut form = bench.holdall.presign_post(&policy).await.unwrap();
    form.fields.push(pair("Content-Type", "image/png"));
    let done = post(&form, "photo.png", b"pixels").await;
    assert_eq!(done.status, 204, "{}", done.text());
    assert_eq!(read(&bench.holdall, "inbox/photo.png", &GetOptions::default()).await, b"pixels");
}

pub(crate) async fn a_file_of_the_wrong_size_is_refused(bench: Bench) {
    let mut policy = PostPolicy::new("key", HOUR);
    policy.content_length = Some((2, 5));
    let form = bench.holdall.presign_post(&policy).await.unwrap();
    for bytes in [&b"x"[..], b"sixsix"] {
        let refused = post(&form, "file", bytes).await;
        assert!((400..500).contains(&refused.status), "{} {}", refused.status, refused.text());
    }
    let absent = bench.holdall.head("key", &GetOptions::default()).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    for bytes in [&b"xx"[..], b"fives"] {
        assert_eq!(post(&form, "file", bytes).await.status, 204);
    }
}

pub(crate) async fn a_field_that_was_changed_is_refused(bench: Bench) {
    let mut policy = PostPolicy::new("key", HOUR);
    policy.fields = vec![pair("acl", "private")];
    let form = bench.holdall.presign_post(&policy).await.unwrap();
    for (name, value) in [("key", "other"), ("acl", "public-read"), ("x-amz-signature", "00")] {
        let mut changed = form.clone();
        changed.fields.iter_mut().find(|(field, _)| field == name).unwrap().1 = value.to_owned();
        assert_eq!(post(&changed, "file", b"x").await.status, 403, "{name}");
    }
    let mut added = form.clone();
    added.fields.push(pair("x-amz-meta-more", "than the policy says"));
    assert_eq!(post(&added, "file", b"x").await.status, 403);
    assert_eq!(post(&form, "file", b"x").await.status, 204);
}
