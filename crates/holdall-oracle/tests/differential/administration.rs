//! What is configured of a bucket.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types as sdk_types;
use holdall_oracle::Bench;
use holdall_s3::{
    BucketEncryption, BucketLogging, CorsRule, DefaultRetention, Error, ErrorKind, Grantee, Lifecycle,
    LifecycleFilter, LifecycleRule, ObjectLock, PublicAccessBlock, Versioning,
};

use crate::rights::{User, client};
use crate::sdk;

pub(crate) async fn what_is_not_configured_is_none(bench: Bench) {
    let holdall = &bench.holdall;
    assert_eq!(holdall.lifecycle().await.unwrap().rules, []);
    assert_eq!(holdall.cors().await.unwrap(), []);
    assert_eq!(holdall.bucket_policy().await.unwrap(), None);
    assert_ne!(holdall.is_policy_public().await.unwrap(), Some(true));
    assert_eq!(
        holdall.public_access_block().await.unwrap().unwrap_or_default(),
        PublicAccessBlock::default()
    );
    assert_eq!(holdall.bucket_logging().await.unwrap(), None);
    assert_eq!(holdall.replication().await.unwrap(), []);
    assert_eq!(holdall.object_lock().await.unwrap(), None);
    assert!(holdall.bucket_grants().await.unwrap().iter().all(|grant| !grant.is_public()));
    // That it is not there is no reason to fail, or to send what another server may take for DeleteBucket.
    holdall.delete_lifecycle().await.unwrap();
    holdall.delete_cors().await.unwrap();
    holdall.delete_bucket_policy().await.unwrap();
    holdall.head_bucket().await.unwrap();
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Off);
    holdall.put_versioning(Versioning::Enabled).await.unwrap();
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Enabled);
    holdall.put_versioning(Versioning::Suspended).await.unwrap();
    assert_eq!(holdall.versioning().await.unwrap(), Versioning::Suspended);
}

pub(crate) async fn lifecycle_rules_go_both_ways(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let tagged =
        LifecycleFilter { prefix: "a & b/".to_owned(), tags: vec![("k".to_owned(), "<v>".to_owned())] };
    let rules = vec![
        LifecycleRule::new("everything", &LifecycleFilter::default()).abort_uploads(7).expire_noncurrent(30),
        LifecycleRule::new("tagged", &tagged).expire(3),
        LifecycleRule::new("moved", &LifecycleFilter::prefix("old/")).transition(30, "STANDARD"),
    ];
    holdall.put_lifecycle(&Lifecycle::new(rules.clone())).await.unwrap();
    let read = holdall.lifecycle().await.unwrap().rules;
    assert_eq!(read.len(), rules.len());
    for rule in &rules {
        assert!(read.contains(rule), "{rule:?} is not in {read:?}");
    }
    let seen = sdk.get_bucket_lifecycle_configuration().bucket(&bench.bucket).send().await.unwrap();
    let seen = seen.rules().iter().find(|rule| rule.id() == Some("everything")).unwrap();
    let abort = seen.abort_incomplete_multipart_upload().unwrap();
    assert_eq!(abort.days_after_initiation(), Some(7));
    assert_eq!(seen.noncurrent_version_expiration().unwrap().noncurrent_days(), Some(30));

    holdall.delete_lifecycle().await.unwrap();
    let gone = sdk.get_bucket_lifecycle_configuration().bucket(&bench.bucket).send().await.unwrap_err();
    assert_eq!(gone.into_service_error().code(), Some("NoSuchLifecycleConfiguration"));
}

/// What somebody else has set is not lost when a rule is added.
pub(crate) async fn rules_that_are_not_understood_survive(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let marker = sdk_types::LifecycleExpiration::builder().expired_object_delete_marker(true).build();
    let theirs = sdk_types::LifecycleRule::builder()
        .id("theirs")
        .filter(sdk_types::LifecycleRuleFilter::builder().prefix("t/").build())
        .status(sdk_types::ExpirationStatus::Enabled)
        .expiration(marker)
        .build()
        .unwrap();
    let all = sdk_types::BucketLifecycleConfiguration::builder().rules(theirs).build().unwrap();
    let put = sdk.put_bucket_lifecycle_configuration().bucket(&bench.bucket).lifecycle_configuration(all);
    put.send().await.unwrap();

    let mut lifecycle = holdall.lifecycle().await.unwrap();
    assert!(lifecycle.rules[0].has_more());
    lifecycle.rules.push(LifecycleRule::new("ours", &LifecycleFilter::default()).abort_uploads(1));
    holdall.put_lifecycle(&lifecycle).await.unwrap();
    let seen = sdk.get_bucket_lifecycle_configuration().bucket(&bench.bucket).send().await.unwrap();
    assert_eq!(seen.rules().len(), 2);
    let theirs = seen.rules().iter().find(|rule| rule.id() == Some("theirs")).unwrap();
    assert_eq!(theirs.expiration().unwrap().expired_object_delete_marker(), Some(true));
}

pub(crate) async fn cors_rules_go_both_ways(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let rule = CorsRule {
        id: Some("web".to_owned()),
        origins: texts(&["https://b.example", "https://a.example"]),
        methods: texts(&["GET", "PUT"]),
        headers: texts(&["*"]),
        exposed: texts(&["ETag"]),
        max_age: Some(600),
        ..CorsRule::default()
    };
    holdall.put_cors(std::slice::from_ref(&rule)).await.unwrap();
    assert_eq!(holdall.cors().await.unwrap(), [rule]);
    let seen = sdk.get_bucket_cors().bucket(&bench.bucket).send().await.unwrap();
    assert_eq!(seen.cors_rules()[0].max_age_seconds(), Some(600));
    assert_eq!(seen.cors_rules()[0].expose_headers(), ["ETag"]);
    holdall.delete_cors().await.unwrap();
    assert_eq!(holdall.cors().await.unwrap(), []);
}

pub(crate) async fn a_policy_goes_both_ways(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "DenyPlainHttp", "Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
            "Resource": [format!("arn:aws:s3:::{}/*", bench.bucket)],
            "Condition": { "Bool": { "aws:SecureTransport": "false" } },
        }],
    });
    let read = |text: Option<String>| serde_json::from_str::<serde_json::Value>(&text.unwrap()).unwrap();
    holdall.put_bucket_policy(&policy.to_string()).await.unwrap();
    assert_eq!(read(holdall.bucket_policy().await.unwrap()), policy);
    let seen = sdk.get_bucket_policy().bucket(&bench.bucket).send().await.unwrap();
    assert_eq!(read(seen.policy().map(str::to_owned)), policy);
    assert_eq!(holdall.is_policy_public().await.unwrap(), Some(false));
    let wrong = holdall.put_bucket_policy("[]").await.unwrap_err();
    assert_eq!((wrong.kind(), wrong.attempts()), (ErrorKind::InvalidInput, 0));
    holdall.delete_bucket_policy().await.unwrap();
    assert_eq!(holdall.bucket_policy().await.unwrap(), None);
}

pub(crate) async fn blocked_public_access_reads_back(bench: Bench) {
    let partly = PublicAccessBlock { block_policy: true, ..PublicAccessBlock::default() };
    for wanted in [PublicAccessBlock::ALL, partly] {
        bench.holdall.put_public_access_block(&wanted).await.unwrap();
        assert_eq!(bench.holdall.public_access_block().await.unwrap(), Some(wanted));
    }
}

pub(crate) async fn public_grants_are_seen(bench: Bench) {
    let sdk = sdk::client(&bench);
    for (acl, grantee) in [
        (sdk_types::BucketCannedAcl::PublicRead, Some(Grantee::Everybody)),
        (sdk_types::BucketCannedAcl::AuthenticatedRead, Some(Grantee::AnyUser)),
        (sdk_types::BucketCannedAcl::Private, None),
    ] {
        sdk.put_bucket_acl().bucket(&bench.bucket).acl(acl).send().await.unwrap();
        let grants = bench.holdall.bucket_grants().await.unwrap();
        let public = grants.into_iter().find(|grant| grant.is_public());
        assert_eq!(public.map(|grant| grant.grantee), grantee);
    }
}

/// Ceph 16 takes what it does not know for work on the bucket itself: `DELETE ?encryption` would delete it.
pub(crate) async fn an_unknown_configuration_never_costs_the_bucket(bench: Bench) {
    let holdall = &bench.holdall;
    let refused = [
        holdall.bucket_encryption().await.unwrap_err(),
        holdall.put_bucket_encryption(&BucketEncryption::S3).await.unwrap_err(),
        holdall.delete_bucket_encryption().await.unwrap_err(),
    ];
    assert_unknown(&refused);
    holdall.head_bucket().await.unwrap();
}

/// s3s-fs has nothing of this, and says so.
pub(crate) async fn nothing_is_known(bench: Bench) {
    let holdall = &bench.holdall;
    let refused = [
        holdall.versioning().await.unwrap_err(),
        holdall.put_versioning(Versioning::Enabled).await.unwrap_err(),
        holdall.lifecycle().await.unwrap_err(),
        holdall.delete_lifecycle().await.unwrap_err(),
        holdall.cors().await.unwrap_err(),
        holdall.delete_cors().await.unwrap_err(),
        holdall.bucket_policy().await.unwrap_err(),
        holdall.put_bucket_policy("{}").await.unwrap_err(),
        holdall.is_policy_public().await.unwrap_err(),
        holdall.public_access_block().await.unwrap_err(),
        holdall.bucket_encryption().await.unwrap_err(),
        holdall.bucket_grants().await.unwrap_err(),
        holdall.bucket_logging().await.unwrap_err(),
        holdall.replication().await.unwrap_err(),
        holdall.object_lock().await.unwrap_err(),
    ];
    assert_unknown(&refused);
}

fn assert_unknown(refused: &[Error]) {
    for error in refused {
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Unsupported, 1), "{error:?}");
    }
}

pub(crate) async fn denied_is_not_unknown(bench: Bench) {
    let (user, credentials) = User::create(&bench).await;
    user.allow(&["s3:ListBucket"]).await;
    let stranger = client(&bench, credentials);
    let refused = [
        stranger.lifecycle().await.unwrap_err(),
        stranger.put_versioning(Versioning::Enabled).await.unwrap_err(),
        stranger.cors().await.unwrap_err(),
        stranger.bucket_policy().await.unwrap_err(),
        stranger.put_bucket_policy("{}").await.unwrap_err(),
        stranger.delete_bucket_policy().await.unwrap_err(),
        stranger.public_access_block().await.unwrap_err(),
        stranger.bucket_grants().await.unwrap_err(),
    ];
    for error in refused {
        assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error:?}");
    }
    user.remove().await;
}

pub(crate) async fn encryption_goes_both_ways(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    assert_eq!(holdall.bucket_encryption().await.unwrap(), None);
    let kms = BucketEncryption::Kms { key: Some("a-key".to_owned()), bucket_key: true };
    for wanted in [BucketEncryption::S3, kms] {
        holdall.put_bucket_encryption(&wanted).await.unwrap();
        assert_eq!(holdall.bucket_encryption().await.unwrap(), Some(wanted));
    }
    let seen = sdk.get_bucket_encryption().bucket(&bench.bucket).send().await.unwrap();
    let rule = &seen.server_side_encryption_configuration().unwrap().rules()[0];
    let default = rule.apply_server_side_encryption_by_default().unwrap();
    assert_eq!(default.kms_master_key_id(), Some("a-key"));
    holdall.delete_bucket_encryption().await.unwrap();
    assert_eq!(holdall.bucket_encryption().await.unwrap(), None);
}

pub(crate) async fn replication_and_locks_are_read(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    holdall.put_versioning(Versioning::Enabled).await.unwrap();
    let destination = format!("arn:aws:s3:::{}", bench.bucket);
    let to = sdk_types::Destination::builder().bucket(&destination).build().unwrap();
    let rule = sdk_types::ReplicationRule::builder()
        .id("copy")
        .status(sdk_types::ReplicationRuleStatus::Enabled)
        .destination(to)
        .filter(sdk_types::ReplicationRuleFilter::builder().prefix("").build())
        .build()
        .unwrap();
    let all =
        sdk_types::ReplicationConfiguration::builder().role("arn:aws:iam::1:role/r").rules(rule).build();
    let put = sdk.put_bucket_replication().bucket(&bench.bucket).replication_configuration(all.unwrap());
    put.send().await.unwrap();
    let read = holdall.replication().await.unwrap().remove(0);
    assert_eq!((read.id.as_str(), read.enabled, read.destination), ("copy", true, destination));

    let retention = sdk_types::DefaultRetention::builder()
        .mode(sdk_types::ObjectLockRetentionMode::Governance)
        .days(3)
        .build();
    let lock = sdk_types::ObjectLockConfiguration::builder()
        .object_lock_enabled(sdk_types::ObjectLockEnabled::Enabled)
        .rule(sdk_types::ObjectLockRule::builder().default_retention(retention).build())
        .build();
    let put = sdk.put_object_lock_configuration().bucket(&bench.bucket).object_lock_configuration(lock);
    put.send().await.unwrap();
    let default = DefaultRetention { mode: "GOVERNANCE".to_owned(), days: Some(3), years: None };
    assert_eq!(holdall.object_lock().await.unwrap(), Some(ObjectLock { default: Some(default) }));
}

pub(crate) async fn logging_is_read(bench: Bench) {
    let (sdk, holdall) = (sdk::client(&bench), &bench.holdall);
    let group = sdk_types::Grantee::builder()
        .r#type(sdk_types::Type::Group)
        .uri("http://acs.amazonaws.com/groups/s3/LogDelivery")
        .build()
        .unwrap();
    let owner = sdk_types::Owner::builder().id("owner").build();
    let grant =
        |permission| sdk_types::Grant::builder().grantee(group.clone()).permission(permission).build();
    let acl = sdk_types::AccessControlPolicy::builder()
        .owner(owner)
        .grants(grant(sdk_types::Permission::Write))
        .grants(grant(sdk_types::Permission::ReadAcp))
        .build();
    sdk.put_bucket_acl().bucket(&bench.bucket).access_control_policy(acl).send().await.unwrap();
    let target =
        sdk_types::LoggingEnabled::builder().target_bucket(&bench.bucket).target_prefix("log/").build();
    let status = sdk_types::BucketLoggingStatus::builder().logging_enabled(target.unwrap()).build();
    let put = sdk.put_bucket_logging().bucket(&bench.bucket).bucket_logging_status(status);
    put.send().await.unwrap();
    let wanted = BucketLogging { bucket: bench.bucket.clone(), prefix: "log/".to_owned() };
    assert_eq!(holdall.bucket_logging().await.unwrap(), Some(wanted));
    // Else the log of emptying the bucket would fill it again.
    let off = sdk_types::BucketLoggingStatus::builder().build();
    sdk.put_bucket_logging().bucket(&bench.bucket).bucket_logging_status(off).send().await.unwrap();
    assert_eq!(holdall.bucket_logging().await.unwrap(), None);
}
