//! Folders of others through the command: what is no object is told of, and the rest goes on.

use crate::shell::Shell;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A folder with good files, names that are no text, and a file that nobody may read.
fn folder() -> Shell {
    let shell = Shell::bare();
    shell.write("store/good.txt", "good").write("store/sub/deep.txt", "deep").write("store/z", "z");
    let root = shell.path("store");
    std::fs::write(root.join(OsStr::from_bytes(b"bad\xff")), "x").unwrap();
    std::fs::write(root.join(OsStr::from_bytes(b"sub/bad\xfe\nname")), "x").unwrap();
    shell
}

fn url(shell: &Shell) -> String {
    format!("file://{}", shell.path("store").display())
}

#[test]
fn names_that_are_no_text_end_a_listing_with_1_after_all_else() {
    let shell = folder();
    let before = shell.files();
    for (arguments, wanted, told) in [
        (&["ls", "-r"][..], "good.txt\nsub/deep.txt\nz\n", 2),
        (&["ls"][..], "good.txt\nsub/\nz\n", 1),
        (&["ls", "sub/"][..], "sub/deep.txt\n", 1),
    ] {
        let url = url(&shell);
        let output = shell.run(&[&["--store", &url], arguments].concat());
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(String::from_utf8_lossy(&output.stdout), wanted, "{arguments:?}");
        assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{complaint}");
        assert_eq!(complaint.matches("not UTF-8").count(), told, "{arguments:?}\n{complaint}");
        assert!(complaint.is_ascii() || !complaint.contains('\u{ff}'), "{complaint}");
    }
    for arguments in [&["stat", "good.txt"], &["cat", "good.txt"], &["ls", "z"]] {
        let output = shell.run(&[&["--store", &url(&shell)][..], &arguments[..]].concat());
        assert!(output.status.success(), "{arguments:?} {output:?}");
    }
    assert_eq!(shell.files(), before, "reading changes nothing");
}

#[test]
fn a_pull_and_a_removal_of_such_a_folder_say_what_they_left() {
    let shell = folder();
    let url = url(&shell);
    let output = shell.run(&["--store", &url, "pull", "sub/", "out"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(shell.read("out/deep.txt"), b"deep");
    assert_eq!(std::fs::read_dir(shell.path("out")).unwrap().count(), 1);
}

#[test]
fn nothing_in_the_folder_of_holdall_is_an_object() {
    let shell = Shell::bare();
    shell.write("store/a", "a").write("file", "f");
    let url = url(&shell);
    let put = shell.run(&["--store", &url, "put", "file", "odd//key"]);
    assert!(put.status.success(), "{put:?}");
    let before = shell.files();
    for arguments in [
        &["cat", ".holdall/format"][..],
        &["stat", ".holdall/format"],
        &["put", "file", ".holdall/format"],
        &["rm", ".holdall/format"],
        &["cp", ".holdall/format", "b"],
        &["cp", "a", ".holdall/format"],
        &["mv", ".holdall/format", "b"],
        &["mv", "a", ".holdall/format"],
        &["ls", ".holdall/"],
        &["push", ".", ".holdall"],
        &["pull", ".holdall", "out"],
    ] {
        let output = shell.run(&[&["--store", &url], arguments].concat());
        assert!(!output.status.success(), "{arguments:?} {output:?}");
        assert_eq!(shell.files(), before, "{arguments:?}");
    }
}
