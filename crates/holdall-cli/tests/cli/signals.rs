//! Signals, closed pipes and full disks.

use crate::shell::Shell;
use holdall_testing::fault::{Fault, Kind, Rule};
use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(10), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Whether a process writes to a file that has no name.
fn opens_a_nameless_file(child: &Child) -> bool {
    let Ok(open) = std::fs::read_dir(format!("/proc/{}/fd", child.id())) else { return false };
    let target = |entry: std::io::Result<std::fs::DirEntry>| std::fs::read_link(entry.ok()?.path()).ok();
    open.filter_map(target).any(|path| path.to_string_lossy().ends_with("(deleted)"))
}

#[test]
fn a_signal_ends_a_get_and_leaves_no_partial_file() {
    for (number, status) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let shell = Shell::with_fault(Rule::new(Fault::StallMidBody { after: 500_000 }).on(Kind::Get));
        shell.server().put_object("b", "k", &[7; 1_000_000]);
        let child = shell.spawn(&["get", "k", "got"]);
        until("the bytes come", || shell.server().log().iter().any(|s| s.kind == Kind::Get));
        until("the file is begun", || opens_a_nameless_file(&child) || !shell.files().is_empty());
        signal(&child, number);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert_eq!(shell.files(), [""; 0]);
    }
}

#[test]
fn a_signal_ends_a_large_get_that_goes_on_when_it_is_run_again() {
    for (number, status) in [(Signal::HUP, 129), (Signal::INT, 130), (Signal::TERM, 143)] {
        let third = Rule::new(Fault::Stall).on(Kind::GetObject).from(3);
        let shell =
            Shell::with_fault(third).with("HOLDALL_PART_SIZE", "5MiB").with("S3_MAX_CONCURRENCY", "1");
        let state = shell.path("state");
        let shell = shell.with("XDG_STATE_HOME", state.to_str().unwrap());
        let bytes = vec![7; 16 << 20];
        shell.server().put_object("b", "k", &bytes);
        let gets =
            || shell.server().log().iter().filter(|s| s.method == "GET" && s.path.ends_with("/k")).count();
        let child = shell.spawn(&["get", "k", "got"]);
        until("the third range is asked for", || gets() == 3);
        signal(&child, number);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(!shell.path("got").exists());
        shell.server().clear_rules();
        shell.server().clear_log();
        let again = shell.run(&["get", "k", "got"]);
        assert!(again.status.success(), "{again:?}");
        assert_eq!(gets(), 2, "two ranges were there");
        assert!(shell.read("got") == bytes);
        assert_eq!(shell.files(), ["got"]);
    }
}

#[test]
fn a_signal_ends_a_pull_and_leaves_whole_files_only() {
    let stall = Rule::new(Fault::StallMidBody { after: 1000 }).on(Kind::Get).key("stalls");
    let shell = Shell::with_fault(stall);
    for key in ["p/whole", "p/stalls-1", "p/stalls-2"] {
        shell.server().put_object("b", key, &[7; 10_000]);
    }
    let child = shell.spawn(&["pull", "p", "back"]);
    until("one is whole and two are begun", || {
        shell.path("back/whole").exists()
            && shell.server().log().iter().filter(|s| s.kind == Kind::Get).count() == 3
    });
    signal(&child, Signal::TERM);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(143));
    assert_eq!(shell.files(), ["back/whole"]);
}

#[test]
fn a_signal_ends_a_put_that_waits_for_standard_input() {
    let shell = Shell::new();
    let mut child = shell.command(&["put", "-", "k"]).stdin(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    signal(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(start.elapsed() < Duration::from_secs(2));
    drop(stdin);
    assert!(shell.server().object("b", "k").is_none());
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let shell = Shell::new();
    shell.server().put_object("b", "k", &[7; 1_000_000]);
    for line in [&["ls", "-r"][..], &["cat", "k"], &["stat", "k"], &["presign", "k"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = shell.command(line).stdout(writer).output().unwrap();
        assert_eq!((output.status.code(), &*output.stderr), (Some(141), &b""[..]), "{line:?} {output:?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let shell = Shell::new();
    shell.server().put_object("b", "k", b"hello");
    for line in [&["ls"][..], &["cat", "k"], &["stat", "k", "--json"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let output = shell.command(line).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{line:?} {said}");
        assert!(said.starts_with("error: cannot write the output: No space left"), "{line:?} {said}");
    }
}
