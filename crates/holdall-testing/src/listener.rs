//! Accepting connections, a thread for each, and ending them all.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use crate::stop::Stop;

/// A listening socket with its threads; dropping it closes every connection and joins them.
pub(crate) struct Listener {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    stop: Arc<Stop>,
    accepted: AtomicU64,
    open: Mutex<HashMap<u64, Arc<TcpStream>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, HashMap<u64, Arc<TcpStream>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Binds 127.0.0.1 and runs `serve` on a thread of its own for each connection, numbered from 1.
    pub(crate) fn start(
        stop: Arc<Stop>,
        serve: impl Fn(u64, Arc<TcpStream>) + Send + Sync + 'static,
    ) -> io::Result<Listener> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { stop, ..Shared::default() });
        let (threads, serve) = (shared.clone(), Arc::new(serve));
        let acceptor = std::thread::spawn(move || accept(&listener, &threads, &serve));
        Ok(Listener { address, shared, acceptor: Some(acceptor) })
    }

    pub(crate) fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    pub(crate) fn open(&self) -> usize {
        self.shared.open().len()
    }

    /// Ends every connection there is, idle or not.
    pub(crate) fn disconnect(&self) {
        for stream in self.shared.open().values() {
            // It fails when the client was faster.
            let _closed = stream.shutdown(Shutdown::Both);
        }
    }
}

fn accept<F>(listener: &TcpListener, shared: &Arc<Shared>, serve: &Arc<F>)
where
    F: Fn(u64, Arc<TcpStream>) + Send + Sync + 'static,
{
    while let Ok((stream, _)) = listener.accept() {
        if shared.stop.wait(std::time::Duration::ZERO) {
            return;
        }
        // Without it small answers would wait for the client's delayed acknowledgement.
        if stream.set_nodelay(true).is_err() {
            continue;
        }
        let number = shared.accepted.fetch_add(1, Ordering::SeqCst) + 1;
        let stream = Arc::new(stream);
        shared.open().insert(number, stream.clone());
        let (own, serve) = (shared.clone(), serve.clone());
        let thread = std::thread::spawn(move || {
            let _open = Registered { shared: own, number };
            serve(number, stream);
        });
        let mut threads = shared.threads();
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
    }
}

/// A place in the registry of open connections.
struct Registered {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.shared.open().remove(&self.number);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.shared.stop.set();
        // A connection wakes the acceptor; when it cannot be made, the acceptor is gone.
        let _woken = TcpStream::connect(self.address);
        let mut panicked = self.acceptor.take().is_some_and(|acceptor| acceptor.join().is_err());
        self.disconnect();
        let threads = std::mem::take(&mut *self.shared.threads());
        for thread in threads {
            panicked |= thread.join().is_err();
        }
        assert!(!panicked || std::thread::panicking(), "a thread of the server panicked");
    }
}
