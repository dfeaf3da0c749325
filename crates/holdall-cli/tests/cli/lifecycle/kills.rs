//! Sweeps that are killed again and again, alone and while somebody writes.

use super::write_old;
use crate::kills::{is_long, killed_amid, settle_on, wait_amid};
use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Rule, Script};
use holdall_testing::random::{Random, seed_from_env};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Output};
use std::time::Duration;

const POLICY: &str = "[[rule]]\nname = \"old\"\nprefix = \"old/\"\nexpire_after = \"7d\"\n\
    [[rule]]\nname = \"runs\"\nprefix = \"runs/\"\nkeep_last = 2\n";

fn keys(shell: &Shell) -> BTreeSet<String> {
    stdout(&shell.run(&["ls", "-r"])).lines().map(str::to_owned).collect()
}

fn planned(shell: &Shell) -> BTreeSet<String> {
    let plan = stdout(&shell.run(&["lifecycle", "plan", "--policy", "policy.toml", "--json"]));
    let rows = plan.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    rows.filter_map(|row| row["key"].as_str().map(str::to_owned)).collect()
}

fn places() -> [(&'static str, Shell); 2] {
    [("folder", Shell::folder()), ("server", Shell::new())]
}

/// The bytes of an object, past all commands.
fn bytes(shell: &Shell, key: &str) -> Vec<u8> {
    match shell.own_server() {
        Some(server) => server.object("b", key).expect("it is there").bytes,
        None => shell.read(&format!("store/{key}")),
    }
}

#[allow(clippy::print_stdout, reason = "the seed of a failure must be known")]
fn random(test: &str) -> Random {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    Random::named(seed, test)
}

/// TOP-12: killed at random and run again, exactly what the plan named is gone, and the others are whole.
#[test]
#[allow(clippy::print_stdout, reason = "a test that killed nothing proves nothing")]
fn top_12_a_sweep_that_is_killed_is_run_again_and_takes_what_the_plan_named() {
    let mut random = random("sweeps");
    for (name, shell) in places() {
        shell.write("policy.toml", POLICY);
        for n in 0..if is_long() { 8000 } else { 1500 } {
            // None of an age that comes to seven days while this runs.
            write_old(&shell, &format!("old/{}/{n}", n % 7), &n.to_string(), 6 + n % 2 * 2);
            if n % 10 == 0 {
                write_old(&shell, &format!("runs/{}/{n}", n % 70), &n.to_string(), 1 + n % 70);
            }
        }
        let (before, plan) = (keys(&shell), planned(&shell));
        assert!(plan.len() > 600 && plan.len() < before.len(), "{} of {}", plan.len(), before.len());
        let sweep = ["lifecycle", "sweep", "--policy", "policy.toml", "--concurrency", "2"];
        let mut killed = 0;
        while killed < 100 && killed_amid(&shell, &sweep, 400, &mut random) {
            killed += 1;
            let left = keys(&shell);
            let stays = before.difference(&plan).cloned().collect();
            assert!(left.is_superset(&stays), "{name}: something else went");
        }
        stdout(&shell.run(&sweep));
        println!("{name}: {killed} sweeps were killed");
        assert!(killed > 2, "{name}: too few were killed: {killed}");
        let left = keys(&shell);
        assert_eq!(left, before.difference(&plan).cloned().collect(), "{name}");
        for key in left {
            assert_eq!(bytes(&shell, &key), key.rsplit('/').next().unwrap().as_bytes(), "{name}: {key}");
        }
        assert_eq!(planned(&shell), BTreeSet::new(), "{name}");
    }
}

/// What was written to a key while sweeps were at work: the last round that was acknowledged, and the last that was tried.
#[derive(Debug, Clone, Copy, Default)]
struct Written {
    acknowledged: Option<u64>,
    tried: u64,
}

/// Objects that are due, by a policy and by moments of their own, and a writer who replaces some.
struct Race {
    shell: Shell,
    random: Random,
    written: BTreeMap<String, Written>,
}

/// So many objects become due in each round by the policy.
const DUE: u64 = 60;
/// So many have a moment of their own, which has passed.
const MOMENTS: u64 = 12;
/// One thing after another, so that a writer comes in between.
const SWEEP: [&str; 9] =
    ["lifecycle", "sweep", "--policy", "policy.toml", "--grace", "0s", "-q", "--concurrency", "1"];

impl Race {
    fn new(shell: Shell, random: Random) -> Self {
        shell.write("policy.toml", POLICY);
        for n in 0..MOMENTS {
            shell.write(&format!("moments/{n:03}"), "due");
        }
        write_old(&shell, "kept", "kept", 9);
        stdout(&shell.run(&["push", "moments", "moments/"]));
        stdout(&shell.run(&["expire", "set", "moments/", "--recursive", "--after", "1s", "-q"]));
        std::thread::sleep(Duration::from_millis(2100));
        Self { shell, random, written: BTreeMap::new() }
    }

    /// A sweep, and a writer who begins amid it, each killed at some moment or let to its end; how many lived until then.
    fn round(&mut self, round: u64) -> u64 {
        let (name, old) = (format!("new/{round}"), format!("old/{round}"));
        for n in 0..DUE {
            write_old(&self.shell, &format!("{old}/{n:03}"), "due", 9);
        }
        for _ in 0..40 {
            let number = self.random.number();
            let key = match number.is_multiple_of(8) {
                true => format!("moments/{:03}", number / 8 % MOMENTS),
                false => format!("{old}/{:03}", number % DUE),
            };
            self.shell.write(&format!("{name}/{key}"), round.to_string());
            self.written.entry(key).or_default().tried = round;
        }
        if let Some(server) = self.shell.own_server() {
            server.clear_log();
        }
        let mut sweep = self.shell.spawn(&SWEEP);
        wait_amid(&self.shell, &mut sweep, 100, &mut self.random);
        let writer = self.shell.spawn(&["push", &name, "--force", "-q"]);
        let (swept, writer) = match self.random.number() % 3 {
            0 => (self.end(sweep, true), self.end(writer, true)),
            1 => (self.end(sweep, true), self.end(writer, false)),
            _ => (self.end(sweep, false), self.end(writer, true)),
        };
        settle_on(&self.shell);
        for key in String::from_utf8(writer.stdout).unwrap().lines() {
            self.written.get_mut(key).unwrap().acknowledged = Some(round);
        }
        [swept.status, writer.status].iter().map(|status| u64::from(status.signal() == Some(9))).sum()
    }

    fn end(&mut self, mut child: Child, kill: bool) -> Output {
        if kill {
            wait_amid(&self.shell, &mut child, 200, &mut self.random);
            child.kill().unwrap();
        }
        let output = child.wait_with_output().unwrap();
        assert!(output.status.signal() == Some(9) || output.status.success(), "{output:?}");
        output
    }

    /// What was written is there, and of the rest nothing.
    fn ends_right(&self) {
        let left = keys(&self.shell);
        for (key, known) in &self.written {
            if !left.contains(key) {
                assert_eq!(known.acknowledged, None, "{key} was written and is gone");
                continue;
            }
            let found: u64 = String::from_utf8(bytes(&self.shell, key)).unwrap().parse().expect(key);
            assert!(Some(found) >= known.acknowledged && found <= known.tried, "{key}: {found} of {known:?}");
        }
        let others: Vec<&String> = left.iter().filter(|key| !self.written.contains_key(*key)).collect();
        assert_eq!(others, ["kept"]);
    }
}

/// TOP-12, SES-8: what is written while sweeps are killed over it stays, whole, and all else that was due goes.
#[test]
#[allow(clippy::print_stdout, reason = "a test that killed nothing proves nothing")]
fn ses_8_what_is_written_while_sweeps_are_killed_stays() {
    let mut random = random("races");
    let slow = Script::new().bucket("b").rule(Rule::new(Fault::Delay(Duration::from_millis(2))));
    for (name, shell) in [("folder", Shell::folder()), ("server", Shell::on(slow))] {
        let mut race = Race::new(shell, Random::new(random.number()));
        let kills: u64 = (1..=if is_long() { 200 } else { 12 }).map(|round| race.round(round)).sum();
        stdout(&race.shell.run(&SWEEP));
        let acknowledged = race.written.values().filter(|known| known.acknowledged.is_some()).count();
        println!("{name}: {kills} kills, {acknowledged} of {} keys written", race.written.len());
        assert!(
            kills > 4 && acknowledged > 4,
            "{name}: {kills} kills, {acknowledged} written: nothing was shown"
        );
        race.ends_right();
    }
}
