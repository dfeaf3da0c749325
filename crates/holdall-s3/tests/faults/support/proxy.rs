//! A small HTTP proxy: forwards plain requests, passes tunnels through, and keeps the heads that it saw.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::raw::{RawServer, header, read_whole};

pub(crate) struct Proxy {
    pub(crate) server: RawServer,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// A proxy that wants a `Proxy-Authorization`, or none.
    pub(crate) fn start(wanted: Option<&'static str>) -> Self {
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = heads.clone();
        let server = RawServer::start(move |mut stream| {
            let Some((head, body)) = read_whole(&mut stream) else { return };
            kept.lock().unwrap().push(head.clone());
            if wanted.is_some() && header(&head, "proxy-authorization") != wanted {
                let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
                stream.write_all(answer).ok();
                return;
            }
            match head.strip_prefix("CONNECT ") {
                Some(rest) => tunnel(stream, rest.split(' ').next().unwrap()),
                None => forward(stream, &head, &body),
            }
        });
        Self { server, heads }
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }

    /// Its URL, with or without `user:password@`.
    pub(crate) fn url(&self, user: &str) -> String {
        self.server.endpoint.replace("http://", &format!("http://{user}"))
    }
}

fn tunnel(mut client: TcpStream, to: &str) {
    // Names of the tests lead here, whatever they are.
    let port = to.rsplit(':').next().unwrap();
    let server = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
    client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
    let (mut from, mut into) = (server.try_clone().unwrap(), client.try_clone().unwrap());
    std::thread::spawn(move || {
        std::io::copy(&mut from, &mut into).ok();
        into.shutdown(std::net::Shutdown::Both).ok();
    });
    let mut server = server;
    std::io::copy(&mut client, &mut server).ok();
    server.shutdown(std::net::Shutdown::Both).ok();
}

fn forward(mut client: TcpStream, head: &str, body: &[u8]) {
    let (line, rest) = head.split_once("\r\n").unwrap();
    let mut words = line.split(' ');
    let (method, url) = (words.next().unwrap(), words.next().unwrap());
    let (authority, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut server = TcpStream::connect(authority).unwrap();
    let message = format!("{method} /{path} HTTP/1.1\r\nconnection: close\r\n{rest}");
    server.write_all(&[message.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    client.write_all(&answer).ok();
}
