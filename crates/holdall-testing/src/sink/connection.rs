//! One connection: read a head, lose the body, write the answer, as far as the socket allows.

use std::io::{self, ErrorKind};

use super::memory::Memory;
use super::operation::Operation;
use super::pattern;
use super::reply::{self, Tail};
use super::request::{self, Framing, Request};
use super::wire::Wire;
use crate::chunked::Chunked;
use crate::encode::hex;

const INPUT: usize = 64 * 1024;
/// A body that has to be looked at (DeleteObjects) or is kept is never longer than this.
const COLLECT: usize = 64 << 20;
/// A longer body is not verified.
const VERIFY: u64 = 4 << 10;
/// What one event may send before the other connections have their turn.
const TURN: u64 = 4 << 20;

/// What the connection waits for next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Next {
    Read,
    Write,
    Close,
}

/// Whether somebody will look at the bytes of a body.
fn is_kept(request: &Request, memory: &Memory) -> bool {
    match request.operation {
        Operation::DeleteMany(_) => true,
        Operation::Put(_) => memory.keeps_bytes() || is_verified(request, memory),
        Operation::PutPart { .. } => memory.keeps_bytes(),
        _ => false,
    }
}

fn is_verified(request: &Request, memory: &Memory) -> bool {
    let is_short = matches!(request.framing, Framing::Length(length) if length <= VERIFY);
    memory.options.verify && is_short && matches!(request.operation, Operation::Put(_))
}

/// Whether a body is another one than was signed.
fn is_wrong(request: &Request, body: &[u8], memory: &Memory) -> bool {
    let sha256 = || hex(ring::digest::digest(&ring::digest::SHA256, body).as_ref());
    is_verified(request, memory) && request.sha256.is_some_and(|said| sha256().as_bytes() != said)
}

enum Body {
    Length(u64),
    Chunked(Chunked),
}

struct Pending {
    request: Request,
    body: Body,
    collected: Vec<u8>,
    length: u64,
}

pub(super) struct Connection {
    pub(super) wire: Wire,
    pub(super) waits: Next,
    input: Box<[u8]>,
    start: usize,
    end: usize,
    pending: Option<Pending>,
    output: Vec<u8>,
    sent: usize,
    tail: Option<Tail>,
    close: bool,
}

impl Connection {
    pub(super) fn new(wire: Wire) -> Connection {
        Connection {
            wire,
            waits: Next::Read,
            input: vec![0; INPUT].into(),
            start: 0,
            end: 0,
            pending: None,
            output: Vec::new(),
            sent: 0,
            tail: None,
            close: false,
        }
    }

    /// Goes on after the socket became ready. `waste` is where dropped bytes would go if they were copied.
    pub(super) fn ready(&mut self, memory: &Memory, waste: &mut [u8]) -> io::Result<Next> {
        let mut filled = false;
        loop {
            if !self.flush()? {
                return Ok(Next::Write);
            }
            if self.close && self.pending.is_none() {
                return Ok(Next::Close);
            }
            if self.step(memory) {
                continue;
            }
            // One read an event: a second one would mostly learn that there is nothing more.
            if filled && !self.wire.may_hold_more() {
                return Ok(Next::Read);
            }
            filled = true;
            match self.fill(memory, waste) {
                Ok(0) => return Ok(Next::Close),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Next::Read),
                Err(error) => return Err(error),
            }
        }
    }

    /// Moves on with what is in the input; false when more of it is needed.
    fn step(&mut self, memory: &Memory) -> bool {
        let Some(pending) = &mut self.pending else { return self.read_head() };
        let keep = is_kept(&pending.request, memory);
        let input = &self.input[self.start..self.end];
        let (used, done) = match &mut pending.body {
            Body::Length(left) => {
                let used = input.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= used as u64;
                if keep && pending.collected.len() + used <= COLLECT {
                    pending.collected.extend_from_slice(&input[..used]);
                }
                pending.length += used as u64;
                (used, *left == 0)
            }
            Body::Chunked(chunked) => {
                let used = chunked.advance(input, |data| {
                    pending.length += data.len() as u64;
                    if keep && pending.collected.len() + data.len() <= COLLECT {
                        pending.collected.extend_from_slice(data);
                    }
                });
                (used, chunked.is_done())
            }
        };
        self.start += used;
        if done && let Some(pending) = self.pending.take() {
            self.close |= pending.request.close;
            let size = pending.request.decoded_length.unwrap_or(pending.length);
            let Pending { request, collected, .. } = pending;
            if is_wrong(&request, &collected, memory) {
                reply::refuse(&mut self.output, "400 Bad Request", "XAmzContentSHA256Mismatch");
                return true;
            }
            self.tail = reply::reply(request.operation, size, collected, memory, &mut self.output);
            return true;
        }
        false
    }

    fn read_head(&mut self) -> bool {
        match request::parse(&self.input[self.start..self.end]) {
            Ok(Some((request, consumed))) => {
                self.start += consumed;
                let body = match request.framing {
                    Framing::Length(length) => Body::Length(length),
                    Framing::Chunked => Body::Chunked(Chunked::default()),
                };
                if request.expects_continue && self.start == self.end {
                    self.output.extend_from_slice(b"HTTP/1.1 100 Continue\r\n\r\n");
                }
                self.pending = Some(Pending { request, body, collected: Vec::new(), length: 0 });
                true
            }
            Ok(None) if self.end - self.start < INPUT => false,
            Ok(None) | Err(_) => {
                reply::refuse(&mut self.output, "400 Bad Request", "BadRequest");
                self.close = true;
                true
            }
        }
    }

    /// Takes in what the socket has, or drops it in the kernel when nobody will look at it.
    fn fill(&mut self, memory: &Memory, waste: &mut [u8]) -> io::Result<usize> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
            if let Some(Pending { body: Body::Length(left), request, length, .. }) = &mut self.pending
                && *left > INPUT as u64
                && !is_kept(request, memory)
            {
                let most = waste.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let dropped = self.wire.lose(&mut waste[..most])?;
                *left -= dropped as u64;
                *length += dropped as u64;
                return Ok(dropped);
            }
        } else if self.end == INPUT {
            self.input.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        let count = self.wire.read(&mut self.input[self.end..])?;
        self.end += count;
        Ok(count)
    }

    /// Sends what waits to be sent; false when the socket (or the turn) is full.
    fn flush(&mut self) -> io::Result<bool> {
        while self.sent < self.output.len() {
            match self.wire.send(&self.output[self.sent..], self.tail.is_some()) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.sent = 0;
        let mut turn = TURN;
        while let Some(tail) = &mut self.tail {
            let piece = pattern::rest(tail.offset, tail.left);
            match self.wire.send(piece, false) {
                Ok(sent) => {
                    tail.offset += sent as u64;
                    tail.left -= sent as u64;
                    turn = turn.saturating_sub(sent as u64);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
            if tail.left == 0 {
                self.tail = None;
            } else if turn == 0 {
                return Ok(false);
            }
        }
        self.wire.flush()
    }
}
