//! Copies inside the service.

use std::collections::BTreeMap;

use aws_sdk_s3::types::MetadataDirective as Directive;
use holdall_oracle::{Bench, odd_keys, payload, read};
use holdall_s3::{Attributes, CopyOptions, CopySource, GetOptions, MetadataDirective, PutOptions};

use crate::sdk;

fn with_colour(colour: &str) -> PutOptions {
    let metadata = BTreeMap::from([("colour".to_owned(), colour.to_owned())]);
    let content_type = Some(format!("text/{colour}"));
    let attributes = Attributes { content_type, metadata, ..Attributes::default() };
    PutOptions { attributes, ..PutOptions::default() }
}

pub(crate) async fn a_copy_keeps_or_replaces_metadata(bench: Bench) {
    let sdk = sdk::client(&bench);
    bench.holdall.put("source", payload("text"), &with_colour("blue")).await.unwrap();
    let source = CopySource::new("source");
    let replace = MetadataDirective::Replace;
    let keep = CopyOptions { put: with_colour("red"), ..CopyOptions::default() };
    let change = CopyOptions { metadata: replace, ..keep.clone() };
    bench.holdall.copy(&source, "ours-kept", &keep).await.unwrap();
    let copied = bench.holdall.copy(&source, "ours-replaced", &change).await.unwrap();
    let theirs = |key: &str, directive| {
        let copy = sdk.copy_object().bucket(&bench.bucket).key(key);
        let copy = copy.copy_source(format!("{}/source", bench.bucket)).metadata_directive(directive);
        copy.content_type("text/red").metadata("colour", "red").send()
    };
    theirs("theirs-kept", Directive::Copy).await.unwrap();
    theirs("theirs-replaced", Directive::Replace).await.unwrap();
    for (key, colour) in
        [("ours-kept", "blue"), ("theirs-kept", "blue"), ("ours-replaced", "red"), ("theirs-replaced", "red")]
    {
        let got = sdk::get(&sdk, &bench, key).await;
        assert_eq!(got.metadata().unwrap()["colour"], colour, "{key}");
        assert_eq!(got.content_type(), Some(format!("text/{colour}").as_str()), "{key}");
        let head = bench.holdall.head(key, &GetOptions::default()).await.unwrap();
        assert_eq!(head.attributes.metadata["colour"], colour, "{key}");
        assert_eq!(sdk::bytes(got).await, b"text");
    }
    let head = bench.holdall.head("ours-replaced", &GetOptions::default()).await.unwrap();
    assert_eq!(Some(copied.etag), head.etag);
}

pub(crate) async fn odd_keys_are_copied(bench: Bench) {
    let sdk = sdk::client(&bench);
    for key in odd_keys() {
        sdk::put(&sdk, &bench, &key, &key).await;
        bench.holdall.copy(&CopySource::new(key.as_str()), "copy", &CopyOptions::default()).await.unwrap();
        assert_eq!(read(&bench.holdall, "copy", &GetOptions::default()).await, key.as_bytes(), "{key:?}");
        bench.holdall.copy(&CopySource::new("copy"), &key, &CopyOptions::default()).await.unwrap();
        assert_eq!(sdk::bytes(sdk::get(&sdk, &bench, &key).await).await, key.as_bytes(), "{key:?}");
    }
}
