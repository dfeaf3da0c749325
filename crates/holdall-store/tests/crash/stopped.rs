//! A process that is stopped in the middle of its work, and goes on when it is told to.

use crate::child::Work;
use crate::trace::{Call, Point, command, read};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::File;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, Stdio};
use tempfile::TempDir;

/// A process at a stop, and what it did until then.
pub(crate) struct Stopped {
    tracer: Child,
    log: Lines<BufReader<File>>,
    first: String,
    _folder: TempDir,
}

impl Stopped {
    /// Has a child work until right after a call.
    ///
    /// # Errors
    ///
    /// Says that it was not stopped.
    pub(crate) fn after(work: &Work, store: &Path, point: &Point) -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        // The signal is sent before the call and felt after it.
        let mut command = command(work, store, Some((point, "signal=SIGSTOP")), &path);
        let tracer =
            command.stdout(Stdio::null()).spawn().map_err(|e| format!("strace cannot be run: {e}"))?;
        let log = BufReader::new(File::open(&path).unwrap()).lines();
        let mut stopped = Self { tracer, log, first: String::new(), _folder: folder };
        while let Some(line) = stopped.log.next() {
            let line = line.unwrap() + "\n";
            stopped.first.push_str(&line);
            if line.contains("--- stopped by SIGSTOP") {
                return Ok(stopped);
            }
        }
        Err(format!("nothing was stopped at {point:?}"))
    }

    /// What it did until it was stopped.
    pub(crate) fn calls(&self) -> Result<Vec<Call>, String> {
        read(&self.first)
    }

    /// Lets it work to its end, and answers what it did after it was stopped.
    pub(crate) fn go_on(mut self) -> Result<Vec<Call>, String> {
        let first = self.first.split_whitespace().next().and_then(|word| word.parse().ok());
        let process = first.and_then(Pid::from_raw).ok_or("the log begins with no process")?;
        kill_process(process, Signal::CONT).map_err(|e| e.to_string())?;
        let rest: Vec<String> = self.log.by_ref().map(|line| line.unwrap()).collect();
        match self.tracer.wait() {
            Ok(status) if status.success() => read(&rest.join("\n")),
            other => Err(format!("the child ended with {other:?}")),
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ended = self.tracer.kill().and_then(|()| self.tracer.wait());
    }
}
