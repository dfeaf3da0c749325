//! Counts what passes between commands and a server.

use holdall_testing::server::Server;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Passes connections on and counts what clients send, and what they are sent.
pub(crate) struct Meter {
    pub(crate) endpoint: String,
    sent: Arc<AtomicU64>,
    received: Arc<AtomicU64>,
    open: Arc<AtomicU64>,
}

impl Meter {
    pub(crate) fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let target = server.endpoint.strip_prefix("http://").unwrap().to_owned();
        let [sent, received, open] = std::array::from_fn(|_| Arc::new(AtomicU64::new(0)));
        let (count, counted, connections) = (sent.clone(), received.clone(), open.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let (client, server) = (client.unwrap(), TcpStream::connect(&target).unwrap());
                let (back, forth) = (server.try_clone().unwrap(), client.try_clone().unwrap());
                for (from, to, count) in [(forth, server, &count), (back, client, &counted)] {
                    let (count, connections) = (count.clone(), connections.clone());
                    connections.fetch_add(1, Ordering::SeqCst);
                    std::thread::spawn(move || {
                        pass_on(from, to, &count);
                        connections.fetch_sub(1, Ordering::SeqCst);
                    });
                }
            }
        });
        Self { endpoint, sent, received, open }
    }

    /// The bytes that the server got.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// The bytes that the server gave.
    pub(crate) fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }

    /// Waits until nothing comes any more of a process that ended: the kernel has some of what it sent.
    pub(crate) fn settle(&self) {
        let start = Instant::now();
        while self.open.load(Ordering::SeqCst) > 0 {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "a connection of a process that ended stays open"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Either side may be gone at any time: the other is told, and that is all.
fn pass_on(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n @ 1..) = from.read(&mut buffer) {
        count.fetch_add(n as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..n]).is_err() {
            break;
        }
    }
    for stream in [from, to] {
        stream.shutdown(Shutdown::Both).ok();
    }
}
