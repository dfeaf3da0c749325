//! What `--log` shows of transfers, in both forms, and that it is what `--json` says.

use crate::real::Bucket;
use crate::shell::Shell;
use holdall_testing::server::Server;
use serde_json::{Value, json};
use std::process::Output;

/// The lines of standard error that tell of transfers, without their moments.
fn told(output: &Output) -> Vec<String> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let lines = text.lines().filter_map(|line| Some(line.split_once("holdall::transfer: ")?.1));
    let seconds = |line: &str| match line.split_once(" seconds=") {
        Some((before, after)) => format!("{before}{}", after.trim_start_matches(|c: char| c != ' ')),
        None => panic!("it has no seconds: {line}"),
    };
    let mut told: Vec<String> = lines.map(seconds).collect();
    told.sort();
    told
}

/// The same of JSON logs, by message.
fn told_as_json(output: &Output) -> Vec<Value> {
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told: Vec<Value> = lines.filter(|event| event["target"] == "holdall::transfer").collect();
    for event in &mut told {
        let fields = event.as_object_mut().unwrap();
        assert!(fields.remove("seconds").unwrap().is_f64() && fields.remove("timestamp").is_some());
        fields.remove("target");
    }
    told.sort_by_key(|event| event["message"].to_string());
    told
}

/// Pushes a folder of one file with all that is logged of transfers, in both forms.
fn both_forms(shell: &Shell, prefix: &str) {
    shell.write("in/a b\u{1b}[2J.txt", "hello");
    let total = format!(
        r#"{prefix}upload_total_seconds direction="up" prefix="p/" files=1 bytes=5 unchanged=0 deleted=0 failed=0 outcome="stored""#
    );
    let push = ["push", "in", "p", "--force", "--log"];
    assert_eq!(told(&shell.run(&[&push[..], &["info"]].concat())), [total.as_str()]);
    let file = format!(
        r#"{prefix}upload_seconds direction="up" key="p/a b\u{{1b}}[2J.txt" size=5 attempts=1 outcome="stored""#
    );
    assert_eq!(told(&shell.run(&[&push[..], &["debug"]].concat())), [file.as_str(), &total]);
    assert_eq!(told(&shell.run(&push[..4])), [] as [&str; 0], "nobody asked for it");

    let json = shell.command(&[&push[..], &["debug"]].concat()).env("HOLDALL_LOG_FORMAT", "json").output();
    let file = json!({
        "level": "DEBUG", "message": format!("{prefix}upload_seconds"), "direction": "up",
        "key": "p/a b\u{1b}[2J.txt", "size": 5, "attempts": 1, "outcome": "stored",
    });
    let total = json!({
        "level": "INFO", "message": format!("{prefix}upload_total_seconds"), "direction": "up", "prefix": "p/",
        "files": 1, "bytes": 5, "unchanged": 0, "deleted": 0, "failed": 0, "outcome": "stored",
    });
    assert_eq!(told_as_json(&json.unwrap()), [file, total]);
}

#[test]
fn doc_11_uploads_into_memory_are_logged_in_both_forms() {
    both_forms(&Shell::bare().with("HOLDALL_STORE", "memory://"), "");
}

fn uploads_are_logged_on(name: &str) {
    let server = Server::from_env(name).unwrap_or_else(|| panic!("no {name} is set up: see ./test")).unwrap();
    let bucket = Bucket::on(&server, "telemetry");
    both_forms(&bucket.shell, "s3_");
}

#[test]
fn doc_11_uploads_are_named_s3_on_ceph() {
    uploads_are_logged_on("ceph");
}

#[test]
fn doc_11_uploads_are_named_s3_on_moto() {
    uploads_are_logged_on("moto");
}

#[test]
fn top_9_output_and_log_say_the_same_of_a_transfer() {
    let shell = Shell::new();
    shell.write("a", "hello");
    let says = |arguments: &[&str]| {
        let command = [arguments, &["--json", "--log", "holdall::transfer=debug"]].concat();
        let output = shell.command(&command).env("HOLDALL_LOG_FORMAT", "json").output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert!(said["seconds"].is_f64(), "{said}");
        let logged = told_as_json(&output);
        assert_eq!(logged.len(), 1, "{logged:?}");
        for field in ["key", "size", "attempts", "outcome"] {
            assert_eq!(said[field], logged[0][field], "{arguments:?} {field}");
        }
        said["outcome"].as_str().unwrap().to_owned()
    };
    assert_eq!(says(&["put", "a", "k"]), "stored");
    assert_eq!(says(&["get", "k", "b"]), "fetched");
    assert_eq!(says(&["cp", "k", "copy"]), "copied");
    assert_eq!(says(&["mv", "copy", "moved"]), "moved");
}
