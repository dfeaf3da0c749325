//! A push and a backfill of topics that are killed at seeded moments, and run again.

#![allow(clippy::print_stdout, reason = "a failure is understood by what came before it")]

use crate::kills::{is_long, settle};
use crate::shell::{Shell, stdout};
use holdall_testing::proxy::{Proxy, Way};
use holdall_testing::random::{Random, seed_from_env};
use std::os::unix::process::ExitStatusExt;
use std::time::{Duration, Instant};

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a topic's files and requests take on their way, roughly.
const TOPIC: u64 = 12_000;

struct Killing {
    shell: Shell,
    proxy: Proxy,
    random: Random,
}

impl Killing {
    fn new(name: &str) -> Self {
        let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
        println!("HOLDALL_TEST_SEED={seed}");
        let shell = Shell::new();
        let proxy = Proxy::before(&shell.server().endpoint()).unwrap();
        let state = shell.path("state").display().to_string();
        let shell = shell
            .with("S3_ENDPOINT_URL", &proxy.endpoint())
            .with("XDG_STATE_HOME", &state)
            .with("S3_MAX_CONCURRENCY", "4");
        Self { shell, proxy, random: Random::named(seed, name) }
    }

    fn write(&mut self, dir: &str) {
        for file in ["plan.txt", "scene1/Scene1.mp4", "scene1/code.py", "scene2/Scene2.mp4", "t_combined.mp4"]
        {
            let size = 1 + self.random.number() % 2000;
            let bytes = self.random.bytes(size as usize);
            self.shell.write(&format!("{dir}/{file}"), bytes);
        }
    }

    /// Runs a command and kills it when so many bytes have come; answers whether it was under way still.
    fn kill(&mut self, arguments: &[&str], most: u64) -> bool {
        let (wanted, then) = (self.random.number() % most, self.random.number() % 10);
        let (start, before) = (Instant::now(), self.proxy.bytes(Way::Up));
        let mut child = self.shell.spawn(arguments);
        while self.proxy.bytes(Way::Up) - before < wanted && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < PATIENCE, "it hangs");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(then));
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        settle(&self.proxy);
        output.status.signal() == Some(9)
    }

    /// What is there of a topic that has a manifest is whole at any time.
    fn never_lies(&self, prefix: &str) {
        if self.shell.server().object("b", &format!("{prefix}/manifest.json")).is_some() {
            let found = self.shell.run(&["verify", prefix]);
            assert!(found.status.success(), "{found:?}");
        }
    }
}

/// TOP-8: a topic's push.
#[test]
fn a_push_of_a_topic_that_is_killed_is_whole_when_it_is_run_again() {
    let mut killing = Killing::new("topic-push");
    let rounds = if is_long() { 60 } else { 12 };
    let mut killed = 0;
    for round in 0..rounds {
        let (dir, title) = (format!("out-{round}"), format!("Topic {round}"));
        killing.write(&dir);
        let arguments = ["topic", "push", dir.as_str(), "--title", title.as_str(), "-q"];
        let prefix = format!("topics/topic-{round}");
        killed += u64::from(killing.kill(&arguments, TOPIC));
        killing.never_lies(&prefix);
        stdout(&killing.shell.run(&arguments));
        let verified = killing.shell.run(&["verify", &prefix, &dir]);
        assert!(verified.status.success(), "{verified:?}");
        assert_eq!(
            stdout(&killing.shell.run(&["topic", "ls"]))
                .matches(&format!("topic-{round}\t{title}\n"))
                .count(),
            1
        );
    }
    println!("{killed} of {rounds} were killed");
    assert!(killed > 0);
}

/// TOP-11: a backfill.
#[test]
fn a_backfill_of_topics_that_is_killed_goes_on_where_it_was() {
    let mut killing = Killing::new("topic-backfill");
    let topics = if is_long() { 100 } else { 12 };
    for topic in 0..topics {
        killing.write(&format!("old/Topic {topic:03}"));
    }
    let arguments = ["topic", "backfill", "old", "--json"];
    let mut kills = 0;
    while kills < 6 {
        if !killing.kill(&arguments, topics * TOPIC / 3) {
            break;
        }
        kills += 1;
        (0..topics).for_each(|topic| killing.never_lies(&format!("topics/topic-{topic:03}")));
    }
    assert!(kills > 0);
    stdout(&killing.shell.run(&arguments));
    let again = stdout(&killing.shell.run(&arguments));
    let summary: serde_json::Value = serde_json::from_str(again.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["topics"], &summary["files"]), (&topics.into(), &0.into()), "{summary}");
    assert_eq!(summary["unchanged"], topics * 5);
    for topic in 0..topics {
        let (prefix, dir) = (format!("topics/topic-{topic:03}"), format!("old/Topic {topic:03}"));
        let verified = killing.shell.run(&["verify", &prefix, &dir]);
        assert!(verified.status.success(), "{verified:?}");
    }
}
