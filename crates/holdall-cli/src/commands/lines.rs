//! Keys on standard input, one a line.

use holdall::{Error, ErrorKind, Result};
use tokio::io::{AsyncBufReadExt, BufReader, Stdin};

/// How much of standard input is read at once.
const READ: usize = 256 << 10;

/// The lines of standard input, in flat memory.
pub(super) struct Lines {
    input: BufReader<Stdin>,
    line: Vec<u8>,
}

impl Lines {
    pub(super) fn of_stdin() -> Self {
        Self { input: BufReader::with_capacity(READ, tokio::io::stdin()), line: Vec::new() }
    }

    /// The next line without its end; none after the last.
    pub(super) async fn next(&mut self) -> Result<Option<&[u8]>> {
        self.line.clear();
        let read = self.input.read_until(b'\n', &mut self.line).await;
        if read.map_err(|error| Error::io("cannot read standard input", error))? == 0 {
            return Ok(None);
        }
        if self.line.ends_with(b"\n") {
            self.line.pop();
        }
        Ok(Some(&self.line))
    }
}

/// A line as a key.
pub(super) fn key_of(line: &[u8]) -> Result<&str> {
    std::str::from_utf8(line)
        .map_err(|_| Error::new(ErrorKind::InvalidInput, "a key is UTF-8, and this line is not"))
}
