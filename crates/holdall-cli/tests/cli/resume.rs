//! A put that is killed again and again: run again it goes on, and sends no more than was under way.
//!
//! The seed is told when it fails; `HOLDALL_TEST_SEED` sets it, `HOLDALL_TEST_LONG=1` kills more often.

use crate::kills::{BESIDES, MIB, Moment, PART, is_long, noted, run, server_and_seed, settle, through};
use crate::real::Bucket;
use crate::shell::{Shell, stdout};
use holdall_testing::proxy::{Proxy, Way};
use holdall_testing::random::Random;
use std::time::Duration;

const SIZE: u64 = 64 * MIB;
const AT_ONCE: u64 = 3;

/// How many bytes of parts the journal's only file has; none when there is no file.
fn only_noted(shell: &Shell) -> Option<u64> {
    let files = noted(shell);
    assert!(files.len() <= 1, "{files:?}");
    files.first().copied()
}

/// Puts one file by as many processes as it takes; answers how many were killed.
///
/// A server that loses an upload whose completion was cut off has all of it sent again, and `bounded` is false for it.
fn one(shell: &Shell, proxy: &Proxy, key: &str, random: &mut Random, most: u64, bounded: bool) -> u64 {
    let (mut kills, mut had) = (0, 0);
    loop {
        let before = proxy.bytes(Way::Up);
        // From a first MiB on the upload is noted; before that moment a kill leaves it to gc.
        let kill = (kills < most).then(|| Moment {
            bytes: MIB + random.number() % (24 * MIB),
            then: Duration::from_millis(random.number() % 40),
        });
        let ended = run(shell.spawn(&["put", "big", key, "--quiet"]), proxy, Way::Up, kill);
        ended.iter().for_each(|output| drop(stdout(output)));
        let was_killed = ended.is_none();
        kills += u64::from(was_killed);
        settle(proxy);
        let sent = proxy.bytes(Way::Up) - before;
        let bound = if bounded { SIZE - had } else { SIZE };
        assert!(sent <= bound + BESIDES, "{sent} bytes were sent although {had} were there");
        let Some(has) = only_noted(shell) else {
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

#[allow(clippy::print_stdout, reason = "how often it was killed is worth knowing")]
fn kill_again_and_again(name: &str) {
    let (server, seed) = server_and_seed(name);
    let wanted = if is_long() { 200 } else { 20 };
    let mut random = Random::named(seed, name);
    let bucket = Bucket::on(&server, "resume");
    let proxy = Proxy::before(&server.endpoint).unwrap();
    let shell = through(&proxy, &server, "resume", AT_ONCE);
    let bytes = random.bytes(SIZE as usize);
    shell.write("big", &bytes);
    let (mut kills, mut round) = (0, 0);
    while kills < wanted {
        let key = format!("k{round}");
        kills += one(&shell, &proxy, &key, &mut random, wanted - kills, name != "s3s-fs");
        round += 1;
        stdout(&shell.run(&["get", &key, "got", "--quiet"]));
        assert!(shell.read("got") == bytes, "{key} is torn");
        std::fs::remove_file(shell.path("got")).unwrap();
        stdout(&bucket.shell.run(&["rm", &key, "--quiet"]));
        assert_eq!(only_noted(&shell), None, "{key}");
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
