//! Counts the bytes of transfers for whoever shows them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Bytes that have moved, of those that are expected. Clones share one count.
///
/// Each byte of an object counts once, however often it is sent: an attempt that is repeated counts again only from
/// where the one before came to. Bytes count when they are handed to the connection, or come from it. Counting takes
/// no lock; it is done for each piece of up to 256 KiB.
#[derive(Clone, Default)]
pub struct Progress(Arc<Counts>);

#[derive(Default)]
struct Counts {
    moved: AtomicU64,
    expected: AtomicU64,
    complete: AtomicBool,
    parent: Option<Progress>,
    call: Option<Box<dyn Fn(u64) + Send + Sync>>,
}

impl Progress {
    /// A count that is looked at now and then.
    pub fn new() -> Self {
        Self::default()
    }

    /// A count that also calls with the number of bytes that have just moved, from whatever thread moved them.
    /// The transfer waits for the call, which must not block.
    pub fn calling(call: impl Fn(u64) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Counts { call: Some(Box::new(call)), ..Counts::default() }))
    }

    /// The count of a part of the whole: what moves in it moves in this one too.
    pub fn part(&self) -> Self {
        Self(Arc::new(Counts { parent: Some(self.clone()), ..Counts::default() }))
    }

    /// The bytes that have moved.
    pub fn moved(&self) -> u64 {
        self.0.moved.load(Ordering::Relaxed)
    }

    /// The bytes that are known to be wanted, those that have moved among them.
    pub fn expected(&self) -> u64 {
        self.0.expected.load(Ordering::Relaxed)
    }

    /// Whether [`Progress::expected`] is all that there will be.
    pub fn is_complete(&self) -> bool {
        self.0.complete.load(Ordering::Acquire)
    }

    /// Counts bytes.
    pub fn add(&self, bytes: u64) {
        self.0.moved.fetch_add(bytes, Ordering::Relaxed);
        self.pass_on(bytes);
    }

    /// Counts what is missing to this many bytes.
    pub fn reach(&self, bytes: u64) {
        let before = self.0.moved.fetch_max(bytes, Ordering::Relaxed);
        if bytes > before {
            self.pass_on(bytes - before);
        }
    }

    /// Says that more bytes are wanted.
    pub fn expect(&self, bytes: u64) {
        self.0.expected.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Says that all that is wanted is known.
    pub fn complete(&self) {
        self.0.complete.store(true, Ordering::Release);
    }

    fn pass_on(&self, bytes: u64) {
        if let Some(call) = &self.0.call {
            call(bytes);
        }
        if let Some(parent) = &self.0.parent {
            parent.add(bytes);
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress({} of {})", self.moved(), self.expected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_again_counts_once() {
        let called = Arc::new(AtomicU64::new(0));
        let calls = called.clone();
        let whole = Progress::calling(move |bytes| {
            calls.fetch_add(bytes, Ordering::Relaxed);
        });
        let part = whole.part();
        for position in [10, 20, 5, 15, 25] {
            part.reach(position);
        }
        whole.part().add(7);
        assert_eq!((part.moved(), whole.moved(), called.load(Ordering::Relaxed)), (25, 32, 32));
    }

    #[test]
    fn clones_share_what_is_expected() {
        let progress = Progress::new();
        progress.clone().expect(5);
        progress.expect(6);
        assert_eq!((progress.expected(), progress.is_complete()), (11, false));
        progress.clone().complete();
        assert!(progress.is_complete());
    }
}
