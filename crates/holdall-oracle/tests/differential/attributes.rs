//! Headers, metadata, tags, access, storage class, checksums.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{self as sdk_types, ChecksumMode, ObjectCannedAcl, Permission, StorageClass};
use holdall_oracle::{Bench, payload};
use holdall_s3::{Acl, Attributes, ChecksumAlgorithm, ErrorKind, GetOptions, PayloadIntegrity, PutOptions};

use crate::sdk;

const PLAIN: [(&str, &str); 5] = [
    ("colour", "blue"),
    ("with-dash.and.dot", "a=b; c, d"),
    ("inner-blanks", "a  b   c"),
    ("empty", ""),
    ("quoted", "\"x\" 'y' %20 +"),
];

fn attributes() -> Attributes {
    Attributes {
        content_type: Some("text/plain; charset=utf-8".into()),
        cache_control: Some("max-age=60, no-transform".into()),
        content_disposition: Some("attachment; filename=\"a  b.txt\"".into()),
        content_encoding: Some("gzip".into()),
        content_language: Some("de, en".into()),
        storage_class: None,
        metadata: PLAIN.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

/// What a put by holdall adds of its own.
fn without_nonce(mut metadata: HashMap<String, String>) -> BTreeMap<String, String> {
    assert!(metadata.remove("holdall-put").is_some_and(|nonce| nonce.len() == 32));
    metadata.into_iter().collect()
}

pub(crate) async fn the_sdk_reads_what_holdall_wrote(bench: Bench) {
    let attributes = attributes();
    let options = PutOptions { attributes: attributes.clone(), ..PutOptions::default() };
    let put = bench.holdall.put("key", payload("text"), &options).await.unwrap();
    let got = sdk::get(&sdk::client(&bench), &bench, "key").await;
    assert_eq!(got.e_tag(), Some(put.etag.as_str()));
    assert_eq!(got.content_type(), attributes.content_type.as_deref());
    assert_eq!(got.cache_control(), attributes.cache_control.as_deref());
    assert_eq!(got.content_disposition(), attributes.content_disposition.as_deref());
    assert_eq!(got.content_encoding(), attributes.content_encoding.as_deref());
    assert_eq!(got.content_language(), attributes.content_language.as_deref());
    assert_eq!(without_nonce(got.metadata().unwrap().clone()), attributes.metadata);
    assert_eq!(sdk::bytes(got).await, b"text");
}

pub(crate) async fn holdall_reads_what_the_sdk_wrote(bench: Bench) {
    let wanted = attributes();
    let put = sdk::client(&bench)
        .put_object()
        .bucket(&bench.bucket)
        .key("key")
        .body(ByteStream::from_static(b"text"))
        .set_content_type(wanted.content_type.clone())
        .set_cache_control(wanted.cache_control.clone())
        .set_content_disposition(wanted.content_disposition.clone())
        .set_content_encoding(wanted.content_encoding.clone())
        .set_content_language(wanted.content_language.clone())
        .set_metadata(Some(wanted.metadata.clone().into_iter().collect()))
        .send()
        .await
        .unwrap();
    let head = bench.holdall.head("key", &GetOptions::default()).await.unwrap();
    assert_eq!(head.attributes, wanted);
    assert_eq!((head.size, head.etag.as_deref()), (4, put.e_tag()));
    let seen = sdk::get(&sdk::client(&bench), &bench, "key").await;
    let seconds = head.last_modified.unwrap().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert_eq!(i64::try_from(seconds).unwrap(), seen.last_modified().unwrap().secs());
}

/// The SDK neither writes nor reads encoded words: it shows them as they travel.
pub(crate) async fn metadata_that_is_no_ascii_is_encoded_words_to_the_sdk(bench: Bench) {
    let value = "Gr\u{fc}\u{df}e \u{1f980}\n";
    let word = "=?UTF-8?B?R3LDvMOfZSDwn6aACg==?=";
    let metadata = BTreeMap::from([("greeting".to_owned(), value.to_owned())]);
    let attributes = Attributes { metadata: metadata.clone(), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    bench.holdall.put("ours", payload("x"), &options).await.unwrap();
    let sdk = sdk::client(&bench);
    let got = sdk::get(&sdk, &bench, "ours").await;
    assert_eq!(got.metadata().unwrap()["greeting"], word);

    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").metadata("greeting", word);
    put.body(ByteStream::from_static(b"x")).send().await.unwrap();
    let head = bench.holdall.head("theirs", &GetOptions::default()).await.unwrap();
    assert_eq!(head.attributes.metadata, metadata);
}

pub(crate) async fn tags_go_both_ways(bench: Bench) {
    let tags = [("team", "blue sky"), ("a+b", "c=d/e:f@g"), ("empty", "")];
    let tags = tags.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let options = PutOptions { tags: tags.to_vec(), ..PutOptions::default() };
    bench.holdall.put("key", payload("x"), &options).await.unwrap();
    let got = sdk::client(&bench).get_object_tagging().bucket(&bench.bucket).key("key").send().await.unwrap();
    let seen: BTreeMap<_, _> =
        got.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned())).collect();
    assert_eq!(seen, tags.into());
    let head = bench.holdall.head("key", &GetOptions::default()).await.unwrap();
    let counted = sdk::get(&sdk::client(&bench), &bench, "key").await.tag_count();
    assert_eq!(head.tags.map(|n| i32::try_from(n).unwrap()), counted);
}

pub(crate) async fn tags_are_replaced_and_removed_alike(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let before = holdall.put("key", payload("x"), &PutOptions::default()).await.unwrap();
    for tags in [pairs(&[("a + b:c", "d/e@f=g."), ("e", "")]), pairs(&[("only", "one")]), pairs(&[])] {
        let list: Vec<(String, String)> = tags.clone().into_iter().collect();
        match list.is_empty() {
            true => holdall.delete_object_tags("key").await.unwrap(),
            false => holdall.put_object_tags("key", &list).await.unwrap(),
        }
        let got = sdk.get_object_tagging().bucket(&bench.bucket).key("key").send().await.unwrap();
        let seen = got.tag_set().iter().map(|tag| (tag.key().to_owned(), tag.value().to_owned()));
        assert_eq!(seen.collect::<BTreeMap<_, _>>(), tags);
    }
    let theirs = sdk_types::Tag::builder().key("their s").value("1 = 2").build().unwrap();
    let tagging = sdk_types::Tagging::builder().tag_set(theirs).build().unwrap();
    sdk.put_object_tagging().bucket(&bench.bucket).key("key").tagging(tagging).send().await.unwrap();
    assert_eq!(holdall.object_tags("key").await.unwrap(), [("their s".to_owned(), "1 = 2".to_owned())]);
    assert_eq!(holdall.head("key", &GetOptions::default()).await.unwrap().etag, Some(before.etag));
    let absent = holdall.put_object_tags("absent", &[("a".to_owned(), "b".to_owned())]).await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
}

pub(crate) async fn an_acl_goes_both_ways(bench: Bench) {
    let sdk = sdk::client(&bench);
    let options = PutOptions { acl: Some(Acl::PublicRead), ..PutOptions::default() };
    bench.holdall.put("public", payload("x"), &options).await.unwrap();
    let acl = sdk.get_object_acl().bucket(&bench.bucket).key("public").send().await.unwrap();
    let everybody = |uri: &str| uri.ends_with("/AllUsers");
    assert!(acl.grants().iter().any(|grant| {
        grant.permission() == Some(&Permission::Read)
            && grant.grantee().and_then(|g| g.uri()).is_some_and(everybody)
    }));
    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").acl(ObjectCannedAcl::PublicRead);
    put.body(ByteStream::from_static(b"x")).send().await.unwrap();
    sdk::put(&sdk, &bench, "private", "x").await;
    let nobody = bench.client_with(|config| config.credentials = holdall_s3::CredentialsSource::Anonymous);
    for public in ["public", "theirs"] {
        nobody.head(public, &GetOptions::default()).await.unwrap();
    }
    let refused = nobody.head("private", &GetOptions::default()).await.unwrap_err();
    assert_eq!(refused.kind(), holdall_s3::ErrorKind::PermissionDenied);
}

/// Ceph hands names on as CGI does and cannot tell the two apart; it does so to everybody.
pub(crate) async fn an_underscore_in_a_metadata_name_is_a_dash_on_ceph(bench: Bench) {
    let metadata = BTreeMap::from([("a_b".to_owned(), "c".to_owned())]);
    let options = PutOptions {
        attributes: Attributes { metadata: metadata.clone(), ..Attributes::default() },
        ..PutOptions::default()
    };
    bench.holdall.put("ours", payload("x"), &options).await.unwrap();
    let sdk = sdk::client(&bench);
    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").metadata("a_b", "c");
    put.body(ByteStream::from_static(b"x")).send().await.unwrap();
    for key in ["ours", "theirs"] {
        let head = bench.holdall.head(key, &GetOptions::default()).await.unwrap();
        assert_eq!(head.attributes.metadata.get("a-b").map(String::as_str), Some("c"), "{key}");
        assert_eq!(sdk::get(&sdk, &bench, key).await.metadata().unwrap()["a-b"], "c", "{key}");
    }
}

pub(crate) async fn a_storage_class_goes_both_ways(bench: Bench) {
    let sdk = sdk::client(&bench);
    let attributes = Attributes { storage_class: Some("STANDARD_IA".into()), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    bench.holdall.put("ours", payload("x"), &options).await.unwrap();
    assert_eq!(sdk::get(&sdk, &bench, "ours").await.storage_class(), Some(&StorageClass::StandardIa));
    let put = sdk.put_object().bucket(&bench.bucket).key("theirs").storage_class(StorageClass::GlacierIr);
    put.body(ByteStream::from_static(b"x")).send().await.unwrap();
    let head = bench.holdall.head("theirs", &GetOptions::default()).await.unwrap();
    assert_eq!(head.attributes.storage_class.as_deref(), Some("GLACIER_IR"));
}

pub(crate) async fn checksums_go_both_ways(bench: Bench) {
    let sdk = sdk::client(&bench);
    for algorithm in [ChecksumAlgorithm::Crc64Nvme, ChecksumAlgorithm::Crc32c, ChecksumAlgorithm::Sha256] {
        let ours = bench.client_with(|config| config.integrity = PayloadIntegrity::Checksum(algorithm));
        let sum = algorithm.compute(b"text").value;
        let put = ours.put("ours", payload("text"), &PutOptions::default()).await.unwrap();
        assert_eq!(put.checksum.map(|c| c.value).as_ref(), Some(&sum), "{algorithm:?}");
        let get = sdk.get_object().bucket(&bench.bucket).key("ours").checksum_mode(ChecksumMode::Enabled);
        let got = get.send().await.unwrap();
        let seen = [got.checksum_crc64_nvme(), got.checksum_crc32_c(), got.checksum_sha256()];
        assert_eq!(seen.into_iter().flatten().collect::<Vec<_>>(), [sum.as_str()]);
        assert_eq!(sdk::bytes(got).await, b"text");

        let put = sdk.put_object().bucket(&bench.bucket).key("theirs").body(ByteStream::from_static(b"text"));
        // In a header: s3s-fs forgets what comes as a trailer.
        let put = match algorithm {
            ChecksumAlgorithm::Crc64Nvme => put.checksum_crc64_nvme(&sum),
            ChecksumAlgorithm::Crc32c => put.checksum_crc32_c(&sum),
            _ => put.checksum_sha256(&sum),
        };
        put.send().await.unwrap();
        let options = GetOptions { checksums: true, ..GetOptions::default() };
        let got = bench.holdall.get("theirs", &options).await.unwrap();
        assert_eq!(got.head.checksum.as_ref().map(|c| c.value.as_str()), Some(sum.as_str()));
        assert_eq!(&got.body.collect().await.unwrap()[..], b"text");
    }
}
