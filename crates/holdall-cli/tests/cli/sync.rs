//! Folders that are pushed and pulled again: what is said, and what a kill costs.

use crate::shell::{Shell, stdout};
use std::io::{BufRead, BufReader};
use std::process::Child;
use std::time::{Duration, Instant};

/// With a state folder, which has the index.
fn shell() -> Shell {
    let shell = Shell::new();
    let state = shell.path("state").display().to_string();
    shell.with("XDG_STATE_HOME", &state)
}

#[test]
fn what_is_unchanged_stays_and_what_is_too_much_goes() {
    let shell = shell();
    shell.write("in/a", "a").write("in/sub/b", "bb");
    stdout(&shell.run(&["push", "in", "p"]));
    shell.write("in/a", "A").write("in/new", "n").server().put_object("b", "p/extra\u{1b}[2J", b"xxx");
    shell.transcript(
        "sync",
        &[
            "push in p --dry-run --delete --verbose",
            "push in p --delete --max-delete 0",
            "push in p --delete --max-delete 30%",
            "push in p --verbose",
            "push in p --json --verbose",
            "push in p --checksum",
            "push in p --force --quiet",
        ],
    );
    shell.server().put_object("b", "p/late", b"later");
    shell.write("out/mine", "m").write("out/keep.log", "k");
    shell.transcript(
        "sync_pull",
        &[
            "pull p out --dry-run --delete",
            "pull p out --delete --exclude *.log --json",
            "pull p out --delete --verbose",
            "pull nothing out --delete",
        ],
    );
}

#[test]
fn options_that_contradict_or_mean_nothing_are_refused() {
    shell().transcript(
        "sync_usage",
        &["push in p --checksum --force", "push in p --max-delete 5", "pull p in --delete --max-delete 101%"],
    );
}

/// Kills a push after it has said so many keys.
fn kill_after(mut child: Child, lines: usize) -> Vec<String> {
    let reader = BufReader::new(child.stdout.take().unwrap());
    let said: Vec<String> = reader.lines().take(lines).map(|line| line.unwrap()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    said
}

#[test]
fn top_8_what_was_sent_before_a_kill_is_not_sent_again() {
    let shell = shell();
    const FILES: usize = 3000;
    for n in 0..FILES {
        shell.write(&format!("in/{n:05}"), format!("{n}"));
    }
    // Large enough to fill the buffer of standard output, which is written in pieces.
    let long = "p".repeat(200);
    let child = shell.spawn(&["push", "in", &long, "--concurrency", "2"]);
    let said = kill_after(child, 300);
    let start = Instant::now();
    while shell.server().open_connections() > 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "a connection of a process that ended stays open");
        std::thread::sleep(Duration::from_millis(1));
    }
    let stored = shell.server().objects("b").len();
    assert!(said.len() == 300 && (300..FILES).contains(&stored), "{stored} were stored when it was killed");
    shell.server().clear_log();
    let again = stdout(&shell.run(&["push", "in", &long]));
    let log = shell.server().log();
    let sent =
        |method: &str| log.iter().filter(|seen| seen.method == method && seen.key.starts_with(&long)).count();
    assert_eq!((sent("PUT"), again.lines().count()), (FILES - stored, FILES - stored));
    assert!(said.iter().all(|key| !again.contains(key.as_str())));
    assert_eq!(shell.server().objects("b").len(), FILES);
    // What was not written of the index yet, 16 KiB at most, is asked for and not sent.
    assert!(sent("HEAD") <= 250, "{}", sent("HEAD"));
}
