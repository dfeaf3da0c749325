//! Puts faults into the system calls of one thread, by `strace`.

use crate::ground::Skip;
use crate::servant::Servant;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A watch over a thread, ended with this.
pub(crate) struct Watch {
    child: Child,
    log: PathBuf,
    _dir: tempfile::TempDir,
}

impl Watch {
    /// Watches a servant's thread. `calls` is what `strace -e trace=` takes, `faults` what `-e inject=` takes.
    pub(crate) fn start(servant: &Servant, calls: &str, faults: &[String]) -> Result<Self, Skip> {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("log");
        let mut command = Command::new("strace");
        command.args([
            "-qq",
            "-y",
            "-e",
            "signal=none",
            "-e",
            &format!("trace={calls}"),
            "-p",
            &servant.thread,
        ]);
        for fault in faults {
            command.args(["-e", &format!("inject={fault}")]);
        }
        let child = command
            .arg("-o")
            .arg(&log)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Skip(format!("strace cannot be run: {error}")))?;
        let mut watch = Self { child, log, _dir: dir };
        while servant.status("TracerPid") == "0" {
            if watch.child.try_wait().unwrap().is_some() {
                let mut text = String::new();
                std::io::Read::read_to_string(&mut watch.child.stderr.take().unwrap(), &mut text).unwrap();
                return Err(Skip(format!("strace cannot watch: {}", text.trim_end())));
            }
            std::thread::yield_now();
        }
        Ok(watch)
    }

    /// Ends the watch, and answers what was seen.
    pub(crate) fn end(mut self) -> String {
        self.stop();
        std::fs::read_to_string(&self.log).unwrap()
    }

    fn stop(&mut self) {
        let id = rustix::process::Pid::from_child(&self.child);
        // One that has ended already needs no signal.
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
        drop(self.child.wait());
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop();
    }
}
