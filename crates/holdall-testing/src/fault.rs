//! A correct S3 server in memory, and everything that can go wrong with one.
//!
//! ```
//! use holdall_testing::fault::{Fault, FaultServer, Kind, Rule, Script};
//!
//! let script = Script::new()
//!     .bucket("b")
//!     .rule(Rule::new(Fault::slow_down(Some(1))).on(Kind::PutObject).first(3))
//!     .rule(Rule::new(Fault::ResetMidBody { after: 100 }).on(Kind::GetObject).key("big").nth(2));
//! let server = FaultServer::start(script, 7)?;
//! assert!(server.endpoint().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! Buckets are addressed by path. Payload hashes, `Content-MD5` and checksum headers are verified, signatures are
//! not. A bucket's lifecycle rules are kept and do nothing. There are no versions, tags, ACLs or encryption: asking for
//! them is answered with 501.

mod conditions;
mod faults;
mod http;
mod inject;
mod objects;
mod payload;
mod reply;
mod request;
mod s3;
mod script;
mod send;
mod serve;
mod trap;
mod xml;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

pub use faults::Fault;
pub use objects::StoredObject;
pub use request::Kind;
pub use script::{Rule, Script};
pub use trap::Trap;

use crate::listener::Listener;
use crate::stop::Stop;
use objects::{Attributes, Store};
use request::Request;
use script::Engine;

/// A request as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The connection that it came on, from 1.
    pub connection: u64,
    /// Which operation it is.
    pub kind: Kind,
    /// The HTTP method.
    pub method: String,
    /// The path as it was sent.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// The key, decoded; empty when there is none.
    pub key: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// How long the body is, or how much of it was read.
    pub body_length: usize,
    /// Its SHA-256 in hexadecimal.
    pub body_sha256: String,
    /// The fault that it met.
    pub fault: Option<Fault>,
}

impl Seen {
    fn of(connection: u64, request: &Request, fault: Option<&Fault>) -> Seen {
        Seen {
            connection,
            kind: request.kind,
            method: request.method.clone(),
            path: request.raw_path.clone(),
            query: request.raw_query.clone(),
            key: request.key.clone(),
            headers: request.headers.clone(),
            body_length: request.body.len(),
            body_sha256: payload::sha256(&request.body),
            fault: fault.cloned(),
        }
    }

    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// What the threads of a server share.
struct Shared {
    engine: Mutex<Engine>,
    store: Mutex<Store>,
    log: Mutex<Vec<Seen>>,
    answers: AtomicU64,
    stop: Arc<Stop>,
    trap: Trap,
}

/// A thread that panicked has been reported by its join: what it held is still worth reading.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn engine(&self) -> MutexGuard<'_, Engine> {
        lock(&self.engine)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        lock(&self.store)
    }

    fn note(&self, seen: Seen) {
        lock(&self.log).push(seen);
    }
}

/// A running server; dropping it closes every connection and joins its threads.
pub struct FaultServer {
    listener: Listener,
    shared: Arc<Shared>,
}

impl FaultServer {
    /// Binds 127.0.0.1 and starts to answer. The seed decides what [`Rule::chance`] hits.
    ///
    /// # Errors
    /// The system refuses a socket.
    pub fn start(script: Script, seed: u64) -> io::Result<FaultServer> {
        let Script { rules, buckets, minimum_part } = script;
        let buckets = buckets.into_iter().map(|name| (name, BTreeMap::new())).collect();
        let shared = Arc::new(Shared {
            engine: Mutex::new(Engine::new(rules, seed)),
            store: Mutex::new(Store { buckets, minimum_part, ..Store::default() }),
            log: Mutex::default(),
            answers: AtomicU64::new(0),
            stop: Arc::default(),
            trap: Trap::start()?,
        });
        let serves = shared.clone();
        let serve = move |connection, stream| serve::serve(&serves, connection, stream);
        let listener = Listener::start(shared.stop.clone(), serve)?;
        Ok(FaultServer { listener, shared })
    }

    /// The endpoint as a client wants it: `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.listener.address)
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// The requests so far, each from before it was answered.
    pub fn log(&self) -> Vec<Seen> {
        lock(&self.shared.log).clone()
    }

    /// How many of the requests so far are such ones.
    pub fn seen(&self, is_meant: impl Fn(&Seen) -> bool) -> usize {
        lock(&self.shared.log).iter().filter(|seen| is_meant(seen)).count()
    }

    /// Forgets the requests so far.
    pub fn clear_log(&self) {
        lock(&self.shared.log).clear();
    }

    /// How many connections were accepted.
    pub fn connections(&self) -> u64 {
        self.listener.accepted()
    }

    /// How many connections are open now.
    pub fn open_connections(&self) -> usize {
        self.listener.open()
    }

    /// Closes every connection, as a server does with idle ones.
    pub fn disconnect(&self) {
        self.listener.disconnect();
    }

    /// Where redirects lead.
    pub fn trap(&self) -> &Trap {
        &self.shared.trap
    }

    /// Adds a rule behind the others.
    pub fn add_rule(&self, rule: Rule) {
        self.shared.engine().add(rule);
    }

    /// Takes all rules away: from now on the server is a good one.
    pub fn clear_rules(&self) {
        self.shared.engine().clear();
    }

    /// The objects of a bucket by key; empty when there is no such bucket.
    pub fn objects(&self, bucket: &str) -> BTreeMap<String, StoredObject> {
        self.shared.store().buckets.get(bucket).cloned().unwrap_or_default()
    }

    /// One object.
    pub fn object(&self, bucket: &str, key: &str) -> Option<StoredObject> {
        self.shared.store().buckets.get(bucket)?.get(key).cloned()
    }

    /// Puts an object past HTTP and all faults, in a bucket that is made where it is missing.
    pub fn put_object(&self, bucket: &str, key: &str, bytes: &[u8]) {
        self.put_object_at(bucket, key, bytes, SystemTime::now());
    }

    /// The same, as if it had been put at another moment.
    pub fn put_object_at(&self, bucket: &str, key: &str, bytes: &[u8], modified: SystemTime) {
        let object = StoredObject { modified, ..StoredObject::new(bytes.to_vec(), Attributes::default()) };
        self.shared.store().buckets.entry(bucket.to_owned()).or_default().insert(key.to_owned(), object);
    }

    /// Makes a bucket, if it is not there.
    pub fn create_bucket(&self, bucket: &str) {
        self.shared.store().buckets.entry(bucket.to_owned()).or_default();
    }

    /// The bucket's own lifecycle rules as they were put; none where there are none.
    pub fn lifecycle(&self, bucket: &str) -> Option<String> {
        let store = self.shared.store();
        store.lifecycles.get(bucket).map(|rules| String::from_utf8_lossy(rules).into_owned())
    }

    /// The ids of uploads that were neither completed nor aborted, with their keys.
    pub fn uploads(&self) -> BTreeMap<String, String> {
        self.shared.store().uploads.iter().map(|(id, upload)| (id.clone(), upload.key.clone())).collect()
    }
}
