//! Somebody who looks at the destination while it is written.

use super::cargo::{Cargo, LARGE};
use super::ground::Ground;
use super::place::{Place, Seen};
use holdall_testing::random::Random;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

pub(super) struct Watcher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<u64>>,
}

impl Watcher {
    /// Begins to look, at moments that the seed decides.
    pub(super) fn start(ground: &Ground, cargo: Cargo, seed: u64) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, mut random) = (stop.clone(), Random::new(seed));
        let mut view = View {
            cargo,
            source: ground.source(),
            destination: ground.destination(),
            known: HashSet::new(),
            looks: 0,
        };
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                view.look();
                std::thread::sleep(Duration::from_millis(5 + random.number() % 60));
            }
            view.looks
        });
        Self { stop, thread: Some(thread) }
    }

    /// Ends, and answers how many files and objects were looked at.
    pub(super) fn end(mut self) -> u64 {
        self.stop.store(true, Ordering::Relaxed);
        let thread = self.thread.take().expect("it ends once");
        thread.join().expect("what can be seen is whole")
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // The test fails already.
            thread.join().ok();
        }
    }
}

struct View {
    cargo: Cargo,
    /// Where it is moved from.
    source: Option<Place>,
    destination: Place,
    known: HashSet<Seen>,
    looks: u64,
}

impl View {
    fn look(&mut self) {
        // In this order: it is at one of both at every moment.
        if let Some(source) = &self.source
            && !source.has(LARGE)
        {
            let moved = self.destination.read(LARGE);
            assert!(moved.as_ref() == Some(&self.cargo.new[LARGE]), "it is at neither place");
        }
        for seen in self.destination.seen() {
            if self.known.contains(&seen) {
                continue;
            }
            let Some(bytes) = self.destination.read(&seen.name) else { panic!("{seen:?} went") };
            assert!(self.cargo.has(&seen.name, &bytes), "{seen:?} is torn: {} bytes", bytes.len());
            self.known.insert(seen);
            self.looks += 1;
        }
    }
}
