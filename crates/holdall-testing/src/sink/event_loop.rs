//! A thread with an epoll and the connections that it serves.

use std::io::{self, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};

use super::connection::{Connection, Next};
use super::memory::Memory;
use super::wire::Wire;

const MAILBOX: u64 = 0;
const LISTENER: u64 = 1;
const FIRST: u64 = 2;

/// How a worker is told of new connections, and to stop.
pub(super) struct Mailbox {
    bell: OwnedFd,
    arrivals: Mutex<Vec<TcpStream>>,
    stopped: AtomicBool,
}

impl Mailbox {
    pub(super) fn new() -> io::Result<Mailbox> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Mailbox { bell, arrivals: Mutex::default(), stopped: AtomicBool::new(false) })
    }

    fn arrivals(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        // It fails only when the counter is full, and then the bell is ringing already.
        let _rung = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn deliver(&self, stream: TcpStream) {
        self.arrivals().push(stream);
        self.ring();
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Release);
        self.ring();
    }
}

pub(super) struct Worker {
    index: usize,
    epoll: OwnedFd,
    listener: Option<TcpListener>,
    mailboxes: Arc<[Mailbox]>,
    memory: Arc<Memory>,
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    accepted: usize,
    waste: Vec<u8>,
}

impl Worker {
    /// The worker with the listener deals the connections out in turn.
    pub(super) fn new(
        index: usize,
        listener: Option<TcpListener>,
        mailboxes: Arc<[Mailbox]>,
        memory: Arc<Memory>,
    ) -> io::Result<Worker> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &mailboxes[index].bell, EventData::new_u64(MAILBOX), EventFlags::IN)?;
        if let Some(listener) = &listener {
            epoll::add(&epoll, listener, EventData::new_u64(LISTENER), EventFlags::IN)?;
        }
        let (connections, free) = (Vec::new(), Vec::new());
        let waste = vec![0; 8 << 20];
        Ok(Worker { index, epoll, listener, mailboxes, memory, connections, free, accepted: 0, waste })
    }

    pub(super) fn run(mut self) {
        let mut events: Vec<Event> = Vec::with_capacity(256);
        while !self.mailboxes[self.index].stopped.load(Ordering::Acquire) {
            events.clear();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => panic!("epoll cannot wait: {error}"),
            }
            for event in &events {
                match event.data.u64() {
                    MAILBOX => self.open_mailbox(),
                    LISTENER => self.accept(),
                    token => self.serve((token - FIRST) as usize),
                }
            }
        }
    }

    fn accept(&mut self) {
        loop {
            match self.listener.as_ref().map(TcpListener::accept) {
                Some(Ok((stream, _))) => {
                    let turn = self.accepted % self.mailboxes.len();
                    self.accepted += 1;
                    if turn == self.index { self.adopt(stream) } else { self.mailboxes[turn].deliver(stream) }
                }
                Some(Err(error)) if error.kind() == ErrorKind::ConnectionAborted => {}
                Some(Err(_)) | None => return,
            }
        }
    }

    fn open_mailbox(&mut self) {
        let mut count = [0; 8];
        // Nothing to read only means that an earlier reading took this ring along.
        let _rings = rustix::io::read(&self.mailboxes[self.index].bell, &mut count);
        let arrivals = std::mem::take(&mut *self.mailboxes[self.index].arrivals());
        for stream in arrivals {
            self.adopt(stream);
        }
    }

    /// A connection that cannot be set up is closed by being dropped, and the client sees it.
    fn adopt(&mut self, stream: TcpStream) {
        let Ok(wire) = Wire::new(stream, self.memory.options.tls.as_ref()) else { return };
        let connection = Connection::new(wire);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.connections.push(None);
            self.connections.len() - 1
        });
        let data = EventData::new_u64(slot as u64 + FIRST);
        if epoll::add(&self.epoll, &connection.wire.stream, data, EventFlags::IN).is_ok() {
            self.connections[slot] = Some(connection);
        } else {
            self.free.push(slot);
        }
    }

    fn serve(&mut self, slot: usize) {
        let Some(connection) = &mut self.connections[slot] else { return };
        let next = connection.ready(&self.memory, &mut self.waste).unwrap_or(Next::Close);
        let waits = std::mem::replace(&mut connection.waits, next);
        let flags = match next {
            Next::Read => EventFlags::IN,
            Next::Write => EventFlags::OUT,
            Next::Close => EventFlags::empty(),
        };
        let data = EventData::new_u64(slot as u64 + FIRST);
        let lost = next != waits && epoll::modify(&self.epoll, &connection.wire.stream, data, flags).is_err();
        if next == Next::Close || lost {
            self.connections[slot] = None;
            self.free.push(slot);
        }
    }
}
