//! Versions of objects, on a folder and on the servers that the environment describes.

use crate::real::Bucket;
use crate::shell::Shell;
use holdall_testing::server::Server;
use serde_json::Value;

fn lines(shell: &Shell, line: &str) -> Vec<Value> {
    let words: Vec<&str> = line.split(' ').chain(["--json"]).collect();
    let output = shell.run(&words);
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn said(shell: &Shell, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    String::from_utf8(shell.run(&words).stdout).unwrap()
}

fn ok(shell: &Shell, words: &[&str]) {
    let output = shell.run(words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Ceph and AWS make names of versions out of letters that a dash is one of.
#[test]
fn a_version_whose_name_begins_with_a_dash_is_no_option() {
    let shell = Shell::folder();
    shell.write("one", "first");
    ok(&shell, &["bucket", "versioning", "--set", "enabled"]);
    ok(&shell, &["put", "one", "a"]);
    for line in ["cat a --version-id -Hx", "object-version restore a -Hx", "object-version restore a -Hx -q"]
    {
        let output = shell.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(3), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    }
    for line in ["object-version rm a -Hx", "object-version rm a --Hx --json -q"] {
        ok(&shell, &line.split(' ').collect::<Vec<_>>());
    }
}

/// SES-9: versions are listed, read, restored and deleted by commands alone.
fn story(shell: &Shell) {
    shell.write("one", "first").write("two", "second");
    assert_eq!(said(shell, "bucket versioning"), "off\n");
    assert_eq!(said(shell, "bucket versioning --set enabled"), "enabled\n");
    for file in ["one", "two"] {
        ok(shell, &["put", file, "a"]);
    }
    ok(shell, &["rm", "a"]);
    let listed = lines(shell, "object-version ls a");
    let told: Vec<_> = listed
        .iter()
        .map(|v| {
            (v["latest"].as_bool().unwrap(), v["deleted"].as_bool().unwrap(), v["size"].as_u64().unwrap())
        })
        .collect();
    assert_eq!(told, [(true, true, 0), (false, false, 6), (false, false, 5)]);
    let [marker, second, first] = [0, 1, 2].map(|n| listed[n]["version"].as_str().unwrap().to_owned());
    assert_eq!(said(shell, &format!("cat a --version-id {first}")), "first");
    assert_eq!(said(shell, &format!("get a back --version-id {second}")), "back\n");
    assert_eq!(std::fs::read_to_string(shell.path("back")).unwrap(), "second");
    assert_eq!(lines(shell, &format!("stat a --version-id {first}"))[0]["size"], 5);
    let missing = shell.run(&["cat", "a", "--version-id", &marker]);
    assert_eq!(missing.status.code(), Some(3), "{}", String::from_utf8_lossy(&missing.stderr));
    ok(shell, &["object-version", "rm", "a", &marker]);
    assert_eq!(said(shell, "cat a"), "second");
    ok(shell, &["object-version", "restore", "a", &first]);
    assert_eq!(said(shell, "cat a"), "first");
    assert_eq!(lines(shell, "object-version ls").len(), 3);
    assert_eq!(said(shell, "bucket versioning --set suspended"), "suspended\n");
    for version in lines(shell, "object-version ls") {
        ok(shell, &["object-version", "rm", "a", version["version"].as_str().unwrap()]);
    }
    assert_eq!(lines(shell, "object-version ls").len(), 0);
    assert_eq!(said(shell, "ls -r"), "");
}

#[test]
fn ses_9_versions_of_a_folder_are_listed_read_restored_and_deleted() {
    let shell = Shell::folder();
    story(&shell);
    // What is left of them is no reason to keep the folder.
    ok(&shell, &["bucket", "delete"]);
}

#[test]
fn ses_9_versions_of_a_bucket_are_listed_read_restored_and_deleted() {
    for server in Server::all_from_env().unwrap().iter().filter(|server| server.name == "ceph") {
        story(&Bucket::on(server, "versions").shell);
    }
}

#[test]
fn versions_are_refused_where_there_are_none() {
    let shell = Shell::folder();
    shell.write("one", "first");
    shell.transcript(
        "versions_errors",
        &[
            "put one a",
            "object-version ls",
            "cat a --version-id x",
            "object-version restore a x",
            "object-version rm a x",
            "bucket versioning --set off",
            "bucket versioning --set enabled",
            "cat a --version-id x",
            "object-version rm a x",
            "object-version restore missing x",
            "object-version",
            "stat a --version-id ''",
        ],
    );
}

#[test]
fn a_folder_with_versions_is_not_empty() {
    let shell = Shell::folder();
    shell.write("one", "first");
    ok(&shell, &["bucket", "versioning", "--set", "enabled"]);
    ok(&shell, &["put", "one", "a"]);
    ok(&shell, &["rm", "a"]);
    let output = shell.run(&["bucket", "delete"]);
    assert_eq!(output.status.code(), Some(6), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(lines(&shell, "object-version ls").len(), 2);
}
