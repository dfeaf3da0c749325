//! One way of one connection: what was read and waits for its time.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use super::Cut;
use super::link::{Link, Passed};

/// What is read at once: small, so that a rate is smooth.
const PIECE: usize = 16 * 1024;
/// What may wait on a line; a sender that is faster than the line is made to wait itself.
const HELD: usize = 1 << 20;

pub(super) struct Line<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
    link: &'a Link,
    waiting: VecDeque<Piece>,
    held: usize,
    /// Nothing comes any more.
    ended: bool,
    /// The other side knows.
    closed: bool,
}

struct Piece {
    due: Instant,
    bytes: Vec<u8>,
    sent: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(from: &'a TcpStream, to: &'a TcpStream, link: &'a Link) -> Line<'a> {
        Line { from, to, link, waiting: VecDeque::new(), held: 0, ended: false, closed: false }
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    pub(super) fn wants_input(&self) -> bool {
        !self.ended && self.held < HELD
    }

    /// When the next bytes are due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.waiting.front().map(|piece| piece.due)
    }

    /// Reads what is there and passes on what is due, as far as both sockets let it; answers a cut that came.
    pub(super) fn go_on(&mut self) -> io::Result<Option<Cut>> {
        self.take_in()?;
        if let Some(cut) = self.pass_on()? {
            return Ok(Some(cut));
        }
        if self.ended && self.waiting.is_empty() && !self.closed {
            self.closed = true;
            self.to.shutdown(Shutdown::Write)?;
        }
        Ok(None)
    }

    fn take_in(&mut self) -> io::Result<()> {
        while self.wants_input() {
            let mut bytes = vec![0; PIECE];
            let mut from = self.from;
            match from.read(&mut bytes) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    bytes.truncate(count);
                    let due = self.link.admit(count, Instant::now());
                    self.waiting.push_back(Piece { due, bytes, sent: 0 });
                    self.held += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn pass_on(&mut self) -> io::Result<Option<Cut>> {
        let now = Instant::now();
        while let Some(piece) = self.waiting.front_mut().filter(|piece| piece.due <= now) {
            let rest = &piece.bytes[piece.sent..];
            let mut to = self.to;
            match self.link.pass(rest.len(), |count| to.write(&rest[..count])) {
                Ok(Passed::Some(count)) => {
                    piece.sent += count;
                    self.held -= count;
                    if piece.sent == piece.bytes.len() {
                        self.waiting.pop_front();
                    }
                }
                Ok(Passed::Cut(cut)) => return Ok(Some(cut)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}
