//! What can be done with objects, tried on throw-away ones that are removed again.

use super::asked::{Asked, Fault};
use super::finding::Finding;
use super::mend;
use super::presigned;
use super::scene::Scene;
use crate::backend::s3::remove_whole;
use crate::error::ErrorKind;
use crate::key::Key;
use crate::{Acl, Encryption, Payload, WriteCondition};
use bytes::Bytes;
use holdall_s3::{CompletedPart, ErrorKind as Kind, GetOptions, PayloadIntegrity, PutOptions};

const PUT: &str = "object.put";
const READ: &str = "object.read";
const DELETE: &str = "object.delete";
const PARTS: &str = "object.multipart";
const CONDITIONS: &str = "object.conditions";
const PAYLOAD: &str = "object.payload";
const ACL: &str = "object.acl";
const ENCRYPTION: &str = "object.encryption";

/// All checks that write.
const ALL: [&str; 10] =
    [ENCRYPTION, ACL, PUT, READ, presigned::GET, presigned::PUT, PARTS, DELETE, CONDITIONS, PAYLOAD];

const CONTENT: &[u8] = b"holdall doctor was here\n";

/// What the trials leave until they are over.
pub(super) struct Bench<'a> {
    pub(super) scene: &'a Scene<'a>,
    /// How objects are put: encrypted where that works.
    pub(super) options: PutOptions,
    /// The bucket refuses public access control lists.
    acls_blocked: bool,
    made: Vec<String>,
}

/// What is said of all of them where nothing may be written.
pub(super) fn left_out(why: &str) -> Vec<Finding> {
    ALL.iter().map(|check| Finding::unknown(check, format!("not tried: {why}"))).collect()
}

/// Tries it all, and removes whatever it made.
pub(super) async fn examine(scene: &Scene<'_>, acls_blocked: bool) -> Vec<Finding> {
    let mut bench = Bench { scene, options: PutOptions::default(), acls_blocked, made: Vec::new() };
    let mut findings = bench.try_objects().await;
    let (removed, key) = bench.remove().await;
    let removable = removed.is_ok();
    findings.push(delete(removed, &key, &scene.objects()));
    if removable && findings.iter().any(|finding| finding.check == READ) {
        findings.extend(bench.try_abilities().await);
    }
    findings
}

impl Bench<'_> {
    async fn try_objects(&mut self) -> Vec<Finding> {
        let mut findings = Vec::from_iter(self.try_encryption().await);
        findings.extend(self.try_acl().await);
        let key = self.key();
        let asked = self.put(&key).await;
        let is_there = asked.is_ok();
        findings.push(put(
            asked,
            &self.scene.objects(),
            self.acls_blocked && !self.scene.endpoint().is_aws(),
        ));
        if !is_there {
            return findings;
        }
        let asked = self.reads_back(&key).await;
        findings.push(read(asked, &self.scene.objects()));
        findings.extend(presigned::examine(self, &key).await);
        let asked = self.try_parts().await;
        findings.push(parts(asked, &self.scene.objects()));
        findings
    }

    /// A key that nobody has, remembered to be removed.
    pub(super) fn key(&mut self) -> String {
        let random = (self.scene.client().config().seams.random)();
        let key = format!("{}{}", self.scene.root, Key::reserved(&format!("probe/{random:032x}")));
        self.made.push(key.clone());
        key
    }

    /// The bytes that the trials put.
    pub(super) fn content(&self) -> Bytes {
        Bytes::from_static(CONTENT)
    }

    async fn put(&self, key: &str) -> Asked<()> {
        Ok(self.scene.client().put(key, Payload::from(CONTENT), &self.options).await.map(drop)?)
    }

    /// Whether an object has the bytes that the trials put.
    pub(super) async fn reads_back(&self, key: &str) -> Asked<bool> {
        let answer = self.scene.client().get(key, &GetOptions::default()).await?;
        Ok(answer.body.collect().await? == CONTENT)
    }

    async fn try_encryption(&mut self) -> Option<Finding> {
        let wanted = self.scene.settings().encryption.clone()?;
        let setting = match &wanted {
            Encryption::Kms(Some(_)) => "kms_key_id",
            _ => "sse",
        };
        self.options.encryption = Some(wanted);
        let key = self.key();
        let asked = self.put(&key).await;
        if asked.is_err() {
            self.options.encryption = None;
        }
        Some(encryption(asked, &self.scene.source(setting)))
    }

    async fn try_acl(&mut self) -> Option<Finding> {
        let wanted = self.scene.settings().acl?;
        let key = self.key();
        let options = PutOptions { acl: Some(wanted), ..self.options.clone() };
        let put = self.scene.client().put(&key, Payload::from(CONTENT), &options).await.map(drop);
        let applied = match (put, wanted) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Acl::PublicRead | Acl::PublicReadWrite) => {
                self.scene.client().is_public_by_acl(&key).await.map(Some).or_else(|error| {
                    match error.kind() {
                        Kind::PermissionDenied => Ok(None),
                        _ => Err(error.into()),
                    }
                })
            }
            (Ok(()), _) => Ok(None),
        };
        Some(acl(applied, &self.scene.source("acl")))
    }

    async fn try_parts(&mut self) -> Asked<bool> {
        let key = self.key();
        let client = self.scene.client();
        let upload = client.create_upload(&key, &self.options).await?;
        let sent = async {
            let part = client.upload_part(&upload, 1, Payload::from(CONTENT)).await?;
            let parts = [CompletedPart { number: 1, etag: part.etag, checksum: part.checksum }];
            client.complete_upload(&upload, &parts, &WriteCondition::Always).await
        };
        if let Err(error) = sent.await {
            if let Err(left) = client.abort_upload(&upload).await {
                tracing::warn!(key, error = %left, "the upload of a trial may be left behind");
            }
            return Err(error.into());
        }
        match self.reads_back(&key).await {
            // Whether it may be read was told before.
            Err(fault) if fault.kind == Kind::PermissionDenied => Ok(true),
            other => other,
        }
    }

    /// Removes all that was made; answers the first that stays.
    async fn remove(&mut self) -> (Asked<()>, String) {
        let mut first = (Ok(()), String::new());
        for key in std::mem::take(&mut self.made) {
            let removed = remove_whole(self.scene.client(), &key).await;
            if first.0.is_ok()
                && let Err(error) = removed
            {
                first = (Err(error.into()), key);
            }
        }
        first
    }

    async fn try_abilities(&self) -> Vec<Finding> {
        let backend = &self.scene.backend;
        let mut findings = vec![conditions(backend.creates_once().await.map_err(of_store))];
        if self.scene.settings().integrity == PayloadIntegrity::Signed {
            findings.push(payload(backend.checks_payloads().await.map_err(of_store)));
        }
        findings
    }
}

fn of_store(error: crate::Error) -> Fault {
    let kind = match error.kind() {
        ErrorKind::PermissionDenied => Kind::PermissionDenied,
        _ => Kind::Protocol,
    };
    let code = error.code().map(str::to_owned);
    Fault { kind, code, status: error.status(), stage: None, text: error.message().to_owned() }
}

/// `acls_blocked` where a server that is not AWS refuses public access control lists: Ceph 16 refuses every put then.
pub(super) fn put(asked: Asked<()>, objects: &str, acls_blocked: bool) -> Finding {
    let Err(fault) = asked else { return Finding::ok(PUT, "an object can be put") };
    let finding = match fault.kind {
        Kind::PermissionDenied if acls_blocked => Finding::problem(PUT, "objects may not be put")
            .mend(format!(
                "take BlockPublicAcls out of the block of public access, or {}",
                mend::allow("s3:PutObject", objects)
            ))
            .fact("block_public_acls", true),
        Kind::PermissionDenied => {
            Finding::problem(PUT, "objects may not be put").mend(mend::allow("s3:PutObject", objects))
        }
        _ => Finding::problem(PUT, format!("an object could not be put: {}", fault.text))
            .mend("holdall put --log debug shows each request; check the service"),
    };
    fault.told_in(finding.means("nothing can be stored here"))
}

pub(super) fn read(asked: Asked<bool>, objects: &str) -> Finding {
    match asked {
        Ok(true) => Finding::ok(READ, "it reads back as it was put"),
        Ok(false) => Finding::problem(READ, "it reads back as something else")
            .means("bytes are damaged on the way, or the endpoint or a cache before it changes them")
            .mend(
                "ask the endpoint itself, without a proxy or a cache; do not store anything here until then",
            ),
        Err(fault) if fault.kind == Kind::PermissionDenied => fault.told_in(
            Finding::problem(READ, "objects may not be read")
                .means("what is stored here cannot be had again with these credentials")
                .mend(mend::allow("s3:GetObject", objects)),
        ),
        Err(fault) => fault.told_in(
            Finding::problem(READ, format!("it could not be read: {}", fault.text))
                .means("what is stored here may not be had again")
                .mend("holdall get --log debug shows each request; check the service"),
        ),
    }
}

pub(super) fn delete(asked: Asked<()>, key: &str, objects: &str) -> Finding {
    let Err(fault) = asked else { return Finding::ok(DELETE, "it can be deleted") };
    let finding = match fault.kind {
        Kind::PermissionDenied => Finding::problem(DELETE, "objects may not be deleted")
            .mend(format!("{}, then delete {key}", mend::allow("s3:DeleteObject", objects))),
        _ => Finding::problem(DELETE, format!("an object could not be deleted: {}", fault.text))
            .mend(format!("delete {key}")),
    };
    let means = "rm, mv and gc do not work, and what was tried here stays";
    fault.told_in(finding.means(means).fact("key", key))
}

pub(super) fn parts(asked: Asked<bool>, objects: &str) -> Finding {
    let means = "objects from the setting multipart_threshold on cannot be stored";
    match asked {
        Ok(true) => Finding::ok(PARTS, "an object can be sent in parts"),
        Ok(false) => Finding::problem(PARTS, "an object sent in parts reads back as something else")
            .means(means)
            .mend(mend::set("HOLDALL_MULTIPART_THRESHOLD", "5GiB")),
        Err(fault) => {
            let denied = fault.kind == Kind::PermissionDenied;
            let mend = match denied {
                true => mend::allow("s3:PutObject and s3:AbortMultipartUpload", objects),
                false => mend::set("HOLDALL_MULTIPART_THRESHOLD", "5GiB"),
            };
            let what = format!("an object could not be sent in parts: {}", fault.text);
            fault.told_in(Finding::problem(PARTS, what).means(means).mend(mend))
        }
    }
}

pub(super) fn encryption(asked: Asked<()>, source: &str) -> Finding {
    let Err(fault) = asked else {
        return Finding::ok(ENCRYPTION, "objects are encrypted as the settings ask");
    };
    let finding =
        Finding::problem(ENCRYPTION, format!("the encryption asked for does not work: {}", fault.text))
            .means("every put fails: the key is unknown, may not be used, or the server cannot encrypt so")
            .mend(format!("correct or unset {source}"));
    fault.told_in(finding)
}

/// `applied` is none where it cannot be seen.
pub(super) fn acl(asked: Asked<Option<bool>>, source: &str) -> Finding {
    let unset = format!("unset {source}, and use a bucket policy where objects are to be public");
    match asked {
        Ok(None | Some(true)) => Finding::ok(ACL, "objects get the access control list of the settings"),
        Ok(Some(false)) => {
            Finding::problem(ACL, "the server takes the access control list and does not apply it")
                .means("public URLs of objects do not work")
                .mend(unset)
        }
        Err(fault) => {
            let what = match fault.has_code(&["AccessControlListNotSupported"]) {
                true => "the bucket refuses access control lists".to_owned(),
                false => format!("the access control list is refused: {}", fault.text),
            };
            fault.told_in(Finding::problem(ACL, what).means("every put fails").mend(unset))
        }
    }
}

pub(super) fn conditions(asked: Asked<bool>) -> Finding {
    match asked {
        Ok(true) => Finding::ok(CONDITIONS, "exactly one of many writers makes an object"),
        Ok(false) => Finding::warning(
            CONDITIONS,
            "the server does not decide which of many writers is first",
        )
        .means("puts with --create-only are refused here, since two writers could both believe that they won")
        .mend("let one process alone write each key, or store in a service that honours If-None-Match"),
        Err(fault) => {
            fault.told_in(Finding::unknown(CONDITIONS, format!("it could not be tried: {}", fault.text)))
        }
    }
}

pub(super) fn payload(asked: Asked<bool>) -> Finding {
    match asked {
        Ok(true) => Finding::ok(PAYLOAD, "the server refuses a payload that was changed on the way"),
        Ok(false) => Finding::note(PAYLOAD, "the server takes a payload that was changed on the way")
            .means("receipts say verified:none; damage shows when objects are read")
            .mend(format!("{}, if the server knows it", mend::set("HOLDALL_CHECKSUM", "crc64nvme"))),
        Err(fault) => {
            fault.told_in(Finding::unknown(PAYLOAD, format!("it could not be tried: {}", fault.text)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::fault;
    use super::*;
    use crate::doctor::Status;

    const OBJECTS: &str = "arn:aws:s3:::b/p/*";

    fn denied() -> Fault {
        fault(Kind::PermissionDenied, "AccessDenied")
    }

    fn wrong() -> Fault {
        fault(Kind::InvalidInput, "InvalidArgument")
    }

    #[test]
    fn a_missing_right_is_named_with_what_it_is_for() {
        let table = [
            (
                put(Err(denied()), OBJECTS, true),
                PUT,
                "take BlockPublicAcls out of the block of public access, or allow",
            ),
            (put(Err(denied()), OBJECTS, false), PUT, "allow s3:PutObject on arn:aws:s3:::b/p/*"),
            (read(Err(denied()), OBJECTS), READ, "allow s3:GetObject on arn:aws:s3:::b/p/*"),
            (delete(Err(denied()), "p/k", OBJECTS), DELETE, "allow s3:DeleteObject on arn:aws:s3:::b/p/*"),
            (parts(Err(denied()), OBJECTS), PARTS, "allow s3:PutObject and s3:AbortMultipartUpload"),
        ];
        for (finding, check, mend) in table {
            assert_eq!((finding.check, finding.status), (check, Status::Problem));
            assert!(finding.mend.as_deref().unwrap().starts_with(mend), "{finding:?}");
        }
        let left = delete(Err(denied()), "p/k", OBJECTS);
        assert!(left.mend.unwrap().ends_with("then delete p/k"));
    }

    #[test]
    fn what_fails_otherwise_says_what_the_server_said() {
        let table = [
            put(Err(wrong()), OBJECTS, false),
            read(Err(wrong()), OBJECTS),
            delete(Err(wrong()), "k", OBJECTS),
            parts(Err(wrong()), OBJECTS),
            encryption(Err(wrong()), "S3_KMS_KEY_ID"),
            acl(Err(wrong()), "HOLDALL_ACL"),
        ];
        for finding in table {
            assert_eq!(finding.status, Status::Problem);
            assert!(finding.what.contains("said so") && finding.mend.is_some(), "{finding:?}");
            assert!(finding.facts.contains(&("code", "InvalidArgument".to_owned())), "{finding:?}");
        }
    }

    #[test]
    fn damage_is_a_problem() {
        assert_eq!(read(Ok(false), OBJECTS).status, Status::Problem);
        let finding = parts(Ok(false), OBJECTS);
        assert_eq!(finding.status, Status::Problem);
        assert_eq!(finding.mend.as_deref(), Some("set HOLDALL_MULTIPART_THRESHOLD=5GiB"));
    }

    #[test]
    fn settings_that_a_server_refuses_are_named() {
        assert_eq!(
            encryption(Err(wrong()), "S3_KMS_KEY_ID").mend.as_deref(),
            Some("correct or unset S3_KMS_KEY_ID")
        );
        let refused = acl(Err(fault(Kind::Unsupported, "AccessControlListNotSupported")), "HOLDALL_ACL");
        assert_eq!(refused.what, "the bucket refuses access control lists");
        assert!(refused.mend.unwrap().starts_with("unset HOLDALL_ACL"));
        assert_eq!(acl(Ok(Some(false)), "HOLDALL_ACL").status, Status::Problem);
        assert_eq!(acl(Ok(None), "HOLDALL_ACL").status, Status::Ok);
    }

    #[test]
    fn servers_that_promise_less_are_no_problem() {
        let table = [
            (conditions(Ok(true)), Status::Ok),
            (conditions(Ok(false)), Status::Warning),
            (conditions(Err(denied())), Status::Unknown),
            (payload(Ok(true)), Status::Ok),
            (payload(Ok(false)), Status::Note),
            (payload(Err(denied())), Status::Unknown),
        ];
        for (finding, status) in table {
            assert_eq!(finding.status, status, "{finding:?}");
        }
    }

    #[test]
    fn nothing_is_left_unsaid_of_what_was_not_tried() {
        let left = left_out("--read-only");
        assert_eq!(left.len(), 10);
        assert!(left.iter().all(|f| f.status == Status::Unknown && f.what == "not tried: --read-only"));
    }
}
