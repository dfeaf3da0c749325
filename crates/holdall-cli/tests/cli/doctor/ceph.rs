//! Buckets on a real server, each broken in one way.

use super::doctor;
use crate::real::{Bucket, wait};
use holdall_s3::{
    Client, CorsRule, DeleteOptions, ErrorKind, Lifecycle, LifecycleFilter, LifecycleRule, ListOptions,
    PresignOptions, PublicAccessBlock, PutOptions, Versioning,
};
use holdall_testing::plain_http;
use holdall_testing::server::Server;
use http::Method;
use std::time::Duration;

/// Runs with a bucket of its own on Ceph, and sees that nothing was left in it.
fn on_ceph(test: &str, run: impl FnOnce(&Bucket)) {
    let server = Server::from_env("ceph").expect("HOLDALL_TEST_CEPH names a server, as ./test has it");
    let bucket = Bucket::on(&server.unwrap(), &format!("doctor-{test}"));
    run(&bucket);
    let client = &bucket.client;
    let left = wait(keys(client));
    assert!(left.is_empty(), "left behind: {left:?}");
    assert!(wait(client.list_uploads("", None)).unwrap().uploads.is_empty());
}

fn abort() -> LifecycleRule {
    LifecycleRule::new("abort", &LifecycleFilter::default()).abort_uploads(7)
}

fn sound(client: &Client) {
    wait(client.put_versioning(Versioning::Enabled)).unwrap();
    wait(client.put_lifecycle(&Lifecycle::new(vec![abort()]))).unwrap();
    wait(client.put_public_access_block(&WITHOUT_ACLS)).unwrap();
}

/// Ceph 16 refuses every put where public lists of grants are.
const WITHOUT_ACLS: PublicAccessBlock = PublicAccessBlock { block_acls: false, ..PublicAccessBlock::ALL };

/// Denies this to everybody, the owner too.
fn deny(bucket: &Bucket, actions: &[&str]) {
    let name = bucket.client.bucket();
    let actions = serde_json::to_string(actions).unwrap();
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":{actions},
        "Resource":["arn:aws:s3:::{name}","arn:aws:s3:::{name}/*"]}}]}}"#
    );
    wait(bucket.client.put_bucket_policy(&policy)).unwrap();
}

fn allow_all_again(bucket: &Bucket) {
    wait(bucket.client.delete_bucket_policy()).unwrap();
}

#[test]
fn evi_13_a_sound_bucket_passes_and_nothing_stays_in_it() {
    on_ceph("sound", |bucket| {
        sound(&bucket.client);
        let report = doctor(&bucket.shell, &[]);
        report.problems(&[]);
        for check in [
            "endpoint.clock",
            "credentials.accepted",
            "bucket.list",
            "bucket.versioning",
            "bucket.lifecycle",
            "bucket.uploads",
            "bucket.policy",
            "bucket.acl",
            "object.put",
            "object.read",
            "object.presign_get",
            "object.presign_put",
            "object.multipart",
            "object.delete",
            "object.payload",
        ] {
            report.find(check, "ok");
        }
        // Ceph 16 ignores If-None-Match where there are versions, and honours it where there are none.
        let warnings: Vec<_> = report.of_status("warning").iter().map(|finding| &finding["check"]).collect();
        assert_eq!(warnings, ["object.conditions"], "{:#?}", report.findings);
        // The bucket is deleted when the test ends, which it could not be with a version or a delete marker in it.
    });
}

#[test]
fn evi_13_a_bucket_that_is_not_there() {
    on_ceph("missing", |bucket| {
        let report = doctor(&bucket.shell, &["--store", "s3://holdall-doctor-nowhere/x"]);
        report.problems(&["bucket.exists"]);
        report.names("bucket.exists", "problem", &["holdall bucket create s3://holdall-doctor-nowhere"]);
    });
}

#[test]
fn evi_13_keys_that_are_refused() {
    on_ceph("keys", |bucket| {
        let secret = bucket.shell.variant("S3_SECRET_ACCESS_KEY", "canary");
        let report = doctor(&secret, &[]);
        report.problems(&["credentials.accepted"]);
        report.names("credentials.accepted", "problem", &["correct S3_SECRET_ACCESS_KEY"]);
        let id = bucket.shell.variant("S3_ACCESS_KEY_ID", "NOBODYHASTHISKEY");
        doctor(&id, &[]).names("credentials.accepted", "problem", &["correct S3_ACCESS_KEY_ID"]);
    });
}

#[test]
fn evi_13_rights_that_are_missing() {
    let table = [
        ("s3:ListBucket", "bucket.list"),
        ("s3:PutObject", "object.put"),
        ("s3:GetObject", "object.read"),
        ("s3:DeleteObject", "object.delete"),
    ];
    on_ceph("rights", |bucket| {
        for (right, check) in table {
            deny(bucket, &[right]);
            let report = doctor(&bucket.shell, &[]);
            report.names(
                check,
                "problem",
                &[&format!("allow {right} on arn:aws:s3:::"), bucket.client.bucket()],
            );
            allow_all_again(bucket);
            if check == "object.delete" {
                let key = report.find(check, "problem")["facts"]["key"].as_str().unwrap().to_owned();
                assert!(key.starts_with("below/.holdall/probe/"), "{key}");
                report.names(check, "problem", &[&format!("then delete {key}")]);
                wait(empty(&bucket.client));
            }
        }
    });
}

async fn keys(client: &Client) -> Vec<String> {
    let page = client.list(ListOptions::default()).next().await.unwrap().unwrap();
    page.objects.into_iter().map(|object| object.key).collect()
}

async fn empty(client: &Client) {
    for key in keys(client).await {
        client.delete(&key, &DeleteOptions::default()).await.unwrap();
    }
}

/// What there is besides the rights to put, get and delete objects and to list the bucket; but for policies, which the test
/// takes back.
const NOT_CORE: [&str; 24] = [
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:DeleteObjectTagging",
    "s3:DeleteObjectVersion",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketVersioning",
    "s3:GetLifecycleConfiguration",
    "s3:GetObjectAcl",
    "s3:GetObjectLegalHold",
    "s3:GetObjectRetention",
    "s3:GetObjectTagging",
    "s3:GetObjectVersion",
    "s3:GetObjectVersionTagging",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "s3:ListMultipartUploadParts",
    "s3:PutBucketVersioning",
    "s3:PutLifecycleConfiguration",
    "s3:PutObjectAcl",
    "s3:PutObjectTagging",
    "s3:RestoreObject",
];

#[test]
fn evi_14_four_rights_are_enough_for_core_work() {
    on_ceph("core", |bucket| {
        deny(bucket, &NOT_CORE);
        let refused = wait(bucket.client.versioning()).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "other rights are missing: {refused:?}");
        let shell = &bucket.shell;
        shell.write("in/small", "hello").write("in/deep/in-parts", vec![7; 9 << 20]);
        for line in [
            "push in out",
            "put in/small out/new --create-only",
            "stat out/small",
            "cat out/small --range 1..3",
            "cp out/deep/in-parts copy",
            "mv copy moved",
            "ls -r",
            "du",
            "pull out back",
            "rm moved",
            "rm -r out",
        ] {
            let done = shell.run(&line.split(' ').collect::<Vec<_>>());
            assert!(done.status.success(), "{line}: {done:?}");
        }
        assert!(shell.read("back/deep/in-parts") == shell.read("in/deep/in-parts"));
        allow_all_again(bucket);
    });
}

#[test]
fn evi_14_what_may_not_be_asked_is_no_problem() {
    let table = [
        ("s3:GetLifecycleConfiguration", "bucket.lifecycle"),
        ("s3:GetBucketVersioning", "bucket.versioning"),
        ("s3:GetBucketCORS", "bucket.cors"),
        ("s3:GetBucketAcl", "bucket.acl"),
        ("s3:ListBucketMultipartUploads", "bucket.uploads"),
    ];
    on_ceph("asking", |bucket| {
        deny(bucket, &table.map(|(right, _)| right));
        let report = doctor(&bucket.shell, &[]);
        report.problems(&[]);
        for (right, check) in table {
            report.names(check, "unknown", &[&format!("allow {right}")]);
        }
        allow_all_again(bucket);
    });
}

#[test]
fn evi_13_a_bucket_that_lets_strangers_in() {
    on_ceph("public", |bucket| {
        let name = bucket.client.bucket();
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::{name}/*"}}]}}"#
        );
        wait(bucket.client.put_bucket_policy(&policy)).unwrap();
        let block = format!("holdall bucket setup s3://{name} --block-public-access --apply");
        let report = doctor(&bucket.shell, &[]);
        report.problems(&["bucket.policy"]);
        report.names("bucket.policy", "problem", &[&block]);
        let meant = bucket.shell.variant("HOLDALL_URL", "public");
        doctor(&meant, &[]).find("bucket.policy", "note");
        allow_all_again(bucket);

        grant_to_strangers(&bucket.client, "public-read-write");
        let report = doctor(&bucket.shell, &[]);
        report.problems(&["bucket.acl"]);
        report.names("bucket.acl", "problem", &[&block]);
        wait(bucket.client.put_public_access_block(&WITHOUT_ACLS)).unwrap();
        doctor(&bucket.shell, &[]).problems(&[]);
    });
}

/// There is no call for this: holdall gives nobody's bucket away.
fn grant_to_strangers(client: &Client, acl: &str) {
    let options = PresignOptions {
        query: vec![("acl".to_owned(), String::new())],
        headers: vec![("x-amz-acl".to_owned(), acl.to_owned())],
        ..PresignOptions::new(Duration::from_secs(60))
    };
    let url = wait(client.presign(&Method::PUT, "", &options)).unwrap();
    let answer = plain_http::send("PUT", &url, &[("x-amz-acl", acl)], b"").unwrap();
    assert!(answer.is_success(), "{}", answer.text());
}

#[test]
fn evi_13_a_bucket_that_keeps_no_versions() {
    on_ceph("versions", |bucket| {
        let mend = format!("holdall bucket setup s3://{} --versioning --apply", bucket.client.bucket());
        let report = doctor(&bucket.shell, &["--read-only"]);
        report.names("bucket.versioning", "warning", &[&mend]);
        doctor(&bucket.shell, &[]).find("object.conditions", "ok");
        wait(bucket.client.put_versioning(Versioning::Enabled)).unwrap();
        wait(bucket.client.put_versioning(Versioning::Suspended)).unwrap();
        // Also with objects made and removed: what a delete marker would keep from being deleted is gone.
        let report = doctor(&bucket.shell, &[]);
        report.names("bucket.versioning", "warning", &[&mend]);
        report.problems(&[]);
    });
}

#[test]
fn evi_13_lifecycle_rules_that_keep_too_much_or_too_little() {
    on_ceph("lifecycle", |bucket| {
        let name = bucket.client.bucket();
        let abort_mend = format!("holdall bucket setup s3://{name} --abort-uploads 7 --apply");
        let check = "bucket.lifecycle";
        doctor(&bucket.shell, &["--read-only"]).names(check, "note", &[&abort_mend]);
        let expire = |prefix| LifecycleRule::new("old", &LifecycleFilter::prefix(prefix)).expire(30);
        let set = |rules| wait(bucket.client.put_lifecycle(&Lifecycle::new(rules))).unwrap();
        set(vec![expire("elsewhere/")]);
        doctor(&bucket.shell, &["--read-only"]).names(check, "warning", &[&abort_mend]);
        set(vec![expire("below/"), abort()]);
        let report = doctor(&bucket.shell, &["--read-only"]);
        report.names(check, "warning", &[&format!("holdall bucket info s3://{name}")]);
        assert_eq!(report.find(check, "warning")["facts"]["days"], "30");
        set(vec![expire("elsewhere/"), abort()]);
        doctor(&bucket.shell, &["--read-only"]).find(check, "ok");
    });
}

#[test]
fn evi_13_uploads_that_nobody_finished_go_by_the_command_that_is_named() {
    on_ceph("uploads", |bucket| {
        wait(bucket.client.create_upload("below/half", &PutOptions::default())).unwrap();
        doctor(&bucket.shell, &[]).find("bucket.uploads", "ok");
        let report = doctor(&bucket.shell, &["--older-than", "0s"]);
        report.problems(&[]);
        report.names("bucket.uploads", "warning", &["holdall gc --older-than 0s"]);
        assert!(bucket.shell.run(&["gc", "--older-than", "0s"]).status.success());
        doctor(&bucket.shell, &["--older-than", "0s"]).find("bucket.uploads", "ok");
    });
}

#[test]
fn evi_13_pages_of_every_origin_that_may_write() {
    on_ceph("cors", |bucket| {
        let rule = CorsRule {
            origins: vec!["*".to_owned()],
            methods: vec!["GET".to_owned(), "PUT".to_owned()],
            ..CorsRule::default()
        };
        wait(bucket.client.put_cors(&[rule])).unwrap();
        let name = bucket.client.bucket();
        let mend = format!("holdall bucket setup s3://{name} --cors https://app.example.com");
        doctor(&bucket.shell, &["--read-only"]).names(
            "bucket.cors",
            "warning",
            &["delete-bucket-cors", &mend],
        );
    });
}

#[test]
fn evi_13_settings_that_the_server_refuses() {
    on_ceph("refused", |bucket| {
        let kms = bucket.shell.variant("S3_KMS_KEY_ID", "nobody-has-this-key");
        let report = doctor(&kms, &[]);
        report.problems(&["object.encryption"]);
        report.names("object.encryption", "problem", &["correct or unset S3_KMS_KEY_ID"]);
        report.find("object.put", "ok");

        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Deny","Principal":"*","Action":"s3:PutObject",
            "Resource":"arn:aws:s3:::{}/*","Condition":{{"StringEquals":{{"s3:x-amz-acl":"public-read"}}}}}}]}}"#,
            bucket.client.bucket()
        );
        wait(bucket.client.put_bucket_policy(&policy)).unwrap();
        let acl = bucket.shell.variant("HOLDALL_ACL", "public-read");
        let report = doctor(&acl, &[]);
        report.problems(&["object.acl"]);
        report.names("object.acl", "problem", &["unset HOLDALL_ACL", "bucket policy"]);
    });
}

#[test]
fn evi_13_a_block_of_public_access_that_refuses_every_put() {
    on_ceph("block", |bucket| {
        wait(bucket.client.put_public_access_block(&PublicAccessBlock::ALL)).unwrap();
        let report = doctor(&bucket.shell, &[]);
        report.find("bucket.public_access", "ok");
        report.problems(&["object.put"]);
        report.names("object.put", "problem", &["BlockPublicAcls", "allow s3:PutObject"]);
        let acl = bucket.shell.variant("HOLDALL_ACL", "public-read");
        doctor(&acl, &["--read-only"]).names("bucket.public_access", "warning", &["unset HOLDALL_ACL"]);
    });
}

#[test]
fn evi_13_encryption_and_lists_that_work() {
    on_ceph("accepted", |bucket| {
        let server = Server::from_env("ceph").expect("HOLDALL_TEST_CEPH names a server").unwrap();
        let key = server.kms_key.expect("the server of the tests has a key");
        let shell = bucket.shell.variant("S3_KMS_KEY_ID", &key).with("HOLDALL_ACL", "public-read");
        let report = doctor(&shell, &[]);
        report.problems(&[]);
        for check in ["object.encryption", "object.acl", "object.presign_put", "object.multipart"] {
            report.find(check, "ok");
        }
    });
}

#[test]
fn evi_13_a_public_endpoint_that_nobody_answers_at() {
    on_ceph("endpoint", |bucket| {
        let shell = bucket.shell.variant("S3_PUBLIC_ENDPOINT_URL", "http://127.0.0.1:1");
        let report = doctor(&shell, &[]);
        report.problems(&[]);
        for check in ["object.presign_get", "object.presign_put"] {
            report.names(check, "warning", &["correct S3_PUBLIC_ENDPOINT_URL"]);
        }
    });
}
