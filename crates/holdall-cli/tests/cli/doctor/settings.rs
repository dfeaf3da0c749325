//! Settings that are wrong, before anything is asked.

use super::doctor;
use crate::shell::Shell;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

#[test]
fn evi_13_half_a_pair_of_keys() {
    let shell = Shell::bare().with("S3_BUCKET", "b").with("S3_SECRET_ACCESS_KEY", "canary-secret");
    let report = doctor(&shell, &[]);
    report.problems(&["settings.resolve"]);
    report.names("settings.resolve", "problem", &["set S3_ACCESS_KEY_ID, or unset S3_SECRET_ACCESS_KEY"]);
}

#[test]
fn evi_13_keys_in_a_url() {
    let shell = Shell::bare().with("S3_BUCKET", "b").with("S3_ENDPOINT_URL", "https://id:canary@host");
    doctor(&shell, &[]).names("settings.resolve", "problem", &["out of the URL of S3_ENDPOINT_URL"]);
}

#[test]
fn evi_13_a_store_that_is_none() {
    let report = doctor(&Shell::bare(), &["--store", "ftp://x"]);
    report.problems(&["settings.resolve"]);
    report.names("settings.resolve", "problem", &["correct the setting"]);
}

#[test]
fn evi_13_no_bucket_and_no_home() {
    let endpoint = Shell::bare().with("S3_ENDPOINT_URL", "http://127.0.0.1:1");
    doctor(&endpoint, &[]).names("settings.resolve", "problem", &["set S3_BUCKET or HOLDALL_STORE"]);
    doctor(&Shell::bare(), &[]).names("folder.there", "problem", &["set HOLDALL_STORE, or S3_BUCKET"]);
}

#[test]
fn evi_13_variables_that_set_nothing_or_in_vain() {
    let shell =
        Shell::bare().with("HOLDALL_STORE", "memory://").with("HOLDALL_REGOIN", "x").with("S3_BUCKET", "b");
    let report = doctor(&shell, &[]);
    report.problems(&[]);
    report.names("settings.unknown", "warning", &["rename HOLDALL_REGOIN to HOLDALL_REGION"]);
    report.names("settings.unused", "note", &["unset S3_BUCKET"]);
    report.names("store.memory", "note", &["HOLDALL_STORE"]);
}

#[test]
fn evi_13_a_file_with_keys_that_others_can_read() {
    let shell = Shell::bare();
    let keys = "access_key_id = 'id'\nsecret_access_key = 'canary-secret'\nstore = 'memory://'\n";
    shell.write("c.toml", keys);
    let path = shell.path("c.toml");
    let mode = |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    let chmod = format!("chmod 600 {}", path.display());
    mode(0o644);
    let report = doctor(&shell, &["--config", "c.toml"]);
    report.problems(&["settings.file"]);
    report.names("settings.file", "problem", &["chmod 600 c.toml"]);
    mode(0o640);
    let config = path.to_str().unwrap();
    doctor(&shell, &["--config", config]).names("settings.file", "warning", &[&chmod]);
    mode(0o600);
    doctor(&shell, &["--config", config]).find("settings.file", "ok");
}

#[test]
fn evi_13_plain_http_and_a_name_without_address() {
    let shell = Shell::bare()
        .with("S3_BUCKET", "b")
        .with("S3_ENDPOINT_URL", "http://storage.invalid")
        .with("HOLDALL_CONNECT_TIMEOUT", "5");
    let report = doctor(&shell, &[]);
    report.problems(&["endpoint.reach"]);
    report.names("settings.transport", "warning", &["set https:// in S3_ENDPOINT_URL"]);
    report.names("endpoint.reach", "problem", &["S3_ENDPOINT_URL"]);
    report.find("bucket", "unknown");
}
