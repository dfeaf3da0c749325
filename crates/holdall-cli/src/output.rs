//! Standard output: data only, buffered, and every failure to write it is one.

use crate::screen;
use crate::text::escaped;
use serde::Serialize;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;

/// As much as a pipe holds.
const BUFFER: usize = 64 << 10;

/// Standard output, without the line buffering that [`std::io::Stdout`] has even into a pipe.
pub(crate) struct Output {
    writer: BufWriter<File>,
    terminal: bool,
}

impl Output {
    pub(crate) fn open() -> io::Result<Self> {
        let stdout = io::stdout();
        let file = File::from(stdout.as_fd().try_clone_to_owned()?);
        Ok(Self { writer: BufWriter::with_capacity(BUFFER, file), terminal: stdout.is_terminal() })
    }

    /// A key or a path as it is shown: on a terminal without control characters.
    pub(crate) fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if self.terminal { escaped(text) } else { Cow::Borrowed(text) }
    }

    /// Writes a key or a path on a line.
    pub(crate) fn name(&mut self, name: &str) -> io::Result<()> {
        let shown = self.shown(name);
        self.writer.write_all(shown.as_bytes())?;
        self.end_line()
    }

    /// Writes a JSON object on a line.
    pub(crate) fn json(&mut self, record: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, record)?;
        self.end_line()
    }

    /// Ends a line; a person sees it at once.
    pub(crate) fn end_line(&mut self) -> io::Result<()> {
        self.writer.write_all(b"\n")?;
        if self.terminal { screen::cleared(|| self.writer.flush()) } else { Ok(()) }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
