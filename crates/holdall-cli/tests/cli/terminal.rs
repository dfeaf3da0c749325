//! What a person sees on a terminal.

use crate::shell::{Shell, stdout};
use holdall_testing::fault::{Fault, Kind, Rule};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A command whose three streams are a terminal, and what it has written there.
struct Terminal {
    child: Child,
    /// The person's side.
    keys: File,
    written: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Terminal {
    fn run(shell: &Shell, columns: u16, arguments: &[&str]) -> Self {
        let own = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&own).unwrap();
        unlockpt(&own).unwrap();
        let name = ptsname(&own, Vec::new()).unwrap();
        let theirs = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        tcsetwinsize(&theirs, Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let again = || theirs.try_clone().unwrap();
        let mut command = shell.command(arguments);
        let child = command.stdin(again()).stdout(again()).stderr(again()).spawn().unwrap();
        drop((command, theirs));
        let own = File::from(own);
        let keys = own.try_clone().unwrap();
        let written = Arc::new(Mutex::new(Vec::new()));
        let into = written.clone();
        let reader = std::thread::spawn(move || {
            let (mut own, mut buffer) = (own, [0; 4096]);
            // A terminal that nobody writes to any more ends with an error on Linux.
            while let Ok(count @ 1..) = own.read(&mut buffer) {
                into.lock().unwrap().extend_from_slice(&buffer[..count]);
            }
        });
        Self { child, keys, written, reader }
    }

    fn types(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
    }

    fn wait_for(&self, text: &str) {
        let start = Instant::now();
        while !String::from_utf8_lossy(&self.written.lock().unwrap()).contains(text) {
            assert!(start.elapsed() < Duration::from_secs(20), "waited in vain for {text:?}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn end(mut self) -> (ExitStatus, String) {
        drop(self.keys);
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let written = std::mem::take(&mut *self.written.lock().unwrap());
        (status, String::from_utf8(written).unwrap())
    }
}

fn on_a_terminal(shell: &Shell, arguments: &[&str]) -> String {
    let (status, written) = Terminal::run(shell, 80, arguments).end();
    assert!(status.success(), "{written}");
    written
}

/// The lines that are left on the screen, as a terminal that knows `\r` and "erase to the end" shows them.
fn screen(written: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut column = 0;
    let mut rest = written;
    while let Some(c) = rest.chars().next() {
        let line = lines.last_mut().unwrap();
        if let Some(after) = rest.strip_prefix("\u{1b}[K") {
            line.truncate(column);
            rest = after;
            continue;
        }
        match c {
            '\r' => column = 0,
            '\n' => {
                lines.push(String::new());
                column = 0;
            }
            c => {
                line.truncate(column);
                line.push(c);
                column = line.len();
            }
        }
        rest = &rest[c.len_utf8()..];
    }
    lines
}

/// The lines of progress that were drawn.
fn drawn(written: &str) -> Vec<&str> {
    let lines = written.split("\r\u{1b}[K").skip(1);
    lines.map(|line| line.split("\r\n").next().unwrap()).filter(|line| line.contains("iB")).collect()
}

/// A download that takes a second or so.
fn slow() -> Shell {
    let fault = Fault::Drip { bytes: 20_000, every: Duration::from_millis(40) };
    let shell = Shell::with_fault(Rule::new(fault).on(Kind::Get)).with("TERM", "xterm");
    shell.server().put_object("b", "a\u{1b}[2Jb", &[7; 600_000]);
    shell
}

#[test]
fn keys_cannot_drive_the_terminal() {
    let shell = Shell::new();
    shell.server().put_object("b", "a\u{1b}[2Jb\nc", b"");
    shell.server().put_object("b", "caf\u{e9}/x", b"");
    assert_eq!(on_a_terminal(&shell, &["ls"]), "a\\u{1b}[2Jb\\nc\r\ncaf\u{e9}/\r\n");
    for format in ["csv", "json", "ndjson"] {
        let written = on_a_terminal(&shell, &["export", "--format", format]);
        assert!(!written.contains('\u{1b}') && written.contains("[2Jb\\nc"), "{format}: {written:?}");
        assert_eq!(
            written.lines().count(),
            if format == "json" { 4 } else { 2 + usize::from(format == "csv") }
        );
    }
}

#[test]
fn a_terminal_is_shown_nothing_but_the_commands_own_lines() {
    let shell = Shell::new().with("TERM", "xterm");
    shell.write("a", "hello");
    let shown = on_a_terminal(&shell, &["put", "a", "--json"]);
    assert!(shown.starts_with('{') && shown.lines().count() == 1, "{shown}");
    assert_eq!(on_a_terminal(&shell, &["cat", "a", "--log", "info"]), "hello");
}

#[test]
fn progress_is_drawn_and_erased() {
    let shell = slow();
    let written = on_a_terminal(&shell, &["get", "a\u{1b}[2Jb", "got"]);
    let lines = drawn(&written);
    assert!(lines.len() > 1, "{written:?}");
    assert!(
        lines.iter().all(|line| line.starts_with("a\\u{1b}[2Jb  ") && line.contains(" of 585.9 KiB  ")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("iB/s  0:0")), "{lines:?}");
    assert_eq!(screen(&written), ["got", "wrote 585.9 KiB", ""]);
}

#[test]
fn progress_stays_on_one_line_of_any_width() {
    for columns in [10, 20, 40, 71] {
        let (status, written) = Terminal::run(&slow(), columns, &["get", "a\u{1b}[2Jb", "got"]).end();
        assert!(status.success(), "{written}");
        let lines = drawn(&written);
        assert!(!lines.is_empty(), "{written:?}");
        assert!(lines.iter().all(|line| line.chars().count() < usize::from(columns)), "{columns} {lines:?}");
        assert_eq!(screen(&written), ["got", "wrote 585.9 KiB", ""]);
    }
}

#[test]
fn lines_of_a_push_are_not_mixed_with_its_progress() {
    let shell = Shell::with_fault(Rule::new(Fault::Delay(Duration::from_millis(150))).on(Kind::Put));
    let shell = shell.with("TERM", "xterm");
    for n in 0..8 {
        shell.write(&format!("in/{n}"), vec![7; 10_000]);
    }
    let written = on_a_terminal(&shell, &["push", "in", "--concurrency", "1"]);
    assert!(
        drawn(&written).iter().any(|line| line.contains(" files  [##") && line.contains(" of 78.1 KiB")),
        "{written:?}"
    );
    let shown = screen(&written);
    let mut keys = shown[..8].to_vec();
    keys.sort_unstable();
    assert_eq!(keys, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    assert!(shown[8].starts_with("pushed 8 files, 78.1 KiB"), "{shown:?}");
}

#[test]
fn an_interrupt_leaves_a_clean_line() {
    let shell = Shell::with_fault(Rule::new(Fault::StallMidBody { after: 400_000 }).on(Kind::Get));
    let shell = shell.with("TERM", "xterm");
    shell.server().put_object("b", "k", &[7; 600_000]);
    let terminal = Terminal::run(&shell, 80, &["get", "k", "got"]);
    terminal.wait_for("% ");
    kill_process(Pid::from_child(&terminal.child), Signal::INT).unwrap();
    let (status, written) = terminal.end();
    assert_eq!(status.code(), Some(130), "{written:?}");
    assert_eq!(screen(&written), [""]);
    assert_eq!(shell.files(), [""; 0]);
}

#[test]
fn nobody_else_sees_progress() {
    for more in [&["--quiet"][..], &["--json"], &["--progress", "none"]] {
        let written = on_a_terminal(&slow(), &[&["get", "a\u{1b}[2Jb", "got"], more].concat());
        assert!(!written.contains('\u{1b}') && !written.contains('%'), "{more:?} {written:?}");
    }
    for term in ["dumb", ""] {
        let written = on_a_terminal(&slow().with("TERM", term), &["get", "a\u{1b}[2Jb", "got"]);
        assert_eq!(written, "got\r\nwrote 585.9 KiB\r\n");
    }
    let output = slow().run(&["get", "a\u{1b}[2Jb", "got"]);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "wrote 585.9 KiB\n");
}

#[test]
fn what_waits_is_lost_only_by_who_says_so() {
    let shell = crate::outbox::shell();
    shell.server().add_rule(Rule::new(Fault::Reset));
    shell.write("a", "x");
    for key in ["one", "two"] {
        assert!(shell.run(&["put", "a", key]).status.success());
    }
    let waiting = |shell: &Shell| stdout(&shell.run(&["outbox", "ls", "--json"])).lines().count();
    let lines = stdout(&shell.run(&["outbox", "ls", "--json"]));
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let id = first["id"].as_str().unwrap();
    for answer in ["\n", "n\n", "maybe\n"] {
        let mut terminal = Terminal::run(&shell, 80, &["outbox", "drop", id]);
        terminal.wait_for("Lose 1 write? [y/N] ");
        terminal.types(answer);
        let (status, written) = terminal.end();
        assert!(status.success() && written.contains("nothing was dropped"), "{written}");
        assert_eq!(waiting(&shell), 2, "{answer:?}");
    }
    let mut terminal = Terminal::run(&shell, 80, &["outbox", "drop", id]);
    terminal.wait_for("Lose 1 write? [y/N] ");
    terminal.types("y\n");
    let (status, written) = terminal.end();
    assert!(status.success() && written.contains(id) && written.contains("dropped 1 write"), "{written}");
    assert_eq!(waiting(&shell), 1);
}

#[test]
fn a_log_gets_a_line_now_and_then() {
    let shell = Shell::with_fault(Rule::new(Fault::StallMidBody { after: 400_000 }).on(Kind::Get));
    shell.server().put_object("b", "k", &[7; 600_000]);
    let mut child =
        shell.command(&["get", "k", "--progress", "plain"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 60];
    child.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    assert!(first.starts_with("k  390.6 KiB of 585.9 KiB  67%  ") && !first.contains('\r'), "{first:?}");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
