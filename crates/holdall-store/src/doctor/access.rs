//! The first signed question: who asks, whether the bucket is there, whether it may be listed, and where it is.

use super::asked::{Asked, Fault, Question};
use super::finding::Finding;
use super::mend;
use super::scene::Scene;
use holdall_s3::ErrorKind as Kind;

const FOUND: &str = "credentials.found";
const ACCEPTED: &str = "credentials.accepted";
const EXISTS: &str = "bucket.exists";
const LIST: &str = "bucket.list";
const REGION: &str = "endpoint.region";

const LOCATION: Question =
    Question { check: REGION, about: "the bucket's region", right: "s3:GetBucketLocation" };

/// What names the settings that may have to be changed.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    pub(super) bucket: String,
    pub(super) arn: String,
    pub(super) access_key: String,
    pub(super) secret_key: String,
    pub(super) token: String,
    pub(super) region: String,
    pub(super) endpoint: String,
    /// Requests are not signed, because a setting says so.
    pub(super) unsigned: bool,
}

impl Names {
    pub(super) fn of(scene: &Scene<'_>) -> Self {
        Self {
            bucket: scene.bucket.to_owned(),
            arn: scene.arn(),
            access_key: scene.source("access_key_id"),
            secret_key: scene.source("secret_access_key"),
            token: scene.source("session_token"),
            region: scene.source("region"),
            endpoint: scene.source("endpoint"),
            unsigned: scene.settings().no_sign_request,
        }
    }
}

/// Asks for a listing of one key; where that is refused, whether the bucket is there at all.
pub(super) async fn ask(scene: &Scene<'_>) -> Asked<()> {
    let listed = scene.client().check_bucket().await.map_err(Fault::from);
    match listed {
        Err(refused) if refused.kind == Kind::PermissionDenied => {
            match scene.client().head_bucket().await.map_err(Fault::from) {
                Err(missing) if missing.kind == Kind::BucketNotFound => Err(missing),
                _ => Err(refused),
            }
        }
        other => other,
    }
}

/// Whether more can be asked after this answer.
pub(super) fn goes_on(asked: &Asked<()>) -> bool {
    asked.as_ref().err().is_none_or(|fault| fault.kind == Kind::PermissionDenied)
}

/// Judges the answer to the first signed question.
pub(super) fn judge(asked: &Asked<()>, names: &Names) -> Vec<Finding> {
    let who = || match names.unsigned {
        true => Finding::note(FOUND, "requests are not signed").means("only what is public can be done"),
        false => Finding::ok(ACCEPTED, "the service knows the credentials"),
    };
    let there = || Finding::ok(EXISTS, format!("there is a bucket {}", names.bucket));
    let Err(fault) = asked else {
        return vec![who(), there(), Finding::ok(LIST, "it may be listed")];
    };
    match fault.kind {
        Kind::BucketNotFound => vec![missing(fault, names)],
        Kind::Credentials if fault.code.is_none() && fault.status.is_none() => vec![none_found(fault, names)],
        Kind::Credentials => vec![fault.told_in(refused(fault, names))],
        Kind::PermissionDenied => vec![who(), there(), fault.told_in(unlisted(names))],
        Kind::Config => vec![fault.told_in(elsewhere(fault, names))],
        _ => vec![fault.told_in(failing(fault, names))],
    }
}

fn missing(fault: &Fault, names: &Names) -> Finding {
    let bucket = &names.bucket;
    let finding = Finding::problem(EXISTS, format!("there is no bucket {bucket}"))
        .means("nothing can be stored or read; its name may be misspelt")
        .mend(mend::create(bucket));
    fault.told_in(finding)
}

fn none_found(fault: &Fault, names: &Names) -> Finding {
    Finding::problem(FOUND, fault.text.clone()).means("requests cannot be signed").mend(format!(
        "set {} and {}, or AWS_PROFILE; for a public bucket HOLDALL_NO_SIGN_REQUEST=true",
        names.access_key, names.secret_key
    ))
}

fn refused(fault: &Fault, names: &Names) -> Finding {
    let Names { access_key, secret_key, token, endpoint, .. } = names;
    let problem =
        |what: &str, means: &str, mend: String| Finding::problem(ACCEPTED, what).means(means).mend(mend);
    match fault.code.as_deref() {
        Some("InvalidAccessKeyId" | "InvalidClientTokenId") => problem(
            "the service does not know the access key",
            "the key was deleted, or it is another service's",
            format!("correct {access_key}, or the service in {endpoint}"),
        ),
        Some("SignatureDoesNotMatch") => problem(
            "the signature is wrong",
            "the secret is not the access key's, or a proxy changes requests",
            format!("correct {secret_key}"),
        ),
        Some("ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired") => {
            problem(
                "the session token has expired",
                "temporary credentials end after a time",
                format!("renew {token} and the keys with it, or log in again"),
            )
        }
        Some("InvalidToken") => problem(
            "the session token is none of the service's",
            "it is another service's, or damaged",
            format!("correct or unset {token}"),
        ),
        Some("RequestTimeTooSkewed") => problem(
            "the service refuses this machine's clock",
            "signatures are good for 15 minutes",
            "timedatectl set-ntp true".to_owned(),
        ),
        _ => problem(
            "the service refuses the credentials",
            "they are wrong, or may not be used",
            format!("correct {access_key} and {secret_key}"),
        ),
    }
}

fn unlisted(names: &Names) -> Finding {
    Finding::problem(LIST, "it may not be listed")
        .means("ls, pull, gc and all else that must know what there is cannot work, and a missing object looks forbidden")
        .mend(mend::allow("s3:ListBucket", &names.arn))
}

fn elsewhere(fault: &Fault, names: &Names) -> Finding {
    Finding::problem(REGION, format!("the bucket is not where it was asked for: {}", fault.text))
        .means("requests are signed for another region, or sent to another service")
        .mend(format!("correct {} and {}", names.region, names.endpoint))
}

fn failing(fault: &Fault, names: &Names) -> Finding {
    Finding::problem(EXISTS, format!("the bucket could not be asked for: {}", fault.text))
        .means("the service fails or answers what S3 does not")
        .mend(format!("try again later; check the service in {}", names.endpoint))
}

/// What is known of regions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Regions<'a> {
    /// What the settings say.
    pub(super) set: Option<&'a str>,
    /// What requests were signed for at first, and at last.
    pub(super) signed: (&'a str, &'a str),
    /// The service is AWS, whose regions are places.
    pub(super) aws: bool,
}

/// Asks where the bucket is.
pub(super) async fn location(scene: &Scene<'_>) -> Asked<String> {
    scene.client().bucket_location().await.map_err(Fault::from)
}

/// Judges the region that is signed for.
pub(super) fn region(regions: Regions<'_>, location: Asked<String>, names: &Names) -> Vec<Finding> {
    let Regions { set, signed: (first, last), aws } = regions;
    let mend = |region: &str| mend::set(&names.region, region);
    if first != last {
        let what = format!("the bucket is in {last}, and was asked for in {first}");
        let finding = Finding::warning(REGION, what).fact("region", last);
        return vec![
            finding
                .means("every process needs a request more to find that out, and presigned URLs may not work")
                .mend(mend(last)),
        ];
    }
    LOCATION.judge(location, |told| {
        let known = Finding::ok(REGION, format!("signed for {last}")).fact("region", last);
        if told == last {
            return vec![known];
        }
        let what = format!("the service says {told}, and requests are signed for {last}");
        match aws {
            true => vec![
                Finding::problem(REGION, what)
                    .means("requests go to another region than the bucket's")
                    .mend(mend(&told)),
            ],
            // Of most other services any region will do, and what they call their own is no place.
            false if set.is_some() => vec![
                Finding::note(REGION, what)
                    .means("it takes them all the same")
                    .fact("region", last)
                    .mend(mend(&told)),
            ],
            false => vec![known],
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::asked::tests::{fault, seen};
    use super::*;
    use crate::doctor::Status;

    fn names() -> Names {
        Names {
            bucket: "b".into(),
            arn: "arn:aws:s3:::b".into(),
            access_key: "S3_ACCESS_KEY_ID".into(),
            secret_key: "S3_SECRET_ACCESS_KEY".into(),
            token: "AWS_SESSION_TOKEN".into(),
            region: "S3_REGION".into(),
            endpoint: "S3_ENDPOINT_URL".into(),
            unsigned: false,
        }
    }

    #[test]
    fn each_refusal_names_what_to_look_at() {
        let credentials = Kind::Credentials;
        let table = [
            (fault(credentials, ""), FOUND, "set S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY, or AWS_PROFILE"),
            (
                fault(credentials, "InvalidAccessKeyId"),
                ACCEPTED,
                "correct S3_ACCESS_KEY_ID, or the service in",
            ),
            (fault(credentials, "SignatureDoesNotMatch"), ACCEPTED, "correct S3_SECRET_ACCESS_KEY"),
            (fault(credentials, "ExpiredToken"), ACCEPTED, "renew AWS_SESSION_TOKEN"),
            (fault(credentials, "InvalidToken"), ACCEPTED, "correct or unset AWS_SESSION_TOKEN"),
            (fault(credentials, "RequestTimeTooSkewed"), ACCEPTED, "timedatectl set-ntp true"),
            (
                fault(credentials, "NotSignedUp"),
                ACCEPTED,
                "correct S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY",
            ),
            (fault(Kind::BucketNotFound, "NoSuchBucket"), EXISTS, "holdall bucket create s3://b"),
            (fault(Kind::Config, "PermanentRedirect"), REGION, "correct S3_REGION and S3_ENDPOINT_URL"),
            (fault(Kind::Unreachable, "InternalError"), EXISTS, "try again later"),
        ];
        for (fault, check, mend) in table {
            let asked = Err(fault);
            let found = judge(&asked, &names());
            assert_eq!((found[0].check, found[0].status), (check, Status::Problem), "{found:?}");
            assert!(seen(&found).2.starts_with(mend), "{found:?}");
            assert!(!goes_on(&asked));
        }
    }

    #[test]
    fn a_bucket_that_may_not_be_listed_is_looked_at_further() {
        let asked = Err(fault(Kind::PermissionDenied, "AccessDenied"));
        let found = judge(&asked, &names());
        let last = found.last().unwrap();
        assert_eq!((last.check, last.status), (LIST, Status::Problem));
        assert_eq!(last.mend.as_deref(), Some("allow s3:ListBucket on arn:aws:s3:::b to these credentials"));
        assert!(goes_on(&asked));
    }

    #[test]
    fn unsigned_requests_are_a_note() {
        let found = judge(&Ok(()), &Names { unsigned: true, ..names() });
        assert_eq!((found[0].check, found[0].status), (FOUND, Status::Note));
        let found = judge(&Ok(()), &names());
        assert!(found.iter().all(|finding| finding.status == Status::Ok));
    }

    #[test]
    fn regions_are_places_on_aws_alone() {
        let judge = |set, signed, aws, told: &str| {
            let found = region(Regions { set, signed, aws }, Ok(told.to_owned()), &names());
            (seen(&found).0, seen(&found).2.to_owned())
        };
        let fits = ("eu-west-1", "eu-west-1");
        assert_eq!(judge(Some("eu-west-1"), fits, true, "eu-west-1").0, Status::Ok);
        let set = |region: &str| format!("set S3_REGION={region}");
        assert_eq!(judge(Some("x"), ("x", "eu-west-1"), true, ""), (Status::Warning, set("eu-west-1")));
        assert_eq!(judge(Some("eu-west-1"), fits, true, "us-east-1"), (Status::Problem, set("us-east-1")));
        assert_eq!(judge(Some("x"), ("x", "x"), false, "default"), (Status::Note, set("default")));
        assert_eq!(judge(None, ("x", "x"), false, "default").0, Status::Ok);
    }
}
