//! Objects that expire, by commands alone.

use crate::shell::{Shell, stdout};
use std::time::Duration;

/// SES-8: an object is not found from its moment on, and a sweep deletes it and no other.
#[test]
fn ses_8_what_has_expired_is_not_found_and_swept() {
    let shell = Shell::folder();
    shell.write("one", "first").write("two", "second");
    for file in ["one", "two"] {
        assert!(shell.run(&["put", file]).status.success());
    }
    assert!(shell.run(&["expire", "set", "one", "--after", "1s"]).status.success());
    assert!(shell.run(&["expire", "set", "two", "--after", "1h"]).status.success());
    assert!(stdout(&shell.run(&["stat", "two"])).contains("\nexpires: 2"));
    std::thread::sleep(Duration::from_millis(2100));
    let missing = shell.run(&["cat", "one"]);
    assert_eq!(missing.status.code(), Some(3), "{}", String::from_utf8_lossy(&missing.stderr));
    let sweep = |more: &[&str]| stdout(&shell.run(&[&["expire", "sweep", "--grace", "0s"], more].concat()));
    assert_eq!(sweep(&["--dry-run"]), "one\n");
    assert_eq!(sweep(&[]), "one\n");
    assert_eq!(sweep(&[]), "");
    assert_eq!(stdout(&shell.run(&["ls", "-r"])), "two\n");
    assert!(shell.run(&["expire", "clear", "two"]).status.success());
    assert!(!stdout(&shell.run(&["stat", "two"])).contains("expires"));
}

/// SES-8: all objects below a prefix are given a moment, and those that have it are left as they are.
#[test]
fn ses_8_all_below_a_prefix_expires_or_stays() {
    let shell = Shell::folder();
    shell.write("one", "first");
    for key in ["runs/7/a", "runs/7/b", "runs/8/a"] {
        assert!(shell.run(&["put", "one", key]).status.success());
    }
    let run = |line: &str| {
        let output = shell.run(&line.split(' ').collect::<Vec<_>>());
        let mut keys: Vec<String> = stdout(&output).lines().map(str::to_owned).collect();
        keys.sort();
        (keys.join(" "), String::from_utf8(output.stderr).unwrap())
    };
    let said = |keys: &str, text: &str| (keys.to_owned(), format!("{text}\n"));
    let set = "expire set runs/7/ --recursive --at 2099-01-02T03:04:05Z";
    assert_eq!(run(set), said("runs/7/a runs/7/b", "set 2 objects"));
    assert_eq!(run(set), said("", "set 0 objects, 2 as they were"));
    assert!(stdout(&shell.run(&["stat", "runs/7/a"])).contains("\nexpires: 2099-01-02T03:04:05Z"));
    assert!(!stdout(&shell.run(&["stat", "runs/8/a"])).contains("expires"));
    let clear = run("expire clear runs/ --recursive");
    assert_eq!(clear, said("runs/7/a runs/7/b", "cleared 2 objects, 1 as they were"));
    assert!(!stdout(&shell.run(&["stat", "runs/7/a"])).contains("expires"));
}

#[test]
fn what_cannot_expire_is_told() {
    let shell = Shell::folder();
    shell.write("one", "first");
    shell.transcript(
        "expire_errors",
        &[
            "put one",
            "expire set one --after 0s",
            "expire set one --after soon",
            "expire set one",
            "expire set one --at 2020-01-02T03:04:05Z",
            "expire set one --at 2099-01-02T03:04:05Z --after 1h",
            "expire set on --recursive --after 0s",
            "expire set none/ --recursive --after 1h",
            "expire set none --after 1h",
            "expire clear none",
            "expire sweep --grace 0s",
            "expire sweep extra",
            "expire sweep --json",
        ],
    );
}
