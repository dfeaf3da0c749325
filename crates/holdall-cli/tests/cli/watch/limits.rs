//! What the kernel cannot keep in mind, and what it does not tell.

use super::watcher::{Watcher, state_shell, stored, until, until_within};
use crate::shell::Shell;
use rustix::process::Signal;
use std::fs;
use std::time::Duration;

const EVENTS: &str = "/proc/sys/fs/inotify/max_queued_events";

/// The kernel's bound on events that wait, lowered; it is what it was when this is dropped.
struct Lowered(String);

impl Lowered {
    /// None where only another user may.
    fn to(bound: u32) -> Option<Self> {
        let before = fs::read_to_string(EVENTS).unwrap();
        fs::write(EVENTS, bound.to_string()).ok().map(|()| Self(before))
    }
}

impl Drop for Lowered {
    fn drop(&mut self) {
        fs::write(EVENTS, &self.0).unwrap();
    }
}

fn burst(shell: &Shell, files: usize) {
    for folder in 0..10 {
        fs::create_dir_all(shell.path(&format!("in/{folder}"))).unwrap();
    }
    for n in 0..files {
        fs::write(shell.path(&format!("in/{}/{n}", n % 10)), n.to_string()).unwrap();
    }
}

#[test]
fn a_burst_beyond_what_the_kernel_keeps_in_mind_is_found() {
    let long = std::env::var("HOLDALL_TEST_LONG").is_ok_and(|long| long == "1");
    let files = if long { 100_000 } else { 5_000 };
    let shell = state_shell();
    fs::create_dir(shell.path("in")).unwrap();
    let lowered = Lowered::to(16);
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--json"]);
    watcher.until_scanned();
    // An instance keeps the bound that it was made with.
    let is_lowered = lowered.is_some();
    drop(lowered);
    burst(&shell, files);
    let puts = || shell.server().log().iter().filter(|seen| seen.method == "PUT").count();
    until_within(Duration::from_secs(1200), "all is sent", || {
        // The log is copied each time it is looked at.
        std::thread::sleep(Duration::from_millis(500));
        puts() >= files
    });
    until("all is stored", || shell.server().objects("b").len() == files);
    for (key, object) in shell.server().objects("b") {
        assert!(key.rsplit('/').next().unwrap().as_bytes() == &object.bytes[..], "{key}");
    }
    if is_lowered {
        watcher.until(|event| event["event"] == "scanned" && event["cause"] == "overflow");
    }
    assert_eq!(watcher.end(Signal::TERM), Some(0));
}

#[test]
fn a_folder_that_is_polled_is_stored_without_the_kernel() {
    let shell = state_shell();
    shell.write("in/a", "a");
    let mut watcher = Watcher::start(&shell, &["watch", "in", "p", "--poll", "100ms", "--delete"]);
    watcher.until_scanned();
    let open = fs::read_dir(format!("/proc/{}/fd", watcher.pid())).unwrap();
    let names = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    assert_eq!(names.filter(|name| name.to_string_lossy().contains("inotify")).count(), 0);
    shell.write("in/b/c", "c").write("in/a", "changed");
    until("it is stored", || stored(&shell, "p/") == ["a", "b/c"]);
    until("the change is stored", || shell.server().object("b", "p/a").unwrap().bytes == b"changed");
    fs::remove_file(shell.path("in/b/c")).unwrap();
    until("it went", || stored(&shell, "p/") == ["a"]);
    assert!(watcher.said().contains("polling in"), "{}", watcher.said());
    assert_eq!(watcher.end(Signal::TERM), Some(0));
}
