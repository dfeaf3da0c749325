//! `holdall audit`: what is left, of every kind.

use crate::real::{Bucket, wait};
use crate::shell::{Shell, stdout};
use holdall_s3::{Client, DeleteOptions, PutOptions};
use holdall_testing::plain_http;
use holdall_testing::server::Server;
use std::time::Duration;

/// SES-8: an audit names what has expired and is not swept, and what stays of it when it is.
#[test]
fn ses_8_an_audit_names_all_that_is_left_below_a_prefix() {
    let shell = Shell::folder();
    shell.write("f", "bytes");
    for key in ["runs/1/a", "runs/1/b", "runs/.holdall-deleted/9.json", "runs/1/.holdall-index/x", "else"] {
        stdout(&shell.run(&["put", "f", key]));
    }
    stdout(&shell.run(&["expire", "set", "runs/1/a", "--after", "1s"]));
    std::thread::sleep(Duration::from_millis(2100));
    shell.write("store/.holdall/tmp/0123456789abcdef", "half");
    shell.transcript("audit", &["audit runs/", "audit runs/1/ --json", "audit none/", "audit"]);
    stdout(&shell.run(&["lifecycle", "sweep", "--grace", "0s"]));
    let left = stdout(&shell.run(&["audit", "runs/1/"]));
    assert!(!left.contains("expired") && left.contains("due       runs/1/a"), "{left}");
}

#[test]
fn an_audit_tells_versions_and_marks_apart() {
    let shell = Shell::folder();
    stdout(&shell.run(&["bucket", "versioning", "--set", "enabled"]));
    shell.write("f", "bytes");
    for key in ["a", "a", "b"] {
        stdout(&shell.run(&["put", "f", key]));
    }
    stdout(&shell.run(&["rm", "b"]));
    let told = ["mark b", "object a", "version a", "version b"];
    assert_eq!(kinds(&shell, &[]), told);
}

/// Kind and key of all that is left, sorted.
fn kinds(shell: &Shell, prefix: &[&str]) -> Vec<String> {
    let left = stdout(&shell.run(&[&["audit", "--json"], prefix].concat()));
    let rows = left.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let told = |row: serde_json::Value| {
        format!("{} {}", row["kind"].as_str().unwrap(), row["key"].as_str().unwrap())
    };
    let mut kinds: Vec<String> = rows.map(told).collect();
    kinds.sort_unstable();
    kinds
}

/// Puts something of each kind that every server has, but uploads.
fn leave(shell: &Shell) {
    shell.write("f", "bytes");
    for key in ["runs/1/a", "runs/.holdall-deleted/9.json", "runs/1/.holdall-index/x", "runs-2/a", "else"] {
        stdout(&shell.run(&["put", "f", key]));
    }
    stdout(&shell.run(&["expire", "set", "runs/1/a", "--after", "1s"]));
    std::thread::sleep(Duration::from_millis(2100));
}

/// What is left below `runs/` then, with an upload there.
const RUNS: [&str; 6] = [
    "due runs/1/a",
    "expired runs/1/a",
    "object runs/1/a",
    "record runs/1/.holdall-index/x",
    "tombstone runs/.holdall-deleted/9.json",
    "upload runs/big",
];

/// SES-8, SES-9: on S3 the same is told, with versions and marks, also of tombstones; what is elsewhere in the bucket is not
/// the store's, and what holdall keeps of its own for a while is not told.
#[test]
fn ses_8_an_audit_of_a_bucket_names_all_that_is_left() {
    let server =
        Server::from_env("ceph").expect("HOLDALL_TEST_CEPH names a server, as ./test has it").unwrap();
    let bucket = Bucket::on(&server, "audit");
    let (shell, client) = (&bucket.shell, &bucket.client);
    leave(shell);
    for key in ["below/runs/big", "below/else-big", "runs/big"] {
        wait(client.create_upload(key, &PutOptions::default())).unwrap();
    }
    for key in ["below/.holdall/probe/0123", "runs/1/a"] {
        wait(client.put(key, bytes::Bytes::from("x").into(), &PutOptions::default())).unwrap();
    }
    assert_eq!(kinds(shell, &["runs/"]), RUNS);
    stdout(&shell.run(&["bucket", "versioning", "--set", "enabled"]));
    for key in ["runs/1/v", "runs/1/v", "runs/1/w", "runs/.holdall-deleted/9.json"] {
        stdout(&shell.run(&["put", "f", key]));
    }
    stdout(&shell.run(&["rm", "runs/1/w", "-q"]));
    let versions = [
        "mark runs/1/w",
        "object runs/1/v",
        "version runs/.holdall-deleted/9.json",
        "version runs/1/v",
        "version runs/1/w",
    ];
    let mut all = [&RUNS[..], &versions].concat();
    all.sort_unstable();
    assert_eq!(kinds(shell, &["runs/"]), all);
    all.extend(["object else", "object runs-2/a", "upload else-big"]);
    all.sort_unstable();
    assert_eq!(kinds(shell, &[]), all);
    // Each is told with what it takes, tombstones apart.
    let said = String::from_utf8(shell.run(&["audit", "runs/"]).stderr).unwrap();
    let told = "object: 2, 10 B; tombstone: 1, 5 B; record: 1, 5 B; expired: 1, 5 B; due: 1; version: 3, 15 B; \
                mark: 1; upload: 1";
    assert_eq!(said.trim_end(), told);
    // Swept, the object is a version and a mark, and its entry stays for days.
    stdout(&shell.run(&["lifecycle", "sweep", "--grace", "0s"]));
    let swept = kinds(shell, &["runs/1/a"]);
    assert_eq!(swept, ["due runs/1/a", "mark runs/1/a", "version runs/1/a"]);
    empty(client);
}

/// Removes every version and upload of a bucket.
fn empty(client: &Client) {
    for version in wait(client.list_versions("", None)).unwrap().versions {
        let options = DeleteOptions { version: Some(version.version), ..DeleteOptions::default() };
        wait(client.delete(&version.key, &options)).unwrap();
    }
    for upload in wait(client.list_uploads("", None)).unwrap().uploads {
        wait(client.abort_upload(&holdall_s3::UploadHandle::existing(&*upload.key, &*upload.id))).unwrap();
    }
}

/// SES-8: a server that has no versions is audited for the rest, and what waits here is told beside.
#[test]
fn ses_8_an_audit_of_a_server_without_versions_tells_the_rest_and_what_waits() {
    let shell = crate::outbox::shell();
    leave(&shell);
    for key in ["runs/big", "big"] {
        let url = format!("{}/b/{key}?uploads", shell.server().endpoint());
        assert!(plain_http::send("POST", &url, &[], b"").unwrap().is_success());
    }
    shell.server().put_object("b", ".holdall/probe/0123", b"x");
    assert_eq!(kinds(&shell, &["runs/"]), RUNS);
    crate::outbox::down(&shell);
    stdout(&shell.run(&["put", "f", "runs/late", "-q"]));
    stdout(&shell.run(&["put", "f", "late", "-q"]));
    let away = shell.run(&["audit", "runs/"]);
    assert_eq!(
        (away.status.code(), away.stdout.len()),
        (Some(5), 0),
        "it is not known what is there: {away:?}"
    );
    crate::outbox::up(&shell);
    let waiting = kinds(&shell, &["runs/"]);
    let queued: Vec<&String> = waiting.iter().filter(|line| !RUNS.contains(&line.as_str())).collect();
    assert!(queued.contains(&&"queued runs/late".to_owned()), "{waiting:?}");
    stdout(&shell.run(&["outbox", "drain", "-q"]));
    let sent = kinds(&shell, &["runs/"]);
    assert!(
        sent.contains(&"object runs/late".to_owned()) && !sent.iter().any(|line| line.starts_with("queued"))
    );
}
