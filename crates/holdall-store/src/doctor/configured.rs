//! What a bucket does with what is stored: versions, encryption, locks, copies elsewhere, and a log of who asks.

use super::asked::{Asked, Fault, Question};
use super::finding::Finding;
use super::mend;
use super::scene::Scene;
use holdall_s3::{BucketEncryption, BucketLogging, ObjectLock, ReplicationRule, Versioning};

const VERSIONING: Question =
    Question { check: "bucket.versioning", about: "versioning", right: "s3:GetBucketVersioning" };
const ENCRYPTION: Question = Question {
    check: "bucket.encryption",
    about: "default encryption",
    right: "s3:GetEncryptionConfiguration",
};
const LOCK: Question = Question {
    check: "bucket.object_lock",
    about: "object lock",
    right: "s3:GetBucketObjectLockConfiguration",
};
const REPLICATION: Question =
    Question { check: "bucket.replication", about: "replication", right: "s3:GetReplicationConfiguration" };
const LOGGING: Question =
    Question { check: "bucket.logging", about: "access logging", right: "s3:GetBucketLogging" };

/// Asks for all of these, and judges each.
pub(super) async fn examine(scene: &Scene<'_>, lock: Asked<Option<ObjectLock>>) -> Vec<Finding> {
    let (client, bucket) = (scene.client(), scene.bucket);
    let mut findings = versioning(client.versioning().await.map_err(Fault::from), bucket);
    findings.extend(encryption(client.bucket_encryption().await.map_err(Fault::from), bucket));
    findings.extend(object_lock(lock));
    findings.extend(replication(client.replication().await.map_err(Fault::from)));
    findings.extend(logging(client.bucket_logging().await.map_err(Fault::from)));
    findings
}

pub(super) fn versioning(asked: Asked<Versioning>, bucket: &str) -> Vec<Finding> {
    let check = VERSIONING.check;
    let lost = "what is overwritten or deleted is gone at once";
    VERSIONING.judge(asked, |versioning| {
        vec![match versioning {
            Versioning::Enabled => Finding::ok(check, "the bucket keeps versions"),
            Versioning::Suspended => Finding::warning(check, "versioning is suspended")
                .means(format!("older versions stay, and {lost}"))
                .mend(mend::versioning(bucket)),
            Versioning::Off => Finding::warning(check, "the bucket keeps no versions")
                .means(lost)
                .mend(mend::versioning(bucket)),
        }]
    })
}

pub(super) fn encryption(asked: Asked<Option<BucketEncryption>>, bucket: &str) -> Vec<Finding> {
    let check = ENCRYPTION.check;
    ENCRYPTION.judge(asked, |encryption| {
        vec![match encryption {
            Some(BucketEncryption::S3) => Finding::ok(check, "objects are encrypted by AES256"),
            Some(BucketEncryption::Kms { key, .. }) => {
                let key = key.unwrap_or_else(|| "the service's own key".to_owned());
                Finding::ok(check, "objects are encrypted by aws:kms").fact("key", key)
            }
            Some(BucketEncryption::Other(name)) => {
                Finding::ok(check, format!("objects are encrypted by {name}"))
            }
            None => Finding::note(check, "the bucket encrypts nothing by default")
                .means("whoever has the disks can read what is stored, unless a write asks for encryption")
                .mend(format!("{}, or set HOLDALL_SSE=AES256", mend::encryption(bucket))),
        }]
    })
}

pub(super) fn object_lock(asked: Asked<Option<ObjectLock>>) -> Vec<Finding> {
    let check = LOCK.check;
    LOCK.judge(asked, |lock| {
        vec![match lock {
            None => Finding::ok(check, "objects can be deleted at any time"),
            Some(ObjectLock { default: None }) => {
                Finding::ok(check, "objects can be locked, and are not by default")
            }
            Some(ObjectLock { default: Some(retention) }) => {
                let time = match (retention.years, retention.days) {
                    (Some(years), _) => format!("{years} years"),
                    (None, days) => format!("{} days", days.unwrap_or(0)),
                };
                Finding::note(check, format!("each new object is locked for {time}"))
                    .means("no version can be deleted before, and gc, rm and lifecycle rules free no space")
                    .fact("mode", retention.mode)
            }
        }]
    })
}

pub(super) fn replication(asked: Asked<Vec<ReplicationRule>>) -> Vec<Finding> {
    let check = REPLICATION.check;
    REPLICATION.judge(asked, |rules| {
        let on: Vec<&str> =
            rules.iter().filter(|rule| rule.enabled).map(|rule| rule.destination.as_str()).collect();
        vec![match on.as_slice() {
            [] => Finding::note(check, "nothing is copied to another bucket")
                .means("what the service loses is lost, unless there is a backup"),
            all => Finding::ok(check, format!("objects are copied to {}", all.join(", "))),
        }]
    })
}

pub(super) fn logging(asked: Asked<Option<BucketLogging>>) -> Vec<Finding> {
    let check = LOGGING.check;
    LOGGING.judge(asked, |logging| {
        vec![match logging {
            Some(log) => {
                Finding::ok(check, format!("accesses are logged to s3://{}/{}", log.bucket, log.prefix))
            }
            None => Finding::note(check, "accesses are not logged")
                .means("who read or deleted an object cannot be told afterwards"),
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::{fault, seen};
    use super::*;
    use crate::doctor::Status;
    use holdall_s3::{DefaultRetention, ErrorKind};

    #[test]
    fn a_bucket_without_versions_is_told_how_to_keep_them() {
        let mend = "holdall bucket setup s3://b --versioning --apply";
        let table = [
            (Versioning::Enabled, Status::Ok, ""),
            (Versioning::Suspended, Status::Warning, mend),
            (Versioning::Off, Status::Warning, mend),
        ];
        for (state, status, mend) in table {
            let found = versioning(Ok(state), "b");
            assert_eq!((seen(&found).0, seen(&found).2), (status, mend), "{state:?}");
        }
    }

    #[test]
    fn each_way_to_encrypt_is_well() {
        let kms = BucketEncryption::Kms { key: None, bucket_key: false };
        for on in [BucketEncryption::S3, kms, BucketEncryption::Other("x".into())] {
            assert_eq!(seen(&encryption(Ok(Some(on)), "b")).0, Status::Ok);
        }
        let found = encryption(Ok(None), "b");
        assert_eq!(seen(&found).0, Status::Note);
        assert!(seen(&found).2.starts_with("holdall bucket setup s3://b --sse AES256 --apply"), "{found:?}");
    }

    #[test]
    fn locks_copies_and_logs_are_told() {
        let retention = DefaultRetention { mode: "COMPLIANCE".into(), days: Some(30), years: None };
        let found = object_lock(Ok(Some(ObjectLock { default: Some(retention) })));
        assert_eq!(seen(&found), (Status::Note, "each new object is locked for 30 days", ""));
        assert_eq!(seen(&object_lock(Ok(Some(ObjectLock { default: None })))).0, Status::Ok);
        assert_eq!(seen(&object_lock(Ok(None))).0, Status::Ok);

        let rule =
            |enabled| ReplicationRule { id: "r".into(), enabled, destination: "arn:aws:s3:::c".into() };
        assert_eq!(seen(&replication(Ok(vec![rule(true)]))).0, Status::Ok);
        assert_eq!(seen(&replication(Ok(vec![rule(false)]))).0, Status::Note);

        let log = BucketLogging { bucket: "logs".into(), prefix: "b/".into() };
        assert_eq!(seen(&logging(Ok(Some(log)))).1, "accesses are logged to s3://logs/b/");
        assert_eq!(seen(&logging(Ok(None))).0, Status::Note);
    }

    #[test]
    fn what_may_not_be_asked_names_its_right() {
        let denied = || fault(ErrorKind::PermissionDenied, "AccessDenied");
        let all = [
            (versioning(Err(denied()), "b"), "s3:GetBucketVersioning"),
            (encryption(Err(denied()), "b"), "s3:GetEncryptionConfiguration"),
            (object_lock(Err(denied())), "s3:GetBucketObjectLockConfiguration"),
            (replication(Err(denied())), "s3:GetReplicationConfiguration"),
            (logging(Err(denied())), "s3:GetBucketLogging"),
        ];
        for (found, right) in all {
            assert_eq!(seen(&found).0, Status::Unknown);
            assert!(seen(&found).2.contains(right), "{found:?}");
        }
    }
}
