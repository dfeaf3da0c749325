//! Processes that store, replace and remove evidence and are killed at any moment, and processes that race: what is found is
//! the old, the new, or a claim that the same command completes.
//!
//! `HOLDALL_TEST_SEED` sets the seed, and `HOLDALL_TEST_LONG=1` asks for more rounds.

#![allow(clippy::print_stdout, reason = "a failure is understood by what came before it")]

use super::WHEN;
use crate::kills::is_long;
use crate::shell::{Shell, stdout};
use holdall_testing::random::{Random, seed_from_env};
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

/// A shell with a server whose abilities are found out once.
fn server() -> Shell {
    let shell = Shell::new();
    let cache = shell.path("cache").display().to_string();
    let shell = shell.with("XDG_CACHE_HOME", &cache);
    shell.write("warm.json", "0");
    stdout(&shell.run(&store("warm", "warm.json", &[])));
    shell
}

fn rounds() -> u64 {
    if is_long() { 1000 } else { 60 }
}

fn store<'a>(id: &'a str, file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["evidence", "store", id, "--type", "risk", file, "--created-at", WHEN, "-q"], more].concat()
}

/// The evidence, or the exit status and what is said.
fn read(shell: &Shell, id: &str) -> String {
    let output = shell.run(&["evidence", "get", id, "--data"]);
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

/// Runs a command and kills it; whether it was killed.
fn killed(shell: &Shell, words: &[&str], random: &mut Random) -> bool {
    let mut child = shell.spawn(words);
    std::thread::sleep(Duration::from_micros(random.number() % 40_000));
    child.kill().unwrap();
    child.wait_with_output().unwrap().status.signal() == Some(9)
}

#[test]
/// EVI-9, EVI-10
fn evidence_survives_kills_at_any_moment() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    for (name, shell) in [("folder", Shell::folder()), ("server", server())] {
        let mut random = Random::named(seed, name);
        let mut kills = 0;
        shell.write("one.json", "1").write("two.json", "2");
        for round in 0..rounds() {
            let id = format!("d-{round}");
            let (first, second) = (store(&id, "one.json", &[]), store(&id, "two.json", &["--replace"]));
            let removal = ["evidence", "rm", &id, "-q"];
            kills += u64::from(killed(&shell, &first, &mut random));
            let seen = read(&shell, &id);
            assert!(["1", "missing", "incomplete"].contains(&&*seen), "{name}: {seen}");
            stdout(&shell.run(&first));
            kills += u64::from(killed(&shell, &second, &mut random));
            let seen = read(&shell, &id);
            assert!(["1", "2"].contains(&&*seen), "{name}: {seen}");
            stdout(&shell.run(&second));
            assert_eq!(read(&shell, &id), "2", "{name}");
            kills += u64::from(killed(&shell, &removal, &mut random));
            let seen = read(&shell, &id);
            assert!(["2", "missing"].contains(&&*seen), "{name}: {seen}");
            shell.run(&removal);
            stdout(&shell.run(&["evidence", "adopt", "-q"]));
            assert_eq!(read(&shell, &id), "missing", "{name}: it came back");
        }
        println!("{name}: {kills} kills");
        assert!(kills > rounds() / 4, "{name}: {kills} kills show nothing");
        stdout(&shell.run(&["evidence", "verify", "-q"]));
    }
}

#[test]
/// EVI-10
fn of_processes_that_store_other_evidence_of_one_decision_one_wins() {
    for shell in [Shell::folder(), server()] {
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
