//! `holdall gc` on a folder.

use crate::shell::{Shell, stdout};
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
