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
        "audit",
        "config",
        "doctor",
        "demo",
        "completions",
        "manual",
    ];
    for command in commands {
        shell.transcript(&format!("help_{command}"), &[&format!("{command} --help")]);
    }
    shell.transcript("help_session", &["session --help"]);
    for command in ["store", "show", "ls", "steps", "get", "rm", "expire", "export", "adopt", "verify"] {
        shell.transcript(&format!("help_session_{command}"), &[&format!("session {command} --help")]);
    }
    shell.transcript("help_outbox", &["outbox --help"]);
    for command in ["ls", "status", "drain", "verify", "retry", "export", "repair", "drop"] {
        shell.transcript(&format!("help_outbox_{command}"), &[&format!("outbox {command} --help")]);
    }
    shell.transcript("help_topic", &["topic --help"]);
    for command in ["push", "watch", "ls", "show", "urls", "backfill", "adopt"] {
        shell.transcript(&format!("help_topic_{command}"), &[&format!("topic {command} --help")]);
    }
    shell.transcript("help_evidence", &["evidence --help"]);
    for command in ["store", "get", "ls", "attach", "attachments", "verify", "share", "rm", "adopt"] {
        shell.transcript(&format!("help_evidence_{command}"), &[&format!("evidence {command} --help")]);
    }
    shell.transcript("help_expire", &["expire --help"]);
    for command in ["set", "clear", "sweep"] {
        shell.transcript(&format!("help_expire_{command}"), &[&format!("expire {command} --help")]);
    }
    shell.transcript("help_lifecycle", &["lifecycle --help"]);
    for command in ["plan", "sweep", "push"] {
        shell.transcript(&format!("help_lifecycle_{command}"), &[&format!("lifecycle {command} --help")]);
    }
    shell.transcript("help_object_version", &["object-version --help"]);
    for command in ["ls", "restore", "rm", "hold", "retain"] {
        shell.transcript(
            &format!("help_object_version_{command}"),
            &[&format!("object-version {command} --help")],
        );
    }
    shell.transcript("help_tag", &["tag --help"]);
    for command in ["ls", "set", "rm"] {
        shell.transcript(&format!("help_tag_{command}"), &[&format!("tag {command} --help")]);
    }
    shell.transcript("help_document", &["document --help"]);
    for command in ["run", "status", "report", "adopt"] {
        shell.transcript(&format!("help_document_{command}"), &[&format!("document {command} --help")]);
    }
    shell.transcript("help_bucket", &["bucket --help"]);
    for command in ["create", "delete", "info", "setup", "versioning"] {
        shell.transcript(&format!("help_bucket_{command}"), &[&format!("bucket {command} --help")]);
    }
}

#[test]
fn the_version_is_the_packages() {
    let text = crate::shell::stdout(&Shell::bare().run(&["--version"]));
    assert_eq!(text, format!("holdall {}\n", env!("CARGO_PKG_VERSION")));
}
