//! A put that is killed again and again: run again it goes on, and sends no more than was under way.
//!
//! The seed is told when it fails; `HOLDALL_TEST_SEED` sets it, `HOLDALL_TEST_LONG=1` kills more often.

use crate::meter::Meter;
use crate::real::{Bucket, below};
use crate::shell::{Shell, stdout};
use holdall_testing::random::{Random, fresh_seed};
use holdall_testing::server::Server;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
const SIZE: u64 = 64 * MIB;
const PART: u64 = 5 * MIB;
const AT_ONCE: u64 = 3;
/// What a run sends besides parts.
const BESIDES: u64 = 256 * 1024;

/// Runs a put and kills it once it has sent so much and a moment has passed; answers whether it was.
fn killed(shell: &Shell, meter: &Meter, key: &str, after: u64, moment: Duration) -> bool {
    let (start, before) = (Instant::now(), meter.sent());
    let mut child = shell.spawn(&["put", "big", key, "--quiet"]);
    while meter.sent() - before < after {
        assert!(start.elapsed() < Duration::from_secs(120), "the put hangs");
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "{:?}", child.wait_with_output());
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    std::thread::sleep(moment);
    child.kill().unwrap();
    std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()) == Some(9)
}

/// How many bytes of parts the journal's only file has; none when there is no file.
fn noted(shell: &Shell) -> Option<u64> {
    let files: Vec<_> = std::fs::read_dir(shell.path("state/holdall/journal")).ok()?.collect();
    let [file] = &files[..] else {
        assert!(files.is_empty(), "{files:?}");
        return None;
    };
    let text = std::fs::read_to_string(file.as_ref().unwrap().path()).unwrap();
    let parts = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let sizes = parts.filter_map(|part| Some((part["part"].as_u64()?, part["size"].as_u64()?)));
    Some(sizes.collect::<std::collections::BTreeMap<_, _>>().values().sum())
}

/// Puts one file by as many processes as it takes; answers how many were killed.
///
/// A server that loses an upload whose completion was cut off has all of it sent again, and `bounded` is false for it.
fn one(shell: &Shell, meter: &Meter, key: &str, random: &mut Random, most: u64, bounded: bool) -> u64 {
    let (mut kills, mut had) = (0, 0);
    loop {
        let before = meter.sent();
        // From a first MiB on the upload is noted; before that moment a kill leaves it to gc.
        let after = if kills < most { MIB + random.number() % (24 * MIB) } else { u64::MAX };
        let was_killed = killed(shell, meter, key, after, Duration::from_millis(random.number() % 40));
        kills += u64::from(was_killed);
        meter.settle();
        let sent = meter.sent() - before;
        let bound = if bounded { SIZE - had } else { SIZE };
        assert!(sent <= bound + BESIDES, "{sent} bytes were sent although {had} were there");
        let Some(has) = noted(shell) else {
            assert!(sent >= SIZE - had, "{sent} bytes cannot be the rest after {had}");
            return kills;
        };
        assert!(was_killed, "notes are left of a put that ended");
        let starts_anew = !bounded && had == SIZE && has < had;
        assert!(has >= had || starts_anew, "{has} bytes are noted after {had}");
        let lost = sent.saturating_sub(if starts_anew { has } else { has - had });
        assert!(lost <= AT_ONCE * PART + BESIDES, "{lost} bytes of {sent} were lost by a kill");
        had = has;
    }
}

#[allow(clippy::print_stdout, reason = "the seed of a failure must be known")]
fn kill_again_and_again(name: &str) {
    let Some(server) = Server::from_env(name) else { panic!("no {name} is set up: see ./test") };
    let server = server.unwrap();
    let seed = std::env::var("HOLDALL_TEST_SEED").map_or_else(|_| fresh_seed(), |text| text.parse().unwrap());
    let long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|text| text == "1");
    let wanted = if long { 200 } else { 20 };
    println!("HOLDALL_TEST_SEED={seed} on {name}");
    let mut random = Random::named(seed, name);
    let bucket = Bucket::on(&server, "resume");
    let meter = Meter::before(&server);
    let shell = below(&server, &format!("holdall-cli-resume-{}", std::process::id()));
    let state = shell.path("state");
    let shell = shell
        .with("S3_ENDPOINT_URL", &meter.endpoint)
        .with("XDG_STATE_HOME", state.to_str().unwrap())
        .with("S3_MAX_CONCURRENCY", &AT_ONCE.to_string())
        .with("HOLDALL_PART_SIZE", "5MiB");
    let bytes = random.bytes(SIZE as usize);
    shell.write("big", &bytes);
    let (mut kills, mut round) = (0, 0);
    while kills < wanted {
        let key = format!("k{round}");
        kills += one(&shell, &meter, &key, &mut random, wanted - kills, name != "s3s-fs");
        round += 1;
        stdout(&shell.run(&["get", &key, "got", "--quiet"]));
        assert!(shell.read("got") == bytes, "{key} is torn");
        std::fs::remove_file(shell.path("got")).unwrap();
        stdout(&bucket.shell.run(&["rm", &key, "--quiet"]));
        assert_eq!(noted(&shell), None, "{key}");
        if name != "s3s-fs" {
            assert_eq!(bucket.uploads(), [""; 0], "{key}");
        }
    }
    println!("{kills} kills in {round} rounds");
}

#[test]
fn a_put_that_is_killed_goes_on_on_ceph() {
    kill_again_and_again("ceph");
}

#[test]
fn a_put_that_is_killed_goes_on_on_moto() {
    kill_again_and_again("moto");
}

#[test]
fn a_put_that_is_killed_goes_on_on_s3s_fs() {
    kill_again_and_again("s3s-fs");
}
