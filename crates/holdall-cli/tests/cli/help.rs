//! What the command says of itself.

use crate::shell::Shell;

#[test]
fn help_of_every_command() {
    let shell = Shell::bare();
    shell.transcript("help", &["--help"]);
    for command in
        ["put", "get", "cat", "ls", "stat", "rm", "cp", "push", "pull", "presign", "gc", "config", "doctor"]
    {
        shell.transcript(&format!("help_{command}"), &[&format!("{command} --help")]);
    }
}

#[test]
fn the_version_is_the_packages() {
    let text = crate::shell::stdout(&Shell::bare().run(&["--version"]));
    assert_eq!(text, format!("holdall {}\n", env!("CARGO_PKG_VERSION")));
}
