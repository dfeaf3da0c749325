//! Completions and the manual.

use crate::shell::{Shell, stdout};
use std::process::Command;

/// The commands that the help names.
fn verbs(shell: &Shell) -> Vec<String> {
    let help = stdout(&shell.run(&["--help"]));
    let commands = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    commands.lines().map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// A program where it is installed; what is not there checks nothing.
fn installed(program: &str) -> Option<Command> {
    let paths = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&paths).map(|dir| dir.join(program)).find(|path| path.is_file())?;
    Some(Command::new(found))
}

#[test]
fn every_verb_is_completed_in_every_shell() {
    let shell = Shell::bare();
    let verbs = verbs(&shell);
    assert!(verbs.len() > 14 && verbs.contains(&"completions".to_owned()), "{verbs:?}");
    for (name, program, option) in
        [("bash", "bash", "-n"), ("zsh", "zsh", "-n"), ("fish", "fish", "--no-execute")]
    {
        let script = stdout(&shell.run(&["completions", name]));
        for verb in &verbs {
            assert!(script.contains(verb), "{name} completes {verb}");
        }
        shell.write(name, &script);
        if let Some(mut program) = installed(program) {
            let output = program.arg(option).arg(shell.path(name)).output().unwrap();
            assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
        }
    }
}

#[test]
fn bash_offers_the_verbs_that_begin_so() {
    let shell = Shell::bare();
    shell.write("script", stdout(&shell.run(&["completions", "bash"])));
    let line = "source ./script; COMP_WORDS=(holdall pu); COMP_CWORD=1; _holdall holdall pu holdall; echo ${COMPREPLY[@]}";
    let output = Command::new("bash").args(["-c", line]).current_dir(shell.path("")).output().unwrap();
    assert_eq!(stdout(&output), "put push pull\n");
}

#[test]
fn every_verb_has_a_page_that_groff_takes() {
    let shell = Shell::bare();
    let written = stdout(&shell.run(&["manual", "man/man1"]));
    for verb in verbs(&shell) {
        assert!(
            written.lines().any(|page| page == format!("man/man1/holdall-{verb}.1")),
            "{verb}: {written}"
        );
    }
    assert!(written.starts_with("man/man1/holdall.1\n"), "{written}");
    for page in written.lines() {
        let text = String::from_utf8(shell.read(page)).unwrap();
        assert!(text.contains(".SH NAME\nholdall"), "{page}: {text}");
        assert!(text.contains(".SH OPTIONS\n") && text.contains("\\-\\-"), "{page}: {text}");
        let Some(mut groff) = installed("groff") else { continue };
        let output = groff.args(["-man", "-ww", "-z", "-Tutf8"]).arg(shell.path(page)).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{page}: {output:?}");
    }
    let shown = String::from_utf8(shell.read("man/man1/holdall-put.1")).unwrap();
    assert!(shown.contains("\nExamples:\n  holdall put report.pdf\n"), "examples keep their lines: {shown}");
}

#[test]
fn shells_and_folders_that_are_none() {
    let shell = Shell::bare();
    shell.write("file", "x");
    shell.transcript(
        "shells_errors",
        &["completions", "completions tcsh", "manual", "manual file", "manual /proc/none --json"],
    );
}
