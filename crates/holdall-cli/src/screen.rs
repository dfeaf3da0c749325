//! The one line of a terminal that is written again and again, and what else is written there meanwhile.
//!
//! Standard error belongs to the process, and so does this: whoever writes there, or to a standard output that may be
//! the same terminal, erases the line first.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Back to the line's beginning, and nothing on it.
const ERASE: &[u8] = b"\r\x1b[K";

#[derive(PartialEq)]
enum Line {
    Empty,
    Shown,
    /// Nothing is drawn any more: the process ends.
    Closed,
}

static LINE: Mutex<Line> = Mutex::new(Line::Empty);

fn line() -> MutexGuard<'static, Line> {
    LINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn write(bytes: &[u8]) {
    // Where standard error is closed nobody is left to be shown anything.
    let _ = io::stderr().lock().write_all(bytes);
}

/// Shows a line in place of the one before.
pub(crate) fn draw(text: &str) {
    let mut line = line();
    if *line == Line::Closed {
        return;
    }
    write(&[ERASE, text.as_bytes()].concat());
    *line = Line::Shown;
}

/// Writes a line that stays.
pub(crate) fn print(text: &str) {
    if *line() != Line::Closed {
        write(format!("{text}\n").as_bytes());
    }
}

/// Erases the line, if there is one.
pub(crate) fn clear() {
    cleared(|| ());
}

/// Does what may write to the terminal while there is no line on it.
pub(crate) fn cleared<T>(work: impl FnOnce() -> T) -> T {
    let mut line = line();
    if *line == Line::Shown {
        write(ERASE);
        *line = Line::Empty;
    }
    work()
}

/// Erases the line and draws none any more.
pub(crate) fn close() {
    clear();
    *line() = Line::Closed;
}

/// Standard error for what is logged.
pub(crate) fn stderr() -> io::Stderr {
    clear();
    io::stderr()
}
