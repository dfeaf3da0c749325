//! Writers and drainers that are killed at any moment while the store comes and goes: what a writer said is there is there
//! in the end, and nothing that came before it.
//!
//! A writer says a key on standard output once its write is acknowledged. Each cycle writes new versions of the same
//! keys, so that what is found in the end tells which write it is of. `HOLDALL_TEST_SEED` sets the seed, and
//! `HOLDALL_TEST_LONG=1` asks for more cycles.

#![allow(clippy::print_stdout, reason = "a failure is understood by what came before it")]

use super::{down, shell, stored, up};
use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use holdall_testing::random::{Random, seed_from_env};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Output};
use std::time::Duration;

const KEYS: u64 = 12;

fn cycles() -> u64 {
    if std::env::var("HOLDALL_TEST_LONG").is_ok_and(|long| long == "1") { 5000 } else { 100 }
}

/// What was written to a key: the last version that was acknowledged, and the last that was tried.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    acknowledged: Option<u64>,
    tried: u64,
}

fn kill_after(mut child: Child, micros: u64) -> Output {
    std::thread::sleep(Duration::from_micros(micros));
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let was_killed = output.status.signal() == Some(9);
    assert!(was_killed || output.status.success() || output.status.code() == Some(5), "{output:?}");
    output
}

fn content(version: u64, key: u64) -> String {
    // Some are larger than what lies in the queue itself.
    let filler = if key.is_multiple_of(5) { "x".repeat(300_000) } else { String::new() };
    format!("{version:06} {filler}")
}

/// Which version of a key's writes bytes are.
fn version(bytes: &[u8], key: u64) -> u64 {
    let version = std::str::from_utf8(&bytes[..6]).unwrap().parse().unwrap();
    assert_eq!(bytes, content(version, key).as_bytes(), "k{key:02} is torn");
    version
}

fn weather(shell: &Shell, random: &mut Random) {
    up(shell);
    match random.number() % 4 {
        0 => {}
        1 => down(shell),
        2 => shell.server().add_rule(Rule::new(Fault::AnswerLost).on(Kind::PutObject).chance(0.5)),
        _ => shell.server().add_rule(Rule::new(Fault::Reset).chance(0.3)),
    }
}

#[test]
fn what_was_acknowledged_survives_every_kill() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed:#x}");
    let mut random = Random::named(seed, "outbox");
    let shell = shell().with("HOLDALL_CONCURRENCY", "4");
    let mut written: BTreeMap<u64, Written> = BTreeMap::new();
    let (mut kills, mut acknowledged) = (0, 0);
    for cycle in 1..=cycles() {
        weather(&shell, &mut random);
        for key in 0..KEYS {
            shell.write(&format!("in/k{key:02}"), content(cycle, key));
            written.entry(key).or_default().tried = cycle;
        }
        let push = shell.spawn(&["push", "in", "p", "--force", "-q"]);
        let drain = random.number().is_multiple_of(2).then(|| shell.spawn(&["outbox", "drain", "-q"]));
        let output = kill_after(push, random.number() % 60_000);
        kills += u64::from(output.status.signal() == Some(9));
        for line in String::from_utf8(output.stdout).unwrap().lines() {
            let key = line.strip_prefix("p/k").unwrap().parse().unwrap();
            written.get_mut(&key).unwrap().acknowledged = Some(cycle);
            acknowledged += 1;
        }
        if let Some(drain) = drain {
            let micros = random.number() % 20_000;
            std::thread::sleep(Duration::from_micros(micros));
            kill_after_unless_failed(drain);
        }
        // What was acknowledged is read at any time, and nothing older.
        let key = random.number() % KEYS;
        let read = shell.run(&["cat", &format!("p/k{key:02}")]);
        if read.status.success() {
            let found = version(&read.stdout, key);
            let known = written[&key];
            assert!(Some(found) >= known.acknowledged, "k{key:02} is {found}, and was {known:?}");
        } else {
            let missing = read.status.code() == Some(3) && written[&key].acknowledged.is_none();
            assert!(missing || read.status.code() == Some(5), "{read:?} {:?}", written[&key]);
        }
    }
    println!("{kills} kills, {acknowledged} acknowledged writes");
    assert!(kills > 20 && acknowledged > 30, "{kills} kills, {acknowledged} acknowledged: nothing was shown");
    up(&shell);
    let drained = shell.run(&["outbox", "drain", "--wait"]);
    assert!(drained.status.success(), "{drained:?}");
    for (key, known) in &written {
        let Some(acknowledged) = known.acknowledged else { continue };
        let found = version(&stored(&shell, &format!("p/k{key:02}")).unwrap(), *key);
        assert!((acknowledged..=known.tried).contains(&found), "k{key:02} is {found}, and was {known:?}");
    }
    assert_eq!(stdout(&shell.run(&["outbox", "ls"])), "");
    assert_eq!(shell.run(&["outbox", "verify"]).status.code(), Some(0));
}

/// Ends a drainer. That somebody else drained, or that the store was away, is no fault.
fn kill_after_unless_failed(mut drain: Child) {
    drain.kill().unwrap();
    let output = drain.wait_with_output().unwrap();
    let allowed = [Some(0), Some(1), Some(5), Some(6)];
    assert!(output.status.signal() == Some(9) || allowed.contains(&output.status.code()), "{output:?}");
}
