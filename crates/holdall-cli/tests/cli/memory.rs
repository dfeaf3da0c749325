//! Memory stays flat, however many files or objects there are; `HOLDALL_TEST_LONG=1` has more of them.

use crate::kills::is_long;
use crate::shell::{Shell, stdout};
use holdall_testing::sink::{Sink, SinkOptions};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// The most memory that a process had so far, in KiB; none when it ended.
fn peak(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Reads what a command says to its end; answers how many lines that were and the most memory, in KiB.
fn lines_and_peak(mut child: Child) -> (u64, u64) {
    let reader = BufReader::new(child.stdout.take().unwrap());
    let (mut count, mut most) = (0, 0);
    for line in reader.lines() {
        line.unwrap();
        count += 1;
        if count % 1000 == 0 {
            most = peak(&child).unwrap_or(most).max(most);
        }
    }
    assert!(child.wait().unwrap().success());
    (count, most)
}

/// Runs a command whatever it says; answers the most memory, in KiB.
pub(crate) fn peak_of(mut command: Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut most = 0;
    let status = loop {
        most = peak(&child).unwrap_or(most).max(most);
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    assert!(status.success(), "{status}");
    most
}

fn write_files(shell: &Shell, count: u64) {
    let dir = shell.path("in/flat");
    std::fs::create_dir_all(&dir).unwrap();
    for n in 0..count {
        std::fs::File::create(dir.join(format!("a-name-of-usual-length-{:07}", n * 7919 % count))).unwrap();
    }
}

/// A shell whose store is a sink, with a state folder, which has the index.
pub(crate) fn before(sink: &Sink) -> Shell {
    let shell = Shell::bare()
        .with("HOLDALL_STORE", "s3://bucket")
        .with("S3_ENDPOINT_URL", &sink.endpoint())
        .with("S3_REGION", "us-east-1")
        .with("S3_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .with("S3_SECRET_ACCESS_KEY", "canary-secret");
    let state = shell.path("state").display().to_string();
    shell.with("XDG_STATE_HOME", &state)
}

pub(crate) fn assert_flat(most: u64, bound_mib: u64, count: u64) {
    assert!((1..=bound_mib << 10).contains(&most), "{most} KiB for {count}");
}

/// Files of one folder.
#[test]
fn memory_does_not_follow_the_number_of_files() {
    let shell = Shell::bare();
    let files = if is_long() { 1_000_000 } else { 100_000 };
    write_files(&shell, files);
    let child = shell.spawn(&["push", "in", "--store", "memory://", "--dry-run"]);
    let (count, most) = lines_and_peak(child);
    assert_eq!(count, files);
    assert_flat(most, 64, files);
}

/// Neither the listing nor the index is held.
#[test]
fn memory_does_not_follow_the_number_of_files_that_are_there_already() {
    let sink = Sink::start(SinkOptions { remember: true, ..SinkOptions::default() }).unwrap();
    let shell = before(&sink);
    let files = if is_long() { 100_000 } else { 10_000 };
    write_files(&shell, files);
    let first = peak_of(shell.command(&["push", "in"]));
    let again = peak_of(shell.command(&["push", "in"]));
    assert_flat(first, 64, files);
    assert_flat(again, 64, files);
    assert_eq!(stdout(&shell.run(&["push", "in", "--quiet"])), "", "all is unchanged");
}

#[test]
fn memory_does_not_follow_the_number_of_objects() {
    let objects = if is_long() { 10_000_000 } else { 1_000_000 };
    let sink = Sink::start(SinkOptions { keys: objects, ..SinkOptions::default() }).unwrap();
    let shell = before(&sink);
    let (count, most) = lines_and_peak(shell.spawn(&["pull", "p", "out", "--dry-run"]));
    assert_eq!(count, objects);
    assert_flat(most, 96, objects);
}

/// Files are read where they lie, and sent in pieces.
/// SES-12
#[test]
fn memory_does_not_follow_the_size_of_parts_and_files() {
    const MIB: u64 = 1 << 20;
    let sink = Sink::start(SinkOptions { remember: true, ..SinkOptions::default() }).unwrap();
    let shell = before(&sink).with("S3_MAX_CONCURRENCY", "64");
    let make = |name: String, size: u64| {
        let path = shell.path("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().set_len(size).unwrap();
    };
    make("one".to_owned(), 400 * MIB);
    (0..48).for_each(|n| make(format!("many/{n}"), 7 * MIB));
    let mut in_large_parts = shell.command(&["put", "in/one", "one"]);
    in_large_parts.env("HOLDALL_PART_SIZE", "128MiB");
    assert_flat(peak_of(in_large_parts), 64, 400 * MIB);
    assert_flat(peak_of(shell.command(&["push", "in"])), 64, 736 * MIB);
}

#[test]
fn memory_does_not_follow_the_number_of_rows() {
    let objects = if is_long() { 10_000_000 } else { 1_000_000 };
    let sink = Sink::start(SinkOptions { keys: objects, ..SinkOptions::default() }).unwrap();
    let shell = before(&sink);
    let (count, most) = lines_and_peak(shell.spawn(&["export", "p", "--format", "ndjson"]));
    assert_eq!(count, objects);
    assert_flat(most, 64, objects);
    let few = Sink::start(SinkOptions { keys: 20_000, ..SinkOptions::default() }).unwrap();
    let (count, most) =
        lines_and_peak(before(&few).spawn(&["export", "p", "--format", "ndjson", "--digest"]));
    assert_eq!(count, 20_000);
    assert_flat(most, 64, 20_000);
}
