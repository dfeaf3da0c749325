//! Encryption by the server.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use holdall_oracle::{Bench, payload, read};
use holdall_s3::{CompletedPart, Encryption, ErrorKind, GetOptions, PutOptions, WriteCondition};

use crate::sdk;

fn options(encryption: Encryption) -> PutOptions {
    PutOptions { encryption: Some(encryption), ..PutOptions::default() }
}

pub(crate) async fn kms_goes_both_ways(bench: Bench) {
    let sdk = sdk::client(&bench);
    let key = bench.server.kms_key.clone().expect("the server is named with a KMS key");
    let wanted = options(Encryption::Kms(Some(key.clone())));
    bench.holdall.put("ours", payload("secret"), &wanted).await.unwrap();
    let got = sdk::get(&sdk, &bench, "ours").await;
    assert_eq!(got.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    assert_eq!(got.ssekms_key_id(), Some(key.as_str()));
    assert_eq!(sdk::bytes(got).await, b"secret");

    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").body(ByteStream::from_static(b"secret"));
    let put = put.server_side_encryption(ServerSideEncryption::AwsKms).ssekms_key_id(key);
    put.send().await.unwrap();
    let head = bench.holdall.head("theirs", &GetOptions::default()).await.unwrap();
    assert_eq!(head.encryption.as_deref(), Some("aws:kms"));
    assert_eq!(read(&bench.holdall, "theirs", &GetOptions::default()).await, b"secret");
}

pub(crate) async fn a_customers_key_goes_both_ways(bench: Bench) {
    const KEY: [u8; 32] = [7; 32];
    const KEY_BASE64: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    const KEY_MD5: &str = "y4HAEFCYWuvAXWFTtA1Qpg==";
    let sdk = sdk::client(&bench);
    let customer = Encryption::customer(KEY);
    bench.holdall.put("whole", payload("secret"), &options(customer.clone())).await.unwrap();
    let upload = bench.holdall.create_upload("parts", &options(customer.clone())).await.unwrap();
    let part = bench.holdall.upload_part(&upload, 1, payload("secret")).await.unwrap();
    let parts = [CompletedPart { number: 1, etag: part.etag, checksum: None }];
    bench.holdall.complete_upload(&upload, &parts, &WriteCondition::Always).await.unwrap();
    for ours in ["whole", "parts"] {
        let get = sdk.get_object().bucket(&bench.bucket).key(ours).sse_customer_algorithm("AES256");
        let got = get.sse_customer_key(KEY_BASE64).sse_customer_key_md5(KEY_MD5).send().await.unwrap();
        assert_eq!(sdk::bytes(got).await, b"secret", "{ours}");
        sdk.get_object().bucket(&bench.bucket).key(ours).send().await.unwrap_err();
    }

    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").body(ByteStream::from_static(b"secret"));
    let put = put.sse_customer_algorithm("AES256").sse_customer_key(KEY_BASE64).sse_customer_key_md5(KEY_MD5);
    put.send().await.unwrap();
    let with_key = GetOptions { encryption: Some(customer), ..GetOptions::default() };
    assert_eq!(read(&bench.holdall, "theirs", &with_key).await, b"secret");
    let refused = bench.holdall.head("theirs", &GetOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
}

/// Ceph 16 takes `AES256` and ignores it: the SDK is content, holdall is not.
pub(crate) async fn encryption_that_is_not_confirmed_is_refused(bench: Bench) {
    let put = sdk::client(&bench).put_object().bucket(&bench.bucket).key("theirs");
    let put = put.server_side_encryption(ServerSideEncryption::Aes256).body(ByteStream::from_static(b"x"));
    assert_eq!(put.send().await.unwrap().server_side_encryption(), None);
    let refused = bench.holdall.put("ours", payload("x"), &options(Encryption::S3)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

pub(crate) async fn the_storages_own_keys_go_both_ways(bench: Bench) {
    let sdk = sdk::client(&bench);
    bench.holdall.put("ours", payload("x"), &options(Encryption::S3)).await.unwrap();
    let got = sdk::get(&sdk, &bench, "ours").await;
    assert_eq!(got.server_side_encryption(), Some(&ServerSideEncryption::Aes256));
    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").body(ByteStream::from_static(b"x"));
    put.server_side_encryption(ServerSideEncryption::Aes256).send().await.unwrap();
    let head = bench.holdall.head("theirs", &GetOptions::default()).await.unwrap();
    assert_eq!(head.encryption.as_deref(), Some("AES256"));
}
