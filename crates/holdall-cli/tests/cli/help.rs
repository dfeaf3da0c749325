//! What the command says of itself.

use crate::shell::Shell;

#[test]
fn help_of_every_command() {
    let shell = Shell::bare();
    shell.transcript("help", &["--help"]);
    let commands = [
        "put",
        "get",
        "cat",
        "ls",
        "du",
        "stat",
        "rm",
        "cp",
        "mv",
        "push",
        "pull",
        "report",
        "export",
        "watch",
        "verify",
        "url",
        "presign",
        "gc",
        "config",
        "doctor",
        "demo",
        "completions",
        "manual",
    ];
    for command in commands {
        shell.transcript(&format!("help_{command}"), &[&format!("{command} --help")]);
    }
    shell.transcript("help_outbox", &["outbox --help"]);
    for command in ["ls", "status", "drain", "verify", "retry", "export", "repair", "drop"] {
        shell.transcript(&format!("help_outbox_{command}"), &[&format!("outbox {command} --help")]);
    }
    shell.transcript("help_document", &["document --help"]);
    for command in ["run", "status", "report", "adopt"] {
        shell.transcript(&format!("help_document_{command}"), &[&format!("document {command} --help")]);
    }
    shell.transcript("help_bucket", &["bucket --help"]);
    for command in ["create", "delete", "info", "setup"] {
        shell.transcript(&format!("help_bucket_{command}"), &[&format!("bucket {command} --help")]);
    }
}

#[test]
fn the_version_is_the_packages() {
    let text = crate::shell::stdout(&Shell::bare().run(&["--version"]));
    assert_eq!(text, format!("holdall {}\n", env!("CARGO_PKG_VERSION")));
}
