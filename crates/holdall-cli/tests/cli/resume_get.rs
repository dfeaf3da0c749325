//! A get and a pull that are killed again and again: run again they go on, and fetch no more than was under way.
//!
//! The seed is told when it fails; `HOLDALL_TEST_SEED` sets it, `HOLDALL_TEST_LONG=1` kills more often.

use crate::kills::{
    AHEAD, BESIDES, MIB, Moment, PART, is_long, noted, run, server_and_seed, settle, through,
};
use crate::real::Bucket;
use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use holdall_testing::proxy::Proxy;
use holdall_testing::proxy::Way::Down;
use holdall_testing::random::Random;
use std::process::{Command, Output};
use std::time::Duration;

const SIZE: u64 = 64 * MIB;
const AT_ONCE: u64 = 3;

/// How a file gets here.
#[derive(Clone, Copy)]
struct Way {
    command: &'static [&'static str],
    folder: &'static str,
}

const WAYS: [Way; 2] = [
    Way { command: &["get", "in/big", "to/big", "--quiet"], folder: "to" },
    Way { command: &["pull", "in", "into/deep", "--quiet"], folder: "into/deep" },
];

/// How many bytes the journal's only file says that there are; none when there is no file.
fn only_noted(shell: &Shell) -> u64 {
    let files = noted(shell);
    assert!(files.len() <= 1, "{files:?}");
    files.first().copied().unwrap_or(0)
}

/// The names of a folder that are not hidden, and how many are.
fn names(shell: &Shell, folder: &str) -> (Vec<String>, usize) {
    let Ok(entries) = std::fs::read_dir(shell.path(folder)) else { return (Vec::new(), 0) };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let (hidden, mut shown): (Vec<_>, Vec<_>) = names.partition(|name| name.starts_with('.'));
    assert!(hidden.iter().all(|name| name.starts_with(".holdall-") && name.ends_with(".part")), "{hidden:?}");
    shown.sort();
    (shown, hidden.len())
}

/// Gets one file by as many processes as it takes; answers how many were killed.
fn one(shell: &Shell, proxy: &Proxy, way: Way, random: &mut Random, most: u64) -> u64 {
    let (mut kills, mut had) = (0, 0);
    loop {
        let before = proxy.bytes(Down);
        let kill = (kills < most).then(|| Moment {
            bytes: MIB + random.number() % (24 * MIB),
            then: Duration::from_millis(random.number() % 40),
        });
        let ended = run(shell.spawn(way.command), proxy, Down, kill);
        ended.iter().for_each(|output| drop(stdout(output)));
        let was_killed = ended.is_none();
        kills += u64::from(was_killed);
        settle(proxy);
        let fetched = proxy.bytes(Down) - before;
        let ahead = if had == 0 { AHEAD } else { 0 };
        assert!(fetched <= SIZE - had + ahead + BESIDES, "{fetched} bytes came although {had} were there");
        if !was_killed {
            assert!(fetched >= SIZE - had, "{fetched} bytes cannot be the rest after {had}");
            return kills;
        }
        let (shown, hidden) = names(shell, way.folder);
        if shown.iter().any(|name| name == "big") {
            // It had its name already: run again, all is fetched again.
            std::fs::remove_file(shell.path(way.folder).join("big")).unwrap();
            had = 0;
            continue;
        }
        let has = only_noted(shell);
        assert!(has >= had, "{has} bytes are noted after {had}");
        assert!(hidden == 1 || has == 0 && hidden == 0, "{hidden} temporary files");
        let lost = fetched - (has - had);
        assert!(lost <= AT_ONCE * PART + ahead + BESIDES, "{lost} bytes of {fetched} were lost by a kill");
        had = has;
    }
}

#[allow(clippy::print_stdout, reason = "how often it was killed is worth knowing")]
fn kill_again_and_again(name: &str) {
    let (server, seed) = server_and_seed(name);
    let wanted = if is_long() { 200 } else { 20 };
    let mut random = Random::named(seed, name);
    let bucket = Bucket::on(&server, "resume-get");
    let proxy = Proxy::before(&server.endpoint).unwrap();
    let shell = through(&proxy, &server, "resume-get", AT_ONCE);
    let journal = shell.path("state/holdall/journal");
    let bytes = random.bytes(SIZE as usize);
    bucket.shell.write("in/big", &bytes).write("in/small", "small");
    stdout(&bucket.shell.run(&["push", "in", "in", "--quiet"]));
    std::fs::create_dir(shell.path("to")).unwrap();
    for way in WAYS {
        let (mut kills, mut rounds) = (0, 0);
        while kills < wanted {
            kills += one(&shell, &proxy, way, &mut random, wanted - kills);
            rounds += 1;
            let got = format!("{}/big", way.folder);
            assert!(shell.read(&got) == bytes, "{got} is torn");
            let (shown, hidden) = names(&shell, way.folder);
            assert!(shown.contains(&"big".to_owned()) && hidden == 0, "{hidden} files are left behind");
            assert_eq!(std::fs::read_dir(&journal).unwrap().count(), 0);
            std::fs::remove_file(shell.path(&got)).unwrap();
        }
        println!("{}: {kills} kills in {rounds} rounds", way.command[0]);
    }
}

/// Runs a command that can write no file of more than some 5 MB, which is a lack of room to it.
fn without_room(shell: &Shell, arguments: &[&str]) -> Output {
    let command = shell.command(arguments);
    let mut limited = Command::new("/bin/sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 10000; exec \"$@\"", "sh"]);
    limited.arg(command.get_program()).args(command.get_args());
    let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    limited.env_clear().envs(variables).current_dir(command.get_current_dir().unwrap());
    limited.output().unwrap()
}

/// Where nothing has come nothing stays; what came before it is not lost by it.
#[test]
fn a_lack_of_room_leaves_nothing_and_loses_nothing() {
    let shell = Shell::new().with("HOLDALL_PART_SIZE", "5MiB").with("S3_MAX_CONCURRENCY", "1");
    let state = shell.path("state");
    let shell = shell.with("XDG_STATE_HOME", state.to_str().unwrap());
    let bytes = vec![7; 16 << 20];
    shell.server().put_object("b", "k", &bytes);
    let get = ["get", "k", "to/got"];
    std::fs::create_dir(shell.path("to")).unwrap();
    let refused = || {
        let told = without_room(&shell, &get);
        assert_eq!(told.status.code(), Some(7));
        assert!(String::from_utf8_lossy(&told.stderr).contains("make room, then try again"), "{told:?}");
    };
    refused();
    assert_eq!((names(&shell, "to"), only_noted(&shell)), ((Vec::new(), 0), 0));

    shell.server().add_rule(Rule::new(Fault::expired_token()).on(Kind::GetObject).from(3));
    assert_eq!(shell.run(&get).status.code(), Some(4));
    shell.server().clear_rules();
    refused();
    assert_eq!((names(&shell, "to"), only_noted(&shell)), ((Vec::new(), 1), 2 * PART));
    stdout(&shell.run(&get));
    assert!(shell.read("to/got") == bytes);
    assert_eq!(names(&shell, "to"), (vec!["got".to_owned()], 0));
}

/// A folder into which something is still on its way is pushed without it.
#[test]
fn a_push_leaves_out_what_is_on_its_way_here() {
    let shell = Shell::new();
    shell.write("in/.holdall-0123456789abcdef.part", "half").write("in/.holdall-mine.part", "whole");
    let told = shell.run(&["push", "in", "p"]);
    assert_eq!(stdout(&told), "p/.holdall-mine.part\n");
    assert!(String::from_utf8_lossy(&told.stderr).contains("a download under way"), "{told:?}");
}

#[test]
fn a_get_that_is_killed_goes_on_on_ceph() {
    kill_again_and_again("ceph");
}

#[test]
fn a_get_that_is_killed_goes_on_on_moto() {
    kill_again_and_again("moto");
}

#[test]
fn a_get_that_is_killed_goes_on_on_s3s_fs() {
    kill_again_and_again("s3s-fs");
}
