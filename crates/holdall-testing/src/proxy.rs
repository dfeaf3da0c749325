//! A slow, narrow and breakable way to a server: bytes are passed on as they are, and counted.
//!
//! The kernels that tests run on cannot shape loopback, so this does it in user space, for any protocol on TCP.

mod connection;
mod line;
mod link;

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::listener::Listener;
use crate::stop::Stop;
use link::Link;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// How bytes travel, each way.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Shape {
    /// How long each byte takes to arrive.
    pub delay: Duration,
    /// How many bytes a second pass, of all connections together; without one, as many as come.
    pub rate: Option<u64>,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Both sides see it reset.
    Reset,
    /// Nothing passes any more, either way, until the client closes it or the way is mended. The close of a client that
    /// has more to say than its socket takes is not seen.
    Stall,
}

/// A proxy before one server; dropping it ends every connection and joins its threads.
pub struct Proxy {
    listener: Listener,
    links: Arc<Links>,
}

/// Both ways of all connections.
#[derive(Default)]
struct Links {
    up: Link,
    down: Link,
    mends: AtomicU64,
}

impl Links {
    fn of(&self, way: Way) -> &Link {
        match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        }
    }

    /// How often all was mended.
    fn mends(&self) -> u64 {
        self.mends.load(Ordering::SeqCst)
    }
}

impl Proxy {
    /// Listens on loopback and passes each connection on to the server of an endpoint such as `http://127.0.0.1:9000`.
    ///
    /// # Errors
    /// The endpoint is not plain http with a port or has no address, or there is no socket to listen on.
    pub fn before(endpoint: &str) -> io::Result<Proxy> {
        let server = address(endpoint)?;
        let (links, stop) = (Arc::new(Links::default()), Arc::new(Stop::default()));
        let (shared, ended) = (links.clone(), stop.clone());
        let listener = Listener::start(stop, move |_, client| {
            // A server that is not there is a client's connection that closes.
            let Ok(server) = TcpStream::connect(server) else { return };
            // How either side ends the connection is its own affair: the other is told by the close.
            let _ended = connection::carry(&client, &server, &shared, &ended);
        })?;
        Ok(Proxy { listener, links })
    }

    /// The endpoint that clients use in place of the server's.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address)
    }

    /// Shapes both ways, for all that is read from now on.
    pub fn shape(&self, shape: Shape) {
        self.links.up.shape(shape);
        self.links.down.shape(shape);
    }

    /// Cuts the connection that would carry the next byte once so many more have passed that way.
    ///
    /// It happens once: the connection after it is whole. Of several, each counts from the moment it was asked for.
    pub fn cut(&self, way: Way, after: u64, cut: Cut) {
        self.links.of(way).cut(after, cut);
    }

    /// Lets all pass as it comes again: nothing is shaped, no cut is to come, and connections that stall are closed.
    /// What was read before keeps its time.
    pub fn mend(&self) {
        self.shape(Shape::default());
        self.links.up.forget_cuts();
        self.links.down.forget_cuts();
        // After the cuts: a stall that begins now is of a connection that knows the count of before.
        self.links.mends.fetch_add(1, Ordering::SeqCst);
    }

    /// How many cuts are still to come.
    pub fn cuts_left(&self) -> usize {
        self.links.up.cuts_left() + self.links.down.cuts_left()
    }

    /// How many bytes came in that way, of all connections; those that wait to be passed on are counted.
    pub fn bytes(&self, way: Way) -> u64 {
        self.links.of(way).came()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> u64 {
        self.listener.accepted()
    }

    /// How many connections are open: none means that all that came has been passed on or lost.
    pub fn open(&self) -> usize {
        self.listener.open()
    }
}

fn address(endpoint: &str) -> io::Result<SocketAddr> {
    let bad = || {
        io::Error::new(io::ErrorKind::InvalidInput, format!("no server to pass on to endpoint=`{endpoint}`"))
    };
    let authority = endpoint.strip_prefix("http://").ok_or_else(bad)?.trim_end_matches('/');
    authority.to_socket_addrs()?.next().ok_or_else(bad)
}
