//! Folders, there and back.

use crate::shell::{Shell, transcribe};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::os::unix::fs::symlink;

fn results() -> Shell {
    let shell = Shell::new();
    shell
        .write("results/a.txt", "a")
        .write("results/empty", "")
        .write("results/img/b.png", "bb")
        .write("results/img/deep/c.png", "ccc")
        .write("results/odd name%.log", "dddd");
    symlink("a.txt", shell.path("results/link")).unwrap();
    shell
}

#[test]
fn a_folder_there_and_back() {
    let shell = results();
    shell.transcript(
        "folder_there_and_back",
        &[
            "push results runs/7 --dry-run",
            "ls -r",
            "push results runs/7",
            "ls -r",
            "pull runs/7 back --dry-run",
            "pull runs/7/ back",
            "pull runs/nothing none",
            "push results s3://b/linked --follow-symlinks --quiet --include link",
            "ls -r linked/",
        ],
    );
    for name in ["a.txt", "empty", "img/b.png", "img/deep/c.png", "odd name%.log"] {
        assert_eq!(shell.read(&format!("back/{name}")), shell.read(&format!("results/{name}")));
    }
    assert!(!shell.path("back/link").exists());
}

#[test]
fn filters_choose_files() {
    let shell = results();
    shell.transcript(
        "filters",
        &[
            "push results p --include *.png",
            "push results p --exclude img/** --exclude link",
            "pull p back --include **/c.png",
        ],
    );
}

#[test]
fn events_as_json() {
    let shell = results();
    shell.transcript(
        "folder_as_json",
        &["push results p --dry-run --json --include a.txt", "push results p --json", "pull p back --json"],
    );
}

#[test]
fn what_fails_is_reported_and_the_rest_goes_on() {
    let shell = results();
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::Put).key("b.png"));
    shell.transcript("push_that_fails_in_part", &["push results p", "push results q --json", "ls -r p/"]);
    shell.server().put_object("b", "p/../../escape", b"x");
    shell.server().put_object("b", "p/img/b.png/under-a-file", b"x");
    shell.server().put_object("b", "p/img/b.png", b"x");
    let mut text = String::new();
    let output = shell.run(&["pull", "p", "back", "--quiet"]);
    transcribe("pull p back --quiet", &output, &mut text);
    assert_eq!(output.status.code(), Some(1));
    assert!(!shell.path("escape").exists() && !shell.path("../escape").exists());
    assert!(String::from_utf8_lossy(&output.stderr).contains("p/../../escape"), "{text}");
    assert_eq!(shell.read("back/a.txt"), b"a");
}

#[test]
fn what_concerns_all_ends_the_whole() {
    let shell = results().with("HOLDALL_ATTEMPTS", "1");
    shell.transcript(
        "folder_that_fails_whole",
        &[
            "push results s3://nowhere/p --quiet --concurrency 1",
            "pull s3://nowhere/p back",
            "push results p --concurrency none",
        ],
    );
}
