use super::*;
use std::collections::BTreeSet;
use std::time::Duration;

fn settings(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    Settings::from_variables(&Variables::from_pairs(pairs.iter().copied()))
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
    let s3 = [("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "b"), ("S3_BUCKET", "b")];
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

/// A value that each setting takes and that is not its default, and how it is shown.
const SAMPLES: [(&str, &str, &str); 49] = [
    ("store", "s3://b/p", "s3://b/p"),
    ("bucket", "other", "other"),
    ("prefix", "/runs/", "runs"),
    ("endpoint", "minio.example", "https://minio.example"),
    ("public_endpoint", "http://files.example:9000/", "http://files.example:9000"),
    ("public_base_url", "cdn.example/a/", "https://cdn.example/a"),
    ("region", "eu-west-1", "eu-west-1"),
    ("path_style", "yes", "true"),
    ("signature", "v4", "s3v4"),
    ("access_key_id", "AKIDEXAMPLE", "***"),
    ("secret_access_key", "CANARY", "***"),
    ("session_token", "CANARY", "***"),
    ("no_sign_request", "1", "true"),
    ("aws_profile", "dev", "dev"),
    ("attempts", "3", "3"),
    ("connect_timeout", "2.5", "2.5s"),
    ("read_timeout", "2m", "120s"),
    ("concurrency", "8", "8"),
    ("bandwidth", "10MiB", "10MiB"),
    ("request_rate", "100", "100"),
    ("multipart_threshold", "64", "64MiB"),
    ("part_size", "16MiB", "16MiB"),
    ("memory", "1GiB", "1GiB"),
    ("checksum", "crc32c", "crc32c"),
    ("digest", "whole", "whole"),
    ("fsync", "none", "none"),
    ("on_remote_error", "outbox", "outbox"),
    ("write", "behind", "behind"),
    ("remote_deadline", "12s", "12s"),
    ("outbox_dir", "/var/spool/holdall", "/var/spool/holdall"),
    ("outbox_max_bytes", "5GiB", "5GiB"),
    ("outbox_min_free", "0", "0"),
    ("outbox_allow_volatile", "true", "true"),
    ("local_copy", "keep", "keep"),
    ("roots", "documents=/planning, runs=", "documents=planning/,runs="),
    ("upload_on_write", "yes", "true"),
    ("staging_dir", "/var/tmp/staging", "/var/tmp/staging"),
    ("local_dir", "kept", "kept"),
    ("presign_expiration", "12h", "43200s"),
    ("url", "public", "public"),
    ("acl", "public-read", "public-read"),
    ("sse", "AES256", "AES256"),
    ("kms_key_id", "key-1", "key-1"),
    ("http_proxy", "http://u:CANARY@proxy:3128", "http://***@proxy:3128"),
    ("https_proxy", "http://proxy:3128", "http://proxy:3128"),
    ("no_proxy", "localhost,.example", "localhost,.example"),
    ("ca_bundle", "/etc/ca.pem", "/etc/ca.pem"),
    ("log", "debug", "debug"),
    ("log_format", "json", "json"),
];

/// What must be set beside a setting for it to count: a bucket for what is of one, and the other half of the keys.
fn companions(setting: &str, variable: &str) -> Vec<(String, String)> {
    let mut more = Vec::new();
    if setting != "store" && setting != "bucket" {
        more.push(("S3_BUCKET".to_owned(), "b".to_owned()));
    }
    for key in ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN"] {
        if let Some(family) = variable.strip_suffix(key) {
            for other in ["ACCESS_KEY_ID", "SECRET_ACCESS_KEY"].into_iter().filter(|other| *other != key) {
                more.push((format!("{family}{other}"), "x".to_owned()));
            }
        }
    }
    more
}

fn resolved(pairs: &[(String, String)]) -> Result<Resolved, SettingsError> {
    resolve::resolve(&sources::Layers::of_variables(&Variables::from_pairs(pairs.iter().cloned())))
}

fn value<'a>(resolved: &'a Resolved, setting: &str) -> &'a Value {
    resolved.values.iter().find(|value| value.setting.name == setting).unwrap()
}

fn variables_of(setting: &Setting) -> Vec<Vec<String>> {
    let own = vec![setting.variable()];
    let others = setting.variables.iter().map(|rank| rank.iter().map(ToString::to_string).collect());
    [own].into_iter().chain(others).collect()
}

#[test]
fn top_1_each_variable_sets_its_setting() {
    let named: BTreeSet<&str> = SAMPLES.iter().map(|(name, ..)| *name).collect();
    assert!(SETTINGS.iter().all(|setting| named.contains(setting.name)), "a sample for each setting");
    for (name, text, shown) in SAMPLES {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        for variable in variables_of(setting).concat() {
            let mut pairs = companions(name, &variable);
            pairs.push((variable.clone(), format!("  {text} ")));
            let resolved = resolved(&pairs).unwrap_or_else(|error| panic!("{variable}: {error}"));
            let value = value(&resolved, name);
            assert_eq!((value.value.as_deref(), value.origin.to_string()), (Some(shown), variable.clone()));
            assert_eq!(value.unused, [], "{variable}");
            assert!(!format!("{resolved:?}").contains("CANARY"), "{variable}");
        }
        let default = resolved(&[("HOME".to_owned(), "/home/u".to_owned())]).unwrap();
        assert_eq!(value(&default, name).origin, Origin::Default, "{name}");
        assert!(value(&default, name).value.as_deref() != Some(shown) || name == "signature", "{name}");
    }
}

#[test]
fn top_1_the_higher_rank_wins_and_the_lower_is_said_to_be_unused() {
    for (name, text, shown) in SAMPLES {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        let ranks = variables_of(setting);
        for (high, low) in ranks.iter().zip(ranks.iter().skip(1)) {
            let (high, low) = (&high[0], &low[0]);
            let mut pairs = [companions(name, high), companions(name, low)].concat();
            // What would be wrong by itself does not count either.
            pairs.extend([(low.clone(), "zzz".to_owned()), (high.clone(), text.to_owned())]);
            let resolved = resolved(&pairs).unwrap_or_else(|error| panic!("{high} {low}: {error}"));
            let value = value(&resolved, name);
            assert_eq!((value.value.as_deref(), value.origin.to_string()), (Some(shown), high.clone()));
            let unused: Vec<String> = value.unused.iter().map(ToString::to_string).collect();
            assert_eq!(unused, std::slice::from_ref(low), "{name}");
        }
    }
}

#[test]
fn doc_2_variables_of_one_rank_that_differ_are_an_error_naming_both() {
    let mut tried = 0;
    for (name, text, shown) in SAMPLES {
        let setting = SETTINGS.iter().find(|setting| setting.name == name).unwrap();
        for rank in setting.variables.iter().filter(|rank| rank.len() > 1) {
            let mut pairs = companions(name, rank[0]);
            pairs.retain(|(variable, _)| !rank.contains(&variable.as_str()));
            pairs.extend([(rank[0].to_owned(), text.to_owned()), (rank[1].to_owned(), text.to_owned())]);
            assert_eq!(value(&resolved(&pairs).unwrap(), name).value.as_deref(), Some(shown));
            pairs.push((rank[1].to_owned(), "zzz".to_owned()));
            let expected = SettingsError::Conflict {
                setting: setting.name,
                first: rank[0].to_owned(),
                second: rank[1].to_owned(),
            };
            assert_eq!(resolved(&pairs).unwrap_err(), expected);
            // Where something else wins they may say what they like.
            pairs.push((setting.variable(), text.to_owned()));
            assert_eq!(value(&resolved(&pairs).unwrap(), name).unused.len(), 2, "{name}");
            tried += 1;
        }
    }
    assert!(tried >= 5, "{tried}");
}

#[test]
fn top_14_a_store_wins_over_all_s3_variables_and_it_is_said() {
    let pairs = [
        ("HOLDALL_STORE", "file:///srv/bag"),
        ("S3_BUCKET", "a"),
        ("S3_BUCKET_NAME", "b"),
        ("S3_KEY_PREFIX", "p"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let resolved = resolved(&pairs).unwrap();
    assert_eq!(value(&resolved, "store").value.as_deref(), Some("file:///srv/bag"));
    let unused: Vec<String> = value(&resolved, "bucket").unused.iter().map(ToString::to_string).collect();
    assert_eq!(unused, ["S3_BUCKET", "S3_BUCKET_NAME"]);
    assert_eq!(value(&resolved, "prefix").unused.len(), 1);
}

#[test]
fn fac_3_s3_keys_or_endpoint_without_a_bucket_are_an_error() {
    let keys = [("S3_ACCESS_KEY_ID", "a"), ("S3_SECRET_ACCESS_KEY", "b")];
    let error = settings(&keys).unwrap_err().to_string();
    assert!(error.contains("S3_ACCESS_KEY_ID") && error.contains("S3_BUCKET"), "{error}");
    // AWS's variables are for every service of AWS.
    let aws = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b"), ("AWS_ENDPOINT_URL", "http://x")];
    assert_eq!(settings(&aws).unwrap().store, None);
}

#[test]
fn top_4_a_key_for_encryption_contradicts_another_kind_of_it() {
    let error = settings(&[("HOLDALL_SSE", "AES256"), ("HOLDALL_KMS_KEY_ID", "k")]).unwrap_err();
    assert!(matches!(error, SettingsError::Contradiction { .. }), "{error}");
    let of = |pairs: &[(&str, &str)]| settings(pairs).unwrap().encryption;
    let key = Some(Encryption::Kms(Some("k".into())));
    assert_eq!(of(&[("HOLDALL_SSE", "AES256"), ("S3_KMS_KEY_ID", "k")]), Some(Encryption::S3));
    assert_eq!(of(&[("HOLDALL_SSE", "none"), ("S3_KMS_KEY_ID", "k")]), None);
    assert_eq!(of(&[("HOLDALL_SSE", "aws:kms"), ("S3_KMS_KEY_ID", "k")]), key);
    assert_eq!(of(&[("S3_KMS_KEY_ID", "k")]), key);
}

#[test]
fn top_5_a_cdn_without_its_url_fails_at_start() {
    let error = settings(&[("HOLDALL_URL", "cdn")]).unwrap_err().to_string();
    assert_eq!(error, "url = cdn (HOLDALL_URL) needs HOLDALL_PUBLIC_BASE_URL, which is not set");
    assert!(settings(&[("HOLDALL_URL", "cdn"), ("S3_PUBLIC_BASE_URL", "cdn.example")]).is_ok());
}

#[test]
fn misspelt_variables_are_named() {
    let resolved = resolved(&[
        ("HOLDALL_REGOIN".to_owned(), "x".to_owned()),
        ("HOLDALL_ELSE".to_owned(), "x".to_owned()),
        ("HOLDALL_CONFIG".to_owned(), "x".to_owned()),
    ]);
    let expected =
        [("HOLDALL_ELSE".to_owned(), None), ("HOLDALL_REGOIN".to_owned(), Some("HOLDALL_REGION".to_owned()))];
    assert_eq!(resolved.unwrap().unknown, expected);
}
