//! `holdall outbox`, and commands whose writes wait while the store is away.

mod ceph;
mod kills;

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::process::Output;

/// A shell with a server and an outbox.
pub(super) fn shell() -> Shell {
    let shell = Shell::new()
        .with("HOLDALL_ON_REMOTE_ERROR", "outbox")
        .with("HOLDALL_ATTEMPTS", "1")
        .with("HOLDALL_LOG", "error")
        .with("HOLDALL_OUTBOX_MIN_FREE", "0")
        .with("HOLDALL_OUTBOX_ALLOW_VOLATILE", "true");
    let folder = shell.path("outbox").display().to_string();
    shell.with("HOLDALL_OUTBOX_DIR", &folder)
}

pub(super) fn down(shell: &Shell) {
    shell.server().add_rule(Rule::new(Fault::Reset));
}

pub(super) fn up(shell: &Shell) {
    shell.server().clear_rules();
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn stored(shell: &Shell, key: &str) -> Option<Vec<u8>> {
    shell.server().object("b", key).map(|object| object.bytes)
}

/// The ids of what waits, by key.
fn ids(shell: &Shell) -> Vec<(String, String)> {
    let lines = stdout(&shell.run(&["outbox", "ls", "--json"]));
    let read = |line: &str| {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        (entry["key"].as_str().unwrap().to_owned(), entry["id"].as_str().unwrap().to_owned())
    };
    lines.lines().map(read).collect()
}

#[test]
fn what_was_put_is_read_from_its_copy_while_the_store_is_away() {
    let shell = shell().with("HOLDALL_LOCAL_COPY", "keep");
    shell.write("a", "one");
    assert!(shell.run(&["put", "a", "k"]).status.success());
    down(&shell);
    shell.transcript("outbox_local_copy", &["cat k", "get k back", "stat k", "cat other"]);
    assert_eq!(shell.read("back"), b"one");
    let stat: serde_json::Value =
        serde_json::from_str(&stdout(&shell.run(&["stat", "k", "--json"]))).unwrap();
    assert_eq!(stat["read_from"], "local_copy");
    up(&shell);
    let stat = stdout(&shell.run(&["stat", "k", "--json"]));
    assert!(!stat.contains("read_from"), "{stat}");
}

#[test]
fn writes_wait_are_read_and_are_sent() {
    let shell = shell();
    shell.write("in/a", "one").write("in/sub/b", "two").write("c", "three");
    down(&shell);
    shell.transcript(
        "outbox_away",
        &["push in p", "put c", "cat p/a", "ls --queued -r", "ls", "get p/sub/b back", "rm c", "cat c"],
    );
    let drained = shell.run(&["outbox", "drain"]);
    assert_eq!(drained.status.code(), Some(5), "{drained:?}");
    assert!(stderr(&drained).contains("entries_waiting=4"), "{drained:?}");
    assert_eq!(shell.read("back"), b"two");
    up(&shell);
    let drained = shell.run(&["outbox", "drain"]);
    assert_eq!(drained.status.code(), Some(0), "{drained:?}");
    assert!(stderr(&drained).starts_with("sent 4 writes, 11 B"), "{drained:?}");
    assert_eq!(stored(&shell, "p/a").unwrap(), b"one");
    assert_eq!(stored(&shell, "c"), None);
    shell.transcript("outbox_empty", &["outbox ls", "outbox verify", "outbox drain", "verify p/ in"]);
}

#[test]
fn what_is_queued_is_said_and_can_be_refused() {
    let shell = shell();
    shell.write("f", "x");
    down(&shell);
    let put = shell.run(&["put", "f", "k", "--json", "--require-remote"]);
    assert_eq!(put.status.code(), Some(5), "{put:?}");
    let receipt: serde_json::Value = serde_json::from_slice(&put.stdout).unwrap();
    assert_eq!((receipt["state"].as_str(), receipt["verified"].as_str()), (Some("queued"), Some("local")));
    assert_eq!(receipt["outbox"].as_str().unwrap(), shell.path("outbox").display().to_string());
    let put = shell.run(&["put", "f", "k"]);
    assert_eq!(put.status.code(), Some(0));
    assert!(stderr(&put).contains("queued 1 write in"), "{put:?}");
    let removed = stdout(&shell.run(&["rm", "k", "--json"]));
    let removed: serde_json::Value = serde_json::from_str(&removed).unwrap();
    assert_eq!((removed["existed"].as_bool(), removed["state"].as_str()), (Some(true), Some("queued")));
}

#[test]
fn what_waits_is_not_called_stored_by_a_push_that_finds_it_unchanged() {
    let shell = shell();
    shell.write("in/a", "one");
    down(&shell);
    let push = |more: &[&str]| shell.run(&[&["push", "in", "p", "--require-remote"], more].concat());
    assert_eq!(push(&[]).status.code(), Some(5));
    let again = push(&["--json", "-v"]);
    assert_eq!(again.status.code(), Some(5), "the store is away: {again:?}");
    let event: serde_json::Value =
        serde_json::from_str(String::from_utf8_lossy(&again.stdout).lines().next().unwrap()).unwrap();
    assert_eq!((&event["event"], &event["state"]), (&"unchanged".into(), &"queued".into()));
    up(&shell);
    let again = push(&[]);
    assert_eq!(again.status.code(), Some(5), "it waits still: {again:?}");
    assert!(stderr(&again).contains("1 unchanged file not known to be in the store"), "{again:?}");
    stdout(&shell.run(&["outbox", "drain"]));
    assert_eq!(push(&[]).status.code(), Some(0));
}

#[test]
fn what_is_refused_is_parked_retried_exported_and_dropped() {
    let shell = shell();
    shell.write("f", "content").write("g", "other");
    down(&shell);
    for (file, key) in [("f", "a"), ("g", "b")] {
        stdout(&shell.run(&["put", file, key, "-q"]));
    }
    up(&shell);
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::PutObject));
    let drained = shell.run(&["outbox", "drain"]);
    assert_eq!(drained.status.code(), Some(1), "{drained:?}");
    assert!(stderr(&drained).contains("sent 0 writes, 0 B, 2 parked"), "{drained:?}");
    let listed = stdout(&shell.run(&["outbox", "ls", "--parked"]));
    assert_eq!(listed.matches(" parked ").count(), 2, "{listed}");
    assert!(listed.contains("s3://b/a") && listed.contains("AccessDenied"), "{listed}");
    let status: serde_json::Value =
        serde_json::from_str(&stdout(&shell.run(&["outbox", "status", "--json"]))).unwrap();
    assert_eq!((status["entries"].as_u64(), status["parked"].as_u64()), (Some(2), Some(2)));
    let ids = ids(&shell);
    stdout(&shell.run(&["outbox", "export", &ids[0].1, "saved"]));
    assert_eq!(shell.read("saved"), b"content");
    let again = shell.run(&["outbox", "export", &ids[0].1, "saved"]);
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(!shell.files().iter().any(|name| name.ends_with(".part")));
    let asked = shell.run(&["outbox", "drop", &ids[0].1]);
    assert_eq!(asked.status.code(), Some(2), "{asked:?}");
    stdout(&shell.run(&["outbox", "drop", &ids[0].1, "--yes"]));
    up(&shell);
    stdout(&shell.run(&["outbox", "drain"]));
    assert_eq!(stored(&shell, "b"), None, "it is parked");
    stdout(&shell.run(&["outbox", "retry", "--all"]));
    stdout(&shell.run(&["outbox", "drain"]));
    assert_eq!((stored(&shell, "a"), stored(&shell, "b").unwrap()), (None, b"other".to_vec()));
}

#[test]
fn damage_is_found_and_set_apart() {
    let shell = shell();
    shell.write("f", "content");
    down(&shell);
    for key in ["a", "b", "c"] {
        stdout(&shell.run(&["put", "f", key, "-q"]));
    }
    let logs: Vec<_> = shell.files().into_iter().filter(|name| name.ends_with(".log")).collect();
    let [log] = &*logs else { panic!("{logs:?}") };
    let mut bytes = shell.read(log);
    // In the middle of the second entry's header.
    let second = bytes.windows(4).enumerate().filter(|(_, w)| *w == b"\x89HQF").nth(2).unwrap().0;
    bytes[second + 60] ^= 1;
    shell.write(log, bytes);
    let found = shell.run(&["outbox", "verify"]);
    assert_eq!(found.status.code(), Some(1), "{found:?}");
    assert!(stderr(&found).contains("1 damaged place"), "{found:?}");
    stdout(&shell.run(&["outbox", "repair"]));
    up(&shell);
    stdout(&shell.run(&["outbox", "verify"]));
    stdout(&shell.run(&["outbox", "drain"]));
    assert!(shell.files().iter().any(|name| name.contains("quarantine/")));
    let status = stdout(&shell.run(&["outbox", "status"]));
    assert!(status.contains("1 file in quarantine"), "{status}");
}

#[test]
fn errors() {
    shell().transcript(
        "outbox_errors",
        &[
            "outbox",
            "outbox ls --parked",
            "outbox retry",
            "outbox retry x",
            "outbox retry 0000000000000001-00000000000000aa",
            "outbox drop --all",
            "outbox export 0000000000000001-00000000000000aa out",
            "outbox repair extra",
            "outbox status",
        ],
    );
    let shell = Shell::new().with("HOLDALL_WRITE", "behind").with("HOLDALL_OUTBOX_DIR", "relative");
    shell.transcript("outbox_settings", &["ls"]);
    let shell = Shell::new().with("HOLDALL_WRITE", "behind");
    shell.transcript("outbox_homeless", &["ls", "outbox ls"]);
}

#[test]
fn a_full_outbox_has_a_status_of_its_own() {
    let shell = shell().with("HOLDALL_OUTBOX_MAX_BYTES", "1MiB");
    shell.write("f", vec![1; 2 << 20]);
    down(&shell);
    let put = shell.run(&["put", "f", "k"]);
    assert_eq!(put.status.code(), Some(7), "{put:?}");
}
