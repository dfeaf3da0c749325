//! Settings from files, and what providers' usual variables come to.

#![allow(clippy::unwrap_used, reason = "a test")]

use holdall_store::{
    ErrorKind, PresignMethod, PresignOptions, Resolved, Settings, SettingsError, Sources, Store, Variables,
};
use std::error::Error as _;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

fn home(files: &[(&str, &str)]) -> TempDir {
    let home = TempDir::new().unwrap();
    for (name, text) in files {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    home
}

fn sources(home: &Path, more: &[(&str, &str)]) -> Sources {
    let mut variables = Variables::from_pairs(more.iter().copied());
    variables.set("HOME", home.to_str().unwrap());
    Sources::new(variables)
}

/// A setting's value and where it comes from, with the home folder as `~`.
fn value(resolved: &Resolved, home: &Path, setting: &str) -> String {
    let value = resolved.values.iter().find(|value| value.setting.name == setting).unwrap();
    let text = format!("{} from {}", value.value.as_deref().unwrap_or("nothing"), value.origin);
    text.replace(home.to_str().unwrap(), "~")
}

const CONFIG: &str = "\
store = 's3://all'
region = 'eu-west-1'
[profile.staging]
store = 's3://staging/p'
attempts = 2
access_key_id = 'a'
secret_access_key = 'CANARY'
";

#[test]
fn doc_2_files_come_after_variables_and_the_profile_before_the_rest() {
    let home = home(&[(".config/holdall/config.toml", CONFIG)]);
    let at = |sources: &Sources, setting: &str| value(&sources.resolve().unwrap(), home.path(), setting);
    let plain = sources(home.path(), &[]);
    assert_eq!(at(&plain, "store"), "s3://all from store in ~/.config/holdall/config.toml");
    assert_eq!(at(&plain, "attempts"), "5 from default");
    for staging in
        [plain.clone().with_profile("staging"), sources(home.path(), &[("HOLDALL_PROFILE", "staging")])]
    {
        assert_eq!(
            at(&staging, "store"),
            "s3://staging/p from profile.staging.store in ~/.config/holdall/config.toml"
        );
        assert_eq!(at(&staging, "region"), "eu-west-1 from region in ~/.config/holdall/config.toml");
        let resolved = staging.resolve().unwrap();
        assert_eq!(resolved.settings.keys.as_ref().unwrap().access_key_id, "a");
        assert!(!format!("{resolved:?}").contains("CANARY"));
    }
    let variable =
        sources(home.path(), &[("AWS_REGION", "q"), ("HOLDALL_ATTEMPTS", "9")]).with_profile("staging");
    assert_eq!(at(&variable, "region"), "q from AWS_REGION");
    assert_eq!(at(&variable, "attempts"), "9 from HOLDALL_ATTEMPTS");
    assert_eq!(at(&variable.with_argument("region", "--region", "r"), "region"), "r from --region");
}

#[test]
fn a_file_that_is_named_must_be_there() {
    let home = home(&[("other.toml", "attempts = 7\n")]);
    let path = home.path().join("other.toml");
    let named = sources(home.path(), &[]).with_config(&path);
    assert_eq!(value(&named.resolve().unwrap(), home.path(), "attempts"), "7 from attempts in ~/other.toml");
    let variable = sources(home.path(), &[("HOLDALL_CONFIG", path.to_str().unwrap())]);
    assert_eq!(variable.resolve().unwrap().settings.attempts, 7);
    let missing = sources(home.path(), &[("HOLDALL_CONFIG", "/none/c.toml")]);
    for wrong in [missing.clone(), named.clone().with_config("/none/c.toml"), named.with_config(home.path())]
    {
        let error = wrong.resolve().unwrap_err();
        assert!(matches!(error, SettingsError::File { .. }), "{error}");
    }
    assert_eq!(missing.with_config(&path).resolve().unwrap().settings.attempts, 7);
}

#[test]
fn a_profile_needs_a_file() {
    let home = home(&[]);
    let error = sources(home.path(), &[]).with_profile("x").resolve().unwrap_err().to_string();
    assert!(error.contains("config.toml"), "{error}");
    let error = Sources::new(Variables::default()).with_profile("x").resolve().unwrap_err().to_string();
    assert_eq!(error, "there is no profile \"x\" since there is no configuration file");
}

#[test]
fn one_in_the_current_folder_is_not_read() {
    let home = home(&[]);
    for relative in [("XDG_CONFIG_HOME", "."), ("XDG_CONFIG_HOME", "crates"), ("HOME", ".")] {
        let mut pairs = vec![("HOME", home.path().to_str().unwrap())];
        pairs.push(relative);
        let resolved = Sources::new(Variables::from_pairs(pairs)).resolve().unwrap();
        assert_eq!(resolved.config_file, None, "{relative:?}");
    }
}

#[test]
fn evi_7_aws_profiles_say_region_and_endpoint_of_a_bucket() {
    let aws = "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-north-1\nendpoint_url = https://s3.dev.example\n";
    let home = home(&[(".aws/config", aws)]);
    let at = |pairs: &[(&str, &str)], setting: &str| {
        value(&sources(home.path(), pairs).resolve().unwrap(), home.path(), setting)
    };
    let bucket = ("S3_BUCKET", "b");
    assert_eq!(at(&[bucket], "region"), "eu-west-1 from region of [default] in ~/.aws/config");
    assert_eq!(at(&[], "region"), "nothing from default");
    assert_eq!(at(&[bucket, ("AWS_REGION", "q")], "region"), "q from AWS_REGION");
    let dev = [bucket, ("AWS_PROFILE", "dev")];
    assert_eq!(at(&dev, "region"), "eu-north-1 from region of [profile dev] in ~/.aws/config");
    assert_eq!(
        at(&dev, "endpoint"),
        "https://s3.dev.example from endpoint_url of [profile dev] in ~/.aws/config"
    );
    // Another provider's endpoint is not signed for with the region of AWS's default profile.
    assert_eq!(at(&[bucket, ("S3_ENDPOINT_URL", "minio.example")], "region"), "nothing from default");
}

/// A provider, what it tells its users to set, and where a request for `k` goes, signed for which region.
type Provider = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

const PROVIDERS: [Provider; 12] = [
    (
        "Railway",
        &[
            ("AWS_ENDPOINT_URL", "https://storage.railway.app"),
            ("AWS_S3_BUCKET_NAME", "artifacts-x1y2"),
            ("AWS_DEFAULT_REGION", "auto"),
        ],
        "https://artifacts-x1y2.storage.railway.app/k",
        "auto",
    ),
    (
        "MinIO",
        &[("S3_ENDPOINT_URL", "http://minio:9000"), ("S3_BUCKET", "artifacts")],
        "http://minio:9000/artifacts/k",
        "us-east-1",
    ),
    (
        "MinIO by path",
        &[
            ("AWS_ENDPOINT_URL_S3", "https://minio.example"),
            ("S3_BUCKET", "artifacts"),
            ("S3_FORCE_PATH_STYLE", "true"),
        ],
        "https://minio.example/artifacts/k",
        "us-east-1",
    ),
    (
        "R2",
        &[
            ("AWS_ENDPOINT_URL", "https://0123456789abcdef.r2.cloudflarestorage.com"),
            ("S3_BUCKET", "artifacts"),
        ],
        "https://artifacts.0123456789abcdef.r2.cloudflarestorage.com/k",
        "auto",
    ),
    (
        "Garage",
        &[
            ("AWS_ENDPOINT_URL", "http://garage.example:3900"),
            ("AWS_DEFAULT_REGION", "garage"),
            ("S3_BUCKET", "artifacts"),
        ],
        "http://garage.example:3900/artifacts/k",
        "garage",
    ),
    (
        "Spaces",
        &[("S3_ENDPOINT_URL", "nyc3.digitaloceanspaces.com"), ("S3_BUCKET_NAME", "mybucket")],
        "https://mybucket.nyc3.digitaloceanspaces.com/k",
        "nyc3",
    ),
    (
        "Spaces, the bucket in the endpoint",
        &[("S3_ENDPOINT_URL", "https://mybucket.nyc3.digitaloceanspaces.com"), ("S3_BUCKET", "mybucket")],
        "https://mybucket.nyc3.digitaloceanspaces.com/k",
        "nyc3",
    ),
    (
        "AWS",
        &[("S3_BUCKET", "artifacts"), ("AWS_REGION", "eu-central-1")],
        "https://artifacts.s3.eu-central-1.amazonaws.com/k",
        "eu-central-1",
    ),
    (
        "AWS, a bucket with dots",
        &[("HOLDALL_STORE", "s3://my.bucket"), ("AWS_REGION", "us-west-2")],
        "https://s3.us-west-2.amazonaws.com/my.bucket/k",
        "us-west-2",
    ),
    (
        "AWS, accelerated",
        &[
            ("S3_BUCKET", "artifacts"),
            ("S3_ENDPOINT_URL", "https://s3-accelerate.amazonaws.com"),
            ("AWS_REGION", "eu-central-1"),
        ],
        "https://artifacts.s3-accelerate.amazonaws.com/k",
        "eu-central-1",
    ),
    (
        "AWS, dual-stack",
        &[("S3_BUCKET", "artifacts"), ("S3_ENDPOINT_URL", "https://s3.dualstack.us-west-2.amazonaws.com")],
        "https://artifacts.s3.dualstack.us-west-2.amazonaws.com/k",
        "us-west-2",
    ),
    (
        "AWS, from a VPC",
        &[
            ("S3_BUCKET", "artifacts"),
            ("AWS_ENDPOINT_URL_S3", "https://bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com"),
        ],
        "https://artifacts.bucket.vpce-1a2b3c4d-5e6f.s3.us-east-1.vpce.amazonaws.com/k",
        "us-east-1",
    ),
];

#[tokio::test]
async fn obs_1_and_top_2_usual_variables_of_providers() {
    for (provider, variables, url, region) in PROVIDERS {
        let mut variables = Variables::from_pairs(variables.iter().copied());
        variables.set("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE");
        variables.set("AWS_SECRET_ACCESS_KEY", "x");
        let settings = Sources::new(variables).resolve().unwrap().settings;
        let store = Store::from_settings(&settings).unwrap();
        assert!(store.is_remote(), "{provider}");
        let hour = PresignOptions::new(PresignMethod::Get, Duration::from_secs(3600));
        let presigned = store.presign("k", &hour).await.unwrap();
        let (place, query) = presigned.split_once('?').unwrap();
        assert_eq!(place, url, "{provider}");
        let scope = query.split('&').find_map(|pair| pair.strip_prefix("X-Amz-Credential=")).unwrap();
        assert!(scope.ends_with(&format!("%2F{region}%2Fs3%2Faws4_request")), "{provider}: {scope}");
    }
}

#[tokio::test]
async fn s3b_7_an_endpoint_that_cannot_be_reached_fails_at_start_with_the_connections_fault() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let variables = Variables::from_pairs([
        ("S3_ENDPOINT_URL", format!("http://{free}")),
        ("S3_BUCKET", "b".to_owned()),
        ("S3_ACCESS_KEY_ID", "canary-id".to_owned()),
        ("S3_SECRET_ACCESS_KEY", "canary-secret".to_owned()),
        ("S3_MAX_RETRIES", "1".to_owned()),
    ]);
    let error = Store::connect(&Settings::from_variables(&variables).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    let mut said = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(next) = cause {
        said += &format!(" {next}");
        cause = next.source();
    }
    assert!(said.contains("refused") && said.contains(&free.port().to_string()), "{said}");
    assert!(!said.contains("canary"), "{said}");
}

#[tokio::test]
async fn doc_1_the_environment_says_whether_objects_leave_the_machine() {
    let home = home(&[]);
    let local = sources(home.path(), &[]).resolve().unwrap().settings;
    let store = Store::connect(&local).await.unwrap();
    assert!(!store.is_remote());
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0, "asking makes nothing");
    let bucket = sources(home.path(), &[("S3_BUCKET", "b"), ("HOLDALL_NO_SIGN_REQUEST", "true")]);
    assert!(Store::from_settings(&bucket.resolve().unwrap().settings).unwrap().is_remote());
}

/// The blocks of a page in one language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let begin = format!("```{language}\n");
    page.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn mig_4_what_the_quick_starts_say_opens_a_store() {
    let page = include_str!("../../../docs/OPERATIONS.md");
    let mut opened = 0;
    for block in blocks(page, "dotenv") {
        let pairs = block.lines().map(|line| line.split_once('=').unwrap());
        let mut variables = Variables::from_pairs(pairs);
        variables.set("S3_ACCESS_KEY_ID", "AKIDEXAMPLE");
        variables.set("S3_SECRET_ACCESS_KEY", "x");
        let resolved = Sources::new(variables).resolve().unwrap_or_else(|error| panic!("{block}: {error}"));
        assert!(Store::from_settings(&resolved.settings).unwrap().is_remote(), "{block}");
        assert_eq!(resolved.unknown, [], "{block}");
        opened += 1;
    }
    assert!(opened >= 6, "{opened}");
    for (file, profiles) in [("CONFIG.md", &["staging"][..]), ("OPERATIONS.md", &["staging", "production"])] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(file);
        let block = blocks(&std::fs::read_to_string(path).unwrap(), "toml").remove(0);
        let home = home(&[(".config/holdall/config.toml", &block)]);
        for profile in profiles {
            let resolved = sources(home.path(), &[]).with_profile(*profile).resolve().unwrap();
            assert!(resolved.settings.store.is_some(), "{file} {profile}");
        }
    }
}
