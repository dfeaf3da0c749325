//! Stores in folders.

use super::doctor;
use crate::shell::Shell;
use std::time::{Duration, SystemTime};

fn on(shell: &Shell, name: &str) -> String {
    format!("file://{}", shell.path(name).display())
}

#[test]
fn evi_13_a_sound_folder_is_left_as_it_is() {
    let shell = Shell::bare();
    shell.write("bag/a", "x");
    let store = on(&shell, "bag");
    let report = doctor(&shell, &["--store", &store]);
    report.problems(&[]);
    for check in ["folder.there", "folder.write", "folder.fsync", "folder.format", "folder.leftovers"] {
        report.find(check, "ok");
    }
    assert_eq!(shell.files(), ["bag/a"]);
    doctor(&shell, &["--store", &store, "--read-only"]).find("folder.write", "unknown");
}

#[test]
fn evi_13_a_folder_that_is_none() {
    let shell = Shell::bare();
    shell.write("file", "x");
    let report = doctor(&shell, &["--store", &on(&shell, "none")]);
    report.problems(&["folder.there"]);
    report.names("folder.there", "problem", &["mkdir -p ", "/none"]);
    let report = doctor(&shell, &["--store", &on(&shell, "file")]);
    report.names("folder.there", "problem", &["set HOLDALL_STORE to a folder"]);
}

#[test]
fn evi_13_the_default_store_is_made_by_the_first_put() {
    let shell = Shell::bare();
    let home = shell.path("home");
    let shell = shell.with("HOME", home.to_str().unwrap());
    let report = doctor(&shell, &[]);
    report.problems(&[]);
    report.find("folder.there", "note");
    assert!(shell.files().is_empty());
}

#[test]
fn evi_13_a_folder_of_a_later_version() {
    let shell = Shell::bare();
    shell.write("bag/.holdall/format", "holdall.folder/9\n");
    let report = doctor(&shell, &["--store", &on(&shell, "bag")]);
    report.problems(&["folder.format"]);
    report.names("folder.format", "problem", &["install the holdall that the folder was written with"]);
}

#[test]
fn evi_13_leftovers_go_by_the_command_that_is_named() {
    let shell = Shell::bare();
    let store = on(&shell, "bag");
    shell.write("in", "x");
    assert!(shell.run(&["put", "in", "k", "--store", &store]).status.success());
    shell.write("bag/.holdall/tmp/0123456789abcdef", "half");
    let old = SystemTime::now() - Duration::from_secs(8 * 86_400);
    let left = shell.path("bag/.holdall/tmp/0123456789abcdef");
    std::fs::File::options().write(true).open(left).unwrap().set_modified(old).unwrap();
    let report = doctor(&shell, &["--store", &store]);
    report.problems(&[]);
    report.names("folder.leftovers", "warning", &["holdall gc"]);
    assert!(shell.run(&["gc", "--store", &store]).status.success());
    doctor(&shell, &["--store", &store]).find("folder.leftovers", "ok");
}
