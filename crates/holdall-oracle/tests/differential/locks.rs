//! Legal holds and retention, in a bucket that was made for them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode,
};
use holdall_oracle::{Bench, payload};
use holdall_s3::{
    Client, DeleteOptions, ErrorKind, ObjectLock, PutOptions, Retention, RetentionMode, Versioning,
};

use crate::rights::{User, client};
use crate::sdk;

/// A bucket beside the bench's whose objects can be locked.
async fn locking(bench: &Bench) -> (Bench, Client) {
    let bucket = bench.bucket.replace("holdall-oracle", "holdall-lock");
    let holdall = bench.client_with(|config| config.bucket.clone_from(&bucket));
    holdall.create_locking_bucket().await.unwrap();
    (Bench { bucket, holdall: holdall.clone(), ..bench.clone() }, holdall)
}

async fn put(holdall: &Client, key: &str) -> String {
    holdall.put(key, payload("x"), &PutOptions::default()).await.unwrap().version.unwrap()
}

fn whole_hours(hours: u64) -> SystemTime {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    UNIX_EPOCH + Duration::from_secs(now + hours * 3600)
}

async fn delete(holdall: &Client, key: &str, version: &str, bypass_governance: bool) -> Option<ErrorKind> {
    let options =
        DeleteOptions { version: Some(version.to_owned()), bypass_governance, ..DeleteOptions::default() };
    holdall.delete(key, &options).await.err().map(|error| error.kind())
}

pub(crate) async fn a_legal_hold_goes_both_ways(bench: Bench) {
    let (lock, holdall) = locking(&bench).await;
    let sdk = sdk::client(&lock);
    assert_eq!(holdall.object_lock().await.unwrap(), Some(ObjectLock { default: None }));
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Enabled);
    let version = put(&holdall, "key & <1>").await;
    let key = "key & <1>";
    assert!(!holdall.legal_hold(key, None).await.unwrap());
    holdall.put_legal_hold(key, None, true).await.unwrap();
    let seen = sdk.get_object_legal_hold().bucket(&lock.bucket).key(key).send().await.unwrap();
    assert_eq!(seen.legal_hold().unwrap().status(), Some(&ObjectLockLegalHoldStatus::On));
    assert_eq!(delete(&holdall, key, &version, true).await, Some(ErrorKind::PermissionDenied));
    let off = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::Off).build();
    let lift = sdk.put_object_legal_hold().bucket(&lock.bucket).key(key).version_id(&version);
    lift.legal_hold(off).send().await.unwrap();
    assert!(!holdall.legal_hold(key, Some(&version)).await.unwrap());
    assert_eq!(delete(&holdall, key, &version, false).await, None);
    holdall.delete_bucket().await.unwrap();
}

pub(crate) async fn a_retention_goes_both_ways(bench: Bench) {
    let (lock, holdall) = locking(&bench).await;
    let sdk = sdk::client(&lock);
    let version = put(&holdall, "key").await;
    assert_eq!(holdall.retention("key", None).await.unwrap(), None);
    let ours = Retention { mode: RetentionMode::Governance, until: whole_hours(1) };
    holdall.put_retention("key", None, &ours, false).await.unwrap();
    let seen = sdk.get_object_retention().bucket(&lock.bucket).key("key").send().await.unwrap();
    let seen = seen.retention().unwrap();
    assert_eq!(seen.mode(), Some(&ObjectLockRetentionMode::Governance));
    assert_eq!(seen.retain_until_date(), Some(&DateTime::from(ours.until)));
    let theirs = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .retain_until_date(DateTime::from(whole_hours(2)))
        .build();
    let put = sdk.put_object_retention().bucket(&lock.bucket).key("key").version_id(&version);
    put.retention(theirs).send().await.unwrap();
    let read = holdall.retention("key", Some(&version)).await.unwrap();
    assert!(read.unwrap().until > ours.until, "{read:?}");
    let shorter = holdall.put_retention("key", None, &ours, false).await.unwrap_err();
    assert_eq!(shorter.kind(), ErrorKind::PermissionDenied);
    holdall.put_retention("key", None, &ours, true).await.unwrap();
    assert_eq!(delete(&holdall, "key", &version, false).await, Some(ErrorKind::PermissionDenied));
    assert_eq!(delete(&holdall, "key", &version, true).await, None);
    holdall.delete_bucket().await.unwrap();
}

/// What sets and reads locks needs rights of its own.
pub(crate) async fn evi_14_locks_need_rights_of_their_own(bench: Bench) {
    const CORE: [&str; 3] = ["s3:PutObject", "s3:ListBucket", "s3:DeleteObjectVersion"];
    let (lock, holdall) = locking(&bench).await;
    let version = put(&holdall, "key").await;
    let (user, credentials) = User::create(&lock).await;
    let stranger = client(&lock, credentials);
    let retention = Retention { mode: RetentionMode::Governance, until: whole_hours(1) };
    for right in [
        "s3:GetBucketObjectLockConfiguration",
        "s3:PutObjectLegalHold",
        "s3:GetObjectLegalHold",
        "s3:PutObjectRetention",
        "s3:GetObjectRetention",
    ] {
        let attempt = async || match right {
            "s3:GetBucketObjectLockConfiguration" => stranger.object_lock().await.map(drop),
            "s3:PutObjectLegalHold" => stranger.put_legal_hold("key", None, false).await,
            "s3:GetObjectLegalHold" => stranger.legal_hold("key", None).await.map(drop),
            "s3:PutObjectRetention" => stranger.put_retention("key", None, &retention, false).await,
            _ => stranger.retention("key", None).await.map(drop),
        };
        user.allow(&CORE).await;
        assert_eq!(attempt().await.unwrap_err().kind(), ErrorKind::PermissionDenied, "{right}");
        user.allow(&[&CORE[..], &[right]].concat()).await;
        attempt().await.unwrap();
    }
    // Ceph lets everybody bypass who may delete a version; AWS wants a right for it.
    user.allow(&[&CORE[..], &["s3:BypassGovernanceRetention"]].concat()).await;
    assert_eq!(delete(&stranger, "key", &version, true).await, None);
    user.remove().await;
    holdall.delete_bucket().await.unwrap();
}
