//! A manifest that is kept current: it says what is stored of the folder's files, and nothing else.

use super::watcher::{Watcher, state_shell, until};
use crate::shell::Shell;
use holdall_testing::fault::{Fault, Rule};
use rustix::process::Signal;
use serde_json::Value;
use std::fs;
use std::io::Write;

/// The paths that the manifest below `p/` names, with their sizes; none where there is no manifest.
fn described(shell: &Shell) -> Vec<(String, u64)> {
    let Some(object) = shell.server().object("b", "p/manifest.json") else { return Vec::new() };
    let manifest: Value = serde_json::from_slice(&object.bytes).unwrap();
    let one = |file: &Value| (file["path"].as_str().unwrap().to_owned(), file["size"].as_u64().unwrap());
    manifest["files"].as_array().unwrap().iter().map(one).collect()
}

fn until_described(shell: &Shell, wanted: &[(&str, u64)]) {
    let wanted: Vec<_> = wanted.iter().map(|(path, size)| ((*path).to_owned(), *size)).collect();
    until("the manifest says so", || described(shell) == wanted);
}

fn succeeds(shell: &Shell, arguments: &[&str]) {
    let output = shell.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_has_what_is_stored_and_follows_what_happens() {
    let shell = state_shell();
    shell.write("in/a", "one").write("in/sub/b", "two");
    let mut held = fs::File::create(shell.path("in/held")).unwrap();
    held.write_all(b"half").unwrap();
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--manifest", "--json"]);
    until_described(&shell, &[("a", 3), ("sub/b", 3)]);
    held.write_all(b" and whole").unwrap();
    drop(held);
    until_described(&shell, &[("a", 3), ("held", 14), ("sub/b", 3)]);
    succeeds(&shell, &["verify", "p", "in"]);
    shell.write("in/a", "another");
    until_described(&shell, &[("a", 7), ("held", 14), ("sub/b", 3)]);
    fs::remove_dir_all(shell.path("in/sub")).unwrap();
    until_described(&shell, &[("a", 7), ("held", 14)]);
    assert!(shell.server().object("b", "p/sub/b").is_some(), "nobody asked for it to go");
    watcher.until(|event| event["event"] == "described" && event["files"] == 2);
    assert_eq!(watcher.end(Signal::TERM), Some(0));
}

#[test]
fn what_is_stored_last_is_described_before_the_watch_ends_and_after_a_kill() {
    let shell = state_shell();
    shell.write("in/a", "1");
    let watch = ["watch", "in", "p", "--manifest", "--json"];
    let mut watcher = Watcher::start(&shell, &watch);
    until_described(&shell, &[("a", 1)]);
    shell.write("in/b", "22");
    watcher.until(|event| event["event"] == "pushed" && event["key"] == "p/b");
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    assert_eq!(described(&shell), [("a".to_owned(), 1), ("b".to_owned(), 2)]);

    let mut watcher = Watcher::start(&shell, &watch);
    watcher.until_scanned();
    shell.write("in/c", "333");
    watcher.until(|event| event["event"] == "pushed" && event["key"] == "p/c");
    watcher.kill();
    let mut watcher = Watcher::start(&shell, &watch);
    until_described(&shell, &[("a", 1), ("b", 2), ("c", 3)]);
    assert_eq!(watcher.end(Signal::INT), Some(0));
    succeeds(&shell, &["pull", "p", "copy"]);
    let sums = std::process::Command::new("sha256sum")
        .args(["--check", "--quiet", "--strict", "SHA256SUMS"])
        .current_dir(shell.path("copy"))
        .status();
    assert!(sums.unwrap().success());
}

#[test]
fn files_that_went_in_parts_before_are_read_once() {
    let shell = state_shell().with("HOLDALL_PART_SIZE", "5MiB");
    shell.write("in/large", vec![7; 12 << 20]).write("in/small", "s");
    succeeds(&shell, &["push", "in", "p"]);
    let wanted = [("large", 12 << 20), ("small", 1)];
    let watch = ["watch", "in", "p", "--manifest", "--json"];
    let mut watcher = Watcher::start(&shell, &watch);
    until_described(&shell, &wanted);
    shell.write("in/later", vec![8; 11 << 20]);
    until_described(&shell, &[wanted[0], ("later", 11 << 20), wanted[1]]);
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    succeeds(&shell, &["verify", "p", "in", "--deep"]);
}

#[test]
fn an_outage_delays_it() {
    let shell = state_shell().with("HOLDALL_ATTEMPTS", "1");
    shell.write("in/a", "a");
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--manifest", "--json"]);
    until_described(&shell, &[("a", 1)]);
    shell.server().add_rule(Rule::new(Fault::Reset));
    shell.write("in/b", "bb");
    watcher.until(|event| event["event"] == "down");
    shell.server().clear_rules();
    until_described(&shell, &[("a", 1), ("b", 2)]);
    assert_eq!(watcher.end(Signal::TERM), Some(0));
    assert!(watcher.events.iter().all(|event| event["event"] != "failed"), "{:?}", watcher.events);
}

#[test]
fn where_it_cannot_be_kept_the_watch_does_not_begin() {
    let shell = state_shell();
    shell.write("in/manifest.json", "mine");
    let refused = shell.run(&["watch", "in", "p", "--manifest"]);
    assert!(!refused.status.success());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.contains("a file of its own"), "{said}");
}
