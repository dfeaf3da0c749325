//! `holdall gc` on a folder, and of what was cut off on this machine.

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use std::time::{Duration, SystemTime};

#[test]
fn gc_says_what_it_removes_and_removes_nothing_else() {
    let shell = Shell::bare();
    std::fs::create_dir(shell.path("store")).unwrap();
    let url = format!("file://{}", shell.path("store").display());
    let shell = shell.with("HOLDALL_STORE", &url);
    shell.write("f", "kept");
    stdout(&shell.run(&["put", "f"]));
    let left = "store/.holdall/tmp/0123456789abcdef";
    shell.write(left, "half");
    let old = SystemTime::now() - Duration::from_secs(3 * 86_400);
    std::fs::File::options().write(true).open(shell.path(left)).unwrap().set_modified(old).unwrap();
    let line = "temporary .holdall/tmp/0123456789abcdef\n";
    assert_eq!(stdout(&shell.run(&["gc"])), "", "younger than 7 days");
    assert_eq!(stdout(&shell.run(&["gc", "--older-than", "2d", "--dry-run"])), line);
    let told = stdout(&shell.run(&["gc", "--older-than", "2d", "--dry-run", "--json"]));
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(
        (&told["kind"], &told["size"], &told["removed"]),
        (&"temporary".into(), &4.into(), &false.into())
    );
    assert!(shell.path(left).exists());
    assert_eq!(stdout(&shell.run(&["gc", "--older-than", "2d"])), line);
    assert!(!shell.path(left).exists());
    assert_eq!(stdout(&shell.run(&["cat", "f"])), "kept");
    assert_eq!(shell.run(&["gc", "--older-than", "soon"]).status.code(), Some(2));
}

#[test]
fn gc_says_what_was_cut_off_on_this_machine() {
    let shell = Shell::new().with("HOLDALL_PART_SIZE", "5MiB").with("HOLDALL_MULTIPART_THRESHOLD", "5MiB");
    let state = shell.path("state");
    let shell = shell.with("XDG_STATE_HOME", state.to_str().unwrap()).with("S3_MAX_CONCURRENCY", "1");
    shell.server().put_object("b", "k", &vec![7; 16 << 20]);
    shell.server().add_rule(Rule::new(Fault::expired_token()).on(Kind::GetObject).from(3));
    shell.server().add_rule(Rule::new(Fault::expired_token()).on(Kind::UploadPart).from(3));
    shell.write("up", vec![7; 16 << 20]);
    std::fs::create_dir(shell.path("to")).unwrap();
    assert_eq!(shell.run(&["get", "k", "to/got"]).status.code(), Some(4));
    assert_eq!(shell.run(&["put", "up"]).status.code(), Some(4));
    shell.server().create_bucket("other");
    let (all, preview) = (["gc", "--older-than", "0s"], ["gc", "--older-than", "0s", "--dry-run"]);
    let temporary = std::fs::read_dir(shell.path("to")).unwrap().next().unwrap().unwrap().path();
    let download = format!("download {}\n", temporary.canonicalize().unwrap().display());
    let told = stdout(&shell.run(&preview));
    assert!(
        told.contains(&download) && told.contains("journal up\n") && told.contains("upload up\n"),
        "{told}"
    );

    let elsewhere = shell.command(&all).env("HOLDALL_STORE", "s3://other").output().unwrap();
    assert_eq!(stdout(&elsewhere), download);
    let said = String::from_utf8_lossy(&elsewhere.stderr).into_owned();
    assert_eq!(said, "left journal s3://b/up: it is an upload to another store\nremoved 1 leftover\n");
    let left =
        shell.command(&["gc", "--older-than", "0s", "--json"]).env("HOLDALL_STORE", "s3://other").output();
    let left: serde_json::Value = serde_json::from_str(&stdout(&left.unwrap())).unwrap();
    assert_eq!(
        (&left["name"], &left["removed"], &left["left"]),
        (&"s3://b/up".into(), &false.into(), &"it is an upload to another store".into())
    );

    assert_eq!(stdout(&shell.run(&all)), "journal up\n");
    assert!(shell.server().uploads().is_empty());
    assert_eq!(stdout(&shell.run(&all)), "");
    assert_eq!(shell.files(), ["up"]);
}

/// They are hidden from listings, and would keep their bucket from being deleted.
#[test]
fn gc_removes_the_probes_of_a_process_that_was_killed() {
    let shell = Shell::new().with("HOLDALL_STORE", "s3://b/below");
    let probe = ".holdall/probe/0123456789abcdef0123456789abcdef";
    for key in [probe, ".holdall/other", "kept"] {
        shell.server().put_object("b", &format!("below/{key}"), b"");
    }
    let line = format!("probe {probe}\n");
    assert_eq!(stdout(&shell.run(&["gc"])), "", "younger than 7 days");
    assert_eq!(stdout(&shell.run(&["gc", "--older-than", "0s", "--dry-run"])), line);
    assert!(shell.server().object("b", &format!("below/{probe}")).is_some());
    assert_eq!(stdout(&shell.run(&["gc", "--older-than", "0s"])), line);
    let left: Vec<_> = shell.server().objects("b").into_iter().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    shell.server().add_rule(Rule::new(Fault::refuse(403, "AccessDenied")).on(Kind::List));
    assert_eq!(stdout(&shell.run(&["gc", "--older-than", "0s"])), "", "where listing is not permitted");
}
