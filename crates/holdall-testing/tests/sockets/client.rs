//! A client of bare sockets.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

/// An answer as it came off the wire.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }
}

/// A connection that sends what it is told and reads one answer at a time.
pub(crate) struct Client(pub(crate) TcpStream);

impl Client {
    pub(crate) fn of(address: SocketAddr) -> Client {
        Client(TcpStream::connect(address).unwrap())
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.0.write_all(request).unwrap();
    }

    pub(crate) fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        String::from_utf8(head).unwrap()
    }

    pub(crate) fn answer(&mut self, with_body: bool) -> Answer {
        let head = self.head();
        let status = head[9..12].parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().unwrap());
        if with_body {
            answer.body = vec![0; length];
            self.0.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    pub(crate) fn ask(&mut self, line: &str, headers: &str, body: &[u8]) -> Answer {
        let head = format!("{line} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        self.send(&[head.as_bytes(), body].concat());
        self.answer(!line.starts_with("HEAD"))
    }
}

impl Client {
    /// Sends a request and reads until the server closes: what came, and whether the end was an orderly one.
    pub(crate) fn ask_raw(&mut self, line: &str, headers: &str, body: &[u8]) -> (Vec<u8>, bool) {
        let head = format!("{line} HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
        self.send(&[head.as_bytes(), body].concat());
        self.rest()
    }

    /// Reads until the server closes: what came, and whether the end was an orderly one.
    pub(crate) fn rest(&mut self) -> (Vec<u8>, bool) {
        let mut came = Vec::new();
        let orderly = self.0.read_to_end(&mut came).is_ok();
        (came, orderly)
    }
}

/// The text of every element with this tag.
pub(crate) fn elements(xml: &str, tag: &str) -> Vec<String> {
    let open = format!("<{tag}>");
    let pieces = xml.split(&open).skip(1);
    pieces.map(|piece| piece.split("</").next().unwrap().to_owned()).collect()
}
