//! The mending steps: every command and setting that a finding names is worded here.

use std::time::Duration;

/// Makes the bucket.
pub(super) fn create(bucket: &str) -> String {
    format!("holdall bucket create s3://{bucket}")
}

/// Changes what is configured of a bucket.
pub(super) fn setup(bucket: &str, what: &str) -> String {
    format!("holdall bucket setup s3://{bucket} {what} --apply")
}

/// Makes a bucket keep versions.
pub(super) fn versioning(bucket: &str) -> String {
    setup(bucket, "--versioning")
}

/// Makes a bucket abort uploads that nobody finishes.
pub(super) fn abort_incomplete(bucket: &str) -> String {
    setup(bucket, "--abort-uploads 7")
}

/// Makes a bucket encrypt by default.
pub(super) fn encryption(bucket: &str) -> String {
    setup(bucket, "--sse AES256")
}

/// Makes a bucket refuse strangers. Ceph 16 refuses every put with it, whatever its list of grants.
pub(super) fn block_public(bucket: &str, aws: bool) -> String {
    let command = setup(bucket, "--block-public-access");
    match aws {
        true => command,
        false => {
            format!("{command}, then holdall doctor: Ceph 16 refuses every put while BlockPublicAcls is set")
        }
    }
}

/// Lets pages of one origin in.
pub(super) fn cors(bucket: &str) -> String {
    setup(bucket, "--cors https://app.example.com --cors-method GET,PUT")
}

/// Removes the rules there are and lets pages of one origin in: what others set, `setup` leaves.
pub(super) fn narrow_cors(bucket: &str) -> String {
    format!("aws s3api delete-bucket-cors --bucket {bucket}, then {}", cors(bucket))
}

/// Removes what interrupted writes left.
pub(super) fn gc(older_than: Duration) -> String {
    match older_than.as_secs() {
        604_800 => "holdall gc".to_owned(),
        seconds => format!("holdall gc --older-than {seconds}s"),
    }
}

/// Gives the credentials a right that is not needed for work.
pub(super) fn allow_to_ask(right: &str) -> String {
    format!("to have it checked, allow {right} to these credentials")
}

/// Gives the credentials a right that is needed.
pub(super) fn allow(right: &str, resource: &str) -> String {
    format!("allow {right} on {resource} to these credentials")
}

/// Sets a variable, an option, or what is written in a file.
pub(super) fn set(source: &str, value: &str) -> String {
    match source.contains(' ') {
        true => format!("set {source} to {value}"),
        false => format!("set {source}={value}"),
    }
}
