//! Part buffers: bounded in all, and used again.
//!
//! A fresh buffer of some MiB costs a page fault for every 4 KiB of it; used again it costs nothing.

use crate::backend::read_at::PIECE;
use bytes::Bytes;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The bound is counted in pieces of this size.
const UNIT: u64 = 64 * 1024;
/// The share of the memory setting that buffers may take; the rest is for connections, listings and the process.
const SHARE: (u64, u64) = (5, 8);

/// The pool of a store. Whoever takes a buffer waits until the bound leaves room for it.
#[derive(Clone)]
pub(crate) struct Buffers(Arc<Pool>);

struct Pool {
    room: Arc<Semaphore>,
    /// Parts that are read and sent in pieces.
    parts: Arc<Semaphore>,
    units: u32,
    free: Mutex<Vec<Vec<u8>>>,
    usual: usize,
}

impl Buffers {
    /// Bounds buffers to five eighths of `memory`, but lets one part of any size through. So many parts are read and sent
    /// in pieces at once.
    pub(crate) fn new(memory: u64, part_size: u64, at_once: usize) -> Self {
        let bound = (memory / SHARE.1 * SHARE.0).max(part_size);
        let units = u32::try_from(bound.div_ceil(UNIT)).unwrap_or(u32::MAX >> 4).min(u32::MAX >> 4);
        Self(Arc::new(Pool {
            room: Arc::new(Semaphore::new(units as usize)),
            parts: Arc::new(Semaphore::new(at_once.clamp(1, Semaphore::MAX_PERMITS))),
            units,
            free: Mutex::new(Vec::new()),
            usual: usize::try_from(part_size).unwrap_or(usize::MAX),
        }))
    }

    /// An empty buffer that may grow to `size` bytes.
    pub(crate) async fn take(&self, size: usize) -> Buffer {
        let size = self.0.class(size);
        let permit = self.room(size as u64).await;
        let mut bytes = self.0.recycled(size);
        bytes.reserve_exact(size);
        Buffer { bytes, pool: self.0.clone(), _permit: permit }
    }

    /// Leave to read and send a part in pieces.
    pub(crate) async fn leave(&self) -> Leave {
        let part = self.0.parts.clone().acquire_owned().await.expect("the semaphore is never closed");
        // One piece is sent while the next is read.
        Leave { _part: part, _room: self.room(2 * PIECE).await }
    }

    /// Room for bytes that the caller holds.
    pub(crate) async fn room(&self, size: u64) -> OwnedSemaphorePermit {
        let units = u32::try_from(size.div_ceil(UNIT)).unwrap_or(u32::MAX).clamp(1, self.0.units);
        self.0.room.clone().acquire_many_owned(units).await.expect("the semaphore is never closed")
    }
}

impl Pool {
    /// What a buffer has room for that must have room for `size`: parts have their own, and else there are so few sizes
    /// that a buffer is soon used again.
    fn class(&self, size: usize) -> usize {
        let step = size.next_power_of_two() / 8;
        if size == self.usual || step == 0 { size } else { size.next_multiple_of(step) }
    }

    /// A free buffer of this size, if there is one. Others go that the bound leaves no room for beside those in use.
    fn recycled(&self, size: usize) -> Vec<u8> {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let found = free.iter().rposition(|buffer| buffer.capacity() == size);
        let found = found.map(|at| free.swap_remove(at));
        let room = self.room.available_permits() as u64 * UNIT;
        while free.iter().map(|buffer| buffer.capacity() as u64).sum::<u64>() > room {
            free.remove(0);
        }
        found.unwrap_or_default()
    }
}

/// What is held while a part is sent in pieces.
pub(crate) struct Leave {
    _part: OwnedSemaphorePermit,
    _room: OwnedSemaphorePermit,
}

impl fmt::Debug for Buffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffers").field("bytes", &(u64::from(self.0.units) * UNIT)).finish_non_exhaustive()
    }
}

/// A buffer of the pool, given back when it and all its [`Bytes`] are dropped.
pub(crate) struct Buffer {
    pub(crate) bytes: Vec<u8>,
    pool: Arc<Pool>,
    _permit: OwnedSemaphorePermit,
}

impl Buffer {
    /// Makes it immutable without a copy.
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        self.pool.free.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_bound_holds_and_buffers_come_back() {
        let buffers = Buffers::new(16 << 20, 5 << 20, 1);
        let mut first = buffers.take(5 << 20).await;
        first.bytes.extend_from_slice(b"abc");
        let address = first.bytes.as_ptr();
        let _second = buffers.take(5 << 20).await;
        let third = tokio::time::timeout(Duration::from_millis(20), buffers.take(5 << 20)).await;
        assert!(third.is_err(), "a third buffer would break the bound");
        let frozen = first.freeze();
        let copy = frozen.clone();
        drop(frozen);
        assert_eq!(copy, "abc");
        drop(copy);
        let again = buffers.take(5 << 20).await;
        assert_eq!((again.bytes.as_ptr(), again.bytes.len()), (address, 0));
    }

    #[tokio::test]
    async fn free_buffers_and_those_in_use_are_within_the_bound_together() {
        let buffers = Buffers::new(16 << 20, 5 << 20, 1);
        let free = || buffers.0.free.lock().unwrap().iter().map(Vec::capacity).collect::<Vec<_>>();
        drop([buffers.take(3 << 20).await, buffers.take((1 << 20) + 1).await, buffers.take(5 << 20).await]);
        assert_eq!(free(), [3 << 20, 5 << 18, 5 << 20]);
        let again = buffers.take(5 << 18).await;
        assert_eq!(free(), [3 << 20, 5 << 20], "it is used again");
        let _other = buffers.take(2 << 20).await;
        assert_eq!(free(), [5 << 20], "the oldest gives way");
        drop(again);
        let _all = buffers.take(7 << 20).await;
        assert!(free().is_empty());
    }

    #[tokio::test]
    async fn one_part_of_any_size_goes_through() {
        let buffers = Buffers::new(16 << 20, 5 << 20, 1);
        drop(buffers.take(32 << 20).await);
    }

    #[tokio::test]
    async fn parts_in_pieces_are_as_many_as_are_let() {
        let buffers = Buffers::new(16 << 20, 5 << 20, 2);
        let wait = |buffers: Buffers| async move {
            tokio::time::timeout(Duration::from_millis(20), buffers.leave()).await
        };
        let first = buffers.leave().await;
        let second = wait(buffers.clone()).await.unwrap();
        assert!(wait(buffers.clone()).await.is_err(), "a third part would be one too many");
        drop(first);
        wait(buffers.clone()).await.unwrap();
        drop(second);
        // The room for them is that of buffers.
        let (_one, _two) = (buffers.take(5 << 20).await, buffers.take(5 << 20).await);
        assert!(wait(buffers.clone()).await.is_err(), "pieces would break the bound");
    }
}
