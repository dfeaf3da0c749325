//! boto3, by a script that writes and reads whole buckets.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use holdall_oracle::{Bench, odd_keys};
use holdall_s3::{Attributes, CompletedPart, GetOptions, ListOptions, Payload, PutOptions, WriteCondition};
use serde_json::{Map, Value, json};

use crate::python::python;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/client.py");

/// An object as both know it.
#[derive(Debug, Clone, PartialEq)]
struct Object {
    bytes: Vec<u8>,
    attributes: Attributes,
}

impl Object {
    fn new(text: &str) -> Self {
        let metadata = [("colour", "blue"), ("long", &"n\u{fc} ".repeat(100)), ("odd", "a=?b  c%20")];
        let attributes = Attributes {
            content_type: Some("text/x-odd; charset=utf-8".into()),
            cache_control: Some("max-age=5".into()),
            content_disposition: Some("inline; filename=\"a b\"".into()),
            metadata: metadata.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            ..Attributes::default()
        };
        Self { bytes: text.as_bytes().to_vec(), attributes }
    }

    /// boto3 sends metadata in ASCII only.
    fn in_ascii(mut self) -> Self {
        self.attributes.metadata.retain(|_, value| value.is_ascii());
        self
    }

    fn to_json(&self) -> Value {
        json!({
            "body": BASE64.encode(&self.bytes),
            "content_type": self.attributes.content_type,
            "cache_control": self.attributes.cache_control,
            "content_disposition": self.attributes.content_disposition,
            "metadata": self.attributes.metadata,
        })
    }

    fn from_json(value: &Value) -> Self {
        let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        let metadata = value["metadata"].as_object().unwrap().iter();
        let mut metadata: BTreeMap<String, String> =
            metadata.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
        metadata.remove("holdall-put");
        let attributes = Attributes {
            content_type: text("content_type"),
            cache_control: text("cache_control"),
            content_disposition: text("content_disposition"),
            metadata,
            ..Attributes::default()
        };
        Self { bytes: BASE64.decode(text("body").unwrap()).unwrap(), attributes }
    }
}

fn objects() -> BTreeMap<String, Object> {
    odd_keys().into_iter().map(|key| (key.clone(), Object::new(&key))).collect()
}

/// Two parts, the second short.
fn large() -> Vec<u8> {
    (0..(8 << 20) + 1000_u32).map(|n| (n % 251) as u8).collect()
}

async fn put(bench: &Bench, key: &str, object: &Object) {
    let options = PutOptions { attributes: object.attributes.clone(), ..PutOptions::default() };
    bench.holdall.put(key, Payload::from(object.bytes.clone()), &options).await.unwrap();
}

async fn upload(bench: &Bench, key: &str, object: &Object) {
    let options = PutOptions { attributes: object.attributes.clone(), ..PutOptions::default() };
    let upload = bench.holdall.create_upload(key, &options).await.unwrap();
    let mut parts = Vec::new();
    for (number, bytes) in (1..).zip(object.bytes.chunks(8 << 20)) {
        let etag =
            bench.holdall.upload_part(&upload, number, Payload::from(bytes.to_vec())).await.unwrap().etag;
        parts.push(CompletedPart { number, etag, checksum: None });
    }
    bench.holdall.complete_upload(&upload, &parts, &WriteCondition::Always).await.unwrap();
}

pub(crate) async fn boto3_reads_what_holdall_wrote(bench: Bench) {
    let mut wanted = objects();
    for (key, object) in &wanted {
        put(&bench, key, object).await;
    }
    let parts = Object { bytes: large(), ..Object::new("") };
    upload(&bench, "in parts", &parts).await;
    wanted.insert("in parts".to_owned(), parts);
    let read = python(&bench, &[SCRIPT, "read", &bench.bucket], b"").await;
    let read: Map<String, Value> = serde_json::from_slice(&read).unwrap();
    let read: BTreeMap<String, Object> =
        read.iter().map(|(key, value)| (key.clone(), Object::from_json(value))).collect();
    assert!(read.keys().eq(wanted.keys()), "{:?}", read.keys());
    for (key, object) in wanted {
        assert!(read[&key] == object, "{key:?} {:?}", read[&key].attributes);
    }
}

pub(crate) async fn holdall_reads_what_boto3_wrote(bench: Bench) {
    let mut wanted = objects();
    wanted.insert("in parts".to_owned(), Object { bytes: large(), ..Object::new("") });
    let wanted: BTreeMap<String, Object> =
        wanted.into_iter().map(|(key, object)| (key, object.in_ascii())).collect();
    let input: Map<String, Value> =
        wanted.iter().map(|(key, object)| (key.clone(), object.to_json())).collect();
    python(&bench, &[SCRIPT, "write", &bench.bucket], &serde_json::to_vec(&input).unwrap()).await;
    let mut read = BTreeMap::new();
    let mut pages = bench.holdall.list(ListOptions { page_size: Some(7), ..ListOptions::default() });
    while let Some(page) = pages.next().await {
        for listed in page.unwrap().objects {
            let got = bench.holdall.get(&listed.key, &GetOptions::default()).await.unwrap();
            assert_eq!((got.head.size, &got.head.etag), (listed.size, &listed.etag));
            let attributes = got.head.attributes.clone();
            let bytes = got.body.collect().await.unwrap().to_vec();
            read.insert(listed.key, Object { bytes, attributes });
        }
    }
    assert!(read.keys().eq(wanted.keys()), "{:?}", read.keys());
    for (key, object) in wanted {
        assert!(read[&key] == object, "{key:?} {:?}", read[&key].attributes);
    }
}
