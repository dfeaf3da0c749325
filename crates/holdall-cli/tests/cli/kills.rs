//! Runs commands and kills them, some behind a proxy that counts what passes, and reads what they noted.

use crate::real::below;
use crate::shell::Shell;
use holdall_testing::fault::{FaultServer, Seen};
use holdall_testing::plain_http;
use holdall_testing::proxy::{Proxy, Way};
use holdall_testing::random::{Random, seed_from_env};
use holdall_testing::server::Server;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Output};
use std::time::{Duration, Instant};

pub(crate) const MIB: u64 = 1 << 20;
/// The smallest that the servers take.
pub(crate) const PART: u64 = 5 * MIB;
/// What a run sends, and is sent, besides parts and ranges.
pub(crate) const BESIDES: u64 = 256 * 1024;
/// What the sockets of a connection hold: the stream that a download begins with is of the whole object, and what its
/// reader leaves is lost.
pub(crate) const AHEAD: u64 = 16 * MIB;

/// A run that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether `HOLDALL_TEST_LONG=1` asks for more.
pub(crate) fn is_long() -> bool {
    std::env::var("HOLDALL_TEST_LONG").is_ok_and(|text| text == "1")
}

/// A server that the environment names, and the seed of what is tried on it, which is told.
#[allow(clippy::print_stdout, reason = "the seed of a failure must be known")]
pub(crate) fn server_and_seed(name: &str) -> (Server, u64) {
    let Some(server) = Server::from_env(name) else { panic!("no {name} is set up: see ./test") };
    let seed = seed_from_env("HOLDALL_TEST_SEED").unwrap();
    println!("HOLDALL_TEST_SEED={seed} on {name}");
    (server.unwrap(), seed)
}

/// A shell with a state folder whose commands reach the bucket of a test through a proxy.
pub(crate) fn through(proxy: &Proxy, server: &Server, test: &str, at_once: u64) -> Shell {
    let shell = below(server, &format!("holdall-cli-{test}-{}", std::process::id()));
    let state = shell.path("state");
    shell
        .with("S3_ENDPOINT_URL", &proxy.endpoint())
        .with("XDG_STATE_HOME", state.to_str().unwrap())
        .with("S3_MAX_CONCURRENCY", &at_once.to_string())
        .with("HOLDALL_PART_SIZE", "5MiB")
}

/// Runs a command and kills it at a random moment amid its work; whether it lived until then.
pub(crate) fn killed_amid(shell: &Shell, words: &[&str], requests: u64, random: &mut Random) -> bool {
    shell.own_server().into_iter().for_each(FaultServer::clear_log);
    let mut child = shell.spawn(words);
    wait_amid(shell, &mut child, requests, random);
    child.kill().unwrap();
    let was_killed = child.wait_with_output().unwrap().status.signal() == Some(9);
    settle_on(shell);
    was_killed
}

/// Waits until a random moment of a process's work, or its end. In a folder that is by time; on the shell's own server by the
/// requests since its log was cleared: what the server can do is found out by each process anew, and kills are to fall on
/// what comes after that.
pub(crate) fn wait_amid(shell: &Shell, child: &mut Child, requests: u64, random: &mut Random) {
    let Some(server) = shell.own_server() else {
        return std::thread::sleep(Duration::from_micros(random.number() % 40_000));
    };
    let due = (random.number() % requests) as usize;
    let is_work = |seen: &Seen| !seen.key.contains(".holdall/probe/");
    while server.seen(is_work) < due && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(100));
    }
    std::thread::sleep(Duration::from_micros(random.number() % 1500));
}

/// Waits until nothing is under way of processes that ended on the shell's own server, while nobody else speaks to it.
pub(crate) fn settle_on(shell: &Shell) {
    let Some(server) = shell.own_server() else { return };
    // Connections are taken in their order: once this one was, none of theirs waits to be.
    drop(plain_http::send("GET", &format!("{}/", server.endpoint()), &[], b""));
    let start = Instant::now();
    while server.open_connections() > 0 {
        assert!(start.elapsed() < PATIENCE, "a connection of a process that ended stays open");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// When a process is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    /// Once so many bytes have come this way.
    pub(crate) bytes: u64,
    /// And so much later.
    pub(crate) then: Duration,
}

/// Waits for a process and kills it at a moment, if it is given one; answers what it said when it ended by itself.
pub(crate) fn run(mut child: Child, proxy: &Proxy, way: Way, kill: Option<Moment>) -> Option<Output> {
    let (start, before) = (Instant::now(), proxy.bytes(way));
    let mut due = None;
    loop {
        if child.try_wait().unwrap().is_some() {
            return Some(child.wait_with_output().unwrap());
        }
        if let Some(kill) = kill.filter(|kill| proxy.bytes(way) - before >= kill.bytes) {
            let due = *due.get_or_insert_with(|| Instant::now() + kill.then);
            if due <= Instant::now() {
                child.kill().unwrap();
                let output = child.wait_with_output().unwrap();
                let signal = std::os::unix::process::ExitStatusExt::signal(&output.status);
                return (signal != Some(9)).then_some(output);
            }
        }
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("it hangs: {:?}", child.wait_with_output());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until nothing passes any more of a process that ended: the kernel has some of what it sent.
pub(crate) fn settle(proxy: &Proxy) {
    let start = Instant::now();
    while proxy.open() > 0 {
        assert!(start.elapsed() < PATIENCE, "a connection of a process that ended stays open");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// How many bytes each file of the journal says that are there.
pub(crate) fn noted(shell: &Shell) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(shell.path("state/holdall/journal")) else { return Vec::new() };
    let texts = entries.map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap());
    texts.map(|text| bytes_noted(&text)).collect()
}

/// Adds up parts of an upload or ranges of a download, of which the later replace the earlier.
fn bytes_noted(text: &str) -> u64 {
    let lines = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let sizes = lines.filter_map(|line| match line["part"].as_u64() {
        Some(part) => Some((part, line["size"].as_u64()?)),
        None => Some((line["start"].as_u64()?, line["end"].as_u64()? - line["start"].as_u64()?)),
    });
    sizes.collect::<BTreeMap<_, _>>().values().sum()
}
