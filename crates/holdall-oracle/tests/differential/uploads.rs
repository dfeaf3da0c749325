//! Uploads in parts, begun by one and finished by the other.

use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart as TheirPart};
use holdall_oracle::{Bench, read};
use holdall_s3::{
    Attributes, CompletedPart, CopySource, GetOptions, PartCopyOptions, Payload, PutOptions, UploadHandle,
    WriteCondition,
};

use crate::sdk;

/// S3's least size of a part that is not the last.
const PART: usize = 5 << 20;

fn part(n: u8, size: usize) -> Vec<u8> {
    (0..size).map(|at| (at as u8).wrapping_mul(n)).collect()
}

fn whole() -> Vec<u8> {
    [part(3, PART), part(5, PART), part(7, 1000)].concat()
}

pub(crate) async fn the_sdk_completes_what_holdall_began(bench: Bench) {
    let sdk = sdk::client(&bench);
    let attributes = Attributes { content_type: Some("video/mp4".into()), ..Attributes::default() };
    let options = PutOptions { attributes, ..PutOptions::default() };
    let upload = bench.holdall.create_upload("a key/of+parts", &options).await.unwrap();
    for (number, bytes) in [(1, part(3, PART)), (2, part(9, PART)), (2, part(5, PART)), (3, part(7, 1000))] {
        bench.holdall.upload_part(&upload, number, Payload::from(bytes)).await.unwrap();
    }
    let named = || (bench.bucket.clone(), upload.key.clone(), upload.id.clone());
    let (bucket, key, id) = named();
    let listed = sdk.list_parts().bucket(bucket).key(key).upload_id(id).send().await.unwrap();
    let sizes: Vec<_> =
        listed.parts().iter().map(|p| (p.part_number().unwrap(), p.size().unwrap())).collect();
    assert_eq!(sizes, [(1, PART as i64), (2, PART as i64), (3, 1000)]);
    let parts = listed.parts().iter().map(|p| {
        TheirPart::builder().part_number(p.part_number().unwrap()).e_tag(p.e_tag().unwrap()).build()
    });
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts.collect())).build();
    let (bucket, key, id) = named();
    let complete = sdk.complete_multipart_upload().bucket(bucket).key(key).upload_id(id);
    let done = complete.multipart_upload(parts).send().await.unwrap();
    let head = bench.holdall.head(&upload.key, &GetOptions::default()).await.unwrap();
    // Ceph leaves it empty.
    let etag = done.e_tag().filter(|etag| !etag.is_empty());
    assert!(etag.is_none() || etag == head.etag.as_deref());
    assert_eq!(head.attributes.content_type.as_deref(), Some("video/mp4"));
    assert!(read(&bench.holdall, &upload.key, &GetOptions::default()).await == whole());
}

pub(crate) async fn holdall_completes_what_the_sdk_began(bench: Bench) {
    let sdk = sdk::client(&bench);
    sdk::put(&sdk, &bench, "source", "seven by seven").await;
    let create = sdk.create_multipart_upload().bucket(&bench.bucket).key("key").content_language("de");
    let begun = create.send().await.unwrap();
    let id = begun.upload_id().unwrap();
    for (number, bytes) in [(1, part(3, PART)), (2, part(5, PART))] {
        let send = sdk.upload_part().bucket(&bench.bucket).key("key").upload_id(id).part_number(number);
        send.body(ByteStream::from(bytes)).send().await.unwrap();
    }
    let upload = UploadHandle::existing("key", id);
    let source = PartCopyOptions { source: CopySource::new("source"), range: Some(6..14) };
    let copied = bench.holdall.upload_part_copy(&upload, 3, &source).await.unwrap();
    let listed = bench.holdall.list_parts(&upload, None).await.unwrap();
    assert_eq!(listed.parts.iter().map(|p| p.size).collect::<Vec<_>>(), [PART as u64, PART as u64, 8]);
    assert_eq!((listed.next, &listed.parts[2].etag), (None, &copied.etag));
    let parts: Vec<_> = listed
        .parts
        .into_iter()
        .map(|part| CompletedPart { number: part.number, etag: part.etag, checksum: None })
        .collect();
    bench.holdall.complete_upload(&upload, &parts, &WriteCondition::Always).await.unwrap();
    let got = sdk::get(&sdk, &bench, "key").await;
    assert_eq!(got.content_language(), Some("de"));
    assert!(sdk::bytes(got).await == [part(3, PART), part(5, PART), b"by seven".to_vec()].concat());
}

pub(crate) async fn uploads_under_odd_keys_are_listed_alike(bench: Bench) {
    let sdk = sdk::client(&bench);
    let mut wanted = Vec::new();
    for (n, key) in crate::keys::all().into_iter().enumerate() {
        let id = if n % 2 == 0 {
            bench.holdall.create_upload(&key, &PutOptions::default()).await.unwrap().id
        } else {
            let create = sdk.create_multipart_upload().bucket(&bench.bucket).key(&key);
            create.send().await.unwrap().upload_id().unwrap().to_owned()
        };
        wanted.push((key, id));
    }
    wanted.sort_unstable();
    let listed = bench.holdall.list_uploads("", None).await.unwrap();
    let mut ours: Vec<_> = listed.uploads.into_iter().map(|upload| (upload.key, upload.id)).collect();
    ours.sort_unstable();
    assert_eq!(ours, wanted);
    for (key, id) in wanted {
        bench.holdall.abort_upload(&UploadHandle::existing(key, id)).await.unwrap();
    }
    let left = sdk.list_multipart_uploads().bucket(&bench.bucket).send().await.unwrap();
    assert!(left.uploads().is_empty());
}
