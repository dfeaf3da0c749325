//! Conditional reads and writes.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use holdall_oracle::{Bench, payload, read};
use holdall_s3::{ErrorKind, GetOptions, PutOptions, ReadConditions, WriteCondition};

use crate::sdk;

fn on(condition: WriteCondition) -> PutOptions {
    PutOptions { condition, ..PutOptions::default() }
}

pub(crate) async fn create_only_is_refused_alike(bench: Bench) {
    let sdk = sdk::client(&bench);
    bench.holdall.put("ours", payload("first"), &on(WriteCondition::Absent)).await.unwrap();
    let create = |key: &str| {
        let body = ByteStream::from_static(b"second");
        sdk.put_object().bucket(&bench.bucket).key(key).if_none_match("*").body(body).send()
    };
    let theirs = create("ours").await.unwrap_err();
    assert_eq!(theirs.as_service_error().unwrap().code(), Some("PreconditionFailed"));
    create("theirs").await.unwrap();
    for key in ["ours", "theirs"] {
        let refused =
            bench.holdall.put(key, payload("third"), &on(WriteCondition::Absent)).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Precondition);
        assert_eq!(refused.code(), Some("PreconditionFailed"));
    }
    assert_eq!(read(&bench.holdall, "ours", &GetOptions::default()).await, b"first");
    assert_eq!(read(&bench.holdall, "theirs", &GetOptions::default()).await, b"second");
}

pub(crate) async fn a_write_on_an_etag_is_refused_alike(bench: Bench) {
    let sdk = sdk::client(&bench);
    let first = bench.holdall.put("key", payload("first"), &PutOptions::default()).await.unwrap().etag;
    let matches = |etag: &str| on(WriteCondition::Matches(etag.to_owned()));
    let second = bench.holdall.put("key", payload("second"), &matches(&first)).await.unwrap().etag;
    let refused = bench.holdall.put("key", payload("third"), &matches(&first)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Precondition);
    let put = |etag: &str| {
        let body = ByteStream::from_static(b"fourth");
        sdk.put_object().bucket(&bench.bucket).key("key").if_match(etag).body(body).send()
    };
    let theirs = put(&first).await.unwrap_err();
    assert_eq!(theirs.as_service_error().unwrap().code(), refused.code());
    put(&second).await.unwrap();
}

pub(crate) async fn reads_are_refused_alike(bench: Bench) {
    let sdk = sdk::client(&bench);
    let etag = bench.holdall.put("key", payload("text"), &PutOptions::default()).await.unwrap().etag;
    let modified = bench.holdall.head("key", &GetOptions::default()).await.unwrap().last_modified.unwrap();
    let hour = std::time::Duration::from_secs(3600);
    let other = Some("\"00000000000000000000000000000000\"".to_owned());
    let none = ReadConditions::default;
    let table = [
        (200, ReadConditions { if_match: Some(etag.clone()), ..none() }),
        (412, ReadConditions { if_match: other.clone(), ..none() }),
        (304, ReadConditions { if_none_match: Some(etag), ..none() }),
        (200, ReadConditions { if_none_match: other, ..none() }),
        (304, ReadConditions { if_modified_since: Some(modified), ..none() }),
        (200, ReadConditions { if_modified_since: Some(modified - hour), ..none() }),
        (412, ReadConditions { if_unmodified_since: Some(modified - hour), ..none() }),
        (200, ReadConditions { if_unmodified_since: Some(modified), ..none() }),
    ];
    for (status, conditions) in table {
        let get = sdk.get_object().bucket(&bench.bucket).key("key");
        let theirs = get
            .set_if_match(conditions.if_match.clone())
            .set_if_none_match(conditions.if_none_match.clone())
            .set_if_modified_since(conditions.if_modified_since.map(Into::into))
            .set_if_unmodified_since(conditions.if_unmodified_since.map(Into::into))
            .send()
            .await;
        let said = theirs.err().map_or(200, |e| e.raw_response().unwrap().status().as_u16());
        assert_eq!(said, status, "the SDK, {conditions:?}");
        let options = GetOptions { conditions: conditions.clone(), ..GetOptions::default() };
        match bench.holdall.get("key", &options).await {
            Ok(got) => {
                assert_eq!(status, 200, "{conditions:?}");
                assert_eq!(&got.body.collect().await.unwrap()[..], b"text");
            }
            Err(error) => {
                assert_eq!((error.kind(), error.status()), (ErrorKind::Precondition, Some(status)));
            }
        }
    }
}
