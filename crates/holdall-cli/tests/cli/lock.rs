//! Legal holds and retention, by commands alone.

use crate::real::{below, client, wait};
use crate::shell::{Shell, stdout};
use holdall_testing::server::Server;
use serde_json::Value;

/// SES-9: a version is kept from being deleted by whoever has the command, and told why.
#[test]
fn ses_9_a_version_that_is_held_or_retained_stays() {
    for server in Server::all_from_env().unwrap().iter().filter(|server| server.name == "ceph") {
        let bucket = format!("holdall-cli-lock-{}", std::process::id());
        let shell = below(server, &bucket);
        stdout(&shell.run(&["bucket", "create", "--object-lock"]));
        story(&shell);
        wait(client(server, &bucket).delete_bucket()).unwrap();
    }
}

fn story(shell: &Shell) {
    let say = |line: &str| stdout(&shell.run(&line.split(' ').collect::<Vec<_>>()));
    let refused = |line: &str| {
        let output = shell.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(6), "{line}: {output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(say("bucket create --object-lock --if-missing --quiet").lines().count(), 1);
    shell.write("one", "first");
    let receipt: Value = serde_json::from_str(&say("put one a --json")).unwrap();
    let version = receipt["version"].as_str().unwrap();
    let rm = format!("object-version rm a {version}");
    assert_eq!(say("object-version hold a"), "off\n");
    assert_eq!(say("object-version hold a on"), "on\n");
    assert_eq!(say("object-version hold a"), "on\n");
    assert!(refused(&rm).contains("the version is under a legal hold"));
    let off = format!("object-version hold a off --version-id {version} --json");
    assert_eq!(say(&off), format!("{{\"key\":\"a\",\"version\":\"{version}\",\"hold\":false}}\n"));
    assert_eq!(say("object-version retain a"), "none\n");
    let kept = "governance until 2093-01-01T00:00:00Z\n";
    assert_eq!(say("object-version retain a --until 2093-01-01 --mode governance"), kept);
    let told = refused(&rm);
    assert!(told.contains("until=2093-01-01T00:00:00Z") && told.contains("--bypass-governance"), "{told}");
    refused("object-version retain a --until 2090-01-01 --mode governance");
    assert_eq!(say("object-version retain a"), kept);
    say(&format!("{rm} --bypass-governance"));
    assert_eq!(say("object-version ls"), "");
}

/// s3s-fs makes a bucket of the usual kind, which does not stay.
#[test]
fn a_bucket_that_cannot_lock_is_not_left_behind() {
    for server in Server::all_from_env().unwrap().iter().filter(|server| server.name == "s3s-fs") {
        let shell = below(server, &format!("holdall-cli-no-lock-{}", std::process::id()));
        let output = shell.run(&["bucket", "create", "--object-lock"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_eq!(shell.run(&["bucket", "info"]).status.code(), Some(3));
    }
}

#[test]
fn what_cannot_be_locked_is_told() {
    let shell = Shell::bare();
    let url = format!("file://{}", shell.path("store").display());
    let shell = shell.with("HOLDALL_STORE", &url);
    shell.write("one", "first");
    shell.transcript(
        "lock_errors",
        &[
            "bucket create --object-lock",
            "bucket create -q",
            "put one -q",
            "object-version hold one on",
            "object-version hold one maybe",
            "object-version retain one",
            "object-version retain one --until 2093-01-01",
            "object-version retain one --until soon --mode governance",
            "object-version retain one --until 2093-01-01 --mode compliance --json",
            "bucket create --object-lock --if-missing",
        ],
    );
}
