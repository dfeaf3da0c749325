//! A watch under way, and what it tells.

use crate::shell::Shell;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn until(what: &str, holds: impl FnMut() -> bool) {
    until_within(PATIENCE, what, holds);
}

pub(crate) fn until_within(patience: Duration, what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < patience, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A shell with a server and a state folder.
pub(crate) fn state_shell() -> Shell {
    let shell = Shell::new();
    let state = shell.path("state").display().to_string();
    shell.with("XDG_STATE_HOME", &state)
}

/// What is stored below a prefix, relative to it.
pub(crate) fn stored(shell: &Shell, prefix: &str) -> Vec<String> {
    let objects = shell.server().objects("b");
    objects.keys().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect()
}

pub(crate) struct Watcher {
    child: Child,
    lines: Receiver<String>,
    said: Arc<Mutex<String>>,
    /// What was told so far, with `--json`.
    pub(crate) events: Vec<Value>,
}

impl Watcher {
    pub(crate) fn start(shell: &Shell, arguments: &[&str]) -> Self {
        let mut child = shell.spawn(arguments);
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        let said = Arc::new(Mutex::new(String::new()));
        let (mut stderr, heard) = (child.stderr.take().unwrap(), said.clone());
        std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut piece) {
                heard.lock().unwrap().push_str(&String::from_utf8_lossy(&piece[..n]));
            }
        });
        Self { child, lines, said, events: Vec::new() }
    }

    /// What it said on standard error.
    pub(crate) fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until everything was looked at once.
    pub(crate) fn until_scanned(&mut self) {
        let start = Instant::now();
        while !self.said().contains("looked at everything") && !self.has_scanned() {
            assert!(start.elapsed() < PATIENCE, "nothing was looked at: {}", self.said());
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {}", self.said());
            self.take(Duration::from_millis(10));
        }
    }

    fn has_scanned(&self) -> bool {
        self.events.iter().any(|event| event["event"] == "scanned")
    }

    fn take(&mut self, wait: Duration) -> bool {
        let Ok(line) = self.lines.recv_timeout(wait) else { return false };
        self.events.extend(serde_json::from_str::<Value>(&line));
        true
    }

    /// Waits for an event that comes from now on.
    pub(crate) fn until(&mut self, wanted: impl Fn(&Value) -> bool) {
        loop {
            let came = self.take(PATIENCE);
            assert!(came, "waited in vain: {:?} {}", self.events, self.said());
            if self.events.last().is_some_and(&wanted) {
                return;
            }
        }
    }

    /// Sends a signal and answers the status.
    pub(crate) fn end(&mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self.wait()
    }

    pub(crate) fn wait(&mut self) -> Option<i32> {
        until("the watch ends", || self.child.try_wait().unwrap().is_some());
        while self.take(Duration::from_millis(100)) {}
        self.child.wait().unwrap().code()
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // One that ended already cannot be killed, and need not be.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
