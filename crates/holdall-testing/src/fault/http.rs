//! HTTP/1.1 over a blocking socket, close enough to the bytes to misbehave.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::reply::{Reply, reason};
use super::request::Request;
use crate::chunked::Chunked;

/// The longest head that is read.
const HEAD: usize = 256 * 1024;

/// One connection.
pub(super) struct Wire {
    stream: Arc<TcpStream>,
    /// What was read and not yet used.
    buffer: Vec<u8>,
}

/// How the body of a request is framed.
#[derive(Clone, Copy, Debug)]
pub(super) enum Framing {
    Length(usize),
    Chunked,
}

impl Wire {
    pub(super) fn new(stream: Arc<TcpStream>) -> Wire {
        Wire { stream, buffer: Vec::new() }
    }

    fn fill(&mut self) -> io::Result<usize> {
        let mut piece = [0; 64 * 1024];
        let count = (&*self.stream).read(&mut piece)?;
        self.buffer.extend_from_slice(&piece[..count]);
        Ok(count)
    }

    /// Waits for the first byte of a request; false when the client closed instead.
    pub(super) fn wait(&mut self) -> io::Result<bool> {
        Ok(!self.buffer.is_empty() || self.fill()? > 0)
    }

    /// Reads a head; `None` when the client closed before one began.
    pub(super) fn read_head(&mut self) -> io::Result<Option<(Request, Framing)>> {
        loop {
            if let Some((request, framing, used)) = parse(&self.buffer)? {
                self.buffer.drain(..used);
                return Ok(Some((request, framing)));
            }
            if self.buffer.len() > HEAD {
                return Err(io::Error::new(ErrorKind::InvalidData, "the head has no end"));
            }
            if self.fill()? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// Reads a body, or no more than the first bytes of it.
    pub(super) fn read_body(&mut self, framing: Framing, most: usize) -> io::Result<Vec<u8>> {
        match framing {
            Framing::Length(length) => {
                let length = length.min(most);
                while self.buffer.len() < length {
                    self.more()?;
                }
                Ok(self.buffer.drain(..length).collect())
            }
            Framing::Chunked => {
                let (mut chunked, mut body) = (Chunked::default(), Vec::new());
                loop {
                    let used = chunked.advance(&self.buffer, |data| body.extend_from_slice(data));
                    self.buffer.drain(..used);
                    if chunked.is_done() || body.len() >= most {
                        return Ok(body);
                    }
                    self.more()?;
                }
            }
        }
    }

    fn more(&mut self) -> io::Result<()> {
        if self.fill()? == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        (&*self.stream).write_all(bytes)
    }

    /// Reads until the client has had enough.
    pub(super) fn swallow(&mut self) -> io::Result<()> {
        while self.fill()? > 0 {
            self.buffer.clear();
        }
        Ok(())
    }

    /// Says that nothing more will be sent, while what the client still sends stays unread.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Lets the coming close be a reset.
    pub(super) fn arm_reset(&mut self) -> io::Result<()> {
        Ok(rustix::net::sockopt::set_socket_linger(&*self.stream, Some(Duration::ZERO))?)
    }
}

fn parse(buffer: &[u8]) -> io::Result<Option<(Request, Framing, usize)>> {
    let malformed = |why: &str| io::Error::new(ErrorKind::InvalidData, why.to_owned());
    let mut slots = [httparse::EMPTY_HEADER; 128];
    let mut head = httparse::Request::new(&mut slots);
    let used = match head.parse(buffer).map_err(|error| malformed(&error.to_string()))? {
        httparse::Status::Complete(used) => used,
        httparse::Status::Partial => return Ok(None),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = head.headers.iter().map(|header| (header.name.to_ascii_lowercase(), text(header.value)));
    let request =
        Request::of(head.method.unwrap_or_default(), head.path.unwrap_or_default(), headers.collect());
    let chunked =
        request.header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let framing = match request.header("content-length") {
        _ if chunked => Framing::Chunked,
        None => Framing::Length(0),
        Some(length) => Framing::Length(length.trim().parse().map_err(|_| malformed("content-length"))?),
    };
    Ok(Some((request, framing, used)))
}

/// The status line and headers of an answer, with the length that they claim.
pub(super) fn head(reply: &Reply, length: Option<u64>) -> String {
    let mut head = format!("HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status));
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match length {
        _ if matches!(reply.status, 204 | 304) || reply.header("content-length").is_some() => {}
        Some(length) => head.push_str(&format!("content-length: {length}\r\n")),
        None => head.push_str("transfer-encoding: chunked\r\n"),
    }
    head.push_str("\r\n");
    head
}
