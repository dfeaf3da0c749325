//! What a person sees on a terminal.

use crate::shell::Shell;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;

/// Runs a command whose standard output and standard error are a terminal.
fn on_a_terminal(shell: &Shell, arguments: &[&str]) -> String {
    let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&own).unwrap();
    unlockpt(&own).unwrap();
    let name = ptsname(&own, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let errors = theirs.try_clone().unwrap();
    let status = shell.command(arguments).stdout(theirs).stderr(errors).status().unwrap();
    let mut shown = Vec::new();
    // A terminal that nobody writes to any more ends with an error on Linux.
    assert!(File::from(own).read_to_end(&mut shown).is_err());
    assert!(status.success(), "{}", String::from_utf8_lossy(&shown));
    String::from_utf8(shown).unwrap()
}

#[test]
fn keys_cannot_drive_the_terminal() {
    let shell = Shell::new();
    shell.server().put_object("b", "a\u{1b}[2Jb\nc", b"");
    shell.server().put_object("b", "caf\u{e9}/x", b"");
    assert_eq!(on_a_terminal(&shell, &["ls"]), "a\\u{1b}[2Jb\\nc\r\ncaf\u{e9}/\r\n");
}

#[test]
fn a_terminal_is_shown_nothing_but_the_commands_own_lines() {
    let shell = Shell::new();
    shell.write("a", "hello");
    let shown = on_a_terminal(&shell, &["put", "a", "--json"]);
    assert!(shown.starts_with('{') && shown.lines().count() == 1, "{shown}");
    assert_eq!(on_a_terminal(&shell, &["cat", "a", "--log", "info"]), "hello");
}
