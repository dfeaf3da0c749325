//! What a connection's bytes go through: the socket alone, or TLS on it.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustix::net::{RecvFlags, SendFlags};
use rustls::{ServerConfig, ServerConnection};

/// A socket that never blocks, with or without TLS.
pub(super) struct Wire {
    pub(super) stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Wire> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let connection = |config: &Arc<ServerConfig>| ServerConnection::new(config.clone()).map(Box::new);
        let tls = tls.map(connection).transpose().map_err(io::Error::other)?;
        Ok(Wire { stream, tls })
    }

    /// Says whether bytes may be at hand that the socket will not announce: TLS took them in already.
    pub(super) fn may_hold_more(&self) -> bool {
        self.tls.is_some()
    }

    /// Reads what is there, 0 at the end.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else { return (&self.stream).read(buffer) };
        loop {
            match tls.reader().read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // A client that closes without saying so in TLS has closed all the same.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            if tls.read_tls(&mut &self.stream)? == 0 {
                return Ok(0);
            }
            let processed = tls.process_new_packets();
            send_records(tls, &self.stream)?;
            processed.map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        }
    }

    /// Drops bytes that nobody will look at: in the kernel, or where TLS has to see them, behind it.
    pub(super) fn lose(&mut self, waste: &mut [u8]) -> io::Result<usize> {
        if self.tls.is_some() {
            return self.read(waste);
        }
        let (_, dropped) = rustix::net::recv(&self.stream, waste, RecvFlags::TRUNC)?;
        Ok(dropped)
    }

    /// Takes as many bytes as fit; `more` says that others follow at once.
    pub(super) fn send(&mut self, bytes: &[u8], more: bool) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            let flags = if more { SendFlags::NOSIGNAL | SendFlags::MORE } else { SendFlags::NOSIGNAL };
            return Ok(rustix::net::send(&self.stream, bytes, flags)?);
        };
        if !send_records(tls, &self.stream)? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = tls.writer().write(bytes)?;
        send_records(tls, &self.stream)?;
        Ok(taken)
    }

    /// Sends the records that TLS still holds; false when the socket is full.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        self.tls.as_mut().map_or(Ok(true), |tls| send_records(tls, &self.stream))
    }
}

fn send_records(tls: &mut ServerConnection, stream: &TcpStream) -> io::Result<bool> {
    while tls.wants_write() {
        match tls.write_tls(&mut &*stream) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}
