//! How much there is below a prefix.

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

fn filled() -> Shell {
    let shell = Shell::new();
    for (key, size) in
        [("a.txt", 5), ("runs/7/a", 1000), ("runs/7/img/b", 2000), ("runs/8/c", 3000), ("z/", 0)]
    {
        shell.server().put_object("b", key, &vec![7; size]);
    }
    shell
}

#[test]
fn bytes_and_objects_by_prefix() {
    filled().transcript(
        "du",
        &[
            "du",
            "du runs/ -H",
            "du --depth 3",
            "du runs/7 --depth 0",
            "du -s",
            "du s3://b/runs/ --json",
            "du -s --json",
            "du nothing/",
        ],
    );
}

#[test]
fn usage_that_cannot_be_known() {
    let shell = filled();
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::List).query("secret"));
    shell.transcript("du_errors", &["du secret/", "du s3://nowhere/", "du -s --depth 2", "du --depth many"]);
}

#[test]
fn a_listing_that_breaks_off_has_no_total() {
    let shell = Shell::with_fault(Rule::new(Fault::internal_error()).on(Kind::List).nth(2));
    for n in 0..1_500 {
        shell.server().put_object("b", &format!("{}/{n:05}", n / 900), b"x");
    }
    let output = shell.run(&["du"]);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{:>14} {:>10} 0/\n", 900, 900));
}

#[test]
fn pages_do_not_cut_a_group() {
    let shell = Shell::new();
    for n in 0..2_500 {
        shell.server().put_object("b", &format!("all/{n:05}"), b"xy");
    }
    let line = format!("{:>14} {:>10}", 5_000, 2_500);
    assert_eq!(stdout(&shell.run(&["du"])), format!("{line} all/\n{line} total\n"));
}

#[test]
fn what_cannot_be_listed_is_told_of() {
    let shell = Shell::bare();
    shell.write("store/good", "good");
    std::fs::write(shell.path("store").join(OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    let url = format!("file://{}", shell.path("store").display());
    let output = shell.run(&["du", "--store", &url]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{:>14} {:>10} total\n", 4, 1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("not UTF-8"), "{output:?}");
}
