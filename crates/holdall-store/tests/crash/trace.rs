//! What a child asked the kernel for, as strace wrote it down.

use crate::child::Work;
use holdall_store::Fsync;
use std::collections::HashMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// Every call by which a process could change what is on a disk, and those by which it finds its way there. What the
/// model of a disk does not know is traced all the same, so that it cannot be missed.
const TRACED: &str = "openat,openat2,open,creat,close,dup,dup2,dup3,fcntl,write,pwrite64,writev,pwritev,pwritev2,\
    ftruncate,truncate,fallocate,copy_file_range,sendfile,splice,ioctl,setxattr,lsetxattr,fsetxattr,removexattr,\
    lremovexattr,fremovexattr,utimensat,utime,utimes,futimesat,link,linkat,rename,renameat,renameat2,unlink,unlinkat,\
    rmdir,mkdir,mkdirat,mknod,mknodat,symlink,symlinkat,fsync,fdatasync,sync,syncfs,sync_file_range,io_uring_setup,\
    chdir,fchdir";

/// A call, and what it answered; nothing when the process was killed at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) thread: u32,
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) answer: Option<i64>,
}

/// Where a child is to be killed: before its n-th call of a name, counted for each thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) call: String,
    pub(crate) nth: usize,
}

/// Has a child do its work, and answers its calls.
///
/// # Errors
///
/// Says why there is no whole trace, or how the child ended otherwise than foreseen.
pub(crate) fn trace(work: &Work, store: &Path, point: Option<&Point>) -> Result<Vec<Call>, String> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let mut command = command(work, store, point.map(|point| (point, "signal=SIGKILL")), log.path());
    let output = command.stdout(Stdio::piped()).output().map_err(|e| format!("strace cannot be run: {e}"))?;
    let foreseen = if point.is_some() { Some(9) } else { None };
    if output.status.signal() != foreseen || (foreseen.is_none() && !output.status.success()) {
        let said = String::from_utf8_lossy(&output.stdout);
        return Err(format!("the child ended with {} at {point:?} and said {said}", output.status));
    }
    read(&std::fs::read_to_string(log.path()).unwrap())
}

/// The command that has a child do its work, and does something to it at a call: `signal=…` or `error=…`.
pub(crate) fn command(work: &Work, store: &Path, injected: Option<(&Point, &str)>, log: &Path) -> Command {
    let mut command = Command::new("strace");
    command.args(["-f", "-xx", "-s", "6000000", "-e", &format!("trace={TRACED}"), "-o"]).arg(log);
    match injected {
        // Together with the filter, this version's injections do nothing.
        Some((Point { call, nth }, what)) => {
            command.args(["-e", &format!("inject={call}:{what}:when={nth}")])
        }
        None => command.arg("--seccomp-bpf"),
    };
    work.assign(&mut command, store, Fsync::Data);
    command.arg(std::env::current_exe().unwrap()).stdin(Stdio::null());
    command
}

/// Reads a log, calls in the order in which they ended.
pub(crate) fn read(log: &str) -> Result<Vec<Call>, String> {
    let mut begun: HashMap<u32, String> = HashMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let (thread, rest) = line.split_once(' ').ok_or_else(|| unread(line))?;
        let thread = thread.parse().map_err(|_| unread(line))?;
        let rest = rest.trim_start();
        if rest.starts_with("---") || rest.starts_with("+++") {
            continue;
        }
        if let Some(first) = rest.strip_suffix(" <unfinished ...>") {
            begun.insert(thread, first.to_owned());
        } else if let Some((_, second)) =
            rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>"))
        {
            let first = begun.remove(&thread).ok_or_else(|| unread(line))?;
            calls.push(call(thread, &format!("{first}{second}")).ok_or_else(|| unread(line))?);
        } else {
            calls.push(call(thread, rest).ok_or_else(|| unread(line))?);
        }
    }
    for (thread, first) in begun {
        calls.extend(call(thread, &format!("{first}) = ?")));
    }
    Ok(calls)
}

fn unread(line: &str) -> String {
    format!("a line of strace that is not understood: {line:.200}")
}

fn call(thread: u32, text: &str) -> Option<Call> {
    let (called, answer) = text.rsplit_once(" = ")?;
    let (name, arguments) = called.trim_end().strip_suffix(')')?.split_once('(')?;
    let answer = answer.split(' ').next()?;
    let answer = match answer.strip_prefix("0x") {
        Some(digits) => Some(i64::from_str_radix(digits, 16).ok()?),
        None if answer == "?" => None,
        None => Some(answer.parse().ok()?),
    };
    Some(Call { thread, name: name.to_owned(), arguments: split(arguments), answer })
}

/// Splits at the commas that are inside of nothing.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in text.chars() {
        match c {
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("there is a part").push(c);
    }
    parts.into_iter().map(|part| part.trim().to_owned()).collect()
}

impl Call {
    pub(crate) fn argument(&self, index: usize) -> &str {
        self.arguments.get(index).map_or("", String::as_str)
    }

    pub(crate) fn number(&self, index: usize) -> i64 {
        self.argument(index).parse().unwrap_or(-1)
    }

    pub(crate) fn bytes(&self, index: usize) -> Vec<u8> {
        unquote(self.argument(index))
    }

    pub(crate) fn text(&self, index: usize) -> String {
        String::from_utf8(self.bytes(index)).expect("paths of tests are text")
    }
}

/// Reads a string of `\x..`; strace would mark one that it cut short.
pub(crate) fn unquote(text: &str) -> Vec<u8> {
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inside = inside.unwrap_or_else(|| panic!("no whole string: {text:.80}")).as_bytes();
    let digit = |c: u8| (c as char).to_digit(16).expect("a hexadecimal digit") as u8;
    inside.chunks_exact(4).map(|c| digit(c[2]) << 4 | digit(c[3])).collect()
}
