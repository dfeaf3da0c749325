use super::*;
use std::time::Duration;

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    read(&Variables::from_pairs(pairs.iter().copied()))
}

fn bucket_of(settings: &Settings) -> String {
    settings.store.as_ref().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn fac_2_nothing_set_is_no_remote_store() {
    assert_eq!(settings(&[]).unwrap().store, None);
}

#[test]
fn ranks_decide() {
    let s = settings(&[
        ("S3_BUCKET", "b"),
        ("AWS_S3_BUCKET", "other"),
        ("HOLDALL_REGION", "r"),
        ("AWS_REGION", "q"),
    ]);
    let s = s.unwrap();
    assert_eq!((bucket_of(&s).as_str(), s.region.as_deref()), ("s3://b", Some("r")));
    let s = settings(&[("HOLDALL_STORE", "memory://x"), ("S3_BUCKET", "b")]).unwrap();
    assert_eq!(bucket_of(&s), "memory://x");
}

#[test]
fn top_1_two_variables_that_differ_are_an_error_naming_both() {
    let error = settings(&[("S3_BUCKET", "a"), ("S3_BUCKET_NAME", "b")]).unwrap_err().to_string();
    assert!(error.contains("S3_BUCKET") && error.contains("S3_BUCKET_NAME"), "{error}");
    assert!(settings(&[("S3_BUCKET", "a"), ("S3_BUCKET_NAME", "a")]).is_ok());
    assert!(settings(&[("S3_BUCKET", "a"), ("S3_KEY_PREFIX", "p"), ("S3_BASE_PREFIX", "q")]).is_err());
}

#[test]
fn half_a_pair_is_an_error_that_does_not_show_the_other_half() {
    let error = settings(&[("S3_SECRET_ACCESS_KEY", "CANARY")]).unwrap_err();
    assert!(matches!(&error, SettingsError::HalfPair { missing, .. } if missing == "S3_ACCESS_KEY_ID"));
    assert!(!format!("{error:?}{error}").contains("CANARY"));
    assert!(settings(&[("AWS_ACCESS_KEY_ID", "a")]).is_err());
}

#[test]
fn a_session_token_goes_only_with_its_own_pair() {
    let s3 = [("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "b")];
    let aws = [("AWS_ACCESS_KEY_ID", "c"), ("AWS_SECRET_ACCESS_KEY", "d"), ("AWS_SESSION_TOKEN", "t")];
    let keys = settings(&[&s3[..], &aws[..]].concat()).unwrap().keys.unwrap();
    assert_eq!((keys.access_key_id.as_str(), keys.session_token), ("a", None));
    let keys = settings(&aws).unwrap().keys.unwrap();
    assert_eq!(keys.session_token, Some(Secret::new("t")));
}

#[test]
fn s3b_6_an_endpoint_without_a_bucket_names_the_variable() {
    let error = settings(&[("S3_ENDPOINT_URL", "https://host")]).unwrap_err().to_string();
    assert!(error.contains("S3_BUCKET") && error.contains("S3_ENDPOINT_URL"), "{error}");
}

#[test]
fn values_are_read_with_their_units() {
    let s = settings(&[
        ("S3_MULTIPART_THRESHOLD_MB", "64"),
        ("HOLDALL_PART_SIZE", "16MiB"),
        ("S3_CONNECT_TIMEOUT", "2.5"),
        ("S3_MAX_RETRIES", "3"),
        ("S3_PRESIGN_EXPIRATION", "12h"),
        ("S3_KMS_KEY_ID", "k"),
        ("S3_FORCE_PATH_STYLE", "true"),
    ])
    .unwrap();
    assert_eq!((s.multipart_threshold, s.part_size, s.attempts), (64 * MIB, 16 * MIB, 3));
    assert_eq!(s.connect_timeout, Duration::from_millis(2500));
    assert_eq!(s.presign_expiration, Duration::from_secs(43_200));
    assert_eq!(s.encryption, Some(Encryption::Kms(Some("k".into()))));
    assert_eq!(s.addressing, Addressing::Path);
}

#[test]
fn wrong_values_name_the_variable() {
    let table = [
        ("S3_SIGNATURE_VERSION", "s3"),
        ("S3_MAX_RETRIES", "0"),
        ("S3_MAX_CONCURRENCY", "many"),
        ("HOLDALL_PART_SIZE", "1MiB"),
        ("S3_PRESIGN_EXPIRATION", "8d"),
        ("HOLDALL_URL", "magic"),
        ("HOLDALL_ACL", "everybody"),
        ("HOLDALL_STORE", "http://x"),
        ("S3_CONNECT_TIMEOUT", "0"),
        ("HOLDALL_CHECKSUM", "md4"),
    ];
    for (variable, value) in table {
        match settings(&[(variable, value)]) {
            Err(SettingsError::Invalid { variable: named, .. }) => assert_eq!(named, variable),
            other => panic!("{variable}={value}: {other:?}"),
        }
    }
}
