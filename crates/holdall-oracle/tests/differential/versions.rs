//! A bucket that keeps versions.

use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};
use holdall_oracle::{Bench, payload, read};
use holdall_s3::{
    CopyOptions, CopySource, DeleteOptions, DeleteTarget, ErrorKind, GetOptions, PutOptions, Versioning,
};

use crate::sdk;

fn version(id: &str) -> Option<String> {
    Some(id.to_owned())
}

pub(crate) async fn a_version_is_read_and_deleted_alike(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let set = |status| {
        let configuration = VersioningConfiguration::builder().status(status).build();
        sdk.put_bucket_versioning().bucket(&bench.bucket).versioning_configuration(configuration).send()
    };
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Off);
    // Written before versions were kept: its version is called "null".
    holdall.put("key", payload("zero"), &PutOptions::default()).await.unwrap();
    set(BucketVersioningStatus::Enabled).await.unwrap();
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Enabled);

    let one = holdall.put("key", payload("one"), &PutOptions::default()).await.unwrap().version.unwrap();
    let two = sdk.put_object().bucket(&bench.bucket).key("key").body(b"two".to_vec().into());
    let two = two.send().await.unwrap().version_id().unwrap().to_owned();
    for (id, text) in [("null", "zero"), (one.as_str(), "one"), (two.as_str(), "two")] {
        let options = GetOptions { version: version(id), ..GetOptions::default() };
        assert_eq!(read(holdall, "key", &options).await, text.as_bytes());
        let get = sdk.get_object().bucket(&bench.bucket).key("key").version_id(id);
        assert_eq!(sdk::bytes(get.send().await.unwrap()).await, text.as_bytes());
    }
    let mut source = CopySource::new("key");
    source.version = version(&one);
    holdall.copy(&source, "copy", &CopyOptions::default()).await.unwrap();
    assert_eq!(read(holdall, "copy", &GetOptions::default()).await, b"one");
    // Ceph does not say in its answer which version a copy is.
    let copy = holdall.head("copy", &GetOptions::default()).await.unwrap().version.unwrap();

    let deleted = holdall.delete("key", &DeleteOptions::default()).await.unwrap();
    assert!(deleted.marker);
    let marker = deleted.version.unwrap();
    let gone = sdk.head_object().bucket(&bench.bucket).key("key").send().await.unwrap_err();
    assert!(gone.into_service_error().is_not_found());
    let listed = sdk.list_object_versions().bucket(&bench.bucket).prefix("key").send().await.unwrap();
    assert_eq!(listed.delete_markers()[0].version_id(), Some(marker.as_str()));
    assert_eq!(listed.versions().len(), 3);

    let options = DeleteOptions { version: version(&marker), ..DeleteOptions::default() };
    assert!(holdall.delete("key", &options).await.unwrap().marker);
    assert_eq!(read(holdall, "key", &GetOptions::default()).await, b"two");
    sdk.delete_object().bucket(&bench.bucket).key("key").version_id(&two).send().await.unwrap();
    let options = GetOptions { version: version(&two), ..GetOptions::default() };
    assert_eq!(holdall.get("key", &options).await.unwrap_err().kind(), ErrorKind::NotFound);

    let target = |key: &str, id: &str| DeleteTarget { key: key.to_owned(), version: version(id) };
    let rest = [target("key", &one), target("key", "null"), target("copy", &copy)];
    let failed = holdall.delete_batch(&rest).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    let listed = sdk.list_object_versions().bucket(&bench.bucket).send().await.unwrap();
    assert_eq!((listed.versions().len(), listed.delete_markers().len()), (0, 0));
    set(BucketVersioningStatus::Suspended).await.unwrap();
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Suspended);
}
