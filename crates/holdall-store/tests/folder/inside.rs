//! Cases that mount something run alone, as a process with mounts and processes of its own: whatever ends it, nothing
//! stays mounted and nothing goes on running.

use crate::ground::{Ran, Skip};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Names the one case that a process is to run.
const CASE: &str = "HOLDALL_TEST_FOLDER_CASE";

/// How such a process ends when it cannot run its case, with the reason on its standard output.
const SKIPPED: i32 = 77;

/// The case that this process was started for.
pub(crate) fn only() -> Option<String> {
    std::env::var(CASE).ok()
}

/// Ends a process that was started for one case.
pub(crate) fn end(ran: Ran) -> ! {
    match ran {
        Ok(()) => std::process::exit(0),
        Err(Skip(why)) => {
            println!("\n{why}");
            std::process::exit(SKIPPED)
        }
    }
}

/// Runs a case in a process of its own.
pub(crate) fn alone(name: &str, case: impl FnOnce() -> Ran) -> Ran {
    if only().as_deref() == Some(name) {
        return case();
    }
    let exe = std::env::current_exe().unwrap();
    // What it mounts on cannot be removed before it has ended.
    let temporary = tempfile::tempdir().unwrap();
    let output = Command::new("timeout")
        .args(["--kill-after=5", "300", "unshare", "--mount", "--propagation", "private"])
        .args(["--pid", "--fork", "--kill-child", "--mount-proc"])
        .arg(exe)
        .env(CASE, name)
        .env("TMPDIR", temporary.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Skip(format!("no process with mounts of its own: {error}")))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complained = String::from_utf8_lossy(&output.stderr).into_owned();
    temporary.close().unwrap();
    match output.status.code() {
        Some(0) => Ok(()),
        Some(SKIPPED) => Err(Skip(said.trim_end().lines().last().unwrap_or_default().to_owned())),
        _ if complained.starts_with("unshare:") => Err(Skip(complained.trim_end().to_owned())),
        _ => panic!("{}\n{said}{complained}", output.status),
    }
}

/// Runs a tool; a missing one, and one that fails, is a reason to skip.
pub(crate) fn tool(name: &str, arguments: &[&str]) -> Result<Output, Skip> {
    let output = Command::new(name)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Skip(format!("{name} cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(Skip(format!("{name} {}: {}", arguments.join(" "), said.lines().next().unwrap_or_default())))
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Mounts something on a folder, until this process ends.
pub(crate) fn mount(kind: &str, options: &str, what: &str, on: &Path) -> Ran {
    tool("mount", &["-t", kind, "-o", options, what, text(on)]).map(drop)
}

/// A file with a file system in it; what is under it is this process's own, and goes with it.
pub(crate) struct Image {
    kind: &'static str,
    dir: tempfile::TempDir,
}

impl Image {
    /// Makes one of ext4, in memory.
    pub(crate) fn ext4(size: u64, options: &[&str]) -> Result<Self, Skip> {
        Self::make("ext4", size, &[&["-q", "-F", "-m", "0"], options].concat())
    }

    /// Makes one of FAT, in memory.
    pub(crate) fn fat(size: u64) -> Result<Self, Skip> {
        Self::make("vfat", size, &[])
    }

    fn make(kind: &'static str, size: u64, options: &[&str]) -> Result<Self, Skip> {
        let image = Self { kind, dir: tempfile::tempdir().unwrap() };
        mount("tmpfs", "rw", "none", image.dir.path())?;
        std::fs::File::create(image.path()).unwrap().set_len(size).unwrap();
        let path = image.path();
        tool(&format!("mkfs.{kind}"), &[options, &[text(&path)]].concat())?;
        Ok(image)
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("image")
    }

    pub(crate) fn mount(&self, options: &str, on: &Path) -> Ran {
        let options = if options.is_empty() { "loop".to_owned() } else { format!("loop,{options}") };
        mount(self.kind, &options, text(&self.path()), on)
    }
}

pub(crate) fn unmount(path: &Path) {
    tool("umount", &[text(path)]).unwrap();
}
