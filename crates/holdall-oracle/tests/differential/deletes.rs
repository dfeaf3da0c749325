//! Deletes in batches.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use holdall_oracle::{Bench, odd_keys, payload};
use holdall_s3::{DeleteTarget, PutOptions};

use crate::sdk;

fn targets(keys: &[String]) -> Vec<DeleteTarget> {
    keys.iter().map(|key| DeleteTarget { key: key.clone(), version: None }).collect()
}

async fn count(bench: &Bench) -> i32 {
    let list = sdk::client(bench).list_objects_v2().bucket(&bench.bucket).send().await.unwrap();
    list.key_count().unwrap()
}

async fn put_all(bench: &Bench, keys: &[String]) {
    for key in keys {
        bench.holdall.put(key, payload("x"), &PutOptions::default()).await.unwrap();
    }
}

pub(crate) async fn a_batch_of_a_thousand_leaves_nothing(bench: Bench) {
    let mut keys: Vec<String> = (0..200).map(|n| format!("{n:04} & <{n}>")).collect();
    put_all(&bench, &keys).await;
    // A key that is not there is deleted all the same.
    keys.extend((200..1000).map(|n| format!("{n:04} & <{n}>")));
    let failed = bench.holdall.delete_batch(&targets(&keys)).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(count(&bench).await, 0);
}

pub(crate) async fn odd_keys_go_in_one_batch(bench: Bench) {
    let keys = odd_keys();
    put_all(&bench, &keys).await;
    let failed = bench.holdall.delete_batch(&targets(&keys)).await.unwrap();
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(count(&bench).await, 0);
    // The SDK names them all as well: neither is luckier than the other.
    put_all(&bench, &keys).await;
    let mut delete = Delete::builder();
    for key in &keys {
        delete = delete.objects(ObjectIdentifier::builder().key(key).build().unwrap());
    }
    let delete = delete.build().unwrap();
    let done =
        sdk::client(&bench).delete_objects().bucket(&bench.bucket).delete(delete).send().await.unwrap();
    assert_eq!((done.deleted().len(), done.errors().len()), (keys.len(), 0));
    assert_eq!(count(&bench).await, 0);
}
