//! A service on loopback that answers every request alike and remembers what it was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Ends with the test's process.
pub(crate) struct Service {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    pub(crate) fn start(status: u16, body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let answer = format!(
            "HTTP/1.1 {status} -\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let log = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                log.lock().unwrap().push(serve(&stream.unwrap(), &answer));
            }
        });
        Self { port, asked }
    }

    /// The heads of the requests so far, in lower case.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: &TcpStream, answer: &str) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    // A client that is gone has been counted all the same.
    drop(stream.write_all(answer.as_bytes()));
    head.to_lowercase()
}
