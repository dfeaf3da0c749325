//! `holdall audit`: what is left, of every kind.

use crate::shell::{Shell, stdout};
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
    let left = stdout(&shell.run(&["audit"]));
    let mut kinds: Vec<(&str, &str)> = left
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .map(|words| (words[1], words[2]))
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("mark", "b"), ("object", "a"), ("version", "a"), ("version", "b")]);
}
