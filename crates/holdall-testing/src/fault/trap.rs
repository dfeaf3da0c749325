//! A server that nobody should ever come to.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::listener::Listener;
use crate::stop::Stop;

/// Counts who comes, keeps what they say, and answers 200, so that a client which follows a `Location` goes on to
/// believe it.
pub struct Trap {
    listener: Listener,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Trap {
    /// Binds a port of its own.
    ///
    /// # Errors
    /// The system refuses a socket.
    pub fn start() -> io::Result<Trap> {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let hears = heard.clone();
        let listener = Listener::start(Arc::new(Stop::default()), move |_, stream| {
            // Whoever comes in vain has been counted; there is nothing else to say about it.
            let _talked = converse(&stream, &hears);
        })?;
        Ok(Trap { listener, heard })
    }

    /// Where it waits: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address)
    }

    /// How many connections it took.
    pub fn connections(&self) -> u64 {
        self.listener.accepted()
    }

    /// The beginnings of the requests that it was sent.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Keeps what was said before answering it, so that whoever has the answer finds it kept.
fn converse(mut stream: &TcpStream, heard: &Mutex<Vec<String>>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut said = [0; 16 * 1024];
    let count = stream.read(&mut said)?;
    let said = String::from_utf8_lossy(&said[..count]).into_owned();
    heard.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    stream
        .write_all(b"HTTP/1.1 200 OK\r\netag: \"trapped\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}
