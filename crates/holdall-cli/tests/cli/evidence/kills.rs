//! Processes that store, replace, attach to and remove evidence and are killed at any moment, and processes that race: what
//! is found is the old, the new, or a claim that the same command completes.
//!
//! `HOLDALL_TEST_SEED` sets the seed, and `HOLDALL_TEST_LONG=1` asks for more rounds.

#![allow(clippy::print_stdout, reason = "a failure is understood by what came before it")]

use super::WHEN;
use crate::kills::{is_long, killed_amid};
use crate::shell::{Shell, stdout};
use holdall_testing::random::{Random, seed_from_env};

/// More requests than any of the commands makes for its work.
const REQUESTS: u64 = 10;

fn rounds() -> u64 {
    if is_long() { 1000 } else { 60 }
}

fn store<'a>(id: &'a str, file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["evidence", "store", id, "--type", "risk", file, "--created-at", WHEN, "-q"], more].concat()
}

/// The evidence, or what became of it.
fn read(shell: &Shell, id: &str) -> String {
    found(shell, &["evidence", "get", id, "--data"])
}

/// The bytes of the attachment, or what became of it.
fn attached(shell: &Shell, id: &str) -> String {
    found(shell, &["evidence", "attachments", id, "--cat", "scan.pdf"])
}

fn found(shell: &Shell, words: &[&str]) -> String {
    let output = shell.run(words);
    if output.status.success() {
        return String::from_utf8(output.stdout).unwrap();
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(3) => "missing".to_owned(),
        Some(1) if said.contains("was claimed, and is not there") => "incomplete".to_owned(),
        _ => panic!("{output:?}"),
    }
}

/// Kills commands of one shell, and counts those that lived until then.
struct Killing {
    name: &'static str,
    shell: Shell,
    random: Random,
    kills: u64,
}

impl Killing {
    fn kill(&mut self, words: &[&str]) {
        self.kills += u64::from(killed_amid(&self.shell, words, REQUESTS, &mut self.random));
    }

    fn is_one_of(&self, seen: &str, allowed: &[&str]) {
        assert!(allowed.contains(&seen), "{}: {seen}, and not one of {allowed:?}", self.name);
    }

    /// Stores, replaces and removes one decision, each killed and then done.
    fn bundle(&mut self, id: &str) {
        let (first, second) = (store(id, "one.json", &[]), store(id, "two.json", &["--replace"]));
        let removal = ["evidence", "rm", id, "-q"];
        self.kill(&first);
        self.is_one_of(&read(&self.shell, id), &["1", "missing", "incomplete"]);
        stdout(&self.shell.run(&first));
        self.kill(&second);
        self.is_one_of(&read(&self.shell, id), &["1", "2"]);
        stdout(&self.shell.run(&second));
        self.is_one_of(&read(&self.shell, id), &["2"]);
        self.kill(&removal);
        self.is_one_of(&read(&self.shell, id), &["2", "missing"]);
        self.shell.run(&removal);
        self.stays_away(&read(&self.shell, id));
    }

    /// The same of an attachment.
    fn attachment(&mut self, id: &str) {
        let attach = ["evidence", "attach", id, "scan.pdf", "-q"];
        let removal = ["evidence", "rm", id, "--attachments", "-q"];
        self.kill(&attach);
        self.is_one_of(&attached(&self.shell, id), &["%PDF", "missing", "incomplete"]);
        stdout(&self.shell.run(&attach));
        self.is_one_of(&attached(&self.shell, id), &["%PDF"]);
        self.kill(&removal);
        self.is_one_of(&attached(&self.shell, id), &["%PDF", "missing"]);
        self.shell.run(&removal);
        self.stays_away(&attached(&self.shell, id));
    }

    /// What is removed comes back by nobody's doing.
    fn stays_away(&self, seen: &str) {
        self.is_one_of(seen, &["missing"]);
        stdout(&self.shell.run(&["evidence", "adopt", "-q"]));
    }
}

#[test]
/// EVI-9, EVI-10, EVI-11
fn evidence_survives_kills_at_any_moment() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    for (name, shell) in [("folder", Shell::folder()), ("server", Shell::new())] {
        shell.write("one.json", "1").write("two.json", "2").write("scan.pdf", "%PDF");
        let mut killing = Killing { name, shell, random: Random::named(seed, name), kills: 0 };
        for round in 0..rounds() {
            let id = format!("d-{round}");
            killing.bundle(&id);
            killing.attachment(&id);
            killing.is_one_of(&read(&killing.shell, &id), &["missing"]);
            killing.is_one_of(&attached(&killing.shell, &id), &["missing"]);
        }
        println!("{name}: {} kills", killing.kills);
        assert!(killing.kills > rounds() / 2, "{name}: {} kills show nothing", killing.kills);
        stdout(&killing.shell.run(&["evidence", "verify", "-q"]));
        let left = stdout(&killing.shell.run(&["ls", "-r"]));
        assert!(left.lines().all(|key| key.contains("/by-id/")), "bytes are left: {left}");
    }
}

#[test]
/// EVI-10
fn of_processes_that_store_other_evidence_of_one_decision_one_wins() {
    for shell in [Shell::folder(), Shell::new()] {
        for n in 0..6 {
            shell.write(&format!("{n}.json"), n.to_string());
        }
        for round in 0..5 {
            let id = format!("d-{round}");
            let files: Vec<String> = (0..6).map(|n| format!("{n}.json")).collect();
            let children: Vec<_> = files.iter().map(|file| shell.spawn(&store(&id, file, &[]))).collect();
            let done: Vec<_> = children.into_iter().map(|child| child.wait_with_output().unwrap()).collect();
            let won: Vec<usize> = (0..6).filter(|n| done[*n].status.success()).collect();
            let [winner] = *won else { panic!("{done:?}") };
            assert!(done.iter().all(|output| [Some(0), Some(6)].contains(&output.status.code())), "{done:?}");
            assert_eq!(read(&shell, &id), winner.to_string());
        }
    }
}
