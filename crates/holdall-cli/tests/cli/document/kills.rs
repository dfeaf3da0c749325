//! Jobs that are killed at any moment: no file goes before its upload was verified and its ingestion succeeded, and run
//! again the job ends right.

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule, Script};
use holdall_testing::random::{Random, seed_from_env};
use std::time::Duration;

const DOCUMENTS: usize = 24;

/// A job whose ingester gives each file a second name, which is there at once or not at all.
struct Killing {
    shell: Shell,
    random: Random,
}

fn name(n: usize) -> String {
    format!("{n:02}.pdf")
}

impl Killing {
    #[allow(clippy::print_stdout, reason = "the seed of a failure must be known")]
    fn new(test: &str, outbox: bool) -> Self {
        let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
        println!("HOLDALL_TEST_SEED={seed}");
        let slow = Rule::new(Fault::Delay(Duration::from_millis(8)));
        let shell =
            if outbox { crate::outbox::shell() } else { Shell::on(Script::new().bucket("b").rule(slow)) };
        Self { shell: shell.with("S3_MAX_CONCURRENCY", "3"), random: Random::named(seed, test) }
    }

    fn write(&self, round: usize) {
        let documents: Vec<String> =
            (0..DOCUMENTS).map(|n| format!(r#"{{"path": "in/{round}/{}"}}"#, name(n))).collect();
        let job = format!(r#"{{"reference": "job {round}", "documents": [{}]}}"#, documents.join(","));
        self.shell.write(&format!("{round}.json"), job);
        for n in 0..DOCUMENTS {
            self.shell.write(&format!("in/{round}/{}", name(n)), content(round, n));
        }
        std::fs::create_dir_all(self.shell.path(&format!("ingested/{round}"))).unwrap();
    }

    fn arguments(round: usize) -> [String; 6] {
        let exec = format!("/bin/ln -f {{}} ingested/{round}/");
        ["document".into(), "run".into(), format!("{round}.json"), "--exec".into(), exec, "-q".into()]
    }

    /// Starts the job and kills it within so many milliseconds; answers whether that was before its end.
    fn kill(&mut self, round: usize, within: u64) -> bool {
        use std::os::unix::process::ExitStatusExt;
        let arguments = Self::arguments(round);
        let mut child = self.shell.spawn(&arguments.each_ref().map(String::as_str));
        std::thread::sleep(Duration::from_micros(self.random.number() % (within * 1000)));
        child.kill().unwrap();
        child.wait_with_output().unwrap().status.signal() == Some(9)
    }

    fn run(&self, round: usize) {
        stdout(&self.shell.run(&Self::arguments(round).each_ref().map(String::as_str)));
    }

    /// Answers how many files are gone; each of them is safe.
    fn never_lost(&self, round: usize) -> usize {
        let mut gone = 0;
        for n in 0..DOCUMENTS {
            if self.shell.path(&format!("in/{round}/{}", name(n))).exists() {
                continue;
            }
            gone += 1;
            let key = format!("documents/job_{round}/{:03}_{}", n + 1, name(n));
            let stored = self.shell.server().object("b", &key).map(|object| object.bytes);
            assert_eq!(
                stored.as_deref(),
                Some(content(round, n).as_bytes()),
                "{round} {n} is not at the store"
            );
            assert_eq!(
                self.shell.read(&format!("ingested/{round}/{}", name(n))),
                content(round, n).as_bytes()
            );
        }
        gone
    }
}

fn content(round: usize, n: usize) -> String {
    format!("document {n} of {round}")
}

/// DOC-7: random kills, each followed by a look at what is gone.
#[test]
#[allow(clippy::print_stdout, reason = "a test that killed nothing proves nothing")]
fn a_job_that_is_killed_loses_nothing_and_ends_right() {
    let mut killing = Killing::new("document-run", false);
    let rounds = if crate::kills::is_long() { 60 } else { 8 };
    let (mut kills, mut amid) = (0, 0);
    for round in 0..rounds {
        killing.write(round);
        let mut is_killed = true;
        for _ in 0..6 {
            // Once a run has come to its end there is nothing left to cut off.
            if !is_killed {
                break;
            }
            is_killed = killing.kill(round, 200);
            kills += u64::from(is_killed);
            let gone = killing.never_lost(round);
            amid += u64::from(is_killed && (1..DOCUMENTS).contains(&gone));
        }
        killing.run(round);
        assert_eq!(killing.never_lost(round), DOCUMENTS);
    }
    println!("{kills} kills, {amid} while files went");
    assert!(kills > 0);
}

/// DOC-7: the same while the store comes and goes, and uploads wait in the outbox.
#[test]
fn a_job_that_is_killed_while_the_store_is_away_loses_nothing() {
    let mut killing = Killing::new("document-queued", true);
    for round in 0..4 {
        killing.write(round);
        killing.shell.server().add_rule(Rule::new(Fault::Reset).on(Kind::Put).chance(0.5));
        for _ in 0..3 {
            killing.kill(round, 160);
            killing.never_lost(round);
        }
        killing.shell.server().clear_rules();
        for _ in 0..8 {
            stdout(&killing.shell.run(&["outbox", "drain", "-q"]));
            killing.run(round);
            if killing.never_lost(round) == DOCUMENTS {
                break;
            }
        }
        assert_eq!(killing.never_lost(round), DOCUMENTS);
    }
}
