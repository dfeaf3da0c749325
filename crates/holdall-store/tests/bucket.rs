//! Buckets and folders are made, described, set up and deleted.
//!
//! `HOLDALL_TEST_CEPH`, `HOLDALL_TEST_MOTO` and `HOLDALL_TEST_S3S_FS` name the servers; without them the tests of
//! servers fail and say so.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::bucket::{
    Applied, Bucket, BucketEncryption, CorsAccess, Outcome, Setup, Subject, Verdict, Versioning,
};
use holdall_store::{
    DeleteOptions, ErrorKind, GcOptions, Location, PutOptions, Settings, Store, Variables, WriteCondition,
};
use holdall_testing::server::Server;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

fn folder(path: &Path) -> Store {
    Store::open_location(&Location::Folder(path.to_owned()), &Settings::default()).unwrap()
}

fn server(name: &str) -> Server {
    Server::from_env(name).unwrap_or_else(|| panic!("no server is named: set HOLDALL_TEST_{name}")).unwrap()
}

/// A store below a prefix of a bucket that is not there yet.
fn store_on(server: &Server) -> Store {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let mut variables = Variables::default();
    variables.set("HOLDALL_STORE", format!("s3://holdall-bucket-{process}-{count}/below"));
    variables.set("HOLDALL_ENDPOINT", &server.endpoint);
    variables.set("HOLDALL_REGION", &server.region);
    variables.set("HOLDALL_ACCESS_KEY_ID", &server.access_key);
    variables.set("HOLDALL_SECRET_ACCESS_KEY", &server.secret_key);
    Store::from_settings(&Settings::from_variables(&variables).unwrap()).unwrap()
}

#[tokio::test]
async fn evi_5_a_folder_is_made_counted_and_deleted_when_it_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deep/bag");
    let store = folder(&path);
    let bucket = store.bucket();
    assert!(!bucket.exists().await.unwrap());
    assert_eq!(bucket.delete().await.unwrap_err().kind(), ErrorKind::BucketNotFound);
    assert!(bucket.create_if_missing().await.unwrap());
    assert!(!bucket.create_if_missing().await.unwrap());
    assert_eq!(bucket.create().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    bucket.check().await.unwrap();
    assert_eq!((bucket.kind(), bucket.location()), ("folder", format!("file://{}", path.display())));

    for key in ["a/b", "a//odd"] {
        store.put(key, "12345").await.unwrap();
        let stats = bucket.count().await.unwrap();
        assert_eq!((stats.objects, stats.bytes), (1, 5));
        assert_eq!(bucket.delete().await.unwrap_err().kind(), ErrorKind::Conflict, "{key}");
        assert_eq!(store.get(key).await.unwrap().bytes().await.unwrap(), "12345");
        store.delete(key).await.unwrap();
    }
    bucket.delete().await.unwrap();
    assert!(!path.exists() && path.parent().unwrap().exists());
}

#[tokio::test]
async fn evi_5_a_folder_with_anything_else_in_it_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bag");
    let bucket = folder(&path).bucket();
    for other in ["empty-folder", ".holdall/foreign", ".holdall/tmp/half-written"] {
        folder(&path).put("k", "v").await.unwrap();
        folder(&path).delete("k").await.unwrap();
        std::fs::create_dir_all(path.join(other).parent().unwrap()).unwrap();
        match other {
            "empty-folder" => std::fs::create_dir(path.join(other)).unwrap(),
            _ => std::fs::write(path.join(other), "x").unwrap(),
        }
        assert_eq!(bucket.delete().await.unwrap_err().kind(), ErrorKind::Conflict, "{other}");
        assert!(path.join(other).exists() && path.join(".holdall/format").exists(), "{other}");
        match other {
            "empty-folder" => std::fs::remove_dir(path.join(other)).unwrap(),
            _ => std::fs::remove_file(path.join(other)).unwrap(),
        }
    }
    std::fs::write(path.join(".holdall/format"), "holdall.folder/9\n").unwrap();
    assert_eq!(bucket_of(&path).delete().await.unwrap_err().kind(), ErrorKind::Unsupported);
    std::fs::write(path.join(".holdall/format"), "holdall.folder/1\n").unwrap();
    bucket_of(&path).delete().await.unwrap();
    assert!(!path.exists());
}

fn bucket_of(path: &Path) -> Bucket {
    folder(path).bucket()
}

#[tokio::test]
async fn evi_5_memory_is_always_there() {
    let store = Store::memory();
    let bucket = store.bucket();
    store.put("k", "123").await.unwrap();
    assert!(bucket.exists().await.unwrap() && !bucket.create_if_missing().await.unwrap());
    assert_eq!(bucket.create().await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(bucket.delete().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(bucket.count().await.unwrap().bytes, 3);
    assert_eq!(bucket.configuration().await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(bucket.plan(&Setup::default()).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn evi_5_a_bucket_is_made_counted_and_deleted_when_it_is_empty() {
    for name in ["ceph", "moto", "s3s-fs"] {
        let store = store_on(&server(name));
        let bucket = store.bucket();
        assert!(!bucket.exists().await.unwrap(), "{name}");
        assert_eq!(bucket.configuration().await.unwrap_err().kind(), ErrorKind::BucketNotFound, "{name}");
        assert!(bucket.create_if_missing().await.unwrap(), "{name}");
        assert!(!bucket.create_if_missing().await.unwrap(), "{name}");
        assert_eq!(bucket.create().await.unwrap_err().kind(), ErrorKind::AlreadyExists, "{name}");
        bucket.check().await.unwrap();

        store.put("k", "12345").await.unwrap();
        let stats = bucket.count().await.unwrap();
        assert_eq!((stats.objects, stats.bytes), (1, 5), "{name}");
        let refused = bucket.delete().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict, "{name}: {refused:?}");
        assert_eq!(store.get("k").await.unwrap().bytes().await.unwrap(), "12345", "{name}");
        store.delete("k").await.unwrap();
        bucket.delete().await.unwrap();
        assert!(!bucket.exists().await.unwrap(), "{name}");
        assert_eq!(bucket.delete().await.unwrap_err().kind(), ErrorKind::BucketNotFound, "{name}");
    }
}

/// All that a server has; Ceph 16 has no encryption by default.
fn wanted_on(name: &str, bucket: &Bucket) -> Setup {
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "A", "Effect": "Deny", "Principal": "*", "Action": ["s3:DeleteObjectVersion"],
            "Resource": format!("arn:aws:s3:::{}/kept/*", bucket.name().unwrap()),
        }],
    });
    Setup {
        versioning: true,
        abort_uploads: Some(7),
        expire_noncurrent: Some(30),
        expire: vec![("below/tmp/".to_owned(), 3)],
        cors: Some(CorsAccess {
            origins: vec!["https://b.example".to_owned(), "https://a.example".to_owned()],
            methods: ["PUT", "GET", "HEAD"].map(str::to_owned).to_vec(),
        }),
        encryption: (name == "moto").then_some(BucketEncryption::S3),
        block_public_access: true,
        policy: Some(policy.to_string()),
        ..Setup::default()
    }
}

fn outcomes(applied: &[Applied]) -> Vec<(&'static str, &'static str)> {
    let outcome = |applied: &Applied| match &applied.outcome {
        Outcome::Unchanged => "unchanged",
        Outcome::Done => "done",
        Outcome::Cannot => "cannot",
        Outcome::Failed(_) => "failed",
    };
    applied.iter().map(|applied| (applied.step.subject.as_str(), outcome(applied))).collect()
}

#[tokio::test]
async fn mig_3_a_plan_changes_nothing_and_applied_it_is_done() {
    for name in ["ceph", "moto"] {
        let bucket = store_on(&server(name)).bucket();
        let wanted = wanted_on(name, &bucket);
        let plan = bucket.plan(&wanted).await.unwrap();
        assert!(!bucket.exists().await.unwrap(), "{name}: a plan made it");
        assert_eq!(plan.steps[0].subject, Subject::Bucket);
        assert_eq!(plan.changes(), plan.steps.len(), "{name}");
        let applied = bucket.apply(&plan).await.unwrap();
        assert!(applied.iter().all(Applied::is_well), "{name}: {applied:?}");
        assert_eq!(applied.len(), plan.steps.len());

        let again = bucket.plan(&wanted).await.unwrap();
        assert!(again.is_done(), "{name}: {again:?}");
        let unchanged = bucket.apply(&again).await.unwrap();
        assert!(outcomes(&unchanged).iter().all(|(_, outcome)| *outcome == "unchanged"), "{name}");
        let longer = Setup { abort_uploads: Some(9), ..wanted };
        let plan = bucket.plan(&longer).await.unwrap();
        assert_eq!(plan.changes(), 1);
        bucket.apply(&plan).await.unwrap();
        let rules = bucket.configuration().await.unwrap().lifecycle.unwrap().rules;
        assert_eq!(rules.len(), 3, "{name}");
        bucket.delete().await.unwrap();
    }
}

#[tokio::test]
async fn mig_3_what_a_server_does_not_have_is_said_and_the_rest_is_done() {
    let bucket = store_on(&server("ceph")).bucket();
    bucket.create().await.unwrap();
    let wanted = Setup {
        versioning: true,
        encryption: Some(BucketEncryption::S3),
        deny_plain_http: true,
        ..Setup::default()
    };
    let plan = bucket.plan(&wanted).await.unwrap();
    assert_eq!((plan.blocked(), plan.changes()), (2, 1));
    let kinds: Vec<_> = plan
        .steps
        .iter()
        .filter_map(|step| match &step.verdict {
            Verdict::Cannot { kind, .. } => Some((step.subject, *kind)),
            _ => None,
        })
        .collect();
    // The endpoint of the test is plain http, which the policy would refuse from then on.
    let expected = [(Subject::Encryption, ErrorKind::Unsupported), (Subject::Policy, ErrorKind::Config)];
    assert_eq!(kinds, expected);
    let applied = bucket.apply(&plan).await.unwrap();
    let expected = [("versioning", "done"), ("encryption", "cannot"), ("policy", "cannot")];
    assert_eq!(outcomes(&applied), expected);
    assert_eq!(bucket.configuration().await.unwrap().versioning.unwrap(), Versioning::Enabled);
    bucket.delete().await.unwrap();
}

/// Nothing is listed, and a version is there all the same. What was tried of the server leaves none behind.
#[tokio::test]
async fn evi_5_a_bucket_with_an_old_version_stays() {
    let store = store_on(&server("ceph"));
    let bucket = store.bucket();
    let plan = bucket.plan(&Setup { versioning: true, ..Setup::default() }).await.unwrap();
    bucket.apply(&plan).await.unwrap();
    let version = store.put("k", "old").await.unwrap().version;
    let marker = store.delete("k").await.unwrap().version;
    assert_eq!(bucket.count().await.unwrap().objects, 0);
    assert_eq!(bucket.delete().await.unwrap_err().kind(), ErrorKind::Conflict);
    assert!(version.is_some() && marker.is_some());
    for version in [version, marker] {
        store.delete_with("k", &DeleteOptions { version, ..DeleteOptions::default() }).await.unwrap();
    }
    bucket.delete().await.unwrap();
}

/// The rules that a missing bucket cannot have are found out when it was made.
#[tokio::test]
async fn mig_3_a_server_that_knows_nothing_says_so_after_the_bucket_is_made() {
    let bucket = store_on(&server("s3s-fs")).bucket();
    let wanted = Setup { versioning: true, abort_uploads: Some(1), ..Setup::default() };
    let plan = bucket.plan(&wanted).await.unwrap();
    let applied = bucket.apply(&plan).await.unwrap();
    assert_eq!(outcomes(&applied), [("bucket", "done"), ("versioning", "cannot"), ("lifecycle", "cannot")]);
    bucket.delete().await.unwrap();
}

#[tokio::test]
async fn a_folder_whose_leftovers_are_removed_can_be_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let store = folder(&dir.path().join("bag"));
    store.put("k", "v").await.unwrap();
    store.delete("k").await.unwrap();
    std::fs::create_dir_all(dir.path().join("bag/.holdall/tmp")).unwrap();
    std::fs::write(dir.path().join("bag/.holdall/tmp/0123456789abcdef"), "half").unwrap();
    assert_eq!(store.bucket().delete().await.unwrap_err().kind(), ErrorKind::Conflict);
    let all = GcOptions { older_than: Duration::ZERO, dry_run: false };
    store.gc(&all, |leftover| assert!(leftover.error.is_none(), "{leftover:?}")).await.unwrap();
    store.bucket().delete().await.unwrap();
}

/// Ceph honours "only where nothing is" without versions and ignores it with them: what was found out before is not
/// relied on after.
#[tokio::test]
async fn mig_3_what_the_server_can_do_is_found_out_anew_after_a_change() {
    let store = store_on(&server("ceph"));
    let bucket = store.bucket();
    bucket.create().await.unwrap();
    let new = PutOptions { condition: WriteCondition::Absent, ..PutOptions::default() };
    let receipt = store.put_with("k", "first", &new).await.unwrap();
    assert_eq!(store.put_with("k", "x", &new).await.unwrap_err().kind(), ErrorKind::Precondition);
    let plan = bucket.plan(&Setup { versioning: true, ..Setup::default() }).await.unwrap();
    bucket.apply(&plan).await.unwrap();
    assert_eq!(store.put_with("k", "x", &new).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(store.head("k").await.unwrap().etag, receipt.etag);
    let version = Some(store.head("k").await.unwrap().version.unwrap_or_else(|| "null".to_owned()));
    store.delete_with("k", &DeleteOptions { version, ..DeleteOptions::default() }).await.unwrap();
    bucket.delete().await.unwrap();
}
