//! Moves: nothing is deleted that was not copied, and nothing that became another meanwhile.

use crate::shell::{Shell, stdout, transcribe};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::process::Output;
use std::time::{Duration, Instant};

/// Long enough to change a source while an answer is on its way.
const WHILE: Duration = Duration::from_millis(1500);

/// A folder as a store, and its URL.
fn folder(name: &str) -> (Shell, String) {
    let shell = Shell::bare();
    std::fs::create_dir(shell.path(name)).unwrap();
    let url = format!("file://{}", shell.path(name).display());
    (shell, url)
}

#[test]
fn a_move_takes_all_that_the_object_carries() {
    let shell = Shell::new();
    shell.server().create_bucket("other");
    shell.write("a", "hello");
    shell.transcript(
        "mv",
        &[
            "put a k --meta run=7 --content-type x/y --cache-control no-store --quiet",
            "mv k moved --dry-run",
            "mv k moved --dry-run --json",
            "mv k moved",
            "ls -r",
            "stat moved",
            "mv moved dir/",
            "mv dir/moved s3://other/ --json",
            "stat s3://other/moved",
            "ls -r",
            "mv s3://other/moved back",
            "ls s3://other/",
        ],
    );
    assert_eq!(shell.server().object("b", "back").unwrap().bytes, b"hello");
}

#[test]
fn moves_that_are_refused_lose_nothing() {
    let shell = Shell::new();
    shell.server().put_object("b", "k", b"hello");
    shell.server().put_object("b", "there", b"precious");
    shell.transcript(
        "mv_errors",
        &[
            "mv k k",
            "mv k s3://b/k",
            "mv --store s3://b/ s3://b/k k",
            "mv missing k",
            "mv k there --create-only",
            "mv k s3://nowhere/k",
            "mv k .holdall/k",
            "mv dir/ k",
            "cat k there",
        ],
    );
}

/// Runs a move of `k` while the server holds back the answer of one request, and replaces `k` meanwhile.
fn moved_while_replaced(shell: &Shell, kind: Kind, key: &str, to: &str) -> Output {
    shell.server().add_rule(Rule::new(Fault::Delay(WHILE)).on(kind).key(key));
    let child = shell.spawn(&["mv", "k", to]);
    let start = Instant::now();
    while !shell.server().log().iter().any(|seen| seen.kind == kind && seen.key == key) {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain for the copy");
        std::thread::sleep(Duration::from_millis(5));
    }
    shell.server().put_object("b", "k", b"newer");
    child.wait_with_output().unwrap()
}

#[test]
fn a_source_that_is_replaced_meanwhile_is_kept() {
    let (_keep, folder) = folder("store");
    let there = format!("{folder}/dest");
    let table = [
        ("inside", Kind::CopyObject, "dest", "dest"),
        ("beside", Kind::CopyObject, "dest", "s3://other/dest"),
        ("between", Kind::Get, "k", &there),
    ];
    for (name, kind, key, to) in table {
        let shell = Shell::new();
        shell.server().create_bucket("other");
        shell.server().put_object("b", "k", b"hello");
        let output = moved_while_replaced(&shell, kind, key, to);
        let mut text = String::new();
        transcribe(&format!("mv k {}", to.replace(&folder, "[folder]")), &output, &mut text);
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert_eq!(shell.server().object("b", "k").unwrap().bytes, b"newer", "{name}");
        shell.snapshot(&format!("mv_replaced_{name}"), &text);
    }
}

#[test]
fn a_source_that_is_replaced_in_the_last_moment_is_kept() {
    let shell = Shell::new();
    shell.server().put_object("b", "k", b"hello");
    // The delete itself is refused, as by a server that sees another object by then.
    let late = Fault::refuse(412, "PreconditionFailed");
    shell.server().add_rule(Rule::new(late).on(Kind::DeleteObject).key("k").header("if-match"));
    let output = shell.run(&["mv", "k", "dest"]);
    assert!(shell.server().object("b", "k").is_some(), "{output:?}");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("replaced meanwhile"), "{output:?}");
}

#[test]
fn a_copy_that_fails_deletes_nothing() {
    let (_keep, folder) = folder("store");
    let there = format!("{folder}/dest");
    let table = [
        ("refused", Fault::refuse(403, "AccessDenied"), Kind::CopyObject, "dest"),
        ("broken", Fault::internal_error(), Kind::CopyObject, "dest"),
        (
            "error in the body",
            Fault::ErrorBody { code: "InternalError".to_owned() },
            Kind::CopyObject,
            "dest",
        ),
        ("refused beside", Fault::refuse(403, "AccessDenied"), Kind::CopyObject, "s3://other/dest"),
        ("short source", Fault::ShortBody { missing: 10 }, Kind::Get, &there),
    ];
    for (name, fault, kind, to) in table {
        let shell = Shell::new().with("HOLDALL_ATTEMPTS", "1");
        shell.server().create_bucket("other");
        shell.server().put_object("b", "k", &[7; 1000]);
        let key = if kind == Kind::Get { "k" } else { "dest" };
        shell.server().add_rule(Rule::new(fault).on(kind).key(key));
        let output = shell.run(&["mv", "k", to]);
        assert!(!output.status.success(), "{name} {output:?}");
        assert_eq!(shell.server().object("b", "k").unwrap().bytes, [7; 1000], "{name}");
        let asked = shell.server().log();
        let deletes = |key: &str| asked.iter().any(|seen| seen.kind == Kind::DeleteObject && seen.key == key);
        assert!(!deletes("k"), "{name}");
    }
}

#[test]
fn a_put_that_fails_deletes_nothing() {
    let (_keep, url) = folder("store");
    let shell = Shell::new();
    let there = format!("{url}/k");
    shell.write("k", "hello");
    stdout(&shell.run(&["put", "k", &there]));
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("dest"));
    let output = shell.run(&["mv", &there, "s3://b/dest"]);
    assert_eq!(output.status.code(), Some(4), "{output:?}");
    assert_eq!(stdout(&shell.run(&["cat", &there])), "hello");
}

#[test]
fn a_copy_whose_source_cannot_be_deleted_is_said_to_be_there() {
    let shell = Shell::new().with("HOLDALL_ATTEMPTS", "1");
    shell.server().put_object("b", "k", b"hello");
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::DeleteObject).key("k"));
    shell.transcript("mv_source_kept", &["mv k dest", "ls -r"]);
}

#[test]
fn a_folder_and_one_above_it_are_one_place() {
    let (shell, url) = folder("store");
    shell.write("store/dir/x", "precious");
    for (from, to) in [("dir/x", format!("{url}/dir/x")), ("dir/x", format!("{url}/dir/"))] {
        let output = shell.run(&["mv", from, &to, "--store", &url]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert_eq!(shell.read("store/dir/x"), b"precious");
    }
}

#[test]
fn a_folder_deletes_under_a_condition() {
    let (shell, url) = folder("store");
    let shell = shell.with("HOLDALL_STORE", &url);
    shell.write("f", "hello");
    stdout(&shell.run(&["put", "f", "a/b", "--meta", "run=7"]));
    let moved = stdout(&shell.run(&["mv", "a/b", "c/", "--json"]));
    let moved: serde_json::Value = serde_json::from_str(&moved).unwrap();
    assert_eq!((&moved["atomic"], &moved["tags_kept"]), (&true.into(), &true.into()), "{moved}");
    assert_eq!(stdout(&shell.run(&["ls", "-r"])), "c/b\n");
    assert!(stdout(&shell.run(&["stat", "c/b"])).contains("metadata.run: 7"));
    assert!(!shell.path("store/a").exists(), "an empty folder goes too");
}

#[test]
fn a_move_between_a_folder_and_a_service_goes_both_ways() {
    let (_keep, url) = folder("store");
    let shell = Shell::new();
    let bytes: Vec<u8> = (0..20_000_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    shell.server().put_object("b", "big", &bytes);
    let there = format!("{url}/big");
    let output = shell.run(&["mv", "big", &there]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("note: tags"), "{output:?}");
    stdout(&output);
    assert!(shell.server().object("b", "big").is_none());
    stdout(&shell.run(&["mv", &there, "s3://b/"]));
    assert!(shell.server().object("b", "big").unwrap().bytes == bytes);
    assert_eq!(shell.run(&["stat", &there]).status.code(), Some(3));
}
