//! Objects that expire, by commands alone.

use crate::shell::{Shell, stdout};
use std::time::Duration;

fn folder() -> Shell {
    let shell = Shell::bare();
    std::fs::create_dir(shell.path("store")).unwrap();
    let url = format!("file://{}", shell.path("store").display());
    shell.with("HOLDALL_STORE", &url)
}

/// SES-8: an object is not found from its moment on, and a sweep deletes it and no other.
#[test]
fn ses_8_what_has_expired_is_not_found_and_swept() {
    let shell = folder();
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

#[test]
fn what_cannot_expire_is_told() {
    let shell = folder();
    shell.write("one", "first");
    shell.transcript(
        "expire_errors",
        &[
            "put one",
            "expire set one --after 0s",
            "expire set one --after soon",
            "expire set one",
            "expire set none --after 1h",
            "expire clear none",
            "expire sweep --grace 0s",
            "expire sweep extra",
            "expire sweep --json",
        ],
    );
}
