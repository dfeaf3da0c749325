//! Manifests, and what is verified by them.

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Rule};
use std::process::Command;

/// With a state folder, which has the index.
fn shell() -> Shell {
    let shell = Shell::new();
    let state = shell.path("state").display().to_string();
    shell.with("XDG_STATE_HOME", &state)
}

fn results() -> Shell {
    let shell = shell();
    shell.write("results/a.txt", "a").write("results/img/b.png", "bb").write("results/log", "ccc");
    shell
}

#[test]
fn a_manifest_is_pushed_and_verified() {
    let shell = results();
    shell.transcript(
        "manifest",
        &[
            "push results runs/7 --manifest --dry-run",
            "push results runs/7 --manifest",
            "cat runs/7/manifest.json",
            "cat runs/7/SHA256SUMS",
            "push results runs/7 --manifest --json",
            "verify runs/7",
            "verify runs/7 results",
            "verify runs/7 results --deep --json",
            "verify runs/7 --quiet",
        ],
    );
}

#[test]
fn what_differs_is_said_and_ends_with_1() {
    let shell = results();
    stdout(&shell.run(&["push", "results", "p", "--manifest"]));
    shell.server().put_object("b", "p/log", b"ccd");
    shell.server().put_object("b", "p/more\u{1b}[2J", b"x");
    shell.write("results/a.txt", "A").write("results/new", "n");
    std::fs::remove_file(shell.path("results/img/b.png")).unwrap();
    shell.transcript(
        "verify_differences",
        &[
            "verify p",
            "verify p results",
            "verify p results --json",
            "verify p results --exclude *.png --quiet",
        ],
    );
    shell.write("results/log", "ccd");
    shell.transcript("verify_stale", &["verify p results --deep --include log", "verify p --include none"]);
}

#[test]
fn what_is_not_proven_is_said() {
    let shell = results();
    stdout(&shell.run(&["push", "results", "p"]));
    // As others store it, who record no digest.
    shell.server().put_object("b", "p/log", b"ccc");
    shell.transcript(
        "verify_unproven",
        &[
            "verify p results",
            "verify p results --verbose",
            "verify p results --json",
            "verify p results --deep",
        ],
    );
}

#[test]
fn what_cannot_be_verified_is_an_error() {
    let shell = results();
    shell.transcript(
        "verify_errors",
        &["verify p", "verify p none", "verify", "verify p results --include ["],
    );
    shell.write("app/manifest.json", "{}").write("app/a", "a");
    shell.server().put_object("b", "broken/manifest.json", b"{\"schema\":\"holdall.manifest/1\",\"files\":[");
    shell.server().put_object("b", "newer/manifest.json", b"{\"schema\":\"holdall.manifest/2\"}");
    shell.transcript(
        "manifest_errors",
        &[
            "push app p --manifest",
            "push app p --manifest --exclude /manifest.json",
            "verify broken",
            "verify newer",
        ],
    );
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).method("PUT").key("q/log"));
    shell.transcript("manifest_not_after_failures", &["push results q --manifest", "ls -r q/", "verify q"]);
}

#[test]
fn top_6_sha256sum_checks_a_pulled_copy() {
    let shell = shell();
    let names =
        ["plain", "with blank", "back\\slash", "new\nline", "re\rturn", "-dash", "\u{fc}ber/\u{e9}", "\\"];
    for name in names {
        shell.write(&format!("in/{name}"), name);
    }
    shell.write("in/empty", "").write("in/big", vec![7; 17 << 20]);
    stdout(&shell.run(&["push", "in", "p", "--manifest"]));
    stdout(&shell.run(&["pull", "p", "out"]));
    let check = || {
        let mut command = Command::new("sha256sum");
        command.args(["--check", "--strict", "SHA256SUMS"]).current_dir(shell.path("out")).env("LC_ALL", "C");
        command.output().unwrap()
    };
    let checked = check();
    assert!(checked.status.success(), "{checked:?}");
    assert_eq!(String::from_utf8_lossy(&checked.stdout).matches(": OK").count(), names.len() + 2);
    assert!(shell.run(&["verify", "p", "out"]).status.success());
    shell.write("out/new\nline", "new\nlinf");
    assert!(!check().status.success());
    let verified = shell.run(&["verify", "p", "out"]);
    assert_eq!(String::from_utf8(verified.stdout).unwrap(), "different folder sha256 new\nline\n");
    assert_eq!(verified.status.code(), Some(1));
}
