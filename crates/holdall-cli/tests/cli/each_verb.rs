//! What each verb says when it is used wrongly or finds things wrong, where no other file looks at it.

use crate::shell::Shell;
use holdall_testing::fault::{Fault, Rule, Script};

#[test]
fn gc() {
    Shell::folder().transcript(
        "gc",
        &[
            "gc",
            "gc --json",
            "gc --older-than soon",
            "gc prefix extra",
            "gc --store s3://",
            "gc --dry-run=yes",
        ],
    );
    Shell::on(Script::new()).transcript("gc_no_bucket", &["gc"]);
}

#[test]
fn pull() {
    let shell = Shell::folder();
    shell.write("in/a", "a").write("taken", "a file");
    shell.transcript(
        "pull_errors",
        &["push in p", "pull p taken", "pull p out --include [", "pull p/../q out", "pull none out", "pull"],
    );
    Shell::on(Script::new()).transcript("pull_no_bucket", &["pull p out"]);
}

#[test]
fn demo() {
    let shell = Shell::bare().with("TMPDIR", "/none/at/all");
    shell.transcript("demo_errors", &["demo extra", "demo --keep", "demo --json=yes"]);
    let output = shell.run(&["demo"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.starts_with("error: the demo's files cannot be written path=/none/at/all/"), "{said}");
}

#[test]
fn doctor() {
    let shell = Shell::bare().with("S3_BUCKET", "b").with("S3_SECRET_ACCESS_KEY", "canary-secret");
    shell.transcript(
        "doctor_errors",
        &[
            "doctor --store ftp://x",
            "doctor --older-than soon",
            "doctor extra",
            "doctor --quiet",
            "doctor --json",
        ],
    );
}

#[test]
fn completions_and_manual() {
    let shell = Shell::bare();
    shell.write("file", "").write("pages/kept", "");
    shell.transcript(
        "completions_errors",
        &[
            "completions",
            "completions tcsh",
            "completions bash extra",
            "manual",
            "manual file",
            "manual none/at/all",
        ],
    );
    shell.transcript("completions", &["completions fish"]);
    let pages = shell.run(&["manual", "pages"]);
    assert!(pages.status.success(), "{pages:?}");
    assert!(shell.files().contains(&"pages/holdall-bucket-setup.1".to_owned()), "{:?}", shell.files());
}

#[test]
fn stat_and_cat_of_what_is_refused() {
    let denied = Rule::new(Fault::refuse(403, "AccessDenied"));
    Shell::with_fault(denied).transcript("stat_denied", &["stat k", "cat k", "du", "url k --strategy cdn"]);
}
