//! Writing an answer, or what a fault leaves of it.

use std::io::{self, ErrorKind};
use std::time::Duration;

use super::Fault;
use super::http::{Wire, head};
use super::reply::Reply;
use super::request::{Kind, Request};
use crate::stop::Stop;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fate {
    Keep,
    /// Kept, but reset as soon as the next request arrives.
    KeepForReset,
    Close,
    Reset,
}

/// One answer on its way to the client.
pub(super) struct Sending<'a> {
    pub(super) wire: &'a mut Wire,
    pub(super) request: &'a Request,
    pub(super) reply: &'a Reply,
    pub(super) stop: &'a Stop,
}

impl Sending<'_> {
    /// Sends the answer the way the fault has it.
    pub(super) fn run(&mut self, fault: Option<&Fault>) -> io::Result<Fate> {
        let Some(fault) = fault else { return self.whole(Fate::Keep) };
        let body = self.body().len();
        match fault {
            Fault::AnswerLost => Ok(Fate::Reset),
            Fault::ResetMidBody { after } => self.part(*after, Fate::Reset),
            Fault::ShortBody { missing } => self.part(body.saturating_sub(*missing), Fate::Close),
            Fault::StallMidBody { after } => {
                self.part(*after, Fate::Close)?;
                self.stall()
            }
            Fault::LongBody { extra } => {
                self.whole(Fate::Close)?;
                self.wire.send(&vec![b'!'; *extra])?;
                Ok(Fate::Close)
            }
            Fault::WrongLength { by } => {
                let claimed = (body as u64).saturating_add_signed(*by);
                let message = [head(self.reply, Some(claimed)).as_bytes(), self.body()].concat();
                self.wire.send(&message)?;
                Ok(Fate::Close)
            }
            Fault::Delay(time) => {
                self.pause(*time)?;
                self.whole(Fate::Keep)
            }
            Fault::Drip { bytes, every } => self.drip(*bytes, *every),
            Fault::DripHeaders { every } => self.drip_headers(*every),
            Fault::Garbage(bytes) => {
                self.wire.send(bytes)?;
                Ok(Fate::Close)
            }
            Fault::HugeXml { bytes } => self.huge_xml(*bytes),
            Fault::UnexpectedContinue { times } => {
                self.wire.send("HTTP/1.1 100 Continue\r\n\r\n".repeat(*times).as_bytes())?;
                self.whole(Fate::Keep)
            }
            Fault::CloseAfter => self.whole(Fate::Close),
            Fault::CloseOnReuse => self.whole(Fate::KeepForReset),
            Fault::SlowXml { spaces, every, .. } => self.slow_xml(*spaces, *every),
            _ => self.whole(Fate::Keep),
        }
    }

    fn body(&self) -> &[u8] {
        if self.request.method == "HEAD" || matches!(self.reply.status, 204 | 304) {
            &[]
        } else {
            &self.reply.body
        }
    }

    fn length(&self) -> u64 {
        self.reply.length.unwrap_or(self.reply.body.len() as u64)
    }

    fn whole(&mut self, fate: Fate) -> io::Result<Fate> {
        self.part(usize::MAX, fate)
    }

    fn part(&mut self, most: usize, fate: Fate) -> io::Result<Fate> {
        let body = self.body();
        // One write, so that a head is not held back until it is acknowledged.
        let message =
            [head(self.reply, Some(self.length())).as_bytes(), &body[..body.len().min(most)]].concat();
        self.wire.send(&message)?;
        Ok(fate)
    }

    fn stall(&mut self) -> io::Result<Fate> {
        self.wire.swallow()?;
        Ok(Fate::Close)
    }

    /// Waits, unless the server stops meanwhile.
    fn pause(&self, time: Duration) -> io::Result<()> {
        if self.stop.wait(time) { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }

    fn drip(&mut self, bytes: usize, every: Duration) -> io::Result<Fate> {
        self.wire.send(head(self.reply, Some(self.length())).as_bytes())?;
        let body = self.body().to_vec();
        for piece in body.chunks(bytes.max(1)) {
            self.pause(every)?;
            self.wire.send(piece)?;
        }
        Ok(Fate::Keep)
    }

    fn drip_headers(&mut self, every: Duration) -> io::Result<Fate> {
        self.wire.send(b"HTTP/1.1 200 OK\r\n")?;
        for number in 0u64.. {
            self.wire.send(format!("x-drip-{number}: drip\r\n").as_bytes())?;
            self.pause(every)?;
        }
        Ok(Fate::Close)
    }

    fn slow_xml(&mut self, spaces: usize, every: Duration) -> io::Result<Fate> {
        self.wire.send(head(self.reply, None).as_bytes())?;
        let body = self.body().to_vec();
        // S3 sends the declaration first: white space in front of it would be no XML.
        let declaration = body.iter().position(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        self.chunk(&body[..declaration])?;
        for _ in 0..spaces {
            self.pause(every)?;
            self.chunk(b" ")?;
        }
        self.chunk(&body[declaration..])?;
        self.wire.send(b"0\r\n\r\n")?;
        Ok(Fate::Keep)
    }

    fn huge_xml(&mut self, bytes: Option<u64>) -> io::Result<Fate> {
        let listing = self.request.kind == Kind::ListObjects && self.reply.status < 300;
        let root = if listing { "ListBucketResult" } else { "Error" };
        let open = if listing { "" } else { "<Code>Huge</Code><Message>" };
        let close = if listing { "<IsTruncated>false</IsTruncated>" } else { "</Message>" };
        self.wire.send(head(self.reply, None).as_bytes())?;
        self.chunk(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root}>{open}").as_bytes())?;
        let (mut sent, mut number) = (0, 0u64);
        while bytes.is_none_or(|most| sent < most) {
            let piece = if listing { entries(&mut number) } else { "endless ".repeat(8192) };
            sent += piece.len() as u64;
            self.chunk(piece.as_bytes())?;
        }
        self.chunk(format!("{close}</{root}>").as_bytes())?;
        self.wire.send(b"0\r\n\r\n")?;
        Ok(Fate::Keep)
    }

    fn chunk(&mut self, data: &[u8]) -> io::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        let size = format!("{:x}\r\n", data.len());
        self.wire.send(&[size.as_bytes(), data, b"\r\n"].concat())
    }
}

/// A few hundred keys of a listing that has no end.
fn entries(number: &mut u64) -> String {
    let first = *number;
    *number += 400;
    let entry = |number| {
        format!(
            "<Contents><Key>huge-{number:012}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
             <ETag>&quot;{number:032x}&quot;</ETag><Size>1</Size></Contents>"
        )
    };
    (first..*number).map(entry).collect()
}
