//! What a person sees on a terminal.

use crate::shell::Shell;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::File;
use std::io::Read;

/// Runs a command whose standard output is a terminal.
fn on_a_terminal(shell: &Shell, arguments: &[&str]) -> String {
    let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&own).unwrap();
    unlockpt(&own).unwrap();
    let name = ptsname(&own, Vec::new()).unwrap();
    let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let status = shell.command(arguments).stdout(theirs).status().unwrap();
    assert!(status.success());
    let mut shown = Vec::new();
    // A terminal that nobody writes to any more ends with an error on Linux.
    assert!(File::from(own).read_to_end(&mut shown).is_err());
    String::from_utf8(shown).unwrap()
}

#[test]
fn keys_cannot_drive_the_terminal() {
    let shell = Shell::new();
    shell.server().put_object("b", "a\u{1b}[2Jb\nc", b"");
    shell.server().put_object("b", "caf\u{e9}/x", b"");
    assert_eq!(on_a_terminal(&shell, &["ls"]), "a\\u{1b}[2Jb\\nc\r\ncaf\u{e9}/\r\n");
}
