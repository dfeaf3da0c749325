//! An S3-shaped server that does next to nothing, so that a benchmark measures the client.
//!
//! PUT bodies are dropped in the kernel without being copied, GET bodies are sent from one small pattern,
//! listings are stamped from a template. No signature, checksum or condition is looked at (but see
//! [`SinkOptions::verify`]), metadata is not kept.
//!
//! What exists:
//! - Without [`SinkOptions::remember`] every key exists, in every bucket.
//! - With it, a bucket that was created or written to holds exactly what was put there (sizes are kept, bytes are
//!   not), and in any other bucket only the names of the synthetic listing exist.
//! - With [`SinkOptions::keep`] besides, bytes of what was put there are kept in memory, too, and sent when it is read:
//!   bodies of requests up to 64 MiB.
//! - A key with `size=N` in it always exists and is N bytes long unless something else was put there.
//! - The synthetic listing has [`SinkOptions::keys`] keys `object-000000000`, `object-000000001` … below whatever
//!   prefix is asked for.
//!
//! ETags are stable per key and size and end in `-1`, so that no client mistakes them for an MD5.

mod connection;
mod event_loop;
mod listing;
mod memory;
mod operation;
mod pattern;
mod reply;
mod request;
mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use event_loop::{Mailbox, Worker};
use memory::Memory;
pub use pattern::{fill as pattern_fill, matches as pattern_matches};
use rustls::ServerConfig;

/// What a [`Sink`] pretends to hold and how it runs.
#[derive(Clone, Debug)]
pub struct SinkOptions {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// How many keys the synthetic listing has.
    pub keys: u64,
    /// Size in bytes of an object whose key does not say `size=N`.
    pub size: u64,
    /// Keeps the size of whatever is put, so that listing and reading it afterwards answer the truth.
    pub remember: bool,
    /// Keeps the bytes, too, in memory.
    pub keep: bool,
    /// Refuses a put of up to 4 KiB that is not of the SHA-256 which was signed, as real servers do with any: a client that
    /// tries a server finds that this one verifies. Longer bodies are dropped unseen.
    pub verify: bool,
    /// Event loops, each on a thread of its own. One is the cheapest in CPU.
    pub threads: usize,
    /// Speaks TLS by these settings, such as [`Authority::server`](crate::tls::Authority::server) makes; without any,
    /// plain HTTP. Bodies are decrypted then and dropped afterwards, which costs about what encrypting them costs the
    /// client.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Default for SinkOptions {
    fn default() -> SinkOptions {
        SinkOptions {
            port: 0,
            keys: 100_000,
            size: 4096,
            remember: false,
            keep: false,
            verify: false,
            threads: 1,
            tls: None,
        }
    }
}

/// A running sink; dropping it closes every connection and joins its threads.
pub struct Sink {
    address: SocketAddr,
    scheme: &'static str,
    mailboxes: Arc<[Mailbox]>,
    threads: Vec<JoinHandle<()>>,
}

impl Sink {
    /// Binds 127.0.0.1 and starts to answer.
    ///
    /// # Errors
    /// The port is taken, or the system refuses a socket or an epoll.
    pub fn start(options: SinkOptions) -> io::Result<Sink> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, options.port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let count = options.threads.max(1);
        let mailboxes: Arc<[Mailbox]> = (0..count).map(|_| Mailbox::new()).collect::<io::Result<_>>()?;
        let scheme = if options.tls.is_some() { "https" } else { "http" };
        let memory = Arc::new(Memory::new(options));
        let mut listener = Some(listener);
        let workers = (0..count)
            .map(|index| Worker::new(index, listener.take(), mailboxes.clone(), memory.clone()))
            .collect::<io::Result<Vec<_>>>()?;
        let threads = workers.into_iter().map(|worker| std::thread::spawn(move || worker.run())).collect();
        Ok(Sink { address, scheme, mailboxes, threads })
    }

    /// The endpoint as a client wants it: `http://127.0.0.1:PORT`, or `https://…`.
    pub fn endpoint(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        for mailbox in self.mailboxes.iter() {
            mailbox.stop();
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() && !std::thread::panicking() {
                panic!("a thread of the sink panicked");
            }
        }
    }
}
