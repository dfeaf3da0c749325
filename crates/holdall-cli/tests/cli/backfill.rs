//! A thousand old topic folders pushed by two shards at once that are killed again and again: in the end all is there,
//! and what was stored before a kill was not sent again after it.
//!
//! Who tells how often each file was sent is the server: one that logs each request, and a bucket that keeps each write
//! as a version. The seed is told; `HOLDALL_TEST_SEED` sets it.

#![allow(clippy::print_stdout, reason = "a failure is understood by what came before it")]

use crate::kills::{server_and_seed, settle, through};
use crate::real::{client, wait};
use crate::shell::{Shell, stdout};
use holdall_s3::{Client, DeleteTarget, Versioning};
use holdall_testing::fault::Kind;
use holdall_testing::proxy::{Proxy, Way};
use holdall_testing::random::{Random, seed_from_env};
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;
use std::time::{Duration, Instant};

const TOPICS: u64 = 1000;
/// One in so many topics has a second file.
const LOGS: u64 = 4;
const FILES: u64 = TOPICS + TOPICS / LOGS;
const SHARDS: u64 = 2;
const KILLS: u64 = 10;
/// Files under way at once, of each shard.
const AT_ONCE: u64 = 4;
/// What a file takes on its way, with the head of its request.
const EACH: u64 = 1000;

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often each path was sent.
type Sent = BTreeMap<String, u64>;

struct Backfill<'a> {
    shell: Shell,
    proxy: Proxy,
    random: Random,
    sent: &'a dyn Fn(&Shell) -> Sent,
}

impl Backfill<'_> {
    fn write_topics(&mut self) {
        for topic in 0..TOPICS {
            let logs = topic % LOGS == 0;
            for name in ["scene.mp4", "logs/render.txt"].into_iter().take(1 + usize::from(logs)) {
                let size = 1 + self.random.number() % 500;
                let bytes = self.random.bytes(size as usize);
                self.shell.write(&format!("in/topic-{topic:04}/{name}"), bytes);
            }
        }
    }

    fn start(&self) -> Vec<Child> {
        let push = |index| {
            let (shard, report) = (format!("{index}/{SHARDS}"), format!("shard-{index}.json"));
            self.shell.spawn(&["push", "in", "topics", "--quiet", "--shard", &shard, "--report", &report])
        };
        (1..=SHARDS).map(push).collect()
    }

    /// Kills both shards when they have sent some of what is left; answers whether one was under way still.
    fn kill(&mut self, left: u64) -> bool {
        // That they list what is there takes as much, where nothing is left.
        let wanted = self.random.number() % (left * EACH / 4).max(500);
        let then = Duration::from_millis(self.random.number() % 20);
        let (start, before) = (Instant::now(), self.proxy.bytes(Way::Up));
        let mut shards = self.start();
        while self.proxy.bytes(Way::Up) - before < wanted {
            let ended = shards.iter_mut().all(|shard| shard.try_wait().unwrap().is_some());
            assert!(!ended && start.elapsed() < PATIENCE, "{wanted} of {left} files' bytes did not come");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(then);
        shards.iter_mut().for_each(|shard| shard.kill().unwrap());
        let outputs: Vec<_> = shards.into_iter().map(|shard| shard.wait_with_output().unwrap()).collect();
        assert!(outputs.iter().all(|output| output.stderr.is_empty()), "{outputs:?}");
        settle(&self.proxy);
        outputs.iter().any(|output| output.status.signal() == Some(9))
    }

    fn run(mut self) {
        self.write_topics();
        let (mut killed, mut kills) = (Sent::new(), 0);
        while kills < KILLS {
            kills += u64::from(self.kill(FILES - killed.len() as u64));
            let sent = (self.sent)(&self.shell);
            println!("killed {kills}: {} of {FILES} files are there", sent.len());
            not_again(&killed, &sent);
            killed = sent;
        }
        let said = self.shell.run(&["report", "shard-1.json", "shard-2.json"]);
        assert_eq!(said.status.code(), Some(1), "one was killed: {said:?}");
        for shard in self.start() {
            stdout(&shard.wait_with_output().unwrap());
        }
        let sent = (self.sent)(&self.shell);
        not_again(&killed, &sent);
        let again = sent.values().sum::<u64>() - FILES;
        println!("{again} files were sent again");
        assert_eq!(sent.len() as u64, FILES);
        assert!(again <= KILLS * SHARDS * AT_ONCE, "{again} files were sent again, more than were under way");
        self.is_whole();
    }

    /// What is stored is what lies in the folder, the reports say so, and the export names each file.
    fn is_whole(&self) {
        let said = stdout(&self.shell.run(&["report", "shard-2.json", "shard-1.json", "--json"]));
        let report: serde_json::Value = serde_json::from_str(&said).unwrap();
        let totals = &report["totals"];
        let files = totals["done"].as_u64().unwrap() + totals["unchanged"].as_u64().unwrap();
        assert_eq!(
            (&report["complete"], files, &totals["failed"]),
            (&true.into(), FILES, &0.into()),
            "{said}"
        );
        stdout(&self.shell.run(&["pull", "topics", "back", "--quiet", "--concurrency", "32"]));
        let exported = stdout(&self.shell.run(&["export", "topics", "--format", "ndjson"]));
        assert_eq!(exported.lines().count() as u64, FILES);
        for line in exported.lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let path = row["path"].as_str().unwrap();
            let [file, stored] = ["in", "back"].map(|top| self.shell.read(&format!("{top}/{path}")));
            assert!(file == stored, "{path} is not what was pushed");
        }
    }
}

/// What was there after a kill was not sent since.
fn not_again(before: &Sent, now: &Sent) {
    for (path, times) in before {
        assert_eq!(now.get(path), Some(times), "{path} was stored before the kill, and sent again after it");
    }
}

#[test]
fn top_11_a_backfill_that_is_killed_sends_each_file_once() {
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed}");
    let shell = Shell::new();
    let proxy = Proxy::before(&shell.server().endpoint()).unwrap();
    let state = shell.path("state").display().to_string();
    let shell = shell
        .with("S3_ENDPOINT_URL", &proxy.endpoint())
        .with("XDG_STATE_HOME", &state)
        .with("S3_MAX_CONCURRENCY", &AT_ONCE.to_string());
    let sent = |shell: &Shell| {
        let mut sent = Sent::new();
        // One that was cut off left no object, and its file was still under way.
        let there = shell.server().objects("b");
        let puts = shell.server().log().into_iter().filter(|seen| seen.kind == Kind::Put);
        puts.filter(|seen| there.contains_key(&seen.key))
            .for_each(|seen| *sent.entry(seen.key).or_default() += 1);
        sent
    };
    Backfill { shell, proxy, random: Random::named(seed, "backfill"), sent: &sent }.run();
}

/// A bucket that keeps what every write stored; it goes when the test ends.
struct Versioned(Client);

impl Versioned {
    fn make(client: Client) -> Self {
        wait(client.create_bucket()).unwrap();
        wait(client.put_versioning(Versioning::Enabled)).unwrap();
        Self(client)
    }

    fn versions(&self) -> Vec<DeleteTarget> {
        let (mut versions, mut after) = (Vec::new(), None);
        loop {
            let page = wait(self.0.list_versions("", after.as_ref())).unwrap();
            let page_of = |listed: holdall_s3::ListedVersion| DeleteTarget {
                key: listed.key,
                version: Some(listed.version),
            };
            versions.extend(page.versions.into_iter().map(page_of));
            after = page.next;
            if after.is_none() {
                return versions;
            }
        }
    }
}

impl Drop for Versioned {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for batch in self.versions().chunks(1000) {
            let failures = wait(self.0.delete_batch(batch)).unwrap();
            assert!(failures.is_empty(), "{failures:?}");
        }
        wait(self.0.delete_bucket()).unwrap();
    }
}

#[test]
fn a_backfill_that_is_killed_has_each_file_once_among_the_versions_of_a_bucket() {
    let (server, seed) = server_and_seed("ceph");
    let bucket = Versioned::make(client(&server, &format!("holdall-cli-backfill-{}", std::process::id())));
    let proxy = Proxy::before(&server.endpoint).unwrap();
    let shell = through(&proxy, &server, "backfill", AT_ONCE);
    let sent = |_: &Shell| {
        let mut sent = Sent::new();
        // The server is tried on an object of its own, elsewhere.
        let versions =
            bucket.versions().into_iter().filter(|version| version.key.starts_with("below/topics/"));
        versions.for_each(|version| *sent.entry(version.key).or_default() += 1);
        sent
    };
    Backfill { shell, proxy, random: Random::named(seed, "backfill"), sent: &sent }.run();
}
