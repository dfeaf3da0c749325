//! `holdall bucket` on folders and on the servers that the environment names.

use crate::real::below;
use crate::shell::{Shell, stdout, transcribe};
use holdall_testing::fault::{Fault, Kind, Rule};
use holdall_testing::server::Server;

/// A shell whose store is below a prefix of a bucket that is not there yet.
struct Scene {
    shell: Shell,
    bucket: String,
    text: String,
}

impl Scene {
    fn on(name: &str, test: &str) -> Self {
        let server = Server::from_env(name).unwrap_or_else(|| panic!("no server {name} is named")).unwrap();
        let bucket = format!("holdall-cli-{test}-{}", std::process::id());
        Self { shell: below(&server, &bucket), bucket, text: String::new() }
    }

    fn run(&mut self, lines: &[&str]) -> &mut Self {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            transcribe(line, &self.shell.run(&words), &mut self.text);
        }
        self
    }

    fn snapshot(&self, name: &str) {
        self.shell.snapshot(name, &self.text.replace(&self.bucket, "[bucket]"));
    }
}

#[test]
fn evi_5_a_bucket_is_created_described_and_deleted() {
    let mut scene = Scene::on("ceph", "life");
    scene.shell.write("f", "hello");
    scene.run(&[
        "bucket info",
        "bucket delete",
        "bucket create",
        "bucket create",
        "bucket create --if-missing",
        "bucket create --if-missing --json",
        "bucket info",
        "put f -q",
        "bucket info --count --json",
        "bucket delete",
        "rm f -q",
        "bucket delete --json",
        "bucket info --json",
    ]);
    scene.snapshot("bucket_life");
}

#[test]
fn mig_3_a_setup_shows_its_plan_and_does_it_on_demand() {
    let mut scene = Scene::on("ceph", "setup");
    scene.shell.write("policy.json", "[]");
    scene.run(&[
        "bucket setup --versioning --abort-uploads 7 --expire tmp/=3",
        "bucket info",
        "bucket setup --versioning --abort-uploads 7 --expire tmp/=3 --apply",
        "bucket setup --versioning --abort-uploads 9d --cors https://a.example --cors-method put,GET --json",
        "bucket setup --versioning --abort-uploads 9 --block-public-access --apply --json",
        "bucket setup --sse AES256 --deny-plain-http",
        "bucket setup --sse AES256 --versioning --apply",
        "bucket setup --policy policy.json",
        "bucket setup --policy nowhere.json",
        "bucket info",
        "bucket delete -q",
    ]);
    scene.snapshot("bucket_setup");
}

/// moto takes public access and encryption too, so that nothing is amiss.
#[test]
fn mig_3_all_of_a_setup_is_done_where_the_server_has_it() {
    let mut scene = Scene::on("moto", "all");
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Own","Effect":"Deny","Principal":"*",
        "Action":"s3:PutObject","Resource":"arn:aws:s3:::BUCKET/kept/*"}]}"#;
    scene.shell.write("policy.json", policy.replace("BUCKET", &scene.bucket));
    let all = "bucket setup --versioning --abort-uploads 7 --expire-noncurrent 30 --expire tmp/=3 --expire log/=90 \
         --cors https://a.example --kms-key-id a-key --block-public-access --policy policy.json";
    scene.run(&[&format!("{all} --apply"), all, "bucket info", "bucket delete -q"]);
    scene.snapshot("bucket_setup_all");
}

#[test]
fn evi_5_folders_are_created_described_and_deleted() {
    let shell = Shell::bare();
    let url = format!("file://{}", shell.path("bag").display());
    let shell = shell.with("HOLDALL_STORE", &url);
    shell.write("f", "hello");
    shell.transcript(
        "bucket_folder",
        &[
            "bucket info",
            "bucket create",
            "bucket create",
            "put f -q",
            "bucket info --count",
            "bucket info --count --json",
            "bucket setup --versioning",
            "bucket delete",
            "rm f -q",
            "bucket delete",
            "bucket info memory:// --count",
        ],
    );
    assert!(!shell.path("bag").exists() && shell.path("f").exists());
}

#[test]
fn evi_5_what_may_not_be_asked_is_denied_and_no_failure() {
    let denied = Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::GetBucketVersioning);
    let shell = Shell::with_fault(denied);
    shell.transcript("bucket_denied", &["bucket info", "bucket setup --versioning"]);
}

#[test]
fn bucket_usage() {
    Shell::bare().with("HOLDALL_STORE", "memory://").transcript(
        "bucket_usage",
        &[
            "bucket",
            "bucket setup",
            "bucket setup b --expire =3",
            "bucket setup b --abort-uploads 0",
            "bucket setup b --sse AES256 --kms-key-id k",
            "bucket info a/b",
            "bucket delete",
            "bucket create",
        ],
    );
}

/// Whoever has no rights is told which are missing, and the bucket stays as it is.
#[test]
fn evi_5_a_stranger_is_refused() {
    let mut scene = Scene::on("ceph", "stranger");
    stdout(&scene.shell.run(&["bucket", "create"]));
    let server = Server::from_env("ceph").unwrap().unwrap();
    let anonymous = below(&server, &scene.bucket)
        .with("S3_ACCESS_KEY_ID", "")
        .with("S3_SECRET_ACCESS_KEY", "")
        .with("HOLDALL_NO_SIGN_REQUEST", "true");
    let mine = std::mem::replace(&mut scene.shell, anonymous);
    scene.run(&["bucket info", "bucket create", "bucket delete", "bucket setup --versioning --apply"]);
    scene.snapshot("bucket_stranger");
    stdout(&mine.run(&["bucket", "delete"]));
}
