//! How far a transfer is, on standard error.

mod rate;

use crate::cli::{Globals, ShowProgress};
use crate::screen;
use crate::text::{bytes, count, escaped};
use holdall::Progress;
use rate::Rate;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// A line for a person is drawn this often, and first after as long: what is done by then was quick.
const DRAW: Duration = Duration::from_millis(200);
/// A line for a log.
const NOTE: Duration = Duration::from_secs(3);
/// Columns where a terminal does not say how many it has.
const COLUMNS: usize = 80;
/// Columns of the bar.
const BAR: usize = 10;
/// Columns that the name gets before the bar does.
const NAME: usize = 12;

/// What is transferred.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// One object or file, by its name.
    One(String),
    /// Many, counted as they are done.
    Many(Arc<AtomicU64>),
}

/// Shows a transfer's progress until it is dropped.
pub(crate) struct Showing {
    progress: Option<Progress>,
    task: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy)]
enum Form {
    Bar,
    Lines,
}

impl Showing {
    /// Begins to show what is transferred, where somebody wants to see it.
    pub(crate) fn start(globals: &Globals, what: What) -> Self {
        let Some(form) = form(globals) else { return Self { progress: None, task: None } };
        let progress = Progress::new();
        let task = tokio::spawn(show(progress.clone(), what, form));
        Self { progress: Some(progress), task: Some(task) }
    }

    /// What the transfer is to count in.
    pub(crate) fn progress(&self) -> Option<Progress> {
        self.progress.clone()
    }
}

impl Drop for Showing {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
            screen::clear();
        }
    }
}

fn form(globals: &Globals) -> Option<Form> {
    if globals.quiet || globals.json {
        return None;
    }
    match globals.progress {
        ShowProgress::None => None,
        ShowProgress::Plain => Some(Form::Lines),
        ShowProgress::Auto => can_erase().then_some(Form::Bar),
    }
}

/// Whether standard error is a terminal that takes a line back.
fn can_erase() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    std::io::stderr().is_terminal() && !is_dumb
}

async fn show(progress: Progress, what: What, form: Form) {
    let mut rate = Rate::new(Instant::now());
    let every = match form {
        Form::Bar => DRAW,
        Form::Lines => NOTE,
    };
    loop {
        tokio::time::sleep(every).await;
        rate.note(Instant::now(), progress.moved());
        match form {
            Form::Bar => screen::draw(&line(&progress, &what, &rate, columns())),
            Form::Lines => screen::print(&line(&progress, &what, &rate, usize::MAX)),
        }
    }
}

fn columns() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stderr());
    size.ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// A line shorter than the terminal is wide, so that it stays one line: what matters least is left out first.
fn line(progress: &Progress, what: &What, rate: &Rate, columns: usize) -> String {
    let room = columns.saturating_sub(1);
    let (moved, total) = (progress.moved(), progress.expected());
    // What is read while it is listed may be more than is known of.
    let total = if progress.is_complete() { Some(total.max(moved)) } else { None };
    let mut figures = match total {
        Some(total) => format!("{} of {}", bytes(moved), bytes(total)),
        None => bytes(moved),
    };
    let mut add = |text: String| {
        if figures.len() + 2 + text.len() <= room {
            figures = format!("{figures}  {text}");
        }
    };
    let share = total.filter(|total| *total > 0).map(|total| moved as f64 / total as f64);
    if let Some(share) = share {
        add(format!("{:.0}%", share * 100.0));
    }
    if let Some(per_second) = rate.per_second() {
        add(format!("{}/s", bytes(per_second as u64)));
        if let Some(total) = total {
            add(format!("{} left", left((total - moved) as f64 / per_second)));
        }
    }
    let for_bar = room.saturating_sub(figures.len() + NAME + 2);
    if let (Some(share), true) = (share, columns != usize::MAX && for_bar >= BAR + 3) {
        figures = format!("{} {figures}", bar(share));
    }
    figures.truncate(room);
    match name(what, room.saturating_sub(figures.len() + 2)) {
        name if name.is_empty() => figures,
        name => format!("{name}  {figures}"),
    }
}

fn bar(share: f64) -> String {
    let full = ((share * BAR as f64) as usize).min(BAR);
    format!("[{}{}]", "#".repeat(full), "-".repeat(BAR - full))
}

/// What is transferred, in as many columns; a name that is too long loses its beginning.
fn name(what: &What, room: usize) -> String {
    let name = match what {
        What::One(name) => escaped(name).into_owned(),
        What::Many(done) => count(done.load(Ordering::Relaxed), "file"),
    };
    // Of some characters a terminal makes two columns, and which these are it does not say.
    let columns = |c: char| if c.is_ascii() { 1 } else { 2 };
    let width: usize = name.chars().map(columns).sum();
    if width <= room {
        return name;
    }
    let mut kept = Vec::new();
    let mut left = room.saturating_sub(3);
    for c in name.chars().rev() {
        let Some(rest) = left.checked_sub(columns(c)) else { break };
        left = rest;
        kept.push(c);
    }
    if kept.len() < 3 {
        return String::new();
    }
    kept.extend(['.'; 3]);
    kept.into_iter().rev().collect()
}

/// A time as a clock shows it: `0:05`, `2:15:00`.
fn left(seconds: f64) -> String {
    let seconds = seconds.min(359_999.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half() -> (Progress, Rate) {
        let (progress, start) = (Progress::new(), Instant::now());
        progress.expect(100 << 20);
        progress.complete();
        progress.add(50 << 20);
        let mut rate = Rate::new(start);
        rate.note(start + Duration::from_secs(10), 50 << 20);
        (progress, rate)
    }

    #[test]
    fn a_line_says_rate_and_time_left() {
        let (progress, rate) = half();
        let what = What::One("video.mp4".to_owned());
        let figures = "50.0 MiB of 100.0 MiB  50%  5.0 MiB/s  0:10 left";
        assert_eq!(line(&progress, &what, &rate, usize::MAX), format!("video.mp4  {figures}"));
        let bar = "[#####-----]";
        assert_eq!(line(&progress, &what, &rate, 120), format!("video.mp4  {bar} {figures}"));
    }

    #[test]
    fn a_line_is_narrower_than_the_terminal() {
        let (progress, rate) = half();
        for name in [
            "v",
            "a\u{1b}[2J\n very long name that goes on and on.mp4",
            "\u{6f22}\u{5b57}\u{6f22}\u{5b57}\u{6f22}\u{5b57}",
        ] {
            for columns in 0..150 {
                let line = line(&progress, &What::One(name.to_owned()), &rate, columns);
                let width: usize = line.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
                assert!(width < columns.max(1), "{columns}: {line}");
                assert!(!line.chars().any(char::is_control), "{line}");
            }
        }
    }

    #[test]
    fn what_is_not_known_is_not_said() {
        let (progress, rate) = (Progress::new(), Rate::new(Instant::now()));
        progress.add(5);
        let done = Arc::new(AtomicU64::new(1));
        assert_eq!(line(&progress, &What::Many(done), &rate, 80), "1 file  5 B");
    }

    #[test]
    fn times_read_as_on_a_clock() {
        for (seconds, text) in
            [(0.4, "0:00"), (65.0, "1:05"), (8100.0, "2:15:00"), (f64::INFINITY, "99:59:59")]
        {
            assert_eq!(left(seconds), text);
        }
    }
}
